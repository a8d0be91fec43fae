package app

import (
	"context"
	"fmt"
	"time"
)

// stuck is how old the delivery loop's last turn may be. A turn waits for the store 10 s at most.
const stuck = 30 * time.Second

// Alive reports whether this process still does its work, for a watchdog: nil, or what stands still. It asks
// whether a restart would help. A store that says no is alive, and so is a bridge whose destinations are
// all down; a delivery loop that takes no turns and a store that does not answer before ctx ends are not.
func (a *App) Alive(ctx context.Context) error {
	if beat := a.current.Load().engine.Beat(); !beat.IsZero() {
		if age := time.Since(beat); age > stuck {
			return fmt.Errorf("the delivery loop has stood still for %v", age.Round(time.Second))
		}
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = a.store.Counts(ctx) // that it answers is what counts
	}()
	select {
	case <-answered:
	case <-ctx.Done():
		return fmt.Errorf("the store does not answer: %w", context.Cause(ctx))
	}
	return nil
}
