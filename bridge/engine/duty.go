package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
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
			call, cancel := context.WithTimeout(context.WithoutCancel(ctx), dutyLimit)
			defer cancel()
			// Asked for while the engine retires, it may be granted: a lost answer would leave it with a session
			// that lives on. At the end of the program the session ends, and the duty with it.
			defer context.AfterFunc(ctx, func() {
				if !e.isRetired() {
					cancel()
				}
			})()
			held, ok, err = e.o.Store.Duty(call, name, s.store())
			return err
		})
		if err != nil || !ok {
			sleep(ctx, jitter(dutyPoll, e.o.Rand()))
			continue
		}
		if ctx.Err() != nil { // too late: whoever comes next must not wait for it
			if err := release(ctx, held); err != nil {
				log.Warn("a duty came too late and could not be given back; it ends with the session", slog.Any(LogError, err))
			}
			return
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
	e.held.add(held.Name(), holding{s.id, time.Now(), func() { stop(errDutyLost) }})
	defer e.held.remove(held.Name())
	e.o.Observer.Duty(held.Name(), true)
	defer func() {
		e.o.Observer.Duty(held.Name(), false) // first: released, it may be taken by the next at once
		if p := recover(); p != nil {
			err = errors.New(panicText(p))
		}
		err = errors.Join(err, release(ctx, held))
	}()
	return work(run, &duty{Duty: held, e: e, lost: func() { stop(errDutyLost) }})
}

// release gives a duty back, also when ctx has ended.
func release(ctx context.Context, held bridge.Duty) error {
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseLimit)
	defer cancel()
	if err := held.Release(end); err != nil && !errors.Is(err, bridge.ErrFenced) {
		return fmt.Errorf("engine: release duty %s: %w", held.Name(), err)
	}
	return nil
}

// held is what this replica has at the moment.
type held struct {
	mu sync.Mutex
	by map[string]holding
}

type holding struct {
	session string
	since   time.Time
	lose    func()
}

func (h *held) add(name string, x holding) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by == nil {
		h.by = map[string]holding{}
	}
	h.by[name] = x
}

func (h *held) remove(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.by, name)
}

// compare stops the sources of duties that are somebody else's by now, or paused. all was read after
// began; what was taken since is not in it.
func (h *held) compare(all []bridge.DutyState, began time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range all {
		if x, ok := h.by[d.Name]; ok && x.session != d.Session && x.since.Before(began) {
			x.lose()
		}
	}
}

// watchDuties notices early that a duty was paused: a source that waits for something new would find
// out only when it comes, and keep its connection until then.
func (e *Engine) watchDuties(ctx context.Context) {
	for sleep(ctx, jitter(dutyPoll, e.o.Rand())) {
		var all []bridge.DutyState
		began := time.Now()
		err := e.observed("duties", func() (err error) {
			call, cancel := context.WithTimeout(ctx, dutyLimit)
			defer cancel()
			all, err = e.o.Store.Duties(call)
			return err
		})
		if err == nil {
			e.held.compare(all, began)
		}
	}
}

// A duty is the store's, with the engine's Accept.
type duty struct {
	bridge.Duty
	e    *Engine
	lost func()
}

// Since is read by [bridge.Since].
func (d *duty) Since() time.Time { return bridge.Since(d.Duty) }

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
