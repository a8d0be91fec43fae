package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

func openStore(t testing.TB, path string, now func() time.Time) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Now: now})
	require.NoError(t, err)
	return s
}

// run starts an engine on a real store and returns how to end it.
func run(t testing.TB, store bridge.Store, o Options) (*Engine, func() error) {
	t.Helper()
	o.Store = store
	e, err := New(o)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- e.Run(ctx) }()
	return e, func() error { stop(); return <-ran }
}

// sink is a destination that tells what arrives.
type sink struct {
	mu   sync.Mutex
	got  []string
	came chan string
	say  func(l bridge.Lease) bridge.Outcome
}

func newSink(say func(l bridge.Lease) bridge.Outcome) *sink {
	return &sink{came: make(chan string, 10000), say: say}
}

func (s *sink) Deliver(_ context.Context, l bridge.Lease) bridge.Outcome {
	o := bridge.Outcome{Kind: bridge.OutcomeDone}
	if s.say != nil {
		o = s.say(l)
	}
	line := string(l.Event.Kind)
	if l.Bond.Reference != "" {
		line += " " + l.Bond.Reference
	}
	if l.Event.Text != "" {
		line += ": " + l.Event.Text
	}
	s.mu.Lock()
	s.got = append(s.got, line)
	s.mu.Unlock()
	s.came <- line
	return o
}

func (s *sink) next(t testing.TB) string {
	t.Helper()
	select {
	case line := <-s.came:
		return line
	case <-time.After(20 * time.Second):
		require.FailNow(t, "nothing came")
		return ""
	}
}

func TestWholeLifeOnSQLite(t *testing.T) {
	store := openStore(t, filepath.Join(t.TempDir(), "a.db"), nil)
	defer store.Close()
	acme := newSink(func(l bridge.Lease) bridge.Outcome {
		if l.Event.Kind == bridge.Submit {
			return bridge.Outcome{Kind: bridge.OutcomeDone, Reference: "INC-7"}
		}
		return bridge.Outcome{Kind: bridge.OutcomeDone}
	})
	ssp := newSink(nil)
	e, end := run(t, store, Options{
		Destinations:  []Destination{{Name: bridge.SSP, Dest: ssp}, {Name: "acme", Dest: acme}},
		CaseSensitive: map[string]bool{"acme": true},
	})
	say := func(dir bridge.Dir, k bridge.Kind, text string) {
		t.Helper()
		ev := bridge.Event{Provider: "acme", Task: "4711", Dir: dir, Kind: k, Text: text}
		if dir == bridge.In {
			ev.Task, ev.Reference = "", "INC-7" // a vendor knows its own number only
		}
		r, err := e.Accept(t.Context(), []bridge.Event{ev})
		require.NoError(t, err)
		require.Equal(t, bridge.Accepted, r[0].Status, "%s: %s", k, r[0].Reason)
	}
	say(bridge.Out, bridge.Submit, "printer on fire")
	ref, err := e.AwaitReference(t.Context(), "acme", "4711")
	require.NoError(t, err)
	require.Equal(t, "INC-7", ref)
	require.Equal(t, "submit: printer on fire", acme.next(t))
	require.Equal(t, "acknowledge INC-7", ssp.next(t))
	say(bridge.Out, bridge.Update, "it still burns")
	require.Equal(t, "update INC-7: it still burns", acme.next(t))
	say(bridge.In, bridge.Update, "on our way")
	require.Equal(t, "update INC-7: on our way", ssp.next(t))
	say(bridge.In, bridge.Resolve, "extinguished")
	require.Equal(t, "resolve INC-7: extinguished", ssp.next(t))
	say(bridge.Out, bridge.RejectSolution, "no")
	require.Equal(t, "reject_solution INC-7: no", acme.next(t))
	say(bridge.In, bridge.Resolve, "extinguished")
	require.Equal(t, "resolve INC-7: extinguished", ssp.next(t))
	say(bridge.Out, bridge.Close, "")
	require.Equal(t, "close INC-7", acme.next(t))
	require.NoError(t, end())
	c, err := store.Counts(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 8, c.Events[bridge.StateDone])
	require.EqualValues(t, 1, c.Bonds[bridge.BondClosed])
}

