package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// An Engine is one replica's working part; see the package documentation.
type Engine struct {
	o     Options
	dests map[string]*dest
	order []*dest // as configured, so that turns ask in the same order

	bell     chan struct{} // rings when a turn may have something to do
	finished finished
	lag      lag
	waiters  waiters
	session  tenancy
	held     held
	ran      atomic.Bool
	beat     atomic.Int64  // Unix nanoseconds of the delivery loop's last turn
	retired  chan struct{} // closed by Retire
	retire   sync.Once
}

var (
	_ bridge.Acceptor = (*Engine)(nil)
	_ bridge.Operator = (*Engine)(nil)
)

// New returns an engine that works as o says. It does nothing until [Engine.Run]; Accept works at
// once.
func New(o Options) (*Engine, error) {
	o, err := o.complete()
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	e := &Engine{o: o, dests: map[string]*dest{}, bell: make(chan struct{}, 1), retired: make(chan struct{})}
	e.lag.init()
	e.session.init()
	for _, d := range o.Destinations {
		p, err := d.Policy.complete()
		if err != nil {
			return nil, fmt.Errorf("engine: destination %s: %w", d.Name, err)
		}
		d.Policy = p
		x := newDest(d)
		e.dests[d.Name] = x
		e.order = append(e.order, x)
	}
	return e, nil
}

// retiredGrace is how long a retired engine waits for its sources before the drain's own grace begins.
const retiredGrace = time.Minute

// errRan is returned when Run is called a second time.
var errRan = errors.New("engine: an engine runs only once")

// Run delivers, sweeps and runs the sources until ctx ends, then drains. It returns nil after a
// clean end, and an error if deliveries had to be abandoned or results could not be settled.
func (e *Engine) Run(ctx context.Context) error {
	if !e.ran.CompareAndSwap(false, true) {
		return errRan
	}
	// What must outlive ctx during the drain hangs on contexts of its own: deliveries end at the
	// drain limit, the session when everything is settled.
	base := context.WithoutCancel(ctx)
	calls, stopCalls := context.WithCancelCause(base)
	life, stopLife := context.WithCancel(base)
	defer stopCalls(nil)

	var group sync.WaitGroup
	group.Go(func() { e.keepSessions(life, calls) })
	var duties sync.WaitGroup
	work, stopWork := context.WithCancel(ctx) // also ends when the engine retires
	defer stopWork()
	group.Go(func() {
		select {
		case <-e.retired:
			stopWork()
		case <-life.Done():
		}
	})
	for name, s := range e.o.Sources {
		duties.Go(func() { e.runDuty(work, name, s.Run) })
	}
	duties.Go(func() { e.runDuty(work, sweepDuty, e.sweep) })
	duties.Go(func() { e.watchDuties(work) })

	l := loop{e: e, stopCalls: stopCalls}
	err := l.run(ctx)
	done := make(chan struct{})
	go func() { defer close(done); duties.Wait() }()
	if e.isRetired() { // a source may be filing what it has read; the next engine's waits for the duty
		t := time.NewTimer(retiredGrace)
		select {
		case <-done:
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
	}
	if !within(drainGrace, func() { <-done }) { // they release while the session still lives
		err = errors.Join(err, errors.New("engine: a source did not stop"))
	}
	stopLife()
	group.Wait()
	return err
}

// Session returns the id of the session that new work starts in, "" while there is none.
func (e *Engine) Session() string {
	if s, _ := e.session.get(); s != nil {
		return s.id
	}
	return ""
}

// Beat returns when the delivery loop began its last turn; zero before [Engine.Run]. It takes one at least
// every second, unless the store keeps it waiting, which is bounded as well.
func (e *Engine) Beat() time.Time {
	if ns := e.beat.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}

// Retire lets another engine on the same store take over, as another replica would: sources stop
// and release their duties, nothing new is leased, and what is on its way may take the time it takes.
// [Engine.Run] returns when everything is settled; when its context ends before, the rest is drained
// as usual. Accept goes on working.
func (e *Engine) Retire() { e.retire.Do(func() { close(e.retired) }) }

// isRetired reports whether Retire was called.
func (e *Engine) isRetired() bool {
	select {
	case <-e.retired:
		return true
	default:
		return false
	}
}

// ring makes the loop take another turn.
func (e *Engine) ring() {
	select {
	case e.bell <- struct{}{}:
	default:
	}
}

// sleep waits for d or the end of ctx, and reports whether d is over.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// within reports whether f returned in time.
func within(d time.Duration, f func()) bool {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// observed calls the store and tells the observer how it went.
func (e *Engine) observed(call string, f func() error) error {
	start := time.Now()
	err := f()
	e.o.Observer.Store(call, time.Since(start), err)
	return err
}
