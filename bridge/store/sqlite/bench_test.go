package sqlite_test

import (
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

func webhook(n int64, tasks int64) bridge.Event {
	task := strconv.FormatInt(n%tasks, 10)
	return bridge.Event{Provider: "acme", Reference: "T-" + task, Dir: bridge.In, Kind: bridge.Update, Key: "d-" + strconv.FormatInt(n, 10),
		Entrance: bridge.ByWebhook, Text: "We have looked at the printer and ordered a new fuser unit, expected on Thursday.",
		Inbound: &bridge.Inbound{Provider: "acme", Entrance: bridge.ByWebhook, ContentType: "application/json", Body: make([]byte, 700)}}
}

// BenchmarkAccept is a durable accept as 64 webhook callers see it.
func BenchmarkAccept(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "a.db"), nil)
	const tasks = 1000
	for i := range int64(tasks) {
		_, err := s.Operate(ctx, bridge.Command{Verb: bridge.VerbBondImport, Provider: "acme", Task: strconv.FormatInt(i, 10), Reference: "T-" + strconv.FormatInt(i, 10)})
		require.NoError(b, err)
	}
	var n atomic.Int64
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := s.Accept(ctx, []bridge.Event{webhook(n.Add(1), tasks)}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkLeaseSettle leases and settles in turns of 64, as the delivery loop does.
func BenchmarkLeaseSettle(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "a.db"), nil)
	const tasks = 1000
	for i := range int64(tasks) {
		_, err := s.Operate(ctx, bridge.Command{Verb: bridge.VerbBondImport, Provider: "acme", Task: strconv.FormatInt(i, 10), Reference: "T-" + strconv.FormatInt(i, 10)})
		require.NoError(b, err)
	}
	for i := 0; i < b.N; i += 256 {
		var batch []bridge.Event
		for j := i; j < min(i+256, b.N); j++ {
			batch = append(batch, webhook(int64(j), tasks))
		}
		_, err := s.Accept(ctx, batch)
		require.NoError(b, err)
	}
	session := bridge.Session{ID: "s", Until: time.Now().Add(time.Hour)}
	require.NoError(b, s.Renew(ctx, session))
	want := []bridge.Want{{Dest: bridge.SSP, N: 64}}
	var results []bridge.Result
	b.ResetTimer()
	for done := 0; done < b.N; {
		out, err := s.Settle(ctx, session, results, want)
		require.NoError(b, err)
		done += len(results)
		results = results[:0]
		for _, l := range out.Leases {
			results = append(results, bridge.Result{Lease: l, Then: bridge.ThenDone, Outcome: bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered, Status: 200}})
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkSize measures what a settled event costs on disk.
func BenchmarkSize(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.db")
	s := open(b, path, nil)
	const tasks = 1000
	for i := range int64(tasks) {
		_, err := s.Operate(ctx, bridge.Command{Verb: bridge.VerbBondImport, Provider: "acme", Task: strconv.FormatInt(i, 10), Reference: "T-" + strconv.FormatInt(i, 10)})
		require.NoError(b, err)
	}
	session := bridge.Session{ID: "s", Until: time.Now().Add(time.Hour)}
	require.NoError(b, s.Renew(ctx, session))
	size := func() int64 { // of a copy: without the free room of the file and the -wal
		var n counter
		require.NoError(b, s.Backup(ctx, &n))
		return int64(n)
	}
	before := size()
	for i := 0; i < b.N; i += 200 {
		var batch []bridge.Event
		for j := i; j < min(i+200, b.N); j++ {
			batch = append(batch, webhook(int64(j), tasks))
		}
		_, err := s.Accept(ctx, batch)
		require.NoError(b, err)
		out, err := s.Settle(ctx, session, nil, []bridge.Want{{Dest: bridge.SSP, N: 200}})
		require.NoError(b, err)
		var results []bridge.Result
		for _, l := range out.Leases {
			results = append(results, bridge.Result{Lease: l, Then: bridge.ThenDone, Outcome: bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered, Status: 200}})
		}
		_, err = s.Settle(ctx, session, results, nil)
		require.NoError(b, err)
		_, err = s.Sweep(ctx, bridge.SweepOptions{}) // it indexes the texts
		require.NoError(b, err)
	}
	b.ReportMetric(float64(size()-before)/float64(b.N), "bytes/event")
}

// A counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
