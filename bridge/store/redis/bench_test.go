package redisstore_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
)

const benchTasks = 1000

func webhook(n int64) bridge.Event {
	task := strconv.FormatInt(n%benchTasks, 10)
	return bridge.Event{Provider: "acme", Reference: "R-" + task, Dir: bridge.In, Kind: bridge.Update, Key: "d-" + strconv.FormatInt(n, 10),
		Entrance: bridge.ByWebhook, Text: "We have looked at the printer and ordered a new fuser unit, expected on Thursday.",
		Inbound: &bridge.Inbound{Provider: "acme", Entrance: bridge.ByWebhook, ContentType: "application/json", Body: make([]byte, 700)}}
}

// modes runs a benchmark with both ways of keeping the AOF.
func modes(b *testing.B, run func(b *testing.B, s *redisstore.Store, c *redis.Client)) {
	for _, fsync := range []string{"always", "everysec"} {
		b.Run(fsync, func(b *testing.B) {
			srv := startServer(b, "--appendfsync", fsync)
			c := redis.NewClient(&redis.Options{Addr: srv.Addr()})
			defer c.Close()
			s := open(b, srv.URL(), redisstore.Options{Durability: redisstore.DurabilityRelaxed})
			link(b, s, "", benchTasks)
			run(b, s, c)
		})
	}
}

// cpu returns the processor time the server has used, in seconds.
func cpu(b *testing.B, c *redis.Client) float64 {
	b.Helper()
	return info(b, c, "cpu", "used_cpu_user") + info(b, c, "cpu", "used_cpu_sys")
}

func info(b *testing.B, c *redis.Client, section, field string) float64 {
	b.Helper()
	all, err := c.Info(ctx, section).Result()
	require.NoError(b, err)
	for line := range strings.Lines(all) {
		if v, ok := strings.CutPrefix(line, field+":"); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			require.NoError(b, err)
			return f
		}
	}
	return 0
}

// BenchmarkAccept is a durable accept as 64 webhook callers see it.
func BenchmarkAccept(b *testing.B) {
	modes(b, func(b *testing.B, s *redisstore.Store, c *redis.Client) {
		memory, used := info(b, c, "memory", "used_memory"), cpu(b, c)
		var n atomic.Int64
		var mu sync.Mutex
		var all []time.Duration
		var wg sync.WaitGroup
		b.ResetTimer()
		for range 64 {
			wg.Go(func() {
				var mine []time.Duration
				for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
					start := time.Now()
					if _, err := s.Accept(ctx, []bridge.Event{webhook(i)}); err != nil {
						b.Error(err)
						return
					}
					mine = append(mine, time.Since(start))
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, mine...)
			})
		}
		wg.Wait()
		b.StopTimer()
		slices.Sort(all)
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
		b.ReportMetric((cpu(b, c)-used)/float64(b.N)*1e6, "redis-µs/event")
		b.ReportMetric((info(b, c, "memory", "used_memory")-memory)/float64(b.N), "bytes/event")
	})
}

// BenchmarkLeaseSettle leases and settles in turns of 64, as the delivery loop does.
func BenchmarkLeaseSettle(b *testing.B) {
	modes(b, func(b *testing.B, s *redisstore.Store, c *redis.Client) {
		for i := 0; i < b.N; i += 256 {
			var batch []bridge.Event
			for j := i; j < min(i+256, b.N); j++ {
				batch = append(batch, webhook(int64(j)))
			}
			_, err := s.Accept(ctx, batch)
			require.NoError(b, err)
		}
		me := session(b, s, "me")
		want := []bridge.Want{{Dest: bridge.SSP, N: 64}}
		used := cpu(b, c)
		var results []bridge.Result
		b.ResetTimer()
		for done := 0; done < b.N; {
			out, err := s.Settle(ctx, me, results, want)
			require.NoError(b, err)
			done += len(results)
			results = results[:0]
			for _, l := range out.Leases {
				results = append(results, bridge.Result{Lease: l, Then: bridge.ThenDone, Outcome: bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered, Status: 200}})
			}
		}
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		b.ReportMetric((cpu(b, c)-used)/float64(b.N)*1e6, "redis-µs/event")
	})
}

// BenchmarkThrough takes events in by 64 callers and delivers them to nowhere at the same time.
func BenchmarkThrough(b *testing.B) {
	modes(b, func(b *testing.B, s *redisstore.Store, c *redis.Client) {
		me := session(b, s, "me")
		used := cpu(b, c)
		var n atomic.Int64
		var wg sync.WaitGroup
		b.ResetTimer()
		for range 64 {
			wg.Go(func() {
				for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
					if _, err := s.Accept(ctx, []bridge.Event{webhook(i)}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		want := []bridge.Want{{Dest: bridge.SSP, N: 128}}
		var results []bridge.Result
		for done := 0; done < b.N; {
			out, err := s.Settle(ctx, me, results, want)
			require.NoError(b, err)
			done += len(results)
			results = results[:0]
			for _, l := range out.Leases {
				results = append(results, bridge.Result{Lease: l, Then: bridge.ThenDone, Outcome: bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered, Status: 200}})
			}
			if len(results) == 0 && done < b.N {
				<-s.Wake()
			}
		}
		wg.Wait()
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		b.ReportMetric((cpu(b, c)-used)/float64(b.N)*1e6, "redis-µs/event")
	})
}

// BenchmarkMemory measures what a settled event costs Redis.
func BenchmarkMemory(b *testing.B) {
	srv := startServer(b, "--appendfsync", "no")
	c := redis.NewClient(&redis.Options{Addr: srv.Addr()})
	defer c.Close()
	s := open(b, srv.URL(), redisstore.Options{Durability: redisstore.DurabilityRelaxed})
	link(b, s, "", benchTasks)
	me := session(b, s, "me")
	before := info(b, c, "memory", "used_memory")
	for i := 0; i < b.N; i += 200 {
		var batch []bridge.Event
		for j := i; j < min(i+200, b.N); j++ {
			batch = append(batch, webhook(int64(j)))
		}
		_, err := s.Accept(ctx, batch)
		require.NoError(b, err)
		out, err := s.Settle(ctx, me, nil, []bridge.Want{{Dest: bridge.SSP, N: 200}})
		require.NoError(b, err)
		var results []bridge.Result
		for _, l := range out.Leases {
			results = append(results, bridge.Result{Lease: l, Then: bridge.ThenDone, Outcome: bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered, Status: 200}})
		}
		_, err = s.Settle(ctx, me, results, nil)
		require.NoError(b, err)
	}
	b.ReportMetric((info(b, c, "memory", "used_memory")-before)/float64(b.N), "bytes/event")
	body, err := s.Events(ctx, bridge.EventFilter{Limit: 1})
	require.NoError(b, err)
	b.ReportMetric(float64(len(fmt.Sprint(body[0].Text))+700), "payload-bytes")
}
