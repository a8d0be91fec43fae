package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeStore keeps lanes in memory, fences by token, and fails on command: before a call did
// anything, or after it did everything (the answer is lost).
type fakeStore struct {
	bridge.Store // what these tests do not use

	mu       sync.Mutex
	lanes    map[bridge.LaneID]*fakeLane
	order    []bridge.LaneID
	sessions map[string]time.Time
	duties   map[string]string
	paused   map[string]bool
	cursors  map[string]string
	bonds    map[[2]string]bridge.Bond
	events   map[string]*bridge.Event
	tries    map[string][]bridge.Attempt
	ended    map[string]int // how often an event was settled for good
	results  []bridge.Result
	fenced   int
	wants    [][]bridge.Want
	commands []bridge.Command
	tokens   int
	wake     chan struct{}

	before func(call string) error
	after  func(call string) error
	delay  func(call string) time.Duration
	reject func(r bridge.Result) error // a result the store cannot take
}

type fakeLane struct {
	id      bridge.LaneID
	queue   []*bridge.Event
	due     time.Time
	attempt int
	unknown time.Time
	token   bridge.Token
	session string
	parked  bool
}

func newFakeStore() *fakeStore {
	return &fakeStore{
		lanes: map[bridge.LaneID]*fakeLane{}, sessions: map[string]time.Time{}, duties: map[string]string{}, cursors: map[string]string{},
		bonds: map[[2]string]bridge.Bond{}, events: map[string]*bridge.Event{}, tries: map[string][]bridge.Attempt{},
		ended: map[string]int{}, wake: make(chan struct{}, 1),
	}
}

