package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// awaitPoll is how often a reference that another replica may have learned is looked for.
const awaitPoll = time.Second

// AwaitReference implements [bridge.Acceptor]. It returns as soon as this replica learns the
// reference, and within a second when another one did.
func (e *Engine) AwaitReference(ctx context.Context, provider, task string) (string, error) {
	told, leave := e.waiters.join(provider, task) // before the first look, so that nothing is missed
	defer leave()
	poll := time.NewTicker(awaitPoll)
	defer poll.Stop()
	for {
		b, err := e.o.Store.Bond(ctx, provider, task)
		if err == nil && b.Reference != "" {
			return b.Reference, nil
		}
		if ctx.Err() != nil || err != nil && !errors.Is(err, bridge.ErrNotFound) && !errors.Is(err, bridge.ErrUnavailable) {
			return "", fmt.Errorf("engine: reference of task %s at %s: %w", task, provider, errors.Join(err, ctx.Err()))
		}
		select {
		case <-told:
		case <-poll.C:
		case <-ctx.Done():
		}
	}
}

// waiters are the callers of AwaitReference, by bond.
type waiters struct {
	mu sync.Mutex
	of map[[2]string]map[chan struct{}]struct{}
}

func (w *waiters) join(provider, task string) (<-chan struct{}, func()) {
	key, c := [2]string{provider, task}, make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of == nil {
		w.of = map[[2]string]map[chan struct{}]struct{}{}
	}
	if w.of[key] == nil {
		w.of[key] = map[chan struct{}]struct{}{}
	}
	w.of[key][c] = struct{}{}
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if delete(w.of[key], c); len(w.of[key]) == 0 {
			delete(w.of, key)
		}
	}
}

// tell wakes those who wait for this bond.
func (w *waiters) tell(provider, task string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.of[[2]string{provider, task}] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
