package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var outRules = []rule{
	{"no bond and no reference: waits as unknown_task", func(h *harness) {
		for _, k := range []bridge.Kind{bridge.Update, bridge.RejectSolution, bridge.Close} {
			h.waits(h.out(k, "T1"), bridge.UnknownTask)
		}
		h.noBond("T1")
		h.idle(acme)
	}},
	{"an update with an unknown reference adopts it", func(h *harness) {
		id := h.queue(h.out(bridge.Update, "T1", ref("R1")))
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.deliver(acme, id)
	}},
	{"a rejection with an unknown reference adopts it, mode reopen", func(h *harness) {
		id := h.queue(h.out(bridge.RejectSolution, "T1", ref("R1")))
		h.bondIs("T1", bridge.BondOpen, "R1")
		require.Equal(h.t, bridge.ModeReopen, h.leaseOf(acme, id).Event.Mode)
	}},
	{"a close with an unknown reference adopts it and closes", func(h *harness) {
		id := h.queue(h.out(bridge.Close, "T1", ref("R1")))
		h.bondIs("T1", bridge.BondClosed, "R1")
		h.deliver(acme, id)
	}},
	{"no bond and a reference of another task: reference conflict", func(h *harness) {
		h.open("T1", "R1")
		for _, k := range []bridge.Kind{bridge.Update, bridge.RejectSolution, bridge.Close} {
			h.conflicting(h.out(k, "T2", ref("R1")))
		}
		h.noBond("T2")
	}},
	{"a new reference on a pending bond makes the bond and proves its submit", func(h *harness) {
		first := h.queue(h.out(bridge.Submit, "T1"))
		id := h.queue(h.out(bridge.Update, "T1", ref("R1")))
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.is(first, bridge.StateDone, bridge.ByEvidence)
		h.deliver(acme, id)
		h.idle(bridge.SSP)
	}},
	{"an update is appended, whatever the state of the bond", func(h *harness) {
		h.queue(h.out(bridge.Submit, "T1"))
		h.queue(h.out(bridge.Update, "T1"))
		h.bondIs("T1", bridge.BondPending, "")
		h.drain(acme)
		h.open("T2", "R2")
		h.resolved("T3", "R3")
		h.closed("T4", "R4")
		for task, state := range map[string]bridge.BondState{
			"T2": bridge.BondOpen, "T3": bridge.BondResolved, "T4": bridge.BondClosed,
		} {
			h.deliver(acme, h.queue(h.out(bridge.Update, task)))
			require.Equal(h.t, state, h.bond(task).State)
		}
	}},
	{"a rejection of a resolved bond opens it, mode reopen", func(h *harness) {
		h.resolved("T1", "R1")
		id := h.queue(h.out(bridge.RejectSolution, "T1"))
		h.bondIs("T1", bridge.BondOpen, "R1")
		require.Equal(h.t, bridge.ModeReopen, h.leaseOf(acme, id).Event.Mode)
	}},
	{"a rejection of a closed bond opens it", func(h *harness) {
		h.closed("T1", "R1")
		h.queue(h.out(bridge.RejectSolution, "T1"))
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"a rejection of a superseded bond opens it", func(h *harness) {
		h.superseded("T1", "R1")
		h.deliver(acme, h.queue(h.out(bridge.RejectSolution, "T1")))
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"a rejection of a closed bond without a reference makes it pending", func(h *harness) {
		h.pending("T1")
		h.queue(h.out(bridge.Close, "T1"))
		h.queue(h.out(bridge.RejectSolution, "T1"))
		h.bondIs("T1", bridge.BondPending, "")
	}},
	{"a rejection of an open bond is appended", func(h *harness) {
		h.open("T1", "R1")
		h.deliver(acme, h.queue(h.out(bridge.RejectSolution, "T1")))
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"a close closes an open, a resolved and a pending bond", func(h *harness) {
		h.open("T1", "R1")
		h.resolved("T2", "R2")
		h.pending("T3")
		for _, task := range []string{"T1", "T2", "T3"} {
			h.queue(h.out(bridge.Close, task))
			require.Equal(h.t, bridge.BondClosed, h.bond(task).State)
		}
	}},
	{"a close of a closed bond says nothing new", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Close, "T1"))
		h.saysNothingNew(h.out(bridge.Close, "T1"))
		h.deliver(acme, id)
		h.saysNothingNew(h.out(bridge.Close, "T1"))
		h.idle(acme)
	}},
}
