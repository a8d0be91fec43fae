package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// orElse says what an open is where its ticket is known.
func orElse(k bridge.Kind) option { return func(e *bridge.Event) { e.Else = k } }

// newTicket offers an open that goes to SSP and returns its id.
func (h *harness) newTicket(reference string) string {
	h.t.Helper()
	return h.queue(h.in(bridge.Open, "", ref(reference)))
}

// homeOf requires that the open is done for this reason and belongs to the task.
func (h *harness) homeOf(id, task string, why bridge.Reason) {
	h.t.Helper()
	h.is(id, bridge.StateDone, why)
	require.Equal(h.t, task, h.stored(id).Task, "the open belongs to the task that its ticket became")
}

var openRules = []rule{
	{"an unknown reference goes to SSP, in a lane of its own and without a bond", func(h *harness) {
		id := h.newTicket("R1")
		lane := h.lane(bridge.In, bridge.OpenTask("r1"))
		require.Equal(h.t, id, lane.Head)
		require.Equal(h.t, bridge.Open, lane.HeadKind)
		l := h.leaseOf(bridge.SSP, id)
		require.Equal(h.t, bridge.OpenTask("r1"), l.Event.Task)
		require.Equal(h.t, "R1", l.Bond.Reference)
		require.Empty(h.t, l.Bond.State)
		h.noBond(bridge.OpenTask("r1"))
		h.done(l)
		h.is(id, bridge.StateDone, bridge.Delivered)
		h.idle(bridge.SSP)
	}},
	{"an open of the same reference again is a duplicate, whatever its id and its words", func(h *harness) {
		first := h.newTicket("R1")
		h.merges(h.in(bridge.Open, "", ref("r1 ")), first)
		h.merges(h.in(bridge.Open, "", ref("R1"), noKey), first)
		h.deliver(bridge.SSP, first)
		h.merges(h.in(bridge.Open, "", ref("R1")), first)
		h.advance(30 * 24 * time.Hour)
		h.merges(h.in(bridge.Open, "", ref("R1")), first)
		h.idle(bridge.SSP)
	}},
	{"the same open with its id again is counted on the first", func(h *harness) {
		e := h.in(bridge.Open, "", ref("R1"), key("k"))
		id := h.queue(e)
		require.Equal(h.t, bridge.Duplicate, h.offer(h.again(e)).Status)
		require.Equal(h.t, 1, h.stored(id).Repeat)
	}},
	{"each provider and each reference has its own", func(h *harness) {
		a, b, c := h.newTicket("R1"), h.newTicket("R2"), h.queue(h.in(bridge.Open, "", ref("R1"), at(beta)))
		require.ElementsMatch(h.t, []string{a, b, c}, h.drainIDs(bridge.SSP))
	}},
	{"without a reference nobody could tell which task it becomes", func(h *harness) {
		h.expect(h.in(bridge.Open, ""), bridge.Quarantined, bridge.StateQuarantined, bridge.MissingField)
	}},
	{"SSP's first call makes the bond: what waited follows in order, and no acknowledge", func(h *harness) {
		early := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		id := h.newTicket("R1")
		h.deliver(bridge.SSP, id)
		more := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		solved := h.waits(h.in(bridge.Resolve, "", ref("R1")), bridge.UnknownReference)
		sub := h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.bondIs("T1", bridge.BondResolved, "R1")
		require.Equal(h.t, []string{early, more, solved}, h.drainIDs(bridge.SSP))
		l := h.leaseOf(acme, sub)
		require.Equal(h.t, bridge.ModeContinue, l.Event.Mode)
		h.homeOf(id, "T1", bridge.Delivered)
		require.Contains(h.t, h.ids(bridge.EventFilter{Task: "T1"}), id)
	}},
	{"SSP's call settles an open that was not delivered: SSP has the ticket", func(h *harness) {
		queued := h.newTicket("R1")
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.homeOf(queued, "T1", bridge.ByEvidence)

		parked := h.newTicket("R2")
		h.park(h.leaseOf(bridge.SSP, parked))
		h.queue(h.out(bridge.Update, "T2", ref("R2")))
		h.homeOf(parked, "T2", bridge.ByEvidence)

		unknown := h.newTicket("R3")
		h.settle(h.leaseOf(bridge.SSP, unknown), silence, bridge.ThenPark, 0)
		h.operate(onBond(bridge.VerbBondLink, "T3", "R3"))
		h.homeOf(unknown, "T3", bridge.ByEvidence)
	}},
	{"SSP's call during a try proves it, whatever becomes of the try", func(h *harness) {
		for i, end := range []func(bridge.Lease){
			func(l bridge.Lease) { h.done(l) },
			func(l bridge.Lease) { h.retry(l, time.Hour) },
			func(l bridge.Lease) { h.unknown(l, time.Hour) },
			func(l bridge.Lease) { h.settle(l, silence, bridge.ThenPark, 0) },
		} {
			r, task := "R"+bridge.NewID(), "T"+bridge.NewID()
			id := h.newTicket(r)
			l := h.leaseOf(bridge.SSP, id)
			h.queue(h.out(bridge.Submit, task, ref(r)))
			end(l)
			require.Equal(h.t, bridge.StateDone, h.stored(id).State, "ending %d", i)
			require.Equal(h.t, task, h.stored(id).Task, "ending %d", i)
			h.idle(bridge.SSP)
		}
	}},
	{"SSP's call during a try that dies proves it", func(h *harness) {
		h.mortal()
		id := h.newTicket("R1")
		h.leaseOf(bridge.SSP, id)
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.crash()
		h.homeOf(id, "T1", bridge.ByEvidence)
		h.idle(bridge.SSP)
	}},
	{"a try that dies is unknown, and the claim holds", func(h *harness) {
		h.mortal()
		id := h.newTicket("R1")
		h.leaseOf(bridge.SSP, id)
		h.crash()
		h.merges(h.in(bridge.Open, "", ref("R1")), id)
		l := h.leaseOf(bridge.SSP, id)
		require.True(h.t, l.Unknown)
		h.done(l)
	}},
	{"while a submit is unsettled it may be its ticket: it waits, and says nothing new if it was", func(h *harness) {
		sub := h.queue(h.out(bridge.Submit, "T1"))
		l := h.leaseOf(acme, sub)
		ours := h.waits(h.in(bridge.Open, "", ref("R1")), bridge.UnknownReference)
		other := h.waits(h.in(bridge.Open, "", ref("R2")), bridge.UnknownReference)
		h.advance(time.Hour)
		require.Zero(h.t, h.sweep(bridge.SweepOptions{}).Quarantined)
		h.bonded(l, "R1")
		h.is(ours, bridge.StateEnded, bridge.IsMerged)
		h.acknowledge("R1")
		h.is(other, bridge.StateWaiting, bridge.UnknownReference)
		h.sweep(bridge.SweepOptions{})
		h.deliver(bridge.SSP, other)
		h.is(other, bridge.StateDone, bridge.Delivered)
	}},
	{"a submit that continues a ticket makes none: nothing waits for it", func(h *harness) {
		h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1", ref("R1"))))
		h.deliver(bridge.SSP, h.newTicket("R2"))
	}},
	{"a submit accepted in the same call counts", func(h *harness) {
		rs := h.offerAll(h.out(bridge.Submit, "T1"), h.in(bridge.Open, "", ref("R1")), h.in(bridge.Open, "", ref("R1"), at(beta)))
		require.Equal(h.t, bridge.Waiting, rs[1].Status)
		require.Equal(h.t, bridge.Accepted, rs[2].Status, "a submit of another provider does not")
	}},
	{"of those that waited for a submit, the first goes and the others are its duplicates", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		first := h.waits(h.in(bridge.Open, "", ref("R2")), bridge.UnknownReference)
		second := h.waits(h.in(bridge.Open, "", ref("R2")), bridge.UnknownReference)
		third := h.waits(h.in(bridge.Open, "", ref("R2"), orElse(bridge.Update)), bridge.UnknownReference)
		h.bonded(l, "R1")
		h.acknowledge("R1")
		h.sweep(bridge.SweepOptions{})
		h.is(second, bridge.StateEnded, bridge.IsDuplicate)
		require.Equal(h.t, first, h.stored(second).First)
		h.is(third, bridge.StateWaiting, bridge.UnknownReference)
		require.Equal(h.t, bridge.Update, h.stored(third).Kind)
		h.deliver(bridge.SSP, first)
		h.queue(h.out(bridge.Submit, "T2", ref("R2")))
		h.deliver(bridge.SSP, third)
	}},
	{"of a ticket that is known it is the acknowledgement, or what else it says", func(h *harness) {
		h.open("T1", "R1")
		h.saysNothingNew(h.in(bridge.Open, "", ref("R1")))
		h.saysNothingNew(h.in(bridge.Open, "T1", ref("R1")))
		id := h.queue(h.in(bridge.Open, "", ref("R1"), orElse(bridge.Update)))
		l := h.leaseOf(bridge.SSP, id)
		require.Equal(h.t, bridge.Update, l.Event.Kind)
		require.Equal(h.t, "T1", l.Event.Task)
		h.done(l)
		h.queue(h.in(bridge.Open, "", ref("R1"), orElse(bridge.Resolve)))
		h.bondIs("T1", bridge.BondResolved, "R1")
	}},
	{"of a task that waits for its reference it is the acknowledgement", func(h *harness) {
		h.pending("T1")
		h.offer(h.in(bridge.Open, "T1", ref("R1")))
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.acknowledge("R1")
		h.idle(bridge.SSP)
	}},
	{"of a ticket that is over it is late", func(h *harness) {
		h.closed("T1", "R1")
		h.late(h.in(bridge.Open, "", ref("R1")))
	}},
	{"what somebody wrote waits behind the open of its ticket", func(h *harness) {
		first := h.queue(h.in(bridge.Open, "", ref("R1"), orElse(bridge.Update)))
		second := h.waits(h.in(bridge.Open, "", ref("R1"), orElse(bridge.Update)), bridge.UnknownReference)
		h.deliver(bridge.SSP, first)
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		require.Equal(h.t, []string{second}, h.drainIDs(bridge.SSP))
	}},
	{"what waits does not expire while the open is on its way, nor a week after", func(h *harness) {
		id := h.newTicket("R1")
		l := h.leaseOf(bridge.SSP, id)
		update := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		other := h.waits(h.in(bridge.Update, "", ref("R9")), bridge.UnknownReference)
		h.advance(10 * 24 * time.Hour)
		require.Equal(h.t, 1, h.sweep(bridge.SweepOptions{}).Quarantined)
		h.is(other, bridge.StateQuarantined, bridge.UnknownReference)
		h.park(l)
		require.Zero(h.t, h.sweep(bridge.SweepOptions{}).Quarantined)
		h.operate(onEvent(bridge.VerbEventRetry, id))
		h.deliver(bridge.SSP, id)
		h.advance(bridge.OpenWait - time.Minute)
		require.Zero(h.t, h.sweep(bridge.SweepOptions{}).Quarantined)
		h.advance(2 * time.Minute)
		require.Equal(h.t, 1, h.sweep(bridge.SweepOptions{}).Quarantined)
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		require.Equal(h.t, []string{update}, h.drainIDs(bridge.SSP), "from quarantine it still goes on by itself")
	}},
	{"what ended without a delivery makes room for the next, and a person may bring it back", func(h *harness) {
		skipped := h.newTicket("R1")
		h.skip(h.leaseOf(bridge.SSP, skipped))
		h.is(skipped, bridge.StateEnded, bridge.Skipped)
		ignored := h.newTicket("R1")
		h.operate(onEvent(bridge.VerbEventIgnore, ignored))
		h.operate(onLane(bridge.VerbLaneResume, bridge.In, bridge.OpenTask("r1")))
		h.operate(onEvent(bridge.VerbEventRetry, ignored))
		h.merges(h.in(bridge.Open, "", ref("R1")), ignored)
		h.deliver(bridge.SSP, ignored)
		h.idle(bridge.SSP)
	}},
	{"what was only observed opened nothing", func(h *harness) {
		first := h.newTicket("R1")
		h.doneWith(h.leaseOf(bridge.SSP, first), func(o *bridge.Outcome) { o.Reason = bridge.Observed })
		h.is(first, bridge.StateDone, bridge.Observed)
		update := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		h.advance(time.Hour)
		require.Equal(h.t, 1, h.sweep(bridge.SweepOptions{}).Quarantined)
		h.is(update, bridge.StateQuarantined, bridge.UnknownReference)
		h.deliver(bridge.SSP, h.newTicket("R1"))
	}},
	{"a person settles it, or lets a duplicate go after all", func(h *harness) {
		first := h.newTicket("R1")
		h.park(h.leaseOf(bridge.SSP, first))
		second := h.merges(h.in(bridge.Open, "", ref("R1")), first)
		h.unfit(bridge.Command{Verb: bridge.VerbEventSettle, Event: first, Reference: "R1"})
		h.operate(onEvent(bridge.VerbEventSettle, first))
		h.is(first, bridge.StateDone, bridge.SettledByOperator)
		h.operate(onEvent(bridge.VerbEventRetry, second))
		h.deliver(bridge.SSP, second)
	}},
	{"one that waits can be given to a task that exists", func(h *harness) {
		h.open("T1", "R1")
		h.queue(h.out(bridge.Submit, "T2"))
		id := h.waits(h.in(bridge.Open, "", ref("R9"), orElse(bridge.Update)), bridge.UnknownReference)
		h.operate(bridge.Command{Verb: bridge.VerbAssign, Event: id, Task: "T1"})
		l := h.leaseOf(bridge.SSP, id)
		require.Equal(h.t, bridge.Update, l.Event.Kind)
	}},
	{"our own words come back are no new ticket", func(h *harness) {
		h.echoes(h.in(bridge.Open, "", ref("R1"), echo(bridge.EchoByAuthor)))
		h.idle(bridge.SSP)
	}},
	{"its claim is forgotten after its life", func(h *harness) {
		id := h.newTicket("R1")
		h.deliver(bridge.SSP, id)
		h.advance(91 * 24 * time.Hour)
		for range 3 {
			h.sweep(bridge.SweepOptions{})
		}
		h.newTicket("R1")
	}},
	{"a crash loses neither it nor what waits for it", func(h *harness) {
		h.mortal()
		id := h.newTicket("R1")
		update := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		h.crash()
		h.deliver(bridge.SSP, id)
		h.crash()
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		require.Equal(h.t, []string{update}, h.drainIDs(bridge.SSP))
		h.homeOf(id, "T1", bridge.Delivered)
	}},
}

// ids returns the ids of the events a filter selects.
func (h *harness) ids(f bridge.EventFilter) []string {
	h.t.Helper()
	ids := []string{}
	for _, e := range h.events(f) {
		ids = append(ids, e.ID)
	}
	return ids
}
