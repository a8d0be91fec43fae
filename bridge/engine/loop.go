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
	fallback    = time.Second           // the longest pause between turns
	shortest    = 5 * time.Millisecond  // the shortest pause before a turn that only a due time asks for
	settleLimit = 10 * time.Second      // the longest time one turn may take at the store
	drainGrace  = 3 * time.Second       // time for cancelled deliveries to return and be settled
	settleFirst = 50 * time.Millisecond // first back-off after a turn that failed
	settleMost  = 5 * time.Second       // longest one
	oneByOne    = 3                     // failures after which results are offered one by one
)

// errDrain is why deliveries are cancelled at the end.
var errDrain = errors.New("engine: the time to finish is over")

// A finishedTry is the result of a delivery on its way to the store.
type finishedTry struct {
	bridge.Result
	dest    *dest
	session *session // whose lease it is
}

// finished collects results between turns.
type finished struct {
	mu   sync.Mutex
	list []finishedTry
}

func (f *finished) put(t finishedTry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, t)
}

func (f *finished) take() []finishedTry {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.list
	f.list = nil
	return list
}

// A loop is the one delivery loop. Its fields belong to its goroutine.
type loop struct {
	e         *Engine
	stopCalls context.CancelCauseFunc

	results   []finishedTry // taken and not settled
	running   int           // deliveries under way
	draining  bool
	fails     int       // turns that failed in a row
	notBefore time.Time // back-off after a failed turn
	careful   bool      // results are offered one by one, apart from leasing, until all are settled
	leasing   bool      // in a careful time: this turn only leases
	trouble   int       // failures since everything was settled last
}

// run takes turns until ctx has ended and everything is settled or the time for it is over.
func (l *loop) run(ctx context.Context) error {
	defer l.e.lag.stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	done, retired, wake := ctx.Done(), l.e.retired, l.e.o.Store.Wake()
	var limit <-chan time.Time
	cancelled := false
	for {
		l.e.beat.Store(time.Now().UnixNano())
		pause := l.turn()
		if l.draining && l.running == 0 && len(l.results) == 0 {
			return nil
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-l.e.bell:
		case _, open := <-wake:
			if !open {
				wake = nil
			}
			l.e.lag.signal()
		case <-retired:
			retired, l.draining = nil, true
			wake = nil // one signal wakes one loop: it is the successor's now
			l.e.o.Log.Debug("retiring: deliveries may finish", slog.Int(LogCount, l.running))
		case <-done:
			done, l.draining = nil, true
			limit = time.After(l.e.o.DrainLimit)
			l.e.o.Log.Info("draining: deliveries may finish",
				slog.Int(LogCount, l.running), slog.Duration(LogDuration, l.e.o.DrainLimit))
		case <-limit:
			if cancelled {
				return fmt.Errorf("engine: %d deliveries did not end, %d results could not be settled; they will be unknown", l.running, len(l.results))
			}
			cancelled = true
			limit = time.After(drainGrace)
			l.stopCalls(errDrain)
			l.e.o.Log.Warn("drain time is over: deliveries are cancelled", slog.Int(LogCount, l.running))
		}
	}
}

// turn settles what has come in and leases what fits, in one call of the store. It returns how
// long nothing has to be done unless something rings.
func (l *loop) turn() time.Duration {
	e := l.e
	for _, t := range e.finished.take() {
		t.dest.busy--
		l.running--
		l.results = append(l.results, t)
	}
	if wait := time.Until(l.notBefore); wait > 0 {
		return wait
	}
	s, _ := e.session.get()
	if s == nil {
		e.lag.stop()
		return fallback
	}
	batch, wants := l.results, l.wants()
	if l.careful && len(batch) > 0 {
		if l.leasing = !l.leasing && len(wants) > 0; l.leasing {
			batch = nil
		} else {
			batch, wants = batch[:1], nil
		}
	}
	if len(batch) == 0 && len(wants) == 0 {
		return fallback
	}
	results := make([]bridge.Result, len(batch))
	for i := range batch {
		results[i] = batch[i].Result
	}
	e.lag.begin()
	settled, err := l.settle(s, results, wants)
	e.o.Observer.Lag(e.lag.end(err == nil))
	if err != nil {
		l.failed(s, err, len(wants) > 0)
		return time.Until(l.notBefore)
	}
	for i := range batch {
		batch[i].session.hold(-1)
		e.report(&batch[i], settled.Verdicts[i])
	}
	l.results = append([]finishedTry(nil), l.results[len(batch):]...)
	l.answered()
	for i := range settled.Leases {
		l.start(s, settled.Leases[i])
	}
	if len(l.results) > 0 {
		return 0
	}
	if settled.Next.IsZero() {
		return fallback
	}
	return min(fallback, max(shortest, settled.Next.Sub(e.o.Now())))
}

