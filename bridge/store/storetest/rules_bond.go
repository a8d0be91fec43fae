package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var bondRules = []rule{
	{"settling a submit makes the bond and appends an acknowledge", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		v := h.bonded(l, "R1")
		require.Equal(h.t, bridge.StateDone, v.State)
		require.True(h.t, v.Bonded)
		h.bondIs("T1", bridge.BondOpen, "R1")
		b := h.bond("T1")
		require.Equal(h.t, bridge.ReferenceKey("R1", false), b.RefKey)
		require.True(h.t, b.Acknowledged)
		ack := h.lease(bridge.SSP)
		require.Equal(h.t, bridge.Acknowledge, ack.Event.Kind)
		require.Equal(h.t, bridge.In, ack.Event.Dir)
		require.Equal(h.t, "T1", ack.Event.Task)
		require.Equal(h.t, "R1", ack.Event.Reference)
		require.Equal(h.t, bridge.ByFollowUp, ack.Event.Entrance)
		require.Equal(h.t, "R1", ack.Bond.Reference)
		require.NotEmpty(h.t, ack.Event.ID)
		h.done(ack)
		h.idle(bridge.SSP)
	}},
	{"an acknowledge goes on with the trace of what brought the reference", func(h *harness) {
		const one, two = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
		traced := func(e bridge.Event, trace string) bridge.Event {
			e.Trace = trace
			e.Fields = map[string]any{"received": "x", "trace": "y"}
			return e
		}
		h.bonded(h.leaseOf(acme, h.queue(traced(h.out(bridge.Submit, "T1"), one))), "R1")
		ack := h.lease(bridge.SSP)
		require.Equal(h.t, one, ack.Event.Trace, "the submit's")
		h.done(ack)

		h.bonded(h.leaseOf(acme, h.queue(traced(h.out(bridge.Submit, "T2"), ""))), "R2")
		ack = h.lease(bridge.SSP)
		require.Empty(h.t, ack.Event.Trace, "there is none")
		h.done(ack)

		h.queue(traced(h.out(bridge.Submit, "T3"), one))
		h.queue(traced(h.in(bridge.Update, "T3", ref("R3")), two))
		ack = h.lease(bridge.SSP)
		require.Equal(h.t, bridge.Acknowledge, ack.Event.Kind)
		require.Equal(h.t, two, ack.Event.Trace, "that of the event which names both")
		h.done(ack)
		h.done(h.lease(bridge.SSP))

		h.queue(traced(h.out(bridge.Submit, "T4"), one))
		h.operate(onBond(bridge.VerbBondLink, "T4", "R4"))
		require.Equal(h.t, one, h.lease(bridge.SSP).Event.Trace, "a person's word goes on with the submit")
	}},
	{"a submit done without a reference leaves the bond pending", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		v := h.done(l)
		require.False(h.t, v.Bonded)
		h.bondIs("T1", bridge.BondPending, "")
		h.idle(bridge.SSP)
	}},
	{"the acknowledge comes first, then what waited in the order of seq", func(h *harness) {
		zero := h.waits(h.in(bridge.Update, "T1"), bridge.UnknownTask)
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		one := h.waits(h.in(bridge.Update, "T1"), bridge.AwaitsReference)
		two := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		three := h.waits(h.in(bridge.Update, "T1"), bridge.AwaitsReference)
		other := h.waits(h.in(bridge.Update, "", ref("R2")), bridge.UnknownReference)
		h.bonded(l, "R1")
		newer := h.queue(h.in(bridge.Update, "T1"))
		h.acknowledge("R1")
		require.Equal(h.t, []string{zero, one, two, three, newer}, h.drainIDs(bridge.SSP))
		h.is(other, bridge.StateWaiting, bridge.UnknownReference)
		require.Equal(h.t, "T1", h.stored(two).Task)
	}},
	{"what waited goes through its meaning when the bond is made", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		fix := h.waits(h.in(bridge.Resolve, "T1"), bridge.AwaitsReference)
		again := h.waits(h.in(bridge.Resolve, "", ref("R1")), bridge.UnknownReference)
		h.bonded(l, "R1")
		h.queued(fix)
		h.is(again, bridge.StateEnded, bridge.IsMerged)
		h.bondIs("T1", bridge.BondResolved, "R1")
		require.Equal(h.t, 1, h.bond("T1").Resolves)
	}},
	{"events in quarantine return when the bond is made, before newer ones", func(h *harness) {
		one := h.waits(h.in(bridge.Update, "T1"), bridge.UnknownTask)
		two := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		h.advance(20 * time.Minute)
		h.sweep(bridge.SweepOptions{})
		h.is(one, bridge.StateQuarantined, bridge.UnknownTask)
		h.is(two, bridge.StateQuarantined, bridge.UnknownReference)
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		three := h.waits(h.in(bridge.Update, "T1"), bridge.AwaitsReference)
		h.bonded(l, "R1")
		h.acknowledge("R1")
		require.Equal(h.t, []string{one, two, three}, h.drainIDs(bridge.SSP))
	}},
	{"what is in quarantine for another reason does not return", func(h *harness) {
		h.offer(h.in(bridge.Update, "T1", ref("R1"), unread(bridge.NoRule)))
		h.open("T1", "R1")
		h.idle(bridge.SSP)
	}},
	{"a pending bond releases what waited from SSP for its task, behind the submit", func(h *harness) {
		one := h.waits(h.out(bridge.Update, "T1"), bridge.UnknownTask)
		two := h.waits(h.out(bridge.Update, "T1"), bridge.UnknownTask)
		other := h.waits(h.out(bridge.Update, "T2"), bridge.UnknownTask)
		sub := h.queue(h.out(bridge.Submit, "T1"))
		three := h.queue(h.out(bridge.Update, "T1"))
		h.queued(one)
		h.queued(two)
		h.bonded(h.leaseOf(acme, sub), "R1")
		require.Equal(h.t, []string{one, two, three}, h.drainIDs(acme))
		h.is(other, bridge.StateWaiting, bridge.UnknownTask)
	}},
	{"an adopted reference releases what waited for it", func(h *harness) {
		one := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		require.Equal(h.t, []string{one}, h.drainIDs(bridge.SSP))
	}},
	{"a reference that SSP told needs no acknowledge", func(h *harness) {
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.queue(h.out(bridge.Update, "T2", ref("R2")))
		h.queue(h.out(bridge.Submit, "T3"))
		h.queue(h.out(bridge.Submit, "T3", ref("R3")))
		for _, task := range []string{"T1", "T2", "T3"} {
			require.True(h.t, h.bond(task).Acknowledged, "bond of %s", task)
		}
		h.idle(bridge.SSP)
	}},
	{"a reference that another task has parks the submit that brings it", func(h *harness) {
		h.open("T1", "R1")
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T2")))
		behind := h.queue(h.out(bridge.Update, "T2"))
		v := h.bonded(l, "r1 ")
		require.Equal(h.t, bridge.StateParked, v.State)
		require.Equal(h.t, bridge.ReferenceConflict, v.Reason)
		require.True(h.t, v.Parked)
		require.False(h.t, v.Bonded)
		h.is(l.Event.ID, bridge.StateParked, bridge.ReferenceConflict)
		h.laneIs(bridge.Out, "T2", bridge.LaneParked, bridge.ReferenceConflict)
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.bondIs("T2", bridge.BondPending, "")
		h.queued(behind)
		h.idle(acme)
		h.idle(bridge.SSP)
	}},
	{"closed while pending: the close is delivered, nothing inbound is", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		waiting := h.waits(h.in(bridge.Update, "T1"), bridge.AwaitsReference)
		end := h.queue(h.out(bridge.Close, "T1"))
		h.bonded(l, "R1")
		h.bondIs("T1", bridge.BondClosed, "R1")
		h.is(waiting, bridge.StateEnded, bridge.IsLate)
		h.idle(bridge.SSP)
		h.deliver(acme, end)
		h.late(h.in(bridge.Update, "", ref("R1")))
	}},
	{"a held lane becomes ready when the bond is made", func(h *harness) {
		h.pending("T1")
		id := h.queue(h.out(bridge.Update, "T1"))
		h.idle(acme)
		h.laneIs(bridge.Out, "T1", bridge.LaneHeld, h.lane(bridge.Out, "T1").Reason)
		h.queue(h.in(bridge.Update, "T1", ref("R1")))
		h.deliver(acme, id)
	}},
	{"references of different providers do not meet", func(h *harness) {
		h.open("T1", "R1")
		h.openAt(beta, "T2", "R1")
		require.Equal(h.t, "R1", h.bondAt(beta, "T2").Reference)
	}},
	{"what waited is queued once, however the bond is made", func(h *harness) {
		h.open("T1", "R1")
		one := h.waits(h.in(bridge.Update, "T2"), bridge.UnknownTask)
		two := h.waits(h.in(bridge.Update, "T2", ref("R2")), bridge.UnknownReference)
		three := h.waits(h.in(bridge.Update, "", ref("R2")), bridge.UnknownReference)
		h.offer(h.out(bridge.Submit, "T2", ref("R1")))
		if h.bond("T2").Reference == "" {
			h.operate(onBond(bridge.VerbBondLink, "T2", "R2"))
		}
		h.bondIs("T2", bridge.BondOpen, "R2")
		require.Equal(h.t, 4, h.lane(bridge.In, "T2").Queued)
		h.acknowledge("R2")
		require.ElementsMatch(h.t, []string{one, two, three}, h.drainIDs(bridge.SSP))
		require.Equal(h.t, bridge.LaneIdle, h.lane(bridge.In, "T2").State)
	}},
	{"a bond is made once, whatever repeats", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		up := h.queue(h.in(bridge.Update, "T1", ref("R1")))
		h.bonded(l, "R1")
		h.acknowledge("R1")
		require.Equal(h.t, []string{up}, h.drainIDs(bridge.SSP))
	}},
	{"a bond tells when it was made and changed", func(h *harness) {
		start := h.now()
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		h.advance(time.Minute)
		h.bonded(l, "R1")
		b := h.bond("T1")
		require.True(h.t, start.Equal(b.Created), "created %s", b.Created)
		require.True(h.t, h.now().Equal(b.Changed), "changed %s", b.Changed)
		require.Equal(h.t, acme, b.Provider)
		require.Equal(h.t, "T1", b.Task)
	}},
}