// Two replicas share one store. Everything is applied once, in order within each task.
func TestReplicasShareTheWork(t *testing.T) {
	const tasks, each = 40, 25
	store := openStore(t, filepath.Join(t.TempDir(), "a.db"), nil)
	defer store.Close()
	var mu sync.Mutex
	got := map[string][]int{}
	var left atomic.Int64
	left.Store(tasks * each)
	finished := make(chan struct{})
	flaky := &vendor{deliver: func(_ context.Context, l bridge.Lease) bridge.Outcome {
		n, err := strconv.Atoi(l.Event.Text)
		if err != nil {
			return bridge.Outcome{Kind: bridge.OutcomeRefused, Detail: err.Error()}
		}
		if l.Attempt == 1 && n%5 == 0 {
			return bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.ServerError}
		}
		mu.Lock()
		got[l.Event.Task] = append(got[l.Event.Task], n)
		mu.Unlock()
		if left.Add(-1) == 0 {
			close(finished)
		}
		return bridge.Outcome{Kind: bridge.OutcomeDone}
	}}
	o := Options{Destinations: []Destination{
		{Name: bridge.SSP, Dest: flaky, Policy: Policy{First: time.Millisecond, Max: 10 * time.Millisecond}},
		{Name: "acme", Dest: &vendor{deliver: done}},
	}}
	a, endA := run(t, store, o)
	b, endB := run(t, store, o)
	for i := range tasks {
		_, err := a.Operate(t.Context(), bridge.Command{Verb: bridge.VerbBondImport, Person: "test", Provider: "acme", Task: fmt.Sprint(i), Reference: fmt.Sprint("INC-", i)})
		require.NoError(t, err)
	}
	var senders sync.WaitGroup
	for i := range tasks {
		senders.Go(func() {
			for n := range each {
				e := []*Engine{a, b}[n%2]
				ev := in(fmt.Sprint(i), bridge.Update)
				ev.Key, ev.Text = fmt.Sprintf("%d/%d", i, n), fmt.Sprint(n)
				for range 2 { // every call is made twice
					if _, err := e.Accept(context.Background(), []bridge.Event{ev}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	senders.Wait()
	select {
	case <-finished:
	case <-time.After(30 * time.Second):
		t.Errorf("%d events did not arrive", left.Load())
	}
	require.NoError(t, endA())
	require.NoError(t, endB())
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, got, tasks)
	for task, order := range got {
		require.Len(t, order, each, "task %s", task)
		require.True(t, slices.IsSorted(order), "task %s: %v", task, order)
	}
}

// The process dies while it delivers. What was accepted is delivered by the next one, and what was
// in flight is known to be unknown.
func TestDeathWhileDelivering(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	store := openStore(t, path, nil)
	hanging := make(chan struct{})
	hang := &vendor{deliver: func(ctx context.Context, _ bridge.Lease) bridge.Outcome {
		close(hanging)
		<-ctx.Done()
		return bridge.Outcome{Kind: bridge.OutcomeUnknown}
	}}
	dests := func(ssp bridge.Destination) []Destination {
		return []Destination{{Name: bridge.SSP, Dest: ssp, Policy: Policy{
			Unknown: map[bridge.Kind]Unknown{bridge.Update: {Wait: time.Millisecond, Then: bridge.ThenRetry}},
		}}, {Name: "acme", Dest: &vendor{deliver: done}}}
	}
	e, end := run(t, store, Options{Destinations: dests(hang), DrainLimit: time.Millisecond})
	_, err := e.Operate(t.Context(), bridge.Command{Verb: bridge.VerbBondImport, Person: "test", Provider: "acme", Task: "1", Reference: "INC-1"})
	require.NoError(t, err)
	first, second := in("1", bridge.Update), in("1", bridge.Update)
	first.Text, second.Text = "first", "second"
	receipts, err := e.Accept(t.Context(), []bridge.Event{first, second})
	require.NoError(t, err)
	<-hanging
	require.NoError(t, store.Close()) // nothing is recorded from here on
	_, err = e.Accept(t.Context(), []bridge.Event{in("1", bridge.Resolve)})
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	require.ErrorContains(t, end(), "could not be settled")

	later := func() time.Time { return time.Now().Add(bridge.SessionLife + time.Second) }
	store = openStore(t, path, later)
	defer store.Close()
	var unknownFirst atomic.Bool
	ssp := newSink(func(l bridge.Lease) bridge.Outcome {
		if l.Event.Text == "first" {
			unknownFirst.Store(l.Unknown && l.Attempt > 1)
		}
		return bridge.Outcome{Kind: bridge.OutcomeDone}
	})
	_, end = run(t, store, Options{Destinations: dests(ssp), Now: later})
	require.Equal(t, "update INC-1: first", ssp.next(t))
	require.Equal(t, "update INC-1: second", ssp.next(t))
	require.NoError(t, end())
	require.True(t, unknownFirst.Load())
	ev, tries, err := store.Event(t.Context(), receipts[0].Event)
	require.NoError(t, err)
	require.Equal(t, bridge.StateDone, ev.State)
	require.Equal(t, bridge.LeaseExpired, tries[0].Reason)
}

// A parked submit of unknown outcome is delivered when a person says so.
func TestPersonRetriesAnUnknownSubmit(t *testing.T) {
	store := openStore(t, filepath.Join(t.TempDir(), "a.db"), nil)
	defer store.Close()
	var tries atomic.Int64
	acme := newSink(func(bridge.Lease) bridge.Outcome {
		if tries.Add(1) == 1 {
			return bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: bridge.NoAnswer}
		}
		return bridge.Outcome{Kind: bridge.OutcomeDone, Reference: "INC-1"}
	})
	parked := make(chan struct{}, 1)
	e, end := run(t, store, Options{
		Destinations: []Destination{{Name: bridge.SSP, Dest: newSink(nil)}, {Name: "acme", Dest: acme}},
		Observer: onSettled{f: func(v bridge.Verdict) {
			if v.Parked {
				parked <- struct{}{}
			}
		}},
	})
	r, err := e.Accept(t.Context(), []bridge.Event{out("1", bridge.Submit)})
	require.NoError(t, err)
	acme.next(t)
	<-parked
	_, err = e.Operate(t.Context(), bridge.Command{Verb: bridge.VerbEventRetry, Person: "ann", Event: r[0].Event})
	require.NoError(t, err)
	acme.next(t)
	ref, err := e.AwaitReference(t.Context(), "acme", "1")
	require.NoError(t, err)
	require.Equal(t, "INC-1", ref)
	require.NoError(t, end())
}

type onSettled struct {
	NoObserver
	f func(bridge.Verdict)
}

func (o onSettled) Settled(_ string, _ bridge.Kind, v bridge.Verdict) { o.f(v) }
