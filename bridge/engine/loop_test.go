package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

func TestDeliversAtOnceAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		b := start(t, newFakeStore(), Options{ConfigVersion: "v7"}, &vendor{deliver: func(_ context.Context, l bridge.Lease) bridge.Outcome {
			got = append(got, l.Event.Text)
			time.Sleep(10 * time.Millisecond)
			return bridge.Outcome{Kind: bridge.OutcomeDone}
		}}, nil)
		synctest.Wait()
		begin := time.Now()
		for i := range 5 {
			ev := out("1", bridge.Update)
			ev.Text = fmt.Sprint(i)
			b.accept(t, ev)
		}
		pass(60 * time.Millisecond)
		require.Equal(t, []string{"0", "1", "2", "3", "4"}, got)
		r := b.store.settledResults()
		require.Len(t, r, 5)
		require.Equal(t, 50*time.Millisecond, r[4].Ended.Sub(begin), "no time passes between an accept, a delivery and the next")
		require.Equal(t, bridge.Delivered, r[0].Outcome.Reason)
		require.Equal(t, "v7", r[0].Config)
		b.end(t)
	})
}

func TestSlowDestinationKeepsOnlyItsOwnSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		slow := &vendor{deliver: func(context.Context, bridge.Lease) bridge.Outcome {
			n := running.Add(1)
			most.Store(max(most.Load(), n))
			time.Sleep(30 * time.Second)
			running.Add(-1)
			return bridge.Outcome{Kind: bridge.OutcomeDone}
		}}
		fast := &vendor{deliver: done}
		b := start(t, newFakeStore(), Options{DrainLimit: time.Hour, Destinations: []Destination{
			{Name: bridge.SSP, Dest: fast}, {Name: "acme", Dest: slow, Limit: bridge.Limit{InFlight: 2}},
		}}, nil, nil)
		for i := range 5 {
			b.accept(t, out(fmt.Sprint(i), bridge.Submit))
		}
		synctest.Wait()
		begin := time.Now()
		for i := range 50 {
			b.accept(t, in(fmt.Sprint(i), bridge.Update))
		}
		synctest.Wait()
		require.Len(t, b.store.settledResults(), 50)
		require.Zero(t, time.Since(begin), "the others wait for nothing")
		pass(2 * time.Minute)
		require.Len(t, b.store.settledResults(), 55)
		require.EqualValues(t, 2, most.Load())
		b.end(t)
	})
}

func TestRetriesWhenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries []time.Duration
		begin := time.Now()
		b := start(t, newFakeStore(), Options{Rand: func() float64 { return 0.5 }}, &vendor{deliver: func(_ context.Context, l bridge.Lease) bridge.Outcome {
			tries = append(tries, time.Since(begin))
			if l.Attempt < 4 {
				return bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Unavailable, Down: true}
			}
			return bridge.Outcome{Kind: bridge.OutcomeDone}
		}}, nil)
		b.accept(t, out("1", bridge.Submit))
		pass(time.Minute)
		require.Equal(t, []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond}, tries)
		b.end(t)
	})
}

func TestIdleLoopAsksAtLeastEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), Options{}, nil, nil)
		pass(10*time.Second + 500*time.Millisecond)
		b.store.with(func() {
			require.InDelta(t, 11, len(b.store.wants), 2, "no busy loop, no sleep for ever")
			b.store.accept([]bridge.Event{out("by another replica", bridge.Submit)})
		})
		b.store.wake <- struct{}{}
		synctest.Wait()
		require.Len(t, b.store.settledResults(), 1, "the store's signal starts a turn")
		b.end(t)
	})
}

func TestObserveAsksForEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := asking{&vendor{deliver: func(context.Context, bridge.Lease) bridge.Outcome { panic("sent in mode observe") },
			render: func(l bridge.Lease) (string, error) {
				if l.Event.Kind == bridge.Close {
					return "", errors.New("no mapping")
				}
				return "POST /" + l.Event.Task, nil
			}}}
		b := start(t, newFakeStore(), Options{Destinations: []Destination{{Name: "acme", Dest: v, Observe: true}}}, nil, nil)
		b.accept(t, out("1", bridge.Submit), out("1", bridge.Close))
		synctest.Wait()
		r := b.store.settledResults()
		require.Len(t, r, 2)
		require.Equal(t, bridge.Observed, r[0].Outcome.Reason)
		require.Equal(t, "POST /1", r[0].Outcome.Request)
		require.Equal(t, bridge.ThenDone, r[1].Then)
		require.Contains(t, r[1].Outcome.Detail, "no mapping")
		require.True(t, b.store.wants[0][0].WithoutReference, "what is only shown needs no reference")
		b.end(t)
	})
}

func TestPanicParksItsEventOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), Options{}, &vendor{deliver: func(ctx context.Context, l bridge.Lease) bridge.Outcome {
			if l.Event.Task == "bad" {
				panic("assumption failed: " + l.Event.Task)
			}
			return done(ctx, l)
		}}, nil)
		b.accept(t, out("bad", bridge.Submit), out("good", bridge.Submit))
		synctest.Wait()
		by := map[string]bridge.Result{}
		for _, r := range b.store.settledResults() {
			by[r.Lease.Event.Task] = r
		}
		require.Equal(t, bridge.ThenDone, by["good"].Then)
		require.Equal(t, bridge.ThenPark, by["bad"].Then)
		require.Equal(t, bridge.OutcomeUnknown, by["bad"].Outcome.Kind)
		require.Equal(t, bridge.InternalError, by["bad"].Outcome.Reason)
		require.Contains(t, by["bad"].Outcome.Detail, "panic: assumption failed: bad")
		b.end(t)
	})
}

func TestNoOutcomeIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), Options{}, says(bridge.Outcome{}), nil)
		b.accept(t, out("1", bridge.Submit))
		synctest.Wait()
		r := b.store.settledResults()
		require.Len(t, r, 1)
		require.Equal(t, bridge.OutcomeUnknown, r[0].Outcome.Kind)
		require.Equal(t, bridge.InternalError, r[0].Outcome.Reason)
		b.end(t)
	})
}

func TestAnswersAreCompleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), Options{}, says(bridge.Outcome{
			Kind: bridge.OutcomeDone, Reference: " INC-9 ",
			Follow: []bridge.Event{{Kind: bridge.Resolve, Text: "solved at once"}, {Kind: bridge.Resolve, Provider: "nobody"}},
		}), nil)
		submit := out("1", bridge.Submit)
		submit.Trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
		b.accept(t, submit)
		synctest.Wait()
		r := b.store.settledResults()
		require.Len(t, r, 2, "the submit, and the solution that came with its answer")
		o := r[0].Outcome
		require.Equal(t, "INC-9", o.Reference)
		require.Equal(t, "inc-9", o.RefKey)
		require.Len(t, o.Follow, 1)
		require.Contains(t, o.Detail, "nobody")
		f := o.Follow[0]
		require.Equal(t, []any{"acme", "1", bridge.In, bridge.ByFollowUp}, []any{f.Provider, f.Task, f.Dir, f.Entrance})
		require.NotEmpty(t, f.ID)
		require.Equal(t, submit.Trace, f.Trace, "it goes on with the trace")
		b.end(t)
	})
}

// An endless reference or comment id is no id; what an answer says of another ticket is not given this task.
func TestWhatAnAnswerNamesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endless := strings.Repeat("x", MaxID+1)
		b := start(t, newFakeStore(), Options{}, says(bridge.Outcome{
			Kind: bridge.OutcomeDone, Reference: endless, Comment: endless, Follow: []bridge.Event{{Kind: bridge.Update, Reference: "INC-8", Text: "see there"}},
		}), nil)
		b.accept(t, out("1", bridge.Submit))
		synctest.Wait()
		o := b.store.settledResults()[0].Outcome
		require.Empty(t, o.Reference)
		require.Contains(t, o.Detail, "the answer's reference has 513 bytes")
		require.Empty(t, o.Comment)
		require.Len(t, o.Follow, 1)
		require.Empty(t, o.Follow[0].Task)
		b.end(t)
	})
}

func TestDeliveryTimeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), Options{DeliverLimit: time.Minute}, &vendor{deliver: func(ctx context.Context, _ bridge.Lease) bridge.Outcome {
			<-ctx.Done()
			return bridge.Outcome{Kind: bridge.OutcomeUnknown, Detail: ctx.Err().Error()}
		}}, nil)
		b.accept(t, out("1", bridge.Submit))
		pass(61 * time.Second)
		r := b.store.settledResults()
		require.Len(t, r, 1)
		require.Equal(t, time.Minute, r[0].Ended.Sub(r[0].Started))
		require.Equal(t, bridge.NoAnswer, r[0].Outcome.Reason)
		b.end(t)
	})
}

func TestStrayLeaseIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		e := build(t, store, Options{}, nil, nil)
		s := newSession(t.Context(), t.Context())
		l := loop{e: e}
		l.start(s, bridge.Lease{Event: bridge.Event{Provider: "gone", Dir: bridge.Out}})
		require.Len(t, l.results, 1)
		require.Equal(t, bridge.ThenRetry, l.results[0].Then)
		require.Zero(t, l.running)
		s.lose(nil)
	})
}

func TestRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), Options{}, nil, nil)
		synctest.Wait()
		require.ErrorIs(t, b.Run(t.Context()), errRan)
		b.end(t)
	})
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	_, err := New(Options{})
	require.ErrorContains(t, err, "no store")
	_, err = New(Options{Store: newFakeStore(), Destinations: []Destination{
		{Dest: &vendor{}}, {Name: "a"}, {Name: "b", Dest: &vendor{}}, {Name: "b", Dest: &vendor{}},
	}, Sources: map[string]bridge.Source{sweepDuty: nil}})
	for _, want := range []string{"destination 0 has no name", `"a" has nothing`, `"b" is named twice`, `source "sweep"`} {
		require.ErrorContains(t, err, want)
	}
	_, err = New(Options{Store: newFakeStore(), Destinations: []Destination{{Name: "a", Dest: &vendor{}, Policy: Policy{First: -1}}}})
	require.ErrorContains(t, err, "destination a: first is negative")
}
