package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var operateEventRules = []rule{
	{"ignore: after a submit without effect the next one is new", func(h *harness) {
		id := h.queue(h.out(bridge.Submit, "T1"))
		h.operate(bridge.Command{Verb: bridge.VerbEventIgnore, Event: id})
		next := h.offer(h.out(bridge.Submit, "T1")).Event
		h.is(next, bridge.StateParked, bridge.AwaitsResume)
		h.idle(acme)
		require.Equal(h.t, bridge.ModeNew, h.stored(next).Mode)
		h.operate(bridge.Command{Verb: bridge.VerbLaneResume, Lane: bridge.LaneID{Provider: acme, Task: "T1", Dir: bridge.Out}})
		h.bonded(h.leaseOf(acme, next), "R1")
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"retry: a parked head is tried again now", func(h *harness) {
		id, behind := h.parked("T1")
		r := h.operate(onEvent(bridge.VerbEventRetry, id))
		require.Contains(h.t, r.Events, id)
		h.queued(id)
		l := h.leaseOf(acme, id)
		require.Equal(h.t, 2, l.Attempt)
		h.done(l)
		h.deliver(acme, behind)
	}},
	{"retry: a person has looked, so that nothing is unknown any more", func(h *harness) {
		for task, retry := range map[string]func(id string) bridge.Command{
			"T1": func(id string) bridge.Command { return onEvent(bridge.VerbEventRetry, id) },
			"T2": func(string) bridge.Command { return onLane(bridge.VerbLaneRetry, bridge.Out, "T2") },
		} {
			id := h.queue(h.out(bridge.Submit, task))
			h.settle(h.leaseOf(acme, id), silence, bridge.ThenPark, 0)
			require.True(h.t, h.lane(bridge.Out, task).Unknown)
			h.operate(retry(id))
			l := h.leaseOf(acme, id)
			require.False(h.t, l.Unknown)
			require.Equal(h.t, 2, l.Attempt)
			h.done(l)
		}
	}},
	{"retry: a merged event is delivered after all", func(h *harness) {
		h.open("T1", "R1")
		e := h.in(bridge.Update, "T1", noKey)
		first := h.queue(e)
		again := h.merges(h.again(e), first)
		h.operate(onEvent(bridge.VerbEventRetry, again))
		h.queued(again)
		require.Equal(h.t, []string{first, again}, h.drainIDs(bridge.SSP))
	}},
	{"retry: a merged submit is delivered after all", func(h *harness) {
		first := h.open("T1", "R1")
		again := h.merges(h.out(bridge.Submit, "T1"), first)
		h.operate(onEvent(bridge.VerbEventRetry, again))
		require.Equal(h.t, []string{again}, h.drainIDs(acme))
	}},
	{"retry: an event that said nothing new is delivered after all", func(h *harness) {
		h.resolved("T1", "R1")
		id := h.saysNothingNew(h.in(bridge.Resolve, "T1"))
		h.operate(onEvent(bridge.VerbEventRetry, id))
		require.Equal(h.t, []string{id}, h.drainIDs(bridge.SSP))
	}},
	{"retry: a late event is delivered after all", func(h *harness) {
		h.closed("T1", "R1")
		id := h.late(h.in(bridge.Update, "T1"))
		h.operate(onEvent(bridge.VerbEventRetry, id))
		require.Equal(h.t, []string{id}, h.drainIDs(bridge.SSP))
	}},
	{"retry: a skipped event is delivered after all, behind what is there", func(h *harness) {
		h.open("T1", "R1")
		id, next := h.queue(h.out(bridge.Update, "T1")), h.queue(h.out(bridge.Update, "T1"))
		h.skip(h.leaseOf(acme, id))
		h.operate(onEvent(bridge.VerbEventRetry, id))
		require.Equal(h.t, []string{next, id}, h.drainIDs(acme))
	}},
	{"retry: an ignored event is delivered after all", func(h *harness) {
		id, behind := h.parked("T1")
		h.operate(onEvent(bridge.VerbEventIgnore, id))
		h.operate(onEvent(bridge.VerbEventRetry, id))
		h.nudge(bridge.Out, "T1")
		require.ElementsMatch(h.t, []string{behind, id}, h.drainIDs(acme))
	}},
	{"retry: an echo is delivered after all", func(h *harness) {
		h.open("T1", "R1")
		e := h.out(bridge.Update, "T1", echo(bridge.EchoByDirection))
		h.echoes(e)
		h.operate(onEvent(bridge.VerbEventRetry, e.ID))
		require.Equal(h.t, []string{e.ID}, h.drainIDs(acme))
	}},
	{"retry: a submit that bounced is the one that others merge into again", func(h *harness) {
		id := h.pending("T1")
		h.offer(h.report(id))
		h.operate(onEvent(bridge.VerbEventRetry, id))
		h.merges(h.out(bridge.Submit, "T1"), id)
		require.Equal(h.t, []string{id}, h.drainIDs(acme))
		h.waits(h.in(bridge.Open, "", ref("R1")), bridge.UnknownReference) // it may be the ticket of that submit
	}},
	{"retry: a submit that reopened and was ignored reopens again", func(h *harness) {
		h.closed("T1", "R1")
		id := h.queue(h.out(bridge.Submit, "T1"))
		h.operate(onEvent(bridge.VerbEventIgnore, id))
		h.bondIs("T1", bridge.BondClosed, "R1")
		h.operate(onEvent(bridge.VerbEventRetry, id))
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.nudge(bridge.Out, "T1")
		l := h.leaseOf(acme, id)
		require.Equal(h.t, bridge.ModeReopen, l.Event.Mode)
		h.done(l)
		h.deliver(bridge.SSP, h.queue(h.in(bridge.Update, "T1")))
	}},
	{"retry: an ignored solution resolves after all", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.in(bridge.Resolve, "T1"))
		h.operate(onEvent(bridge.VerbEventIgnore, id))
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.operate(onEvent(bridge.VerbEventRetry, id))
		h.bondIs("T1", bridge.BondResolved, "R1")
		h.saysNothingNew(h.in(bridge.Resolve, "T1"))
	}},
	{"retry: a task that has moved comes back with its submit, not before", func(h *harness) {
		submit := h.queue(h.out(bridge.Submit, "T1"))
		moved := h.queue(h.out(bridge.Submit, "T1", at(beta)))
		update := h.queue(h.out(bridge.Update, "T1"))
		h.idle(acme)
		h.is(submit, bridge.StateEnded, bridge.IsSuperseded)
		h.is(update, bridge.StateEnded, bridge.IsSuperseded)
		h.unfit(onEvent(bridge.VerbEventRetry, update))
		h.operate(onEvent(bridge.VerbEventRetry, submit))
		h.operate(onEvent(bridge.VerbEventRetry, update))
		h.idle(beta)
		h.is(moved, bridge.StateEnded, bridge.IsSuperseded)
		h.bonded(h.leaseOf(acme, submit), "R1")
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.deliver(acme, update)
	}},
	{"ignore: the event ends and its lane awaits a resume", func(h *harness) {
		id, behind := h.parked("T1")
		h.operate(onEvent(bridge.VerbEventIgnore, id))
		h.is(id, bridge.StateEnded, bridge.IgnoredByOperator)
		h.laneIs(bridge.Out, "T1", bridge.LaneParked, bridge.AwaitsResume)
		h.idle(acme)
		h.operate(onLane(bridge.VerbLaneResume, bridge.Out, "T1"))
		h.deliver(acme, behind)
	}},
	{"ignore: a solution without effect leaves the bond open", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.in(bridge.Resolve, "T1"))
		h.park(h.leaseOf(bridge.SSP, id))
		h.operate(onEvent(bridge.VerbEventIgnore, id))
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"ignore: a solution that only waited takes nothing back", func(h *harness) {
		h.resolved("T1", "R1")
		h.leaseOf(acme, h.queue(h.out(bridge.Update, "T1")))
		h.waits(h.in(bridge.Update, "T1", echo(bridge.EchoByComment), comment("c1")), bridge.MaybeEcho)
		id := h.waits(h.in(bridge.Resolve, "T1"), bridge.MaybeEcho)
		h.operate(onEvent(bridge.VerbEventIgnore, id))
		h.bondIs("T1", bridge.BondResolved, "R1")
	}},
	{"settle: the event is done and its lane goes on", func(h *harness) {
		id, behind := h.parked("T1")
		h.operate(onEvent(bridge.VerbEventSettle, id))
		h.is(id, bridge.StateDone, bridge.SettledByOperator)
		h.deliver(acme, behind)
	}},
	{"settle: a submit with its reference makes the bond", func(h *harness) {
		id := h.queue(h.out(bridge.Submit, "T1"))
		behind := h.queue(h.out(bridge.Update, "T1"))
		waiting := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		h.settle(h.leaseOf(acme, id), silence, bridge.ThenPark, 0)
		c := onEvent(bridge.VerbEventSettle, id)
		c.Reference = "R1"
		h.operate(c)
		h.is(id, bridge.StateDone, bridge.SettledByOperator)
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.acknowledge("R1")
		h.deliver(bridge.SSP, waiting)
		h.deliver(acme, behind)
	}},
	{"settle: a reference of another task is not taken", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Submit, "T2"))
		h.park(h.leaseOf(acme, id))
		c := onEvent(bridge.VerbEventSettle, id)
		c.Reference = "R1"
		h.unfit(c)
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.bondIs("T2", bridge.BondPending, "")
		require.Equal(h.t, bridge.StateParked, h.stored(id).State)
	}},
	{"an event that is done or in flight fits no event verb", func(h *harness) {
		h.open("T1", "R1")
		done := h.queue(h.out(bridge.Update, "T1"))
		h.deliver(acme, done)
		leased := h.queue(h.out(bridge.Update, "T1"))
		l := h.leaseOf(acme, leased)
		for _, v := range []bridge.Verb{bridge.VerbEventRetry, bridge.VerbEventIgnore, bridge.VerbEventSettle} {
			h.unfit(onEvent(v, done))
			h.unfit(onEvent(v, leased))
		}
		h.is(done, bridge.StateDone, bridge.Delivered)
		h.done(l)
	}},
	{"an unknown event is not found", func(h *harness) {
		for _, v := range []bridge.Verb{
			bridge.VerbEventRetry, bridge.VerbEventIgnore, bridge.VerbEventSettle,
			bridge.VerbAssign, bridge.VerbDiscard, bridge.VerbReread,
		} {
			c := onEvent(v, bridge.NewID())
			c.Task = "T1"
			h.missing(c)
		}
	}},
	{"an unknown verb is refused", func(h *harness) {
		id := h.queue(h.out(bridge.Submit, "T1"))
		h.unfit(onEvent("event_explode", id))
	}},
	{"a result that comes after the event was settled by hand is fenced", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		l := h.leaseOf(acme, id)
		h.settle(l, silence, bridge.ThenPark, 0)
		h.operate(onEvent(bridge.VerbEventSettle, id))
		v := h.step(h.me, []bridge.Result{h.result(l, refused, bridge.ThenPark, time.Time{})}).Verdicts[0]
		require.True(h.t, v.Fenced)
		h.is(id, bridge.StateDone, bridge.SettledByOperator)
	}},
}

// parked opens task, parks an update of it and queues another one behind it.
func (h *harness) parked(task string) (id, behind string) {
	h.t.Helper()
	h.open(task, "R-"+task)
	id, behind = h.queue(h.out(bridge.Update, task)), h.queue(h.out(bridge.Update, task))
	h.park(h.leaseOf(acme, id))
	return id, behind
}

// nudge resumes a lane of acme if it still awaits that.
func (h *harness) nudge(dir bridge.Dir, task string) {
	h.t.Helper()
	if h.lane(dir, task).State == bridge.LaneParked {
		h.operate(onLane(bridge.VerbLaneResume, dir, task))
	}
}
