package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var inRules = []rule{
	{"no bond: waits as unknown_reference, or as unknown_task without one", func(h *harness) {
		h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		h.waits(h.in(bridge.Update, "T1", ref("R1")), bridge.UnknownReference)
		h.waits(h.in(bridge.Resolve, "T1"), bridge.UnknownTask)
		h.noBond("T1")
		h.idle(bridge.SSP)
	}},
	{"a reference leads to its task", func(h *harness) {
		h.open("T1", "R1")
		r := h.offer(h.in(bridge.Update, "", ref("R1")))
		require.Equal(h.t, bridge.Accepted, r.Status)
		require.Equal(h.t, "T1", r.Task)
		require.Equal(h.t, "T1", h.leaseOf(bridge.SSP, r.Event).Event.Task)
	}},
	{"a reference leads to a task of its own provider only", func(h *harness) {
		h.open("T1", "R1")
		h.openAt(beta, "T2", "R1")
		require.Equal(h.t, "T1", h.offer(h.in(bridge.Update, "", ref("R1"))).Task)
		require.Equal(h.t, "T2", h.offer(h.in(bridge.Update, "", ref("R1"), at(beta))).Task)
	}},
	{"task and reference that lead to different tasks: reference conflict", func(h *harness) {
		h.open("T1", "R1")
		h.open("T2", "R2")
		h.conflicting(h.in(bridge.Update, "T1", ref("R2")))
		h.idle(bridge.SSP)
	}},
	{"a reference that differs from that of its bond: reference conflict", func(h *harness) {
		h.open("T1", "R1")
		h.conflicting(h.in(bridge.Update, "T1", ref("R9")))
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"any reference the bond ever had leads to it", func(h *harness) {
		h.open("T1", "R1")
		h.queue(h.out(bridge.Submit, "T1", ref("R2")))
		h.queue(h.in(bridge.Update, "T1", ref("R1")))
		h.queue(h.in(bridge.Update, "T1", ref("R2")))
		h.conflicting(h.in(bridge.Update, "T1", ref("R3")))
	}},
	{"everything inbound on a closed bond is late", func(h *harness) {
		h.closed("T1", "R1")
		for _, k := range bridge.Kinds(bridge.In) {
			h.late(h.in(k, "", ref("R1")))
		}
		h.bondIs("T1", bridge.BondClosed, "R1")
		h.idle(bridge.SSP)
	}},
	{"everything inbound on a superseded bond is late", func(h *harness) {
		h.superseded("T1", "R1")
		for _, k := range bridge.Kinds(bridge.In) {
			h.late(h.in(k, "", ref("R1")))
		}
		h.bondIs("T1", bridge.BondSuperseded, "R1")
		h.idle(bridge.SSP)
	}},
	{"bond pending, the event names only the task: awaits the reference", func(h *harness) {
		h.queue(h.out(bridge.Submit, "T1"))
		h.waits(h.in(bridge.Update, "T1"), bridge.AwaitsReference)
		h.waits(h.in(bridge.Resolve, "T1"), bridge.AwaitsReference)
		h.bondIs("T1", bridge.BondPending, "")
		h.idle(bridge.SSP)
	}},
	{"bond pending, the event names task and a free reference: the bond is made", func(h *harness) {
		h.pending("T1")
		id := h.queue(h.in(bridge.Update, "T1", ref("R1")))
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.acknowledge("R1")
		h.deliver(bridge.SSP, id)
	}},
	{"a solution that makes the bond resolves it", func(h *harness) {
		h.pending("T1")
		id := h.queue(h.in(bridge.Resolve, "T1", ref("R1")))
		h.bondIs("T1", bridge.BondResolved, "R1")
		require.Equal(h.t, 1, h.bond("T1").Resolves)
		h.acknowledge("R1")
		h.deliver(bridge.SSP, id)
	}},
	{"an acknowledge that makes the bond is delivered once", func(h *harness) {
		h.pending("T1")
		h.offer(h.in(bridge.Acknowledge, "T1", ref("R1")))
		h.bondIs("T1", bridge.BondOpen, "R1")
		require.True(h.t, h.bond("T1").Acknowledged)
		sent := h.drain(bridge.SSP)
		require.Len(h.t, sent, 1)
		require.Equal(h.t, bridge.Acknowledge, sent[0].Kind)
		require.Equal(h.t, "R1", sent[0].Reference)
	}},
	{"bond pending, the reference belongs to another task: reference conflict", func(h *harness) {
		h.open("T1", "R1")
		h.pending("T2")
		h.conflicting(h.in(bridge.Update, "T2", ref("R1")))
		h.bondIs("T2", bridge.BondPending, "")
	}},
	{"an acknowledge of an acknowledged bond says nothing new", func(h *harness) {
		h.open("T1", "R1")
		require.True(h.t, h.bond("T1").Acknowledged)
		h.saysNothingNew(h.in(bridge.Acknowledge, "T1", ref("R1")))
		h.idle(bridge.SSP)
	}},
	{"an acknowledge of a reference that SSP told says nothing new", func(h *harness) {
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.saysNothingNew(h.in(bridge.Acknowledge, "T1", ref("R1")))
	}},
	{"an update is appended on an open and on a resolved bond", func(h *harness) {
		h.open("T1", "R1")
		h.resolved("T2", "R2")
		h.deliver(bridge.SSP, h.queue(h.in(bridge.Update, "T1")))
		h.deliver(bridge.SSP, h.queue(h.in(bridge.Update, "T2")))
		h.bondIs("T2", bridge.BondResolved, "R2")
	}},
	{"a solution resolves the bond when it is accepted", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.in(bridge.Resolve, "T1"))
		h.bondIs("T1", bridge.BondResolved, "R1")
		require.Equal(h.t, 1, h.bond("T1").Resolves)
		h.deliver(bridge.SSP, id)
		h.bondIs("T1", bridge.BondResolved, "R1")
	}},
	{"a solution of a resolved bond says nothing new", func(h *harness) {
		h.open("T1", "R1")
		h.queue(h.in(bridge.Resolve, "T1", text("fixed")))
		h.saysNothingNew(h.in(bridge.Resolve, "T1", text("fixed, really")))
		h.saysNothingNew(h.in(bridge.Resolve, "", ref("R1"), noKey))
		require.Equal(h.t, 1, h.bond("T1").Resolves)
		require.Len(h.t, h.drain(bridge.SSP), 1)
	}},
}