func (f *fakeStore) call(ctx context.Context, name string, do func() error) error {
	var d time.Duration
	f.with(func() {
		if f.delay != nil {
			d = f.delay(name)
		}
	})
	if d > 0 && !sleep(ctx, d) {
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.before != nil {
		if err := f.before(name); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	if f.after != nil {
		return f.after(name)
	}
	return nil
}

func (f *fakeStore) Accept(ctx context.Context, events []bridge.Event) (out []bridge.Receipt, err error) {
	err = f.call(ctx, "accept", func() error { out = f.accept(events); return nil })
	return out, err
}

func (f *fakeStore) accept(events []bridge.Event) []bridge.Receipt {
	var out []bridge.Receipt
	for _, ev := range events {
		f.events[ev.ID] = &ev
		r := bridge.Receipt{Status: bridge.Accepted, Event: ev.ID, Task: ev.Task, Reference: ev.Reference}
		if ev.Quarantine != "" {
			ev.State, ev.Reason = bridge.StateQuarantined, ev.Quarantine
			r.Status, r.State = bridge.Quarantined, ev.State
			out = append(out, r)
			continue
		}
		l := f.lanes[ev.Lane()]
		if l == nil {
			l = &fakeLane{id: ev.Lane()}
			f.lanes[l.id] = l
			f.order = append(f.order, l.id)
		}
		l.queue = append(l.queue, &ev)
		out = append(out, r)
	}
	return out
}

func (f *fakeStore) Settle(ctx context.Context, s bridge.Session, results []bridge.Result, wants []bridge.Want) (out bridge.Settled, err error) {
	err = f.call(ctx, "settle", func() error {
		for _, r := range results {
			if f.reject != nil {
				if err := f.reject(r); err != nil {
					return err
				}
			}
		}
		for _, r := range results {
			out.Verdicts = append(out.Verdicts, f.settle(r))
		}
		if len(wants) == 0 {
			return nil
		}
		if !f.sessions[s.ID].After(time.Now()) {
			return bridge.ErrFenced
		}
		f.wants = append(f.wants, wants)
		for _, w := range wants {
			f.lease(s, w, &out)
		}
		return nil
	})
	return out, err
}

func (f *fakeStore) settle(r bridge.Result) bridge.Verdict {
	id := r.Lease.Event.ID
	l := f.lanes[r.Lease.Event.Lane()]
	if l == nil || l.token != r.Lease.Token {
		f.fenced++
		return bridge.Verdict{Fenced: true}
	}
	f.results = append(f.results, r)
	f.tries[id] = append(f.tries[id], bridge.Attempt{N: r.Lease.Attempt, Outcome: r.Outcome.Kind, Reason: r.Outcome.Reason})
	l.token, l.session = "", ""
	switch r.Then {
	case bridge.ThenDone, bridge.ThenSkip:
		f.ended[id]++
		l.queue, l.attempt, l.unknown, l.due = l.queue[1:], 0, time.Time{}, time.Time{}
		v := bridge.Verdict{State: bridge.StateDone, Reason: r.Outcome.Reason}
		if r.Outcome.Reference != "" {
			f.bonds[[2]string{l.id.Provider, l.id.Task}] = bridge.Bond{Reference: r.Outcome.Reference, RefKey: r.Outcome.RefKey}
			v.Bonded = true
		}
		f.accept(r.Outcome.Follow)
		return v
	case bridge.ThenPark:
		l.parked = true
		return bridge.Verdict{State: bridge.StateParked, Parked: true, Reason: r.Outcome.Reason}
	case bridge.ThenWait:
		if r.Outcome.Wrote() || l.unknown.IsZero() {
			l.unknown = time.Now()
		}
	case bridge.ThenRetry:
		l.unknown = time.Time{}
	}
	l.due = r.Due
	return bridge.Verdict{State: bridge.StateQueued, Reason: r.Outcome.Reason}
}

func (f *fakeStore) lease(s bridge.Session, w bridge.Want, out *bridge.Settled) {
	for _, id := range f.order {
		l := f.lanes[id]
		if id.Destination() != w.Dest || len(l.queue) == 0 || l.token != "" || l.parked {
			continue
		}
		if l.due.After(time.Now()) {
			if out.Next.IsZero() || l.due.Before(out.Next) {
				out.Next = l.due
			}
			continue
		}
		if w.N == 0 {
			return
		}
		w.N--
		f.tokens++
		l.attempt++
		l.token, l.session = bridge.Token(fmt.Sprint("t", f.tokens)), s.ID
		out.Leases = append(out.Leases, bridge.Lease{
			Event: *l.queue[0], Bond: f.bonds[[2]string{id.Provider, id.Task}], Attempt: l.attempt,
			Unknown: !l.unknown.IsZero(), UnknownSince: l.unknown, Token: l.token, Until: s.Until,
		})
	}
}

func (f *fakeStore) Renew(ctx context.Context, s bridge.Session) error {
	return f.call(ctx, "renew", func() error {
		if until, known := f.sessions[s.ID]; known && !until.After(time.Now()) {
			return bridge.ErrFenced
		}
		f.sessions[s.ID] = s.Until
		return nil
	})
}

func (f *fakeStore) Sweep(ctx context.Context, _ bridge.SweepOptions) (out bridge.Swept, err error) {
	err = f.call(ctx, "sweep", func() error {
		for _, l := range f.lanes {
			if l.token != "" && !f.sessions[l.session].After(time.Now()) {
				id := l.queue[0].ID
				f.tries[id] = append(f.tries[id], bridge.Attempt{N: l.attempt, Outcome: bridge.OutcomeUnknown, Reason: bridge.LeaseExpired})
				l.token, l.session, l.unknown = "", "", time.Now()
				out.Expired++
			}
		}
		return nil
	})
	return out, err
}

func (f *fakeStore) Duty(ctx context.Context, name string, s bridge.Session) (d bridge.Duty, ok bool, err error) {
	err = f.call(ctx, "duty", func() error {
		holder := f.duties[name]
		if f.paused[name] {
			return nil
		}
		if ok = holder == "" || holder == s.ID || !f.sessions[holder].After(time.Now()); ok {
			f.duties[name] = s.ID
			d = &fakeDuty{f: f, name: name, session: s.ID}
		}
		return nil
	})
	return d, ok && err == nil, err
}

func (f *fakeStore) Duties(ctx context.Context) (out []bridge.DutyState, err error) {
	err = f.call(ctx, "duties", func() error {
		for name, holder := range f.duties {
			d := bridge.DutyState{Name: name, Session: holder, Paused: f.paused[name]}
			if d.Paused || !f.sessions[holder].After(time.Now()) {
				d.Session = ""
			}
			out = append(out, d)
		}
		return nil
	})
	return out, err
}

type fakeDuty struct {
	f             *fakeStore
	name, session string
}

func (d *fakeDuty) Name() string { return d.name }

func (d *fakeDuty) Cursor() string {
	d.f.mu.Lock()
	defer d.f.mu.Unlock()
	return d.f.cursors[d.name]
}

func (d *fakeDuty) Accept(ctx context.Context, events []bridge.Event, cursor string) (out []bridge.Receipt, err error) {
	err = d.f.call(ctx, "duty.accept", func() error {
		if d.f.duties[d.name] != d.session {
			return bridge.ErrFenced
		}
		d.f.cursors[d.name] = cursor
		out = d.f.accept(events)
		return nil
	})
	return out, err
}

func (d *fakeDuty) Release(ctx context.Context) error {
	return d.f.call(ctx, "release", func() error {
		if d.f.duties[d.name] != d.session {
			return bridge.ErrFenced
		}
		d.f.duties[d.name] = ""
		return nil
	})
}

func (f *fakeStore) Wake() <-chan struct{} { return f.wake }

func (f *fakeStore) Bond(ctx context.Context, provider, task string) (b bridge.Bond, err error) {
	err = f.call(ctx, "bond", func() error {
		var ok bool
		if b, ok = f.bonds[[2]string{provider, task}]; !ok {
			return bridge.ErrNotFound
		}
		return nil
	})
	return b, err
}

func (f *fakeStore) Event(ctx context.Context, id string) (ev bridge.Event, tries []bridge.Attempt, err error) {
	err = f.call(ctx, "event", func() error {
		if f.events[id] == nil {
			return bridge.ErrNotFound
		}
		ev, tries = *f.events[id], f.tries[id]
		return nil
	})
	return ev, tries, err
}

func (f *fakeStore) Operate(ctx context.Context, c bridge.Command) (out bridge.CommandResult, err error) {
	err = f.call(ctx, "operate", func() error {
		f.commands = append(f.commands, c)
		out.Changed = true
		if c.Verb == bridge.VerbReread {
			out.Receipts = f.accept(c.Events)
		}
		return nil
	})
	return out, err
}

// with reads or changes the store's state safely.
func (f *fakeStore) with(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// settledResults returns the results recorded so far.
func (f *fakeStore) settledResults() []bridge.Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]bridge.Result(nil), f.results...)
}

