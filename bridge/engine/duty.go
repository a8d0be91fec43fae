package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

const (
	dutyPoll     = 3 * time.Second // how often a duty that another replica has is asked for
	dutyFirst    = time.Second     // first back-off after a failure
	dutyMost     = 5 * time.Minute // longest one
	dutySettled  = time.Minute     // a run of this length ends a series of failures
	dutyLimit    = 10 * time.Second
	releaseLimit = 5 * time.Second
)

// errDutyLost is why a source is stopped when its duty has passed to another session.
var errDutyLost = errors.New("engine: the duty was lost")

// runDuty runs work whenever this replica has the duty, until ctx ends.
func (e *Engine) runDuty(ctx context.Context, name string, work func(context.Context, bridge.Duty) error) {
	log := e.o.Log.With(slog.String(LogDuty, name))
	failed := 0
	for ctx.Err() == nil {
		s := e.session.wait(ctx)
		if s == nil {
			return
		}
		var held bridge.Duty
		var ok bool
		err := e.observed("duty", func() (err error) {
			call, cancel := context.WithTimeout(ctx, dutyLimit)
			defer cancel()
			held, ok, err = e.o.Store.Duty(call, name, s.store())
			return err
		})
		if err != nil || !ok {
			sleep(ctx, jitter(dutyPoll, e.o.Rand()))
			continue
		}
		start := time.Now()
		err = e.hold(ctx, s, held, work)
		if ctx.Err() != nil {
			return
		}
		if time.Since(start) >= dutySettled {
			failed = 0
		}
		failed++
		wait := dutyFirst/2 + backoff(dutyFirst, dutyMost, failed, e.o.Rand())
		if err != nil && !errors.Is(err, bridge.ErrFenced) && s.tenure.Err() == nil {
			log.Warn("the source failed; it is started again", slog.Any(LogError, err), slog.Duration(LogDuration, wait))
		}
		sleep(ctx, wait)
	}
}

// hold runs work while s has the duty, then releases it.
func (e *Engine) hold(ctx context.Context, s *session, held bridge.Duty, work func(context.Context, bridge.Duty) error) (err error) {
	run, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer context.AfterFunc(s.tenure, func() { stop(errDutyLost) })()
	e.o.Observer.Duty(held.Name(), true)
	defer func() {
		e.o.Observer.Duty(held.Name(), false) // first: released, it may be taken by the next at once
		if p := recover(); p != nil {
			err = errors.New(panicText(p))
		}
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseLimit)
		defer cancel()
		if rerr := held.Release(end); rerr != nil && !errors.Is(rerr, bridge.ErrFenced) {
			err = errors.Join(err, fmt.Errorf("engine: release duty %s: %w", held.Name(), rerr))
		}
	}()
	return work(run, &duty{Duty: held, e: e, lost: func() { stop(errDutyLost) }})
}

// A duty is the store's, with the engine's Accept.
type duty struct {
	bridge.Duty
	e    *Engine
	lost func()
}

// Accept completes the events as [Engine.Accept] does, and stops the source once it is fenced.
func (d *duty) Accept(ctx context.Context, events []bridge.Event, cursor string) ([]bridge.Receipt, error) {
	receipts, err := d.e.accept(ctx, events, func(ctx context.Context, ready []bridge.Event) ([]bridge.Receipt, error) {
		return d.Duty.Accept(ctx, ready, cursor)
	})
	if errors.Is(err, bridge.ErrFenced) {
		d.lost()
	}
	return receipts, err
}
