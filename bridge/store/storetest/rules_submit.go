package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var submitRules = []rule{
	{"no bond, no reference: the bond is pending, mode new", func(h *harness) {
		id := h.queue(h.out(bridge.Submit, "T1"))
		h.bondIs("T1", bridge.BondPending, "")
		b := h.bond("T1")
		require.Equal(h.t, id, b.Submit)
		require.False(h.t, b.Acknowledged)
		l := h.leaseOf(acme, id)
		require.Equal(h.t, bridge.ModeNew, l.Event.Mode)
		require.Equal(h.t, bridge.BondPending, l.Bond.State)
	}},
	{"no bond, unknown reference: the bond is open with it, mode continue", func(h *harness) {
		id := h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.bondIs("T1", bridge.BondOpen, "R1")
		require.Equal(h.t, id, h.bond("T1").Submit)
		require.Equal(h.t, bridge.ModeContinue, h.leaseOf(acme, id).Event.Mode)
		require.Equal(h.t, "T1", h.offer(h.in(bridge.Update, "", ref("R1"))).Task)
	}},
	{"no bond, a reference that another task has at another provider: adopted", func(h *harness) {
		h.openAt(beta, "T2", "R1")
		id := h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.bondIs("T1", bridge.BondOpen, "R1")
		require.Equal(h.t, bridge.ModeContinue, h.leaseOf(acme, id).Event.Mode)
	}},
	{"no bond, the reference of this task's bond elsewhere: the task has moved, mode new", func(h *harness) {
		h.openAt(beta, "T1", "B1")
		id := h.queue(h.out(bridge.Submit, "T1", ref("b1")))
		h.bondIs("T1", bridge.BondPending, "")
		require.Equal(h.t, bridge.BondSuperseded, h.bondAt(beta, "T1").State)
		require.Equal(h.t, "B1", h.bondAt(beta, "T1").Reference)
		l := h.leaseOf(acme, id)
		require.Equal(h.t, bridge.ModeNew, l.Event.Mode)
		require.Empty(h.t, l.Event.RefKey)
	}},
	{"a reference of another task here: pending, and the lane parks at the submit", func(h *harness) {
		h.open("T1", "R1")
		id := h.queueOrPark(h.out(bridge.Submit, "T2", ref("R1")))
		h.idle(acme)
		h.is(id, bridge.StateParked, bridge.ReferenceConflict)
		h.laneIs(bridge.Out, "T2", bridge.LaneParked, bridge.ReferenceConflict)
		h.bondIs("T2", bridge.BondPending, "")
		h.bondIs("T1", bridge.BondOpen, "R1")
		require.Equal(h.t, "T1", h.offer(h.in(bridge.Update, "", ref("R1"))).Task)
	}},
	{"a reference of another task here on an open bond: parks, the bond stays", func(h *harness) {
		h.open("T1", "R1")
		h.open("T2", "R2")
		before := h.queue(h.out(bridge.Update, "T2"))
		id := h.queueOrPark(h.out(bridge.Submit, "T2", ref("R1")))
		behind := h.queue(h.out(bridge.Update, "T2"))
		h.deliver(acme, before)
		h.idle(acme)
		h.is(id, bridge.StateParked, bridge.ReferenceConflict)
		h.queued(behind)
		h.bondIs("T2", bridge.BondOpen, "R2")
	}},
	{"bond pending, new reference: open with it, the submit before it is evidenced", func(h *harness) {
		first := h.queue(h.out(bridge.Submit, "T1"))
		id := h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.is(first, bridge.StateDone, bridge.ByEvidence)
		require.Equal(h.t, bridge.ModeContinue, h.leaseOf(acme, id).Event.Mode)
	}},
	{"bond pending, no reference: merged into the bond's submit", func(h *harness) {
		first := h.queue(h.out(bridge.Submit, "T1"))
		h.merges(h.out(bridge.Submit, "T1"), first)
		h.merges(h.out(bridge.Submit, "T1", noKey), first)
		require.Equal(h.t, []string{first}, h.drainIDs(acme))
		h.merges(h.out(bridge.Submit, "T1"), first)
		h.bondIs("T1", bridge.BondPending, "")
	}},
	{"bond pending, the reference of this task's bond elsewhere: merged", func(h *harness) {
		h.openAt(beta, "T1", "B1")
		first := h.queue(h.out(bridge.Submit, "T1"))
		h.merges(h.out(bridge.Submit, "T1", ref("B1")), first)
		h.bondIs("T1", bridge.BondPending, "")
	}},
	{"bond open, its own reference: mode continue", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		require.Equal(h.t, bridge.ModeContinue, h.leaseOf(acme, id).Event.Mode)
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"bond open, new reference: the bond takes it, mode continue", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Submit, "T1", ref("R2")))
		require.Equal(h.t, bridge.ModeContinue, h.leaseOf(acme, id).Event.Mode)
		h.bondIs("T1", bridge.BondOpen, "R2")
		require.Equal(h.t, "T1", h.offer(h.in(bridge.Update, "", ref("R2"))).Task)
		require.Equal(h.t, "T1", h.offer(h.in(bridge.Update, "", ref("R1"))).Task)
	}},
	{"bond open, no reference: merged into the bond's submit", func(h *harness) {
		first := h.open("T1", "R1")
		h.merges(h.out(bridge.Submit, "T1"), first)
		h.merges(h.out(bridge.Submit, "T1", noKey), first)
		h.idle(acme)
	}},
	{"bond open, the reference of this task's bond elsewhere: merged", func(h *harness) {
		h.openAt(beta, "T1", "B1")
		first := h.open("T1", "R1")
		h.merges(h.out(bridge.Submit, "T1", ref("B1")), first)
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"bond resolved: open again, mode reopen", func(h *harness) {
		h.resolved("T1", "R1")
		h.reopens("T1", "R1")
	}},
	{"bond closed: open again, mode reopen", func(h *harness) {
		h.closed("T1", "R1")
		h.reopens("T1", "R1")
	}},
	{"bond superseded: open again, mode reopen, the other bond is superseded", func(h *harness) {
		h.superseded("T1", "R1")
		h.reopens("T1", "R1")
		require.Equal(h.t, bridge.BondSuperseded, h.bondAt(beta, "T1").State)
	}},
	{"bond over that never had a reference: pending, mode new", func(h *harness) {
		h.pending("T1")
		h.queue(h.out(bridge.Close, "T1"))
		h.bondIs("T1", bridge.BondClosed, "")
		id := h.queue(h.out(bridge.Submit, "T1"))
		h.bondIs("T1", bridge.BondPending, "")
		require.Equal(h.t, bridge.ModeNew, h.stored(id).Mode)
	}},
	{"a submit that reopens becomes the one that others merge into", func(h *harness) {
		h.closed("T1", "R1")
		id := h.queue(h.out(bridge.Submit, "T1"))
		h.merges(h.out(bridge.Submit, "T1"), id)
	}},
	{"an appended submit supersedes the bonds elsewhere, but not a closed one", func(h *harness) {
		for task, end := range map[string]bridge.Kind{"T1": "", "T2": bridge.Resolve, "T3": bridge.Close} {
			h.open(task, "R-"+task)
			switch end {
			case bridge.Resolve:
				h.deliver(bridge.SSP, h.queue(h.in(bridge.Resolve, task)))
			case bridge.Close:
				h.deliver(acme, h.queue(h.out(bridge.Close, task)))
			}
			h.queue(h.out(bridge.Submit, task, at(beta)))
		}
		h.pending("T4")
		h.queue(h.out(bridge.Submit, "T4", at(beta)))
		h.bondIs("T1", bridge.BondSuperseded, "R-T1")
		h.bondIs("T2", bridge.BondSuperseded, "R-T2")
		h.bondIs("T3", bridge.BondClosed, "R-T3")
		h.bondIs("T4", bridge.BondSuperseded, "")
	}},
	{"a merged submit supersedes nothing", func(h *harness) {
		h.superseded("T1", "R1")
		h.queue(h.out(bridge.RejectSolution, "T1"))
		h.bondIs("T1", bridge.BondOpen, "R1")
		require.Equal(h.t, bridge.Duplicate, h.offer(h.out(bridge.Submit, "T1", at(beta))).Status)
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
}

// queueOrPark accepts an event that the contract appends; a store may park its lane at once when
// the event is the head.
func (h *harness) queueOrPark(e bridge.Event) string {
	h.t.Helper()
	r := h.offer(e)
	require.Equal(h.t, bridge.Accepted, r.Status)
	require.Contains(h.t, []bridge.EventState{bridge.StateQueued, bridge.StateParked}, h.stored(e.ID).State)
	return e.ID
}

// reopens submits a task whose bond is over or resolved.
func (h *harness) reopens(task, reference string) {
	h.t.Helper()
	id := h.queue(h.out(bridge.Submit, task))
	h.bondIs(task, bridge.BondOpen, reference)
	l := h.leaseOf(acme, id)
	require.Equal(h.t, bridge.ModeReopen, l.Event.Mode)
	require.Equal(h.t, reference, l.Bond.Reference)
}
