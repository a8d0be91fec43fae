package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// noNewTicket requires that nothing of what is due at SSP opens a ticket.
func (h *harness) noNewTicket() {
	h.t.Helper()
	for _, e := range h.drain(bridge.SSP) {
		require.NotEqual(h.t, bridge.Open, e.Kind, "a second ticket of %s", e.Reference)
	}
}

// openHomeRules are about opens whose ticket SSP has.
var openHomeRules = []rule{
	{"a refusal after SSP's call is none: SSP has the ticket", func(h *harness) {
		for _, end := range []func(bridge.Lease) bridge.Verdict{h.park, h.skip} {
			r, task := "R"+bridge.NewID(), "T"+bridge.NewID()
			id := h.newTicket(r)
			l := h.leaseOf(bridge.SSP, id)
			h.queue(h.out(bridge.Submit, task, ref(r)))
			end(l)
			h.homeOf(id, task, bridge.ByEvidence)
			h.idle(bridge.SSP)
		}
	}},
	{"a report that its mail did not arrive is wrong once SSP has the ticket", func(h *harness) {
		id := h.newTicket("R1")
		h.deliver(bridge.SSP, id)
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		report := h.offer(h.report(id)).Event
		h.homeOf(id, "T1", bridge.Delivered)
		h.is(report, bridge.StateEnded, h.stored(report).Reason)
		require.Equal(h.t, id, h.stored(report).First)
		h.unfit(onEvent(bridge.VerbEventRetry, id))
		h.saysNothingNew(h.in(bridge.Open, "", ref("R1")))
		h.noNewTicket()
	}},
	{"one whose mail did not arrive can be sent again", func(h *harness) {
		id := h.newTicket("R1")
		h.deliver(bridge.SSP, id)
		h.offer(h.report(id))
		h.is(id, bridge.StateEnded, bridge.Bounced)
		h.operate(onEvent(bridge.VerbEventRetry, id))
		h.deliver(bridge.SSP, id)
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.homeOf(id, "T1", bridge.Delivered)
	}},
	{"one that comes back when its ticket is known is what it says otherwise", func(h *harness) {
		first := h.newTicket("R1")
		second := h.merges(h.in(bridge.Open, "", ref("R1")), first)
		skipped := h.newTicket("R2")
		h.skip(h.leaseOf(bridge.SSP, first))
		h.skip(h.leaseOf(bridge.SSP, skipped))
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.operate(onEvent(bridge.VerbEventRetry, first))
		h.operate(onEvent(bridge.VerbEventRetry, second))
		h.noNewTicket()
		h.is(first, bridge.StateEnded, bridge.IsMerged)
		h.operate(onEvent(bridge.VerbEventRetry, skipped))
		h.deliver(bridge.SSP, skipped)
	}},
	{"one that comes back with words brings them into its task", func(h *harness) {
		id := h.queue(h.in(bridge.Open, "", ref("R1"), orElse(bridge.Update)))
		h.skip(h.leaseOf(bridge.SSP, id))
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.operate(onEvent(bridge.VerbEventRetry, id))
		l := h.leaseOf(bridge.SSP, id)
		require.Equal(h.t, bridge.Update, l.Event.Kind)
		require.Equal(h.t, "T1", l.Event.Task)
	}},
	{"SSP's call settles every open of the reference", func(h *harness) {
		first := h.newTicket("R1")
		h.park(h.leaseOf(bridge.SSP, first))
		second := h.merges(h.in(bridge.Open, "", ref("R1")), first)
		h.operate(onEvent(bridge.VerbEventRetry, second))
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.homeOf(first, "T1", bridge.ByEvidence)
		h.homeOf(second, "T1", bridge.ByEvidence)
		h.unfit(onEvent(bridge.VerbEventRetry, first))
		h.idle(bridge.SSP)
	}},
	{"SSP's call during the try of one settles those behind it with it", func(h *harness) {
		first := h.newTicket("R1")
		second := h.merges(h.in(bridge.Open, "", ref("R1")), first)
		h.operate(onEvent(bridge.VerbEventRetry, second))
		l := h.leaseOf(bridge.SSP, first)
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.done(l)
		h.homeOf(first, "T1", bridge.Delivered)
		h.homeOf(second, "T1", bridge.ByEvidence)
		h.idle(bridge.SSP)
	}},
	{"its repeats belong to the task as well", func(h *harness) {
		first := h.newTicket("R1")
		second := h.merges(h.in(bridge.Open, "", ref("R1"), text("Ann Example, ward 7")), first)
		other := h.queue(h.in(bridge.Open, "", ref("R1"), at(beta)))
		h.deliver(bridge.SSP, first)
		h.deliver(bridge.SSP, other)
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		ids := h.ids(bridge.EventFilter{Task: "T1"})
		require.Contains(h.t, ids, first)
		require.Contains(h.t, ids, second)
		require.NotContains(h.t, ids, other)
		require.Equal(h.t, []string{other}, h.ids(bridge.EventFilter{Task: bridge.OpenTask("r1")}))
	}},
	{"its repeats belong to the task when all come in one call", func(h *harness) {
		rs := h.offerAll(h.in(bridge.Open, "", ref("R1")), h.in(bridge.Open, "", ref("R1")), h.out(bridge.Submit, "T1", ref("R1")))
		h.homeOf(rs[0].Event, "T1", bridge.ByEvidence)
		h.is(rs[1].Event, bridge.StateEnded, bridge.IsDuplicate)
		require.Equal(h.t, "T1", h.stored(rs[1].Event).Task)
		h.idle(bridge.SSP)
	}},
	{"its claim is forgotten even if a later one took over that of its words", func(h *harness) {
		words := []option{noKey, orElse(bridge.Update), text("x")}
		id := h.queue(h.in(bridge.Open, "", append(words, ref("R1"))...))
		h.advance(11 * time.Minute)
		h.waits(h.in(bridge.Open, "", append(words, ref("R1"))...), bridge.UnknownReference)
		h.deliver(bridge.SSP, id)
		for range 2 {
			h.advance(91 * 24 * time.Hour)
			for range 4 {
				h.sweep(bridge.SweepOptions{})
			}
		}
		h.newTicket("R1")
	}},
	{"a person who takes the ticket from its task gives it another", func(h *harness) {
		id := h.newTicket("R1")
		h.deliver(bridge.SSP, id)
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.drain(acme)
		h.operate(onBond(bridge.VerbBondUnlink, "T1", ""))
		h.offer(h.in(bridge.Open, "", ref("R1"), orElse(bridge.Update)))
		h.idle(bridge.SSP)
		h.operate(onBond(bridge.VerbBondLink, "T2", "R1"))
		h.drainIDs(bridge.SSP)
		h.bondIs("T2", bridge.BondOpen, "R1")
		h.homeOf(id, "T1", bridge.Delivered)
	}},
}
