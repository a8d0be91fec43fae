package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var supersededRules = []rule{
	{"what was never tried ends as superseded", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		h.queue(h.out(bridge.Submit, "T1", at(beta)))
		h.idle(acme)
		h.is(id, bridge.StateEnded, bridge.IsSuperseded)
		h.laneIs(bridge.Out, "T1", bridge.LaneIdle, "")
	}},
	{"a submit that was never tried ends as superseded", func(h *harness) {
		id := h.queue(h.out(bridge.Submit, "T1"))
		moved := h.queue(h.out(bridge.Submit, "T1", at(beta)))
		h.idle(acme)
		h.is(id, bridge.StateEnded, bridge.IsSuperseded)
		h.deliver(beta, moved)
	}},
	{"all of them end in one go", func(h *harness) {
		h.open("T1", "R1")
		ids := []string{h.queue(h.out(bridge.Update, "T1")), h.queue(h.out(bridge.Close, "T1"))}
		h.queue(h.out(bridge.RejectSolution, "T1"))
		h.queue(h.out(bridge.Submit, "T1", at(beta)))
		h.idle(acme)
		for _, id := range ids {
			h.is(id, bridge.StateEnded, bridge.IsSuperseded)
		}
		require.Equal(h.t, bridge.LaneIdle, h.lane(bridge.Out, "T1").State)
	}},
	{"what was tried is tried again", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		h.unknown(h.leaseOf(acme, id), time.Minute)
		h.queue(h.out(bridge.Submit, "T1", at(beta)))
		h.advance(time.Minute)
		h.deliver(acme, id)
	}},
	{"inbound events that are queued end as late", func(h *harness) {
		h.open("T1", "R1")
		one, two := h.queue(h.in(bridge.Update, "T1")), h.queue(h.in(bridge.Resolve, "T1"))
		h.queue(h.out(bridge.Submit, "T1", at(beta)))
		h.idle(bridge.SSP)
		h.is(one, bridge.StateEnded, bridge.IsLate)
		h.is(two, bridge.StateEnded, bridge.IsLate)
	}},
	{"inbound events of a closed bond that were accepted before are delivered", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.in(bridge.Update, "T1"))
		h.queue(h.out(bridge.Close, "T1"))
		h.deliver(bridge.SSP, id)
	}},
	{"a submit in flight whose task moves keeps the reference it brings, without an acknowledge", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		moved := h.queue(h.out(bridge.Submit, "T1", at(beta)))
		require.Equal(h.t, bridge.StateDone, h.bonded(l, "R1").State)
		h.bondIs("T1", bridge.BondSuperseded, "R1")
		h.idle(bridge.SSP)
		h.late(h.in(bridge.Resolve, "", ref("R1")))
		h.bonded(h.leaseOf(beta, moved), "B1")
		h.acknowledge("B1")
	}},
}
