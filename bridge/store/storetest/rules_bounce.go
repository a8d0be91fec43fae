package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// report builds a delivery report that the mail about the event did not arrive.
func (h *harness) report(of string, opts ...option) bridge.Event {
	e := h.in("", "", opts...)
	e.Entrance, e.Ignore, e.Bounced, e.Detail = bridge.ByMailbox, bridge.Automatic, of, "550 no such user"
	return e
}

var bounceRules = []rule{
	{"a report ends what was delivered as bounced, and both name each other", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		h.deliver(acme, id)
		e := h.report(id)
		h.expect(e, bridge.Ignored, bridge.StateEnded, bridge.Automatic)
		h.is(id, bridge.StateEnded, bridge.Bounced)
		of, report := h.stored(id), h.stored(e.ID)
		require.Equal(h.t, e.ID, of.First)
		require.Equal(h.t, "550 no such user", of.Detail)
		require.Equal(h.t, id, report.First)
		require.Equal(h.t, "T1", report.Task)
		require.Contains(h.t, h.ids(bridge.EventFilter{Task: "T1"}), e.ID)
		c := h.counts()
		require.Zero(h.t, c.Events[bridge.StateQuarantined])
		require.Equal(h.t, int64(2), c.Events[bridge.StateEnded])

		require.Equal(h.t, bridge.Duplicate, h.offer(h.again(e)).Status)
		h.operate(onEvent(bridge.VerbEventRetry, id))
		h.deliver(acme, id)
		h.is(id, bridge.StateDone, bridge.Delivered)
		h.expect(h.report(id), bridge.Ignored, bridge.StateEnded, bridge.Automatic)
		h.is(id, bridge.StateEnded, bridge.Bounced)
	}},
	{"a submit that bounced makes room for the next", func(h *harness) {
		id := h.pending("T1")
		h.offer(h.report(id))
		h.is(id, bridge.StateEnded, bridge.Bounced)
		h.bondIs("T1", bridge.BondPending, "")
		next := h.queue(h.out(bridge.Submit, "T1"))
		require.Equal(h.t, bridge.ModeNew, h.leaseOf(acme, next).Event.Mode)
	}},
	{"a solution that bounced leaves the bond open", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.in(bridge.Resolve, "T1"))
		h.deliver(bridge.SSP, id)
		h.offer(h.report(id))
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"a report about what is not settled is for a person", func(h *harness) {
		id := h.queue(h.out(bridge.Submit, "T1"))
		h.expect(h.report(id), bridge.Quarantined, bridge.StateQuarantined, bridge.RefusedAnswer)
		h.leaseOf(acme, id)
		h.expect(h.report(id), bridge.Quarantined, bridge.StateQuarantined, bridge.RefusedAnswer)
		h.leased(id)
	}},
	{"a report about another provider's event, one that ended, or none, is recorded and nothing else", func(h *harness) {
		id := h.pending("T1")
		h.expect(h.report(id, at(beta)), bridge.Ignored, bridge.StateEnded, bridge.Automatic)
		h.expect(h.report("nothing"), bridge.Ignored, bridge.StateEnded, bridge.Automatic)
		h.is(id, bridge.StateDone, bridge.Delivered)
		h.open("T2", "R2")
		merged := h.saysNothingNew(h.in(bridge.Acknowledge, "T2"))
		h.expect(h.report(merged), bridge.Ignored, bridge.StateEnded, bridge.Automatic)
		h.is(merged, bridge.StateEnded, bridge.IsMerged)
	}},
	{"a crash keeps it", func(h *harness) {
		h.mortal()
		id := h.pending("T1")
		h.offer(h.report(id))
		h.crash()
		h.is(id, bridge.StateEnded, bridge.Bounced)
	}},
}
