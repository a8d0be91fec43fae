package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// report builds a delivery report that the mail about the event did not arrive.
func (h *harness) report(of string, opts ...option) bridge.Event {
	e := h.in("", "", opts...)
	e.Entrance, e.Ignore, e.Bounced, e.Detail = bridge.ByMailbox, bridge.Automatic, of, "550 no such user"
	return e
}

// written says when the mail was written that a report is about.
func written(at time.Time) option { return func(e *bridge.Event) { e.BouncedAt = at } }

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
	{"a report about a mail that another one has told of does not end the mail sent since", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		first, second := h.now(), h.now().Add(time.Hour)
		h.deliver(acme, id)
		h.offer(h.report(id, written(first)))
		h.operate(onEvent(bridge.VerbEventRetry, id))
		h.expect(h.report(id, written(first)), bridge.Ignored, bridge.StateEnded, bridge.Automatic)
		h.queued(id)
		h.deliver(acme, id)
		late := h.report(id, written(first))
		require.Empty(h.t, h.expect(late, bridge.Ignored, bridge.StateEnded, bridge.Automatic).First)
		require.Contains(h.t, h.stored(late.ID).Detail, "another report has told of that mail")
		h.is(id, bridge.StateDone, bridge.Delivered)
		h.offer(h.report(id, written(second)))
		h.is(id, bridge.StateEnded, bridge.Bounced)
		h.operate(onEvent(bridge.VerbEventRetry, id))
		h.deliver(acme, id)
		h.offer(h.report(id, written(first)))
		h.is(id, bridge.StateDone, bridge.Delivered)
		h.offer(h.report(id)) // it does not tell of which
		h.is(id, bridge.StateEnded, bridge.Bounced)
	}},
	{"a report that comes before the try has settled is taken up when it does", func(h *harness) {
		for task, end := range map[string]bridge.Result{
			"T1": {Outcome: yes, Then: bridge.ThenDone},
			"T2": {Outcome: silence, Then: bridge.ThenWait},
			"T3": {Outcome: silence, Then: bridge.ThenPark},
		} {
			h.open(task, "R-"+task)
			l := h.leaseOf(acme, h.queue(h.out(bridge.Update, task)))
			report := h.report(l.Event.ID, written(h.now()))
			h.expect(report, bridge.Quarantined, bridge.StateQuarantined, bridge.RefusedAnswer)
			h.expect(h.report(l.Event.ID, written(h.now())), bridge.Ignored, bridge.StateEnded, bridge.Automatic)
			v := h.settle(l, end.Outcome, end.Then, time.Minute)
			require.Equal(h.t, []any{bridge.StateEnded, bridge.Bounced, false}, []any{v.State, v.Reason, v.Parked})
			h.is(l.Event.ID, bridge.StateEnded, bridge.Bounced)
			h.is(report.ID, bridge.StateEnded, bridge.Automatic)
			require.Equal(h.t, []string{report.ID, l.Event.ID}, []string{h.stored(l.Event.ID).First, h.stored(report.ID).First})
			require.Equal(h.t, "550 no such user", h.stored(l.Event.ID).Detail)
			require.Zero(h.t, h.counts().Events[bridge.StateQuarantined])
		}
		h.idle(acme)
	}},
	{"a report that came during a try which surely wrote nothing is left to a person", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		l := h.leaseOf(acme, id)
		report := h.report(id)
		h.expect(report, bridge.Quarantined, bridge.StateQuarantined, bridge.RefusedAnswer)
		h.retry(l, time.Minute)
		h.advance(time.Minute)
		h.deliver(acme, id)
		h.is(id, bridge.StateDone, bridge.Delivered)
		h.is(report.ID, bridge.StateQuarantined, bridge.RefusedAnswer)
	}},
	{"a report proves that a mail of unknown outcome was taken", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		next := h.queue(h.out(bridge.Update, "T1"))
		h.settle(h.leaseOf(acme, id), silence, bridge.ThenPark, 0)
		h.expect(h.report(id), bridge.Ignored, bridge.StateEnded, bridge.Automatic)
		h.is(id, bridge.StateEnded, bridge.Bounced)
		h.deliver(acme, next)
	}},
	{"a report is taken up when the replica that sent its mail died", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		h.leaseAs(h.session("dying", bridge.SessionLife), acme, id)
		report := h.report(id)
		h.offer(report)
		h.advance(bridge.SessionLife + time.Second)
		require.Equal(h.t, 1, h.sweep(bridge.SweepOptions{}).Expired)
		h.is(id, bridge.StateEnded, bridge.Bounced)
		h.is(report.ID, bridge.StateEnded, bridge.Automatic)
	}},
	{"a crash keeps it", func(h *harness) {
		h.mortal()
		id := h.pending("T1")
		h.offer(h.report(id))
		h.crash()
		h.is(id, bridge.StateEnded, bridge.Bounced)
	}},
}
