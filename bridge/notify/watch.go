package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Times of the watcher.
const (
	lookEvery = 5 * time.Second
	mostWait  = 5 * time.Minute // between tries at telling
)

// Duty is the name of the duty that the watcher does.
const Duty = "notify"

// Options configures a [Watcher].
type Options struct {
	Sender Sender
	// Counts returns the state of the bridge; nil: not watched.
	Counts func(context.Context) (bridge.Counts, error)
	// Contract says whether SSP's contract keeps calls back, and why; nil: not watched.
	Contract func() (wrong bool, text string)
	// Checks are what else can fail, by name.
	Checks map[string]func(context.Context) error
	// Reset says why everything stands still, and Replica who says so; nil: not watched.
	Reset   func() error
	Replica string
	Repeat  func() time.Duration // nil, or zero: 4 h
	Console string
	Log     *slog.Logger     // nil: discarded
	Now     func() time.Time // nil: time.Now
}

// A Watcher is a [bridge.Source] that brings nothing and tells.
type Watcher struct {
	Options
}

var _ bridge.Source = (*Watcher)(nil)

// New returns a watcher.
func New(o Options) *Watcher {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Watcher{o}
}

// Watch watches until ctx ends, for this process alone: what was told is remembered no longer.
func (w *Watcher) Watch(ctx context.Context) error { return w.Run(ctx, &memory{}) }

// memory stands for a duty where the store gives none.
type memory struct{ cursor string }

func (m *memory) Name() string   { return Duty }
func (m *memory) Cursor() string { return m.cursor }
func (m *memory) Accept(_ context.Context, _ []bridge.Event, cursor string) ([]bridge.Receipt, error) {
	m.cursor = cursor
	return nil, nil
}
func (m *memory) Release(context.Context) error { return nil }

func (w *Watcher) repeat() time.Duration {
	if w.Repeat != nil {
		if d := w.Repeat(); d > 0 {
			return d
		}
	}
	return 4 * time.Hour
}

// Run watches until ctx or the duty ends.
func (w *Watcher) Run(ctx context.Context, d bridge.Duty) error {
	state := map[string]*told{}
	if c := d.Cursor(); c != "" {
		if err := json.Unmarshal([]byte(c), &state); err != nil {
			w.Log.Warn("notify: what was told before cannot be read; it is told again", "error", err)
			state = map[string]*told{}
		}
	}
	for failures := 0; ; {
		wait := lookEvery
		switch err := w.round(ctx, d, state); {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, bridge.ErrFenced), errors.Is(err, bridge.ErrUnavailable):
			return err
		case err != nil:
			wait = min(lookEvery<<min(failures, 8), mostWait)
			failures++
			w.Log.Warn("notify: people could not be told", "error", secret.Mask(err.Error()), "failures", failures, "again_in", wait)
		default:
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

// round compares what is wrong with what was told, and tells the difference.
func (w *Watcher) round(ctx context.Context, d bridge.Duty, state map[string]*told) error {
	now := w.Now()
	wrong, err := w.troubles(ctx)
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	var failed []error
	seen, fresh := map[string]bool{}, false
	for _, t := range wrong {
		key := t.key()
		seen[key] = true
		if state[key] == nil {
			state[key], fresh = &told{Kind: t.Kind, Subject: t.Subject, Since: now}, true
		}
	}
	if fresh { // before anything is told: whoever tries again after us knows since when, and has the same ids
		if err := w.save(ctx, d, state); err != nil {
			return err
		}
	}
	for _, t := range wrong {
		x := state[t.key()]
		phase := Lasts
		switch {
		case x.Last.IsZero():
			phase = Begins
		case now.Sub(x.Last) < w.repeat():
			continue
		}
		if err := w.Sender.Send(ctx, x.message(phase, now, secret.Mask(t.Text), t.Count, w.Console)); err != nil {
			failed = append(failed, err)
			continue
		}
		x.Last = now
		x.N++
		if err := w.save(ctx, d, state); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(state)) {
		x := state[key]
		if seen[key] {
			continue
		}
		if !x.Last.IsZero() { // whoever was never told need not hear of the end
			if err := w.Sender.Send(ctx, x.message(Ended, now, over(x), 0, w.Console)); err != nil {
				failed = append(failed, err)
				continue
			}
		}
		delete(state, key)
		if err := w.save(ctx, d, state); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

func (w *Watcher) save(ctx context.Context, d bridge.Duty, state map[string]*told) error {
	raw, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	if _, err := d.Accept(ctx, nil, string(raw)); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// troubles returns what is wrong now, always in the same order.
func (w *Watcher) troubles(ctx context.Context) ([]trouble, error) {
	var c bridge.Counts
	if w.Counts != nil {
		var err error
		if c, err = w.Counts(ctx); err != nil {
			return nil, err
		}
	}
	var out []trouble
	if w.Reset != nil {
		if err := w.Reset(); err != nil {
			out = append(out, trouble{Kind: StoreReset, Subject: w.Replica, Text: err.Error()})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Destination)) {
		d := c.Destination[name]
		if n := d.Lanes[bridge.LaneParked]; n > 0 {
			out = append(out, trouble{LaneParked, name, fmt.Sprintf("%s of %s %s for a person", count(n, "lane"), name, waits(n)), n})
		}
		if d.Breaker == bridge.BreakerIsOpen || d.Breaker == bridge.BreakerProbe {
			out = append(out, trouble{Kind: DestinationDown, Subject: name, Text: fmt.Sprintf("%s is down: %s in a row failed; %s, and nothing is lost",
				name, count(int64(d.Failures), "try"), count(d.Queued, "event")+" "+waits(d.Queued))})
		}
	}
	if w.Contract != nil {
		if wrong, text := w.Contract(); wrong {
			out = append(out, trouble{Kind: ContractChanged, Subject: bridge.SSP, Text: text + "; nothing is sent to SSP until it is settled"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.Checks)) {
		if err := w.Checks[name](ctx); err != nil && ctx.Err() == nil {
			out = append(out, trouble{Kind: CheckFailed, Subject: name, Text: name + ": " + err.Error()})
		}
	}
	return out, nil
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(what, "y"))
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func waits(n int64) string {
	if n == 1 {
		return "waits"
	}
	return "wait"
}

// over says that a trouble has ended.
func over(x *told) string {
	switch x.Kind {
	case LaneParked:
		return "no lane of " + x.Subject + " waits for a person any more"
	case DestinationDown:
		return x.Subject + " answers again"
	case ContractChanged:
		return "SSP's contract is settled; calls go on"
	case StoreReset:
		return "the ledger was resumed"
	}
	return x.Subject + " works again"
}
