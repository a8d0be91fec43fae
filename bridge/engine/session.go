package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// sessionMargin is how long before its expiry a session that cannot be renewed is given up: the
// time deliveries have to stop.
const sessionMargin = 2 * time.Second

// errSessionLost is why deliveries are cancelled when their session could not be renewed.
var errSessionLost = errors.New("engine: the session was lost")

// A session is one life of this replica at the store.
type session struct {
	id string
	// calls ends when leases of this session may no longer be worked on.
	calls context.Context
	lose  context.CancelCauseFunc
	// tenure ends when nothing new may start in this session: it was lost or retired.
	tenure context.Context
	retire context.CancelFunc

	mu     sync.Mutex
	until  time.Time     // as the store knows it
	safe   time.Time     // until when deliveries may run, by the monotonic clock
	leases int           // leases given out and not settled
	idle   chan struct{} // closed when retired without leases
}

// newSession returns a session that lives within life, and whose deliveries also end with calls.
func newSession(life, calls context.Context) *session {
	s := &session{id: bridge.NewID(), idle: make(chan struct{})}
	var stopCalls context.CancelCauseFunc
	s.calls, stopCalls = context.WithCancelCause(calls)
	s.tenure, s.retire = context.WithCancel(life)
	s.lose = func(cause error) {
		stopCalls(cause)
		s.retire()
		s.hold(0)
	}
	return s
}

// give retires s: nothing new starts in it, and it ends once its leases are settled.
func (s *session) give() {
	s.retire()
	s.hold(0)
}

// hold counts leases up or down.
func (s *session) hold(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leases += n
	if s.leases <= 0 && s.tenure.Err() != nil {
		select {
		case <-s.idle:
		default:
			close(s.idle)
		}
	}
}

// store returns the session as the store knows it.
func (s *session) store() bridge.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bridge.Session{ID: s.id, Until: s.until}
}

// end returns until when deliveries of s may run.
func (s *session) end() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.safe
}

// renew extends s, or creates it. The time is taken before the call: the store's answer may be late.
func (s *session) renew(ctx context.Context, e *Engine) error {
	safe := time.Now().Add(bridge.SessionLife - sessionMargin)
	until := e.o.Now().Add(bridge.SessionLife)
	err := e.observed("renew", func() error {
		return e.o.Store.Renew(ctx, bridge.Session{ID: s.id, Until: until, Replica: e.o.Replica})
	})
	if err == nil {
		s.mu.Lock()
		s.until, s.safe = until, safe
		s.mu.Unlock()
	}
	return err
}

// keep renews s until it is lost, or retired and without leases, or ctx ends.
func (s *session) keep(ctx context.Context, e *Engine) {
	defer s.lose(nil)
	wait := bridge.SessionRenewal
	for {
		safe := s.end()
		t := time.NewTimer(min(wait, time.Until(safe)))
		select {
		case <-t.C:
		case <-s.idle:
			t.Stop()
			s.leave(ctx, e)
			return
		case <-ctx.Done():
			t.Stop()
			s.leave(ctx, e)
			return
		}
		call, cancel := context.WithDeadline(ctx, safe)
		err := s.renew(call, e)
		cancel()
		switch {
		case err == nil:
			wait = bridge.SessionRenewal
			continue
		case ctx.Err() != nil:
			return
		case errors.Is(err, bridge.ErrFenced), errors.Is(err, bridge.ErrReset), !time.Now().Before(safe):
			e.o.Log.Error("session lost; its deliveries are cancelled",
				slog.String(LogSession, s.id), slog.Any(LogError, err))
			s.lose(errSessionLost)
			return
		}
		wait = jitter(500*time.Millisecond, e.o.Rand())
	}
}

// leave ends s in the store if it has no leases any more: nobody need wait until it expires to see
// that this replica works no longer. It may fail: then it expires.
func (s *session) leave(ctx context.Context, e *Engine) {
	s.mu.Lock()
	busy := s.leases > 0
	s.mu.Unlock()
	if busy {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sessionMargin)
	defer cancel()
	if err := e.o.Store.Renew(ctx, bridge.Session{ID: s.id, Until: e.o.Now()}); err != nil {
		e.o.Log.Debug("the session is left to expire", slog.String(LogSession, s.id), slog.Any(LogError, err))
	}
}

// jitter returns d, half of it random.
func jitter(d time.Duration, r float64) time.Duration {
	return d/2 + time.Duration(r*float64(d)/2)
}

// tenancy holds the session that new work starts in.
type tenancy struct {
	mu      sync.Mutex
	current *session
	changed chan struct{}
}

func (t *tenancy) init() { t.changed = make(chan struct{}) }

func (t *tenancy) set(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current = s
	close(t.changed)
	t.changed = make(chan struct{})
}

// get returns the current session, nil if there is none, and a channel closed at the next change.
func (t *tenancy) get() (*session, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != nil && t.current.tenure.Err() != nil {
		return nil, t.changed
	}
	return t.current, t.changed
}

// wait returns the current session as soon as there is one, nil when ctx ends.
func (t *tenancy) wait(ctx context.Context) *session {
	for {
		s, changed := t.get()
		if s != nil {
			return s
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// keepSessions opens one session after another until life ends. calls is what deliveries hang on.
func (e *Engine) keepSessions(life, calls context.Context) {
	var keepers sync.WaitGroup
	defer keepers.Wait()
	failed := 0
	for life.Err() == nil {
		s := newSession(life, calls)
		open, cancel := context.WithTimeout(life, bridge.SessionLife-sessionMargin)
		err := s.renew(open, e)
		cancel()
		if err != nil {
			s.lose(err)
			if failed++; failed == 1 && life.Err() == nil {
				e.o.Log.Error("no session: the store does not answer", slog.Any(LogError, err))
			}
			sleep(life, backoff(100*time.Millisecond, 3*time.Second, failed, e.o.Rand()))
			continue
		}
		failed = 0
		keepers.Go(func() { s.keep(life, e) })
		e.session.set(s)
		e.ring()
		select {
		case <-s.tenure.Done():
		case <-life.Done():
		}
		e.session.set(nil)
	}
}
