package engine

import (
	"context"
	"sync"
	"time"
)

// lag measures how far the loop is behind its signals, and makes accepts wait for it.
type lag struct {
	mu      sync.Mutex
	waiting time.Time // the oldest signal that no turn has taken up; zero: none
	serving time.Time // the oldest signal of the turn that runs; zero: none
	off     bool      // no loop, or a store that does not answer: nothing to wait for
	turned  chan struct{}
}

func (l *lag) init() {
	l.off = true
	l.turned = make(chan struct{})
}

// signal notes that something waits for a turn.
func (l *lag) signal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting.IsZero() {
		l.waiting = time.Now()
	}
}

// begin starts a turn, which takes up all signals so far.
func (l *lag) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.serving.IsZero() {
		l.serving = l.waiting
	}
	l.waiting = time.Time{}
}

// end ends a turn and returns how long its oldest signal had to wait. A failed turn keeps its
// signals, and lets accepts go to the store to see for themselves.
func (l *lag) end(ok bool) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.off = !ok
	var d time.Duration
	if ok {
		d = since(l.serving)
		l.serving = time.Time{}
	}
	l.wakeLocked()
	return d
}

// stop says that no turn will come any more.
func (l *lag) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.off = true
	l.wakeLocked()
}

func (l *lag) wakeLocked() {
	close(l.turned)
	l.turned = make(chan struct{})
}

// now returns the lag and a channel that is closed at the next change.
func (l *lag) now() (time.Duration, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off {
		return 0, l.turned
	}
	if !l.serving.IsZero() {
		return since(l.serving), l.turned
	}
	return since(l.waiting), l.turned
}

// pace waits until the lag is at most limit, for at most the given time.
func (l *lag) pace(ctx context.Context, limit, most time.Duration) error {
	behind, turned := l.now()
	if behind <= limit {
		return ctx.Err()
	}
	end := time.NewTimer(most)
	defer end.Stop()
	for behind > limit {
		select {
		case <-turned:
		case <-end.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
		behind, turned = l.now()
	}
	return nil
}

func since(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return time.Since(t)
}
