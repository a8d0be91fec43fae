package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pergabridge/pergabridge/bridge"
)

var errDisk = errors.New("disk trouble")

func TestResultsAreKeptWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := start(t, store, Options{}, &vendor{deliver: func(ctx context.Context, l bridge.Lease) bridge.Outcome {
			time.Sleep(time.Second)
			return done(ctx, l)
		}}, nil)
		b.accept(t, out("1", bridge.Submit), out("1", bridge.Update))
		synctest.Wait()
		store.with(func() {
			store.before = func(call string) error {
				if call == "settle" {
					return bridge.ErrUnavailable
				}
				return nil
			}
		})
		pass(3 * time.Second)
		require.Empty(t, store.settledResults())
		_, err := b.Accept(t.Context(), []bridge.Event{out("2", bridge.Submit)})
		require.NoError(t, err, "a store that takes accepts gets them")
		store.with(func() { store.before = nil })
		pass(20 * time.Second)
		require.Len(t, store.settledResults(), 3)
		require.Zero(t, store.fenced)
		b.end(t)
	})
}

// A call whose answer is lost may have leased lanes. Their session dies, so that they are found.
func TestLeasesWhoseAnswerGotLostAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := start(t, store, Options{}, nil, nil)
		synctest.Wait()
		lost := false
		store.with(func() {
			store.after = func(call string) error {
				if call == "settle" && store.tokens == 1 && !lost {
					lost = true
					return errDisk
				}
				return nil
			}
		})
		b.accept(t, in("1", bridge.Acknowledge))
		pass(time.Minute)
		require.True(t, lost)
		r := store.settledResults()
		require.Len(t, r, 1)
		require.Equal(t, 2, r[0].Lease.Attempt)
		require.True(t, r[0].Lease.Unknown, "nobody knows of the first one")
		require.Less(t, r[0].Started.Sub(r[0].Lease.Event.Received), 20*time.Second)
		require.Less(t, r[0].Started.Sub(r[0].Lease.Event.Received), 5*time.Second, "its session is ended, not waited for")
		b.end(t)
	})
}

// Deliveries of a retired session are not disturbed: it lives until they are settled.
func TestRetiredSessionKeepsItsDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := start(t, store, Options{}, &vendor{deliver: func(ctx context.Context, l bridge.Lease) bridge.Outcome {
			select {
			case <-time.After(40 * time.Second):
				return done(ctx, l)
			case <-ctx.Done():
				return bridge.Outcome{Kind: bridge.OutcomeUnknown}
			}
		}}, nil)
		b.accept(t, out("1", bridge.Submit))
		synctest.Wait()
		store.with(func() {
			store.before = func(call string) error {
				if call == "settle" {
					store.before = nil
					return errDisk
				}
				return nil
			}
		})
		pass(41 * time.Second)
		r := store.settledResults()
		require.Len(t, r, 1)
		require.Equal(t, bridge.OutcomeDone, r[0].Outcome.Kind)
		store.with(func() { require.Len(t, store.sessions, 2) })
		pass(20 * time.Second)
		store.with(func() {
			alive := 0
			for _, until := range store.sessions {
				if until.After(time.Now()) {
					alive++
				}
			}
			require.Equal(t, 1, alive, "the retired session is not renewed any more")
		})
		b.end(t)
	})
}

func TestOneResultTheStoreCannotTakeHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		store.reject = func(r bridge.Result) error {
			if r.Lease.Event.Task == "poison" {
				return errDisk
			}
			return nil
		}
		b := start(t, store, Options{DrainLimit: time.Second}, nil, nil)
		b.accept(t, out("poison", bridge.Submit), out("1", bridge.Submit), out("2", bridge.Submit))
		pass(5 * time.Second)
		require.Len(t, store.settledResults(), 2)
		for i := range 20 {
			b.accept(t, out(fmt.Sprint("later", i), bridge.Submit))
		}
		pass(10 * time.Second)
		require.Len(t, store.settledResults(), 22)
		store.with(func() { store.reject = nil })
		pass(10 * time.Second)
		require.Len(t, store.settledResults(), 23)
		require.Zero(t, store.fenced)
		b.end(t)
	})
}

