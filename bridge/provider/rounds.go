package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Rounds runs a poll: a round at every interval, with longer pauses after failures in a row.
type Rounds struct {
	Name  string
	Every time.Duration
	// MaxPause bounds the pause after failures; what the other side asks for may be longer, see [Pleading].
	MaxPause time.Duration
	Log      *slog.Logger
}

// Run makes rounds until ctx or the duty ends. load reads the duty's cursor: at the start, and after a round
// that failed, so that what it had seen and not saved is found again.
func (r Rounds) Run(ctx context.Context, d bridge.Duty, load func(cursor string) error, round func(context.Context) error) error {
	if err := load(d.Cursor()); err != nil {
		return fmt.Errorf("%s: poll: %w", r.Name, err)
	}
	for failures := 0; ; {
		err := round(ctx)
		wait := r.Every
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, bridge.ErrFenced):
			return err
		case err != nil:
			failures++
			wait = max(min(r.Every<<min(failures-1, 10), r.MaxPause), pleaded(err))
			r.Log.Warn("poll failed", "provider", r.Name, "error", secret.Mask(err.Error()), "failures", failures, "again_in", wait.String())
			if err := load(d.Cursor()); err != nil {
				return fmt.Errorf("%s: poll: %w", r.Name, err)
			}
		case failures > 0:
			r.Log.Info("poll works again", "provider", r.Name, "failures", failures)
			failures = 0
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
	}
}

// A Pleading error says how long the other side asked us to wait.
type Pleading interface {
	error
	After() time.Duration
}

func pleaded(err error) time.Duration {
	if p, ok := errors.AsType[Pleading](err); ok {
		return p.After()
	}
	return 0
}