// vendor is a scripted destination.
type vendor struct {
	deliver func(ctx context.Context, l bridge.Lease) bridge.Outcome
	find    func(ctx context.Context, l bridge.Lease) (bridge.Found, error)
	render  func(l bridge.Lease) (string, error)
}

func (v *vendor) Deliver(ctx context.Context, l bridge.Lease) bridge.Outcome {
	return v.deliver(ctx, l)
}

// asking is a vendor that can be asked and can render.
type asking struct{ *vendor }

func (v asking) Find(ctx context.Context, l bridge.Lease) (bridge.Found, error) {
	return v.find(ctx, l)
}
func (v asking) Render(l bridge.Lease) (string, error) { return v.render(l) }

func done(context.Context, bridge.Lease) bridge.Outcome {
	return bridge.Outcome{Kind: bridge.OutcomeDone}
}

// says returns a vendor that gives the outcomes in turn, then done.
func says(outcomes ...bridge.Outcome) *vendor {
	var mu sync.Mutex
	return &vendor{deliver: func(ctx context.Context, l bridge.Lease) bridge.Outcome {
		mu.Lock()
		defer mu.Unlock()
		if len(outcomes) == 0 {
			return done(ctx, l)
		}
		o := outcomes[0]
		outcomes = outcomes[1:]
		return o
	}}
}

// bench is an engine with two destinations on a fake store.
type bench struct {
	*Engine
	store *fakeStore
	stop  context.CancelFunc
	ran   chan error
}

// start runs an engine; the test ends it with end.
func start(t testing.TB, store *fakeStore, o Options, acme, ssp bridge.Destination) *bench {
	t.Helper()
	b := &bench{Engine: build(t, store, o, acme, ssp), store: store, ran: make(chan error, 1)}
	ctx, stop := context.WithCancel(t.Context())
	b.stop = stop
	go func() { b.ran <- b.Run(ctx) }()
	return b
}

func build(t testing.TB, store *fakeStore, o Options, acme, ssp bridge.Destination) *Engine {
	t.Helper()
	if acme == nil {
		acme = &vendor{deliver: done}
	}
	if ssp == nil {
		ssp = &vendor{deliver: done}
	}
	o.Store = store
	if o.Rand == nil {
		o.Rand = func() float64 { return 0.999 }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Destinations == nil {
		o.Destinations = []Destination{{Name: bridge.SSP, Dest: ssp}, {Name: "acme", Dest: acme}}
	}
	e, err := New(o)
	require.NoError(t, err)
	return e
}

func (b *bench) end(t testing.TB) {
	t.Helper()
	b.stop()
	require.NoError(t, <-b.ran)
}

func (b *bench) accept(t testing.TB, events ...bridge.Event) []bridge.Receipt {
	t.Helper()
	r, err := b.Accept(t.Context(), events)
	require.NoError(t, err)
	return r
}

func out(task string, k bridge.Kind) bridge.Event {
	return bridge.Event{Provider: "acme", Task: task, Dir: bridge.Out, Kind: k, Entrance: bridge.ByProcessCall}
}

func in(task string, k bridge.Kind) bridge.Event {
	return bridge.Event{Provider: "acme", Task: task, Dir: bridge.In, Kind: k, Entrance: bridge.ByWebhook}
}

// pass lets time pass in the bubble, and what it starts finish.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
