package app

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/engine"
)

// A slowStore answers, says no or hangs, and does nothing else.
type slowStore struct {
	bridge.Store
	mu     sync.Mutex
	counts func(context.Context) (bridge.Counts, error)
	settle func(context.Context) error
}

// change replaces what the store does while others use it.
func (s *slowStore) change(f func(*slowStore)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *slowStore) does() (func(context.Context) (bridge.Counts, error), func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts, s.settle
}

func (s *slowStore) Counts(ctx context.Context) (bridge.Counts, error) {
	counts, _ := s.does()
	return counts(ctx)
}
func (s *slowStore) Wake() <-chan struct{}                              { return nil }
func (s *slowStore) Duties(context.Context) ([]bridge.DutyState, error) { return nil, nil }
func (s *slowStore) Renew(context.Context, bridge.Session) error        { return nil }
func (s *slowStore) Duty(context.Context, string, bridge.Session) (bridge.Duty, bool, error) {
	return nil, false, bridge.ErrUnavailable
}
func (s *slowStore) Settle(ctx context.Context, _ bridge.Session, _ []bridge.Result, _ []bridge.Want) (bridge.Settled, error) {
	_, settle := s.does()
	return bridge.Settled{}, settle(ctx)
}

func TestAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowStore{
			counts: func(context.Context) (bridge.Counts, error) { return bridge.Counts{}, bridge.ErrUnavailable },
			settle: func(context.Context) error { return bridge.ErrUnavailable },
		}
		e, err := engine.New(engine.Options{Store: s, Destinations: []engine.Destination{{Name: "x", Dest: nowhere{}}}})
		require.NoError(t, err)
		a := &App{store: s}
		a.current.Store(&generation{engine: e})
		require.NoError(t, a.Alive(t.Context()), "not started yet")
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- e.Run(ctx) }()
		time.Sleep(time.Hour)
		require.NoError(t, a.Alive(t.Context()), "a store that says no is not cured by a restart")

		s.change(func(s *slowStore) {
			s.counts = func(ctx context.Context) (bridge.Counts, error) { <-ctx.Done(); return bridge.Counts{}, ctx.Err() }
		})
		look, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		require.ErrorContains(t, a.Alive(look), "the store does not answer")
		cancel()

		hang := make(chan struct{})
		s.change(func(s *slowStore) {
			s.settle = func(context.Context) error { <-hang; return bridge.ErrUnavailable } // and ignores its context
			s.counts = func(context.Context) (bridge.Counts, error) { return bridge.Counts{}, nil }
		})
		time.Sleep(time.Minute)
		require.ErrorContains(t, a.Alive(t.Context()), "the delivery loop has stood still for ")
		close(hang)
		time.Sleep(time.Minute)
		require.NoError(t, a.Alive(t.Context()))
		stop()
		<-done
	})
}

type nowhere struct{}

func (nowhere) Deliver(context.Context, bridge.Lease) bridge.Outcome { return bridge.Outcome{} }