// wants asks for every free slot.
func (l *loop) wants() []bridge.Want {
	if l.draining {
		return nil
	}
	wants := make([]bridge.Want, 0, len(l.e.order))
	for _, d := range l.e.order {
		if w, ok := d.want(); ok {
			wants = append(wants, w)
		}
	}
	return wants
}

func (l *loop) settle(s *session, results []bridge.Result, wants []bridge.Want) (settled bridge.Settled, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), settleLimit)
	defer cancel()
	err = l.e.observed("settle", func() (err error) {
		settled, err = l.e.o.Store.Settle(ctx, s.store(), results, wants)
		if err == nil && len(settled.Verdicts) != len(results) {
			err = fmt.Errorf("the store gave %d verdicts for %d results", len(settled.Verdicts), len(results))
		}
		return err
	})
	return settled, err
}

// failed keeps the results for the next turn. What the store may have leased without our knowing
// is given up with the session.
func (l *loop) failed(s *session, err error, asked bool) {
	l.fails++
	if l.trouble++; l.trouble == 1 || l.trouble%100 == 0 {
		l.e.o.Log.Error("the store does not take results; they are kept and offered again",
			slog.Int(LogCount, len(l.results)), slog.Any(LogError, err))
	}
	switch {
	case errors.Is(err, bridge.ErrFenced):
		s.lose(errSessionLost)
	case asked:
		s.give()
	}
	if l.careful && !l.leasing && len(l.results) > 1 { // let the others pass what the store does not take
		l.results = append(append([]finishedTry(nil), l.results[1:]...), l.results[0])
	}
	if l.fails >= oneByOne && !errors.Is(err, bridge.ErrUnavailable) {
		l.careful = true
	}
	l.notBefore = time.Now().Add(settleFirst/2 + backoff(settleFirst, settleMost, l.fails, l.e.o.Rand()))
}

// answered ends a series of failures.
func (l *loop) answered() {
	l.fails = 0
	if l.careful && len(l.results) > 0 {
		return
	}
	l.careful = false
	if l.trouble > 0 {
		l.e.o.Log.Info("the store takes results again", slog.Int(LogCount, l.trouble))
	}
	l.trouble = 0
}

// start delivers one lease in a goroutine of its own.
func (l *loop) start(s *session, lease bridge.Lease) {
	e := l.e
	d := e.dests[lease.Event.Dir.Destination(lease.Event.Provider)]
	s.hold(1)
	if d == nil { // not asked for; given back rather than kept
		now := e.o.Now()
		e.o.Log.Error("the store leased for a destination that was not asked for", slog.String(LogEvent, lease.Event.ID))
		l.results = append(l.results, finishedTry{dest: newDest(Destination{Name: lease.Event.Provider}), session: s, Result: bridge.Result{
			Lease: lease, Started: now, Ended: now, Then: bridge.ThenRetry, Due: now.Add(time.Minute), Config: e.o.ConfigVersion,
			Outcome: bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Canceled, Detail: "no such destination is configured"},
		}})
		return
	}
	l.running++
	d.busy++
	go func() {
		t := finishedTry{Result: e.attempt(s.calls, d, lease), dest: d, session: s}
		e.finished.put(t)
		e.lag.signal()
		e.ring()
	}()
}
