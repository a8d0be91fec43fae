package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// The providers of the tests.
const (
	acme = "acme"
	beta = "beta"
)

// tb is what the harness needs of a test; both testing.T and rapid.T have it.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
}

// A harness drives one store in the words of the contract. Every method that is not about an
// error fails the test when the store returns one.
type harness struct {
	t      tb
	outer  *testing.T // for the handle, also inside a rapid check
	ctx    context.Context
	clock  *Clock
	make   Factory
	handle Handle
	me     bridge.Session // the session that leases
	n      int            // numbers keys and texts
}

func newHarness(outer *testing.T, t tb, f Factory) *harness {
	h := bareHarness(outer, t, f)
	// Most tests are not about sessions: theirs outlives every jump of the clock.
	h.me = h.session("me", 50*365*24*time.Hour)
	return h
}

// bareHarness has no session yet.
func bareHarness(outer *testing.T, t tb, f Factory) *harness {
	h := &harness{t: t, outer: outer, ctx: context.Background(), clock: NewClock(), make: f}
	h.handle = f.New(outer, h.clock.Now)
	return h
}

func (h *harness) close() { h.handle.Close(h.outer) }

func (h *harness) store() bridge.Store { return h.handle.Store() }

func (h *harness) now() time.Time { return h.clock.Now() }

func (h *harness) advance(d time.Duration) { h.clock.Advance(d) }

// session makes a session that lives for life.
func (h *harness) session(id string, life time.Duration) bridge.Session {
	h.t.Helper()
	s := bridge.Session{ID: id, Until: h.now().Add(life)}
	require.NoError(h.t, h.store().Renew(h.ctx, s))
	return s
}

// mortal makes the harness work in a session of the usual length, as tests that crash must.
func (h *harness) mortal() {
	h.t.Helper()
	h.me = h.session("mortal-"+bridge.NewID(), bridge.SessionLife)
}

// crash kills the store, lets the sessions of the dead process run out, sweeps, and goes on in a
// new session.
func (h *harness) crash() {
	h.t.Helper()
	h.handle.Crash(h.outer)
	h.advance(bridge.SessionLife + time.Second)
	h.sweep(bridge.SweepOptions{})
	h.mortal()
}

func (h *harness) sweep(o bridge.SweepOptions) bridge.Swept {
	h.t.Helper()
	s, err := h.store().Sweep(h.ctx, o)
	require.NoError(h.t, err)
	return s
}

// stored returns the stored event.
func (h *harness) stored(id string) bridge.Event {
	h.t.Helper()
	e, _, err := h.store().Event(h.ctx, id)
	require.NoError(h.t, err, "event %s", id)
	return e
}

func (h *harness) attempts(id string) []bridge.Attempt {
	h.t.Helper()
	_, as, err := h.store().Event(h.ctx, id)
	require.NoError(h.t, err)
	return as
}

// is requires that the event stands so.
func (h *harness) is(id string, state bridge.EventState, reason bridge.Reason) {
	h.t.Helper()
	e := h.stored(id)
	require.Equal(h.t, state, e.State, "state of %s %s %q (reason %s)", e.Dir, e.Kind, e.Text, e.Reason)
	require.Equal(h.t, reason, e.Reason, "reason of %s %s %q (state %s)", e.Dir, e.Kind, e.Text, e.State)
}

// queued requires that the event is in its lane.
func (h *harness) queued(id string) {
	h.t.Helper()
	e := h.stored(id)
	require.Equal(h.t, bridge.StateQueued, e.State, "state of %s %s %q (reason %s)", e.Dir, e.Kind, e.Text, e.Reason)
}

// leased requires that the event is being delivered.
func (h *harness) leased(id string) {
	h.t.Helper()
	e := h.stored(id)
	require.Equal(h.t, bridge.StateLeased, e.State, "state of %s %s %q (reason %s)", e.Dir, e.Kind, e.Text, e.Reason)
}

func (h *harness) events(f bridge.EventFilter) []bridge.Event {
	h.t.Helper()
	if f.Limit == 0 {
		f.Limit = 1000
	}
	es, err := h.store().Events(h.ctx, f)
	require.NoError(h.t, err)
	return es
}

func (h *harness) bond(task string) bridge.Bond {
	h.t.Helper()
	return h.bondAt(acme, task)
}

func (h *harness) bondAt(provider, task string) bridge.Bond {
	h.t.Helper()
	b, err := h.store().Bond(h.ctx, provider, task)
	require.NoError(h.t, err, "bond of %s at %s", task, provider)
	return b
}

// bondIs requires that the bond of task at acme stands so.
func (h *harness) bondIs(task string, state bridge.BondState, reference string) {
	h.t.Helper()
	b := h.bond(task)
	require.Equal(h.t, state, b.State, "state of the bond of %s", task)
	require.Equal(h.t, reference, b.Reference, "reference of the bond of %s", task)
}

func (h *harness) noBond(task string) {
	h.t.Helper()
	_, err := h.store().Bond(h.ctx, acme, task)
	require.ErrorIs(h.t, err, bridge.ErrNotFound)
}

func (h *harness) lanes(f bridge.LaneFilter) []bridge.Lane {
	h.t.Helper()
	if f.Limit == 0 {
		f.Limit = 1000
	}
	ls, err := h.store().Lanes(h.ctx, f)
	require.NoError(h.t, err)
	return ls
}

// lane returns the lane of task at acme; a lane that is not listed is idle.
func (h *harness) lane(dir bridge.Dir, task string) bridge.Lane {
	h.t.Helper()
	id := bridge.LaneID{Provider: acme, Task: task, Dir: dir}
	for _, l := range h.lanes(bridge.LaneFilter{Provider: acme, Task: task}) {
		if l.ID == id {
			return l
		}
	}
	return bridge.Lane{ID: id, State: bridge.LaneIdle}
}

// laneIs requires that the lane of task at acme stands so.
func (h *harness) laneIs(dir bridge.Dir, task string, state bridge.LaneState, reason bridge.Reason) {
	h.t.Helper()
	l := h.lane(dir, task)
	require.Equal(h.t, state, l.State, "state of lane %s (reason %s)", l.ID, l.Reason)
	require.Equal(h.t, reason, l.Reason, "reason of lane %s", l.ID)
}

func (h *harness) counts() bridge.Counts {
	h.t.Helper()
	c, err := h.store().Counts(h.ctx)
	require.NoError(h.t, err)
	return c
}
