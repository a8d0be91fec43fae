package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

// benchmarkStore has a bond for each of 1,000 tasks.
func benchmarkStore(b *testing.B) *sqlite.Store {
	store := openStore(b, filepath.Join(b.TempDir(), "a.db"), nil)
	for i := range 1000 {
		_, err := store.Operate(b.Context(), bridge.Command{Verb: bridge.VerbBondImport, Person: "bench", Provider: "acme", Task: fmt.Sprint(i), Reference: fmt.Sprint("INC-", i)})
		require.NoError(b, err)
	}
	return store
}

// BenchmarkAcceptToEffect measures events from 64 callers, accepted, leased, delivered to a sink
// that answers at once, and settled; the time runs until the last effect is settled.
func BenchmarkAcceptToEffect(b *testing.B) {
	store := benchmarkStore(b)
	defer store.Close()
	var settled atomic.Int64
	finished := make(chan struct{})
	e, end := run(b, store, Options{
		Destinations: []Destination{{Name: bridge.SSP, Dest: &vendor{deliver: done}, Limit: bridge.Limit{InFlight: 256}}, {Name: "acme", Dest: &vendor{deliver: done}}},
		Observer: onSettled{f: func(bridge.Verdict) {
			if settled.Add(1) == int64(b.N) {
				close(finished)
			}
		}},
	})
	var n atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			i := n.Add(1)
			ev := in("", bridge.Update)
			ev.Reference, ev.Key, ev.Text = fmt.Sprint("INC-", i%1000), fmt.Sprint(i), "we have looked at it and found a worn part"
			if _, err := e.Accept(context.Background(), []bridge.Event{ev}); err != nil {
				b.Error(err)
			}
		}
	})
	accepted := b.Elapsed()
	<-finished
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "effects/s")
	b.ReportMetric(float64(b.N)/accepted.Seconds(), "accepts/s")
	require.NoError(b, end())
}

// BenchmarkLeaseSettle measures the loop alone: events are there already, the sink answers at once.
func BenchmarkLeaseSettle(b *testing.B) {
	store := benchmarkStore(b)
	defer store.Close()
	var settled atomic.Int64
	finished := make(chan struct{})
	o := Options{
		Store:        store,
		Destinations: []Destination{{Name: bridge.SSP, Dest: &vendor{deliver: done}, Limit: bridge.Limit{InFlight: 256}}, {Name: "acme", Dest: &vendor{deliver: done}}},
		Observer: onSettled{f: func(bridge.Verdict) {
			if settled.Add(1) == int64(b.N) {
				close(finished)
			}
		}},
	}
	e, err := New(o)
	require.NoError(b, err)
	for i := 0; i < b.N; i += 500 {
		var batch []bridge.Event
		for j := i; j < min(i+500, b.N); j++ {
			ev := in("", bridge.Update)
			ev.Reference, ev.Key = fmt.Sprint("INC-", j%1000), fmt.Sprint(j)
			batch = append(batch, ev)
		}
		_, err := e.Accept(b.Context(), batch)
		require.NoError(b, err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ran := make(chan error, 1)
	b.ReportAllocs()
	b.ResetTimer()
	go func() { ran <- e.Run(ctx) }()
	<-finished
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "effects/s")
	stop()
	require.NoError(b, <-ran)
}

// BenchmarkPrepare measures what Accept does before the store.
func BenchmarkPrepare(b *testing.B) {
	e := build(b, newFakeStore(), Options{}, nil, nil)
	ev := in("4711", bridge.Update)
	ev.Reference, ev.Key, ev.Text = "INC-1", "k", "we have looked at it and found a worn part"
	ev.Inbound = &bridge.Inbound{Body: make([]byte, 700), Header: map[string]string{"Content-Type": "application/json"}}
	ev.Received = time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.prepare([]bridge.Event{ev}); err != nil {
			b.Fatal(err)
		}
	}
}
