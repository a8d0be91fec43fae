package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var operateBondRules = []rule{
	{"link: a pending bond gets its reference, what waited goes on", func(h *harness) {
		h.pending("T1")
		waiting := h.waits(h.in(bridge.Update, "T1"), bridge.AwaitsReference)
		held := h.queue(h.out(bridge.Update, "T1"))
		h.idle(acme)
		h.operate(onBond(bridge.VerbBondLink, "T1", " R1 "))
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.acknowledge("R1")
		h.deliver(bridge.SSP, waiting)
		h.deliver(acme, held)
	}},
	{"link: a task without a bond gets one", func(h *harness) {
		in := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		out := h.waits(h.out(bridge.Update, "T1"), bridge.UnknownTask)
		h.operate(onBond(bridge.VerbBondLink, "T1", "R1"))
		h.bondIs("T1", bridge.BondOpen, "R1")
		require.Contains(h.t, h.drainIDs(bridge.SSP), in)
		h.deliver(acme, out)
	}},
	{"link: a reference key given with the reference is used as it is", func(h *harness) {
		for task, reference := range map[string]string{"T1": "AB", "T2": "ab"} {
			c := onBond(bridge.VerbBondLink, task, reference)
			c.RefKey = reference
			h.operate(c)
			require.Equal(h.t, reference, h.bond(task).RefKey)
		}
	}},
	{"link: the reference that is already there changes nothing", func(h *harness) {
		h.open("T1", "R1")
		h.nothingToDo(onBond(bridge.VerbBondLink, "T1", "r1"))
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.idle(bridge.SSP)
	}},
	{"link: a reference of another task is not taken", func(h *harness) {
		h.open("T1", "R1")
		h.pending("T2")
		h.unfit(onBond(bridge.VerbBondLink, "T2", "R1"))
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.bondIs("T2", bridge.BondPending, "")
	}},
	{"link: another reference resolves a reference conflict", func(h *harness) {
		id := h.conflict("T1", "R1", "T2")
		h.operate(onBond(bridge.VerbBondLink, "T2", "R2"))
		h.bondIs("T2", bridge.BondOpen, "R2")
		h.bondIs("T1", bridge.BondOpen, "R1")
		require.NotEqual(h.t, bridge.LaneParked, h.lane(bridge.Out, "T2").State)
		h.drain(acme)
		require.Equal(h.t, bridge.StateDone, h.stored(id).State)
	}},
	{"unlink: the bond is pending again and its lane is held", func(h *harness) {
		h.open("T1", "R1")
		h.operate(onBond(bridge.VerbBondUnlink, "T1", ""))
		h.bondIs("T1", bridge.BondPending, "")
		id := h.queue(h.out(bridge.Update, "T1"))
		h.idle(acme)
		h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		h.operate(onBond(bridge.VerbBondLink, "T1", "R2"))
		h.deliver(acme, id)
	}},
	{"unlink: the reference is free for another task", func(h *harness) {
		h.open("T1", "R1")
		h.operate(onBond(bridge.VerbBondUnlink, "T1", ""))
		h.operate(onBond(bridge.VerbBondLink, "T2", "R1"))
		h.bondIs("T2", bridge.BondOpen, "R1")
		require.Equal(h.t, "T2", h.offer(h.in(bridge.Update, "", ref("R1"))).Task)
	}},
	{"unlink: a bond without a reference stays as it is", func(h *harness) {
		h.pending("T1")
		h.nothingToDo(onBond(bridge.VerbBondUnlink, "T1", ""))
		h.bondIs("T1", bridge.BondPending, "")
	}},
	{"move: the reference goes to the task, its former one is pending", func(h *harness) {
		h.open("T1", "R1")
		h.pending("T2")
		waiting := h.waits(h.in(bridge.Update, "T2"), bridge.AwaitsReference)
		h.operate(onBond(bridge.VerbBondMove, "T2", "R1"))
		h.bondIs("T1", bridge.BondPending, "")
		h.bondIs("T2", bridge.BondOpen, "R1")
		require.Contains(h.t, h.drainIDs(bridge.SSP), waiting)
		require.Equal(h.t, "T2", h.offer(h.in(bridge.Update, "", ref("R1"))).Task)
	}},
	{"move: it resolves a reference conflict", func(h *harness) {
		id := h.conflict("T1", "R1", "T2")
		h.operate(onBond(bridge.VerbBondMove, "T2", "R1"))
		h.bondIs("T2", bridge.BondOpen, "R1")
		h.bondIs("T1", bridge.BondPending, "")
		require.NotEqual(h.t, bridge.LaneParked, h.lane(bridge.Out, "T2").State)
		h.drain(acme)
		require.Equal(h.t, bridge.StateDone, h.stored(id).State)
	}},
	{"import: a ticket that was open in both systems has a bond", func(h *harness) {
		waiting := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		h.operate(onBond(bridge.VerbBondImport, "T1", "R1"))
		h.bondIs("T1", bridge.BondOpen, "R1")
		require.Contains(h.t, h.drainIDs(bridge.SSP), waiting)
		h.deliver(bridge.SSP, h.queue(h.in(bridge.Update, "", ref("R1"))))
		h.deliver(acme, h.queue(h.out(bridge.Update, "T1")))
	}},
	{"import: a bond may start resolved or closed", func(h *harness) {
		for task, state := range map[string]bridge.BondState{"T1": bridge.BondResolved, "T2": bridge.BondClosed} {
			c := onBond(bridge.VerbBondImport, task, "R-"+task)
			c.State = state
			h.operate(c)
			h.bondIs(task, state, "R-"+task)
		}
		h.drain(bridge.SSP)
		h.saysNothingNew(h.in(bridge.Resolve, "", ref("R-T1")))
		h.late(h.in(bridge.Update, "", ref("R-T2")))
	}},
	{"import: what is already so changes nothing", func(h *harness) {
		c := onBond(bridge.VerbBondImport, "T1", "R1")
		h.operate(c)
		h.nothingToDo(c)
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"import: a reference of another task is not taken", func(h *harness) {
		h.open("T1", "R1")
		h.unfit(onBond(bridge.VerbBondImport, "T2", "R1"))
		h.noBond("T2")
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"an unknown bond is not found", func(h *harness) {
		h.missing(onBond(bridge.VerbBondUnlink, "nowhere", ""))
	}},
}

// conflict gives task the reference and parks a submit of other that claims it too.
func (h *harness) conflict(task, reference, other string) string {
	h.t.Helper()
	h.open(task, reference)
	id := h.queueOrPark(h.out(bridge.Submit, other, ref(reference)))
	h.idle(acme)
	h.is(id, bridge.StateParked, bridge.ReferenceConflict)
	return id
}
