package engine

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// seen records what an observer is told.
type seen struct {
	NoObserver
	mu       sync.Mutex
	accepted []bridge.ReceiptStatus
	attempts []Attempt
	settled  int
	calls    map[string]int
	swept    int
	duties   []bool
	lag      time.Duration
}

func (s *seen) Accepted(_ string, _ bridge.Entrance, st bridge.ReceiptStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted = append(s.accepted, st)
}

func (s *seen) Attempt(a Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts = append(s.attempts, a)
}

func (s *seen) Settled(string, bridge.Kind, bridge.Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled++
}

func (s *seen) Store(call string, _ time.Duration, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[call]++
}

func (s *seen) Swept(bridge.Swept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.swept++
}

func (s *seen) Duty(_ string, held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.duties = append(s.duties, held)
}

func (s *seen) Lag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = max(s.lag, d)
}

func TestObserverIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s seen
		store := newFakeStore()
		store.delay = func(call string) time.Duration {
			if call == "settle" {
				return 30 * time.Millisecond
			}
			return 0
		}
		b := start(t, store, Options{Observer: &s}, &vendor{deliver: func(ctx context.Context, l bridge.Lease) bridge.Outcome {
			time.Sleep(2 * time.Second)
			return done(ctx, l)
		}}, nil)
		b.accept(t, out("1", bridge.Submit), out("", bridge.Submit))
		pass(3 * time.Second)
		b.end(t)
		require.Equal(t, []bridge.ReceiptStatus{bridge.Accepted, bridge.Quarantined}, s.accepted)
		require.Len(t, s.attempts, 1)
		a := s.attempts[0]
		require.Equal(t, 2*time.Second, a.Took)
		require.GreaterOrEqual(t, a.Age, a.Took)
		a.Took, a.Age = 0, 0
		require.Equal(t, Attempt{Dest: "acme", Provider: "acme", Kind: bridge.Submit, Outcome: bridge.OutcomeDone, Reason: bridge.Delivered, Then: bridge.ThenDone, N: 1}, a)
		require.Equal(t, 1, s.settled)
		require.Equal(t, []bool{true, false}, s.duties)
		require.Positive(t, s.swept)
		require.Positive(t, s.lag)
		for _, call := range []string{"accept", "settle", "renew", "duty", "sweep"} {
			require.Positive(t, s.calls[call], call)
		}
	})
}

func TestAcceptsWaitForALoopThatLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := start(t, store, Options{}, nil, nil)
		b.accept(t, out("0", bridge.Submit))
		synctest.Wait()
		slow := 600 * time.Millisecond
		store.with(func() {
			store.delay = func(call string) time.Duration {
				if call == "settle" {
					return slow
				}
				return 0
			}
		})
		begin := time.Now()
		b.accept(t, out("1", bridge.Submit))
		require.Zero(t, time.Since(begin), "the loop does not lag yet")
		pass(300 * time.Millisecond)
		b.accept(t, out("2", bridge.Submit))
		require.Equal(t, slow, time.Since(begin), "until the turn has ended")
		store.with(func() { slow = 5 * time.Second })
		pass(2 * time.Second)
		begin = time.Now()
		b.accept(t, out("3", bridge.Submit))
		require.Equal(t, time.Second, time.Since(begin), "but never for long")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := b.Accept(ctx, []bridge.Event{out("4", bridge.Submit)})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		store.with(func() { slow = 0 })
		pass(time.Minute)
		require.Len(t, store.settledResults(), 4)
		b.end(t)
	})
}

func TestSlowDestinationDoesNotSlowAccepts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), Options{DrainLimit: time.Hour}, &vendor{deliver: func(ctx context.Context, l bridge.Lease) bridge.Outcome {
			time.Sleep(time.Minute)
			return done(ctx, l)
		}}, nil)
		begin := time.Now()
		for range 200 {
			b.accept(t, out(bridge.NewID(), bridge.Submit))
			synctest.Wait()
		}
		require.Zero(t, time.Since(begin))
		b.end(t)
	})
}

func TestAwaitReference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := start(t, store, Options{}, &vendor{deliver: func(context.Context, bridge.Lease) bridge.Outcome {
			time.Sleep(300 * time.Millisecond)
			return bridge.Outcome{Kind: bridge.OutcomeDone, Reference: "INC-1"}
		}}, nil)
		begin := time.Now()
		b.accept(t, out("1", bridge.Submit))
		ref, err := b.AwaitReference(t.Context(), "acme", "1")
		require.NoError(t, err)
		require.Equal(t, "INC-1", ref)
		require.Equal(t, 300*time.Millisecond, time.Since(begin), "told, not polled")

		begin = time.Now()
		go func() {
			time.Sleep(1500 * time.Millisecond)
			store.with(func() { store.bonds[[2]string{"acme", "2"}] = bridge.Bond{Reference: "INC-2"} }) // by another replica
		}()
		ref, err = b.AwaitReference(t.Context(), "acme", "2")
		require.NoError(t, err)
		require.Equal(t, "INC-2", ref)
		require.LessOrEqual(t, time.Since(begin), 2*time.Second)

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err = b.AwaitReference(ctx, "acme", "3")
		require.ErrorIs(t, err, context.DeadlineExceeded)

		store.with(func() { store.before = func(string) error { return errDisk } })
		_, err = b.AwaitReference(t.Context(), "acme", "3")
		require.ErrorIs(t, err, errDisk)
		store.with(func() { store.before = nil })
		require.Empty(t, b.waiters.of, "nobody is left behind")
		b.end(t)
	})
}

// What a person decides is told to who waits for it, and not found out a second later.
func TestAwaitReferenceThatAPersonGives(t *testing.T) {
	for name, c := range map[string]bridge.Command{
		"link":   {Verb: bridge.VerbBondLink, Person: "ann", Provider: "acme", Task: "1", Reference: "INC-1"},
		"reread": {Verb: bridge.VerbReread, Person: "ann", Event: "q", Events: []bridge.Event{in("1", bridge.Acknowledge)}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newFakeStore()
				store.after = func(call string) error {
					if call == "operate" {
						store.bonds[[2]string{"acme", "1"}] = bridge.Bond{Reference: "INC-1"}
					}
					return nil
				}
				b := start(t, store, Options{}, nil, nil)
				begin := time.Now()
				go func() {
					time.Sleep(300 * time.Millisecond)
					_, err := b.Operate(t.Context(), c)
					assert.NoError(t, err)
				}()
				_, err := b.AwaitReference(t.Context(), "acme", "1")
				require.NoError(t, err)
				require.Equal(t, 300*time.Millisecond, time.Since(begin))
				b.end(t)
			})
		})
	}
}
