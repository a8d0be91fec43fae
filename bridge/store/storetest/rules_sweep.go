package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var sweepRules = []rule{
	{"an event waits 15 minutes, then it is in quarantine", func(h *harness) {
		one := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		two := h.waits(h.out(bridge.Update, "T1"), bridge.UnknownTask)
		h.advance(14 * time.Minute)
		require.Zero(h.t, h.sweep(bridge.SweepOptions{}).Quarantined)
		h.is(one, bridge.StateWaiting, bridge.UnknownReference)
		h.advance(2 * time.Minute)
		require.Equal(h.t, 2, h.sweep(bridge.SweepOptions{}).Quarantined)
		h.is(one, bridge.StateQuarantined, bridge.UnknownReference)
		h.is(two, bridge.StateQuarantined, bridge.UnknownTask)
		require.Zero(h.t, h.sweep(bridge.SweepOptions{}).Quarantined)
	}},
	{"the time to wait can be chosen", func(h *harness) {
		id := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		h.advance(time.Hour)
		require.Zero(h.t, h.sweep(bridge.SweepOptions{WaitingLimit: 2 * time.Hour}).Quarantined)
		h.advance(2 * time.Hour)
		require.Equal(h.t, 1, h.sweep(bridge.SweepOptions{WaitingLimit: 2 * time.Hour}).Quarantined)
		require.Equal(h.t, bridge.StateQuarantined, h.stored(id).State)
	}},
	{"nothing expires while a submit of the provider is unsettled", func(h *harness) {
		for _, stand := range []func(bridge.Lease){
			func(l bridge.Lease) { h.retry(l, 1000*time.Hour) },
			func(l bridge.Lease) { h.unknown(l, 1000*time.Hour) },
			func(bridge.Lease) {},
			func(l bridge.Lease) { h.park(l) },
		} {
			task := "T" + bridge.NewID()
			id := h.waits(h.in(bridge.Update, "", ref("R-"+task)), bridge.UnknownReference)
			sub := h.queue(h.out(bridge.Submit, task))
			stand(h.leaseOf(acme, sub))
			h.advance(time.Hour)
			require.Zero(h.t, h.sweep(bridge.SweepOptions{}).Quarantined)
			h.is(id, bridge.StateWaiting, bridge.UnknownReference)
		}
	}},
	{"a submit of another provider does not hold the time", func(h *harness) {
		h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		h.queue(h.out(bridge.Submit, "T1", at(beta)))
		h.advance(time.Hour)
		require.Equal(h.t, 1, h.sweep(bridge.SweepOptions{}).Quarantined)
	}},
	{"it expires after the last submit has settled", func(h *harness) {
		id := h.waits(h.in(bridge.Update, "", ref("R9")), bridge.UnknownReference)
		sub := h.queue(h.out(bridge.Submit, "T1"))
		h.advance(time.Hour)
		h.sweep(bridge.SweepOptions{})
		h.bonded(h.leaseOf(acme, sub), "R1")
		h.advance(20 * time.Minute)
		require.Equal(h.t, 1, h.sweep(bridge.SweepOptions{}).Quarantined)
		h.is(id, bridge.StateQuarantined, bridge.UnknownReference)
	}},
	{"an event that found its bond does not expire", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		id := h.waits(h.in(bridge.Update, "T1"), bridge.AwaitsReference)
		h.bonded(l, "R1")
		h.advance(time.Hour)
		require.Zero(h.t, h.sweep(bridge.SweepOptions{}).Quarantined)
		h.queued(id)
	}},
	{"a sweep without anything to do does nothing", func(h *harness) {
		require.Equal(h.t, bridge.Swept{}, h.sweep(bridge.SweepOptions{}))
		h.queue(h.out(bridge.Submit, "T1"))
		require.Equal(h.t, bridge.Swept{}, h.sweep(bridge.SweepOptions{}))
	}},
}