func TestDeliveriesEndBeforeTheirSessionExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		var cancelled time.Time
		var cause error
		calls := 0
		b := start(t, store, Options{}, &vendor{deliver: func(ctx context.Context, l bridge.Lease) bridge.Outcome {
			if calls++; calls > 1 {
				return done(ctx, l)
			}
			<-ctx.Done()
			cancelled, cause = time.Now(), context.Cause(ctx)
			return bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: bridge.NoAnswer}
		}}, nil)
		b.accept(t, in("1", bridge.Update), out("1", bridge.Update))
		pass(time.Second)
		var expiry time.Time
		store.with(func() {
			for _, until := range store.sessions {
				expiry = until
			}
			store.before = func(string) error { return bridge.ErrUnavailable }
		})
		pass(30 * time.Second)
		synctest.Wait()
		require.False(t, cancelled.IsZero())
		require.ErrorIs(t, cause, errSessionLost)
		require.Equal(t, sessionMargin, expiry.Sub(cancelled))
		store.with(func() { store.before = nil })
		pass(5 * time.Minute)
		synctest.Wait()
		store.with(func() {
			require.Len(t, store.sessions, 2)
			require.Len(t, store.ended, 2, "both were delivered in the end")
			require.Equal(t, 2, calls)
		})
		b.end(t)
	})
}

func TestFencedSessionIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := start(t, store, Options{}, nil, nil)
		synctest.Wait()
		store.with(func() {
			for id := range store.sessions {
				store.sessions[id] = time.Now() // as after a long stop of the machine
			}
		})
		b.accept(t, out("1", bridge.Submit))
		pass(2 * time.Second)
		require.Len(t, store.settledResults(), 1)
		store.with(func() { require.Len(t, store.sessions, 2) })
		b.end(t)
	})
}

func TestStoreThatIsAwayAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		store.before = func(string) error { return bridge.ErrUnavailable }
		b := start(t, store, Options{}, nil, nil)
		pass(time.Minute)
		_, err := b.Accept(t.Context(), []bridge.Event{out("1", bridge.Submit)})
		require.ErrorIs(t, err, bridge.ErrUnavailable)
		store.with(func() { store.before = nil })
		b.accept(t, out("1", bridge.Submit))
		pass(10 * time.Second)
		require.Len(t, store.settledResults(), 1)
		b.end(t)
	})
}

// Whatever the destination answers and however the store fails, no event is settled twice, none is
// lost, and none overtakes another of its lane.
func TestNothingIsLostOrSettledTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lanes := rapid.IntRange(1, 4).Draw(rt, "lanes")
		each := rapid.IntRange(1, 5).Draw(rt, "events")
		faults := rapid.SliceOfN(rapid.IntRange(0, 9), 0, 60).Draw(rt, "faults")
		answers := rapid.SliceOfN(rapid.IntRange(0, 5), 0, 60).Draw(rt, "answers")
		var problem string // rapid cannot be told from inside the bubble
		synctest.Test(t, func(t *testing.T) {
			store := newFakeStore()
			next := func(s *[]int) int {
				if len(*s) == 0 {
					return 0
				}
				n := (*s)[0]
				*s = (*s)[1:]
				return n
			}
			fault := 0
			store.before = func(call string) error {
				if fault = 0; call == "accept" {
					return nil
				}
				switch fault = next(&faults); fault {
				case 1, 2:
					return bridge.ErrUnavailable
				case 3:
					return errDisk
				}
				return nil
			}
			store.after = func(string) error {
				if fault == 4 || fault == 5 {
					return errDisk
				}
				return nil
			}
			dest := &vendor{deliver: func(ctx context.Context, l bridge.Lease) bridge.Outcome {
				var n int
				store.with(func() { n = next(&answers) })
				switch n {
				case 1:
					return bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.NotSent, Down: true}
				case 2:
					return bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: bridge.BadGateway}
				case 3:
					return bridge.Outcome{Kind: bridge.OutcomeRefused}
				case 4:
					time.Sleep(20 * time.Second)
				case 5:
					<-ctx.Done()
					return bridge.Outcome{Kind: bridge.OutcomeUnknown}
				}
				return done(ctx, l)
			}}
			b := start(t, store, Options{DeliverLimit: time.Minute, DrainLimit: time.Hour}, dest, dest)
			for i := range each {
				for lane := range lanes {
					ev := out(fmt.Sprint(lane), bridge.Update)
					ev.ID = fmt.Sprintf("%d-%d", lane, i)
					b.accept(t, ev)
				}
			}
			all := func() (ended bool) {
				store.with(func() { ended = len(store.ended) == lanes*each })
				return ended
			}
			for range 240 {
				if pass(30 * time.Second); all() {
					break
				}
			}
			pass(30 * time.Second) // what would come twice
			store.with(func() {
				if len(store.ended) != lanes*each {
					problem = fmt.Sprintf("%d of %d events ended", len(store.ended), lanes*each)
				}
				for id, n := range store.ended {
					if n != 1 {
						problem = fmt.Sprintf("event %s was settled %d times", id, n)
					}
				}
				last := map[string]string{}
				for _, r := range store.results {
					task, id := r.Lease.Event.Task, r.Lease.Event.ID
					if id < last[task] {
						problem = fmt.Sprintf("%s was tried after %s", id, last[task])
					}
					last[task] = id
				}
			})
			b.end(t)
		})
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}
