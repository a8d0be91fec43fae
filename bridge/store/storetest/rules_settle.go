package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var settleRules = []rule{
	{"done: the event is done and the lane goes on", func(h *harness) {
		h.open("T1", "R1")
		id, next := h.queue(h.out(bridge.Update, "T1")), h.queue(h.out(bridge.Update, "T1"))
		v := h.done(h.leaseOf(acme, id))
		require.Equal(h.t, bridge.StateDone, v.State)
		require.Equal(h.t, bridge.Delivered, v.Reason)
		require.False(h.t, v.Bonded)
		require.False(h.t, v.Parked)
		h.is(id, bridge.StateDone, bridge.Delivered)
		require.True(h.t, h.stored(id).Ended.Equal(h.now()))
		h.deliver(acme, next)
	}},
	{"done: an observed delivery says so", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		h.settle(h.leaseOf(acme, id), bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Observed}, bridge.ThenDone, 0)
		h.is(id, bridge.StateDone, bridge.Observed)
	}},
	{"retry: the event comes again when it is due", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		v := h.retry(h.leaseOf(acme, id), time.Minute)
		require.Equal(h.t, bridge.StateQueued, v.State)
		h.queued(id)
		l := h.lane(bridge.Out, "T1")
		require.Equal(h.t, bridge.LaneReady, l.State)
		require.True(h.t, l.Due.Equal(h.now().Add(time.Minute)), "due %s", l.Due)
		h.advance(59 * time.Second)
		h.idle(acme)
		h.advance(time.Second)
		again := h.leaseOf(acme, id)
		require.Equal(h.t, 2, again.Attempt)
		require.False(h.t, again.Unknown)
	}},
	{"wait: the event comes again and is marked unknown", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		since := h.now()
		v := h.unknown(h.leaseOf(acme, id), time.Minute)
		require.Equal(h.t, bridge.StateQueued, v.State)
		require.True(h.t, h.lane(bridge.Out, "T1").Unknown)
		h.idle(acme)
		h.advance(time.Minute)
		l := h.leaseOf(acme, id)
		require.Equal(h.t, 2, l.Attempt)
		require.True(h.t, l.Unknown)
		require.True(h.t, l.UnknownSince.Equal(since), "unknown since %s", l.UnknownSince)
		h.retry(l, 0)
		require.True(h.t, h.leaseOf(acme, id).Unknown, "an earlier try may still have had its effect")
	}},
	{"wait: the time counts from the last real try, not from turns that only waited or looked up", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		since := h.now()
		h.unknown(h.leaseOf(acme, id), time.Minute)
		waited, failed := silence, silence
		waited.Untried, failed.Reason = true, bridge.LookupFailed
		for _, o := range []bridge.Outcome{waited, failed, waited} {
			h.advance(time.Minute)
			l := h.leaseOf(acme, id)
			require.True(h.t, l.Unknown)
			require.True(h.t, l.UnknownSince.Equal(since), "unknown since %s", l.UnknownSince)
			h.settle(l, o, bridge.ThenWait, time.Minute)
		}
		h.advance(time.Minute)
		since = h.now()
		h.unknown(h.leaseOf(acme, id), time.Minute)
		h.advance(time.Minute)
		l := h.leaseOf(acme, id)
		require.True(h.t, l.UnknownSince.Equal(since), "unknown since %s", l.UnknownSince)
	}},
	{"park: the lane stops at the event", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		v := h.park(h.leaseOf(acme, id))
		require.Equal(h.t, bridge.StateParked, v.State)
		require.Equal(h.t, bridge.RefusedAnswer, v.Reason)
		require.True(h.t, v.Parked)
		h.is(id, bridge.StateParked, bridge.RefusedAnswer)
		h.advance(1000 * time.Hour)
		h.idle(acme)
		h.queue(h.out(bridge.Update, "T1"))
		h.idle(acme)
	}},
	{"skip: the event ends with a record and the lane goes on", func(h *harness) {
		h.open("T1", "R1")
		id, next := h.queue(h.out(bridge.Update, "T1")), h.queue(h.out(bridge.Update, "T1"))
		v := h.skip(h.leaseOf(acme, id))
		require.Equal(h.t, bridge.StateEnded, v.State)
		require.Equal(h.t, bridge.Skipped, v.Reason)
		h.is(id, bridge.StateEnded, bridge.Skipped)
		h.deliver(acme, next)
	}},
	{"a solution that is skipped leaves the bond open", func(h *harness) {
		h.open("T1", "R1")
		h.skip(h.leaseOf(bridge.SSP, h.queue(h.in(bridge.Resolve, "T1"))))
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.queue(h.in(bridge.Resolve, "T1"))
	}},
	{"a refusal whose bond is over is late and the lane goes on", func(h *harness) {
		h.open("T1", "R1")
		h.open("T2", "R2")
		for task, end := range map[string]bridge.Event{
			"T1": h.out(bridge.Close, "T1"), "T2": h.out(bridge.Submit, "T2", at(beta)),
		} {
			l := h.leaseOf(bridge.SSP, h.queue(h.in(bridge.Resolve, task)))
			h.queue(end)
			v := h.park(l)
			require.Equal(h.t, bridge.StateEnded, v.State)
			require.Equal(h.t, bridge.IsLate, v.Reason)
			require.False(h.t, v.Parked)
			h.is(l.Event.ID, bridge.StateEnded, bridge.IsLate)
			h.laneIs(bridge.In, task, bridge.LaneIdle, "")
		}
	}},
	{"a failure that is no refusal is not late", func(h *harness) {
		h.open("T1", "R1")
		l := h.leaseOf(bridge.SSP, h.queue(h.in(bridge.Resolve, "T1")))
		h.queue(h.out(bridge.Close, "T1"))
		h.retry(l, 0)
		h.deliver(bridge.SSP, l.Event.ID)
	}},
	{"every attempt is recorded with what was sent and answered", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		h.retry(h.leaseOf(acme, id), 0)
		l := h.leaseOf(acme, id)
		o := bridge.Outcome{
			Kind: bridge.OutcomeDone, Reason: bridge.Delivered, Detail: "it said yes",
			Request: "POST /x", Answer: "ok \u00e9", Status: 201,
		}
		r := h.result(l, o, bridge.ThenDone, time.Time{})
		r.Started, r.Ended, r.Config = h.now(), h.now().Add(250*time.Millisecond), "v7"
		h.step(h.me, []bridge.Result{r})
		as := h.attempts(id)
		require.Len(h.t, as, 2)
		require.Equal(h.t, 1, as[0].N)
		require.Equal(h.t, bridge.OutcomeRetry, as[0].Outcome)
		require.Equal(h.t, bridge.NotSent, as[0].Reason)
		require.Equal(h.t, bridge.ThenRetry, as[0].Then)
		a := as[1]
		require.Equal(h.t, id, a.Event)
		require.Equal(h.t, 2, a.N)
		require.True(h.t, a.Started.Equal(r.Started))
		require.True(h.t, a.Ended.Equal(r.Ended))
		require.Equal(h.t, bridge.OutcomeDone, a.Outcome)
		require.Equal(h.t, bridge.Delivered, a.Reason)
		require.Equal(h.t, bridge.ThenDone, a.Then)
		require.Equal(h.t, o.Detail, a.Detail)
		require.Equal(h.t, o.Request, a.Request)
		require.Equal(h.t, o.Answer, a.Answer)
		require.Equal(h.t, 201, a.Status)
		require.Equal(h.t, h.me.ID, a.Session)
		require.Equal(h.t, "v7", a.Config)
	}},
	{"one call settles and then leases, also the same lane", func(h *harness) {
		h.open("T1", "R1")
		one, two := h.queue(h.out(bridge.Update, "T1")), h.queue(h.out(bridge.Update, "T1"))
		l := h.leaseOf(acme, one)
		got := h.step(h.me, []bridge.Result{h.result(l, yes, bridge.ThenDone, time.Time{})}, want(acme, 1))
		require.Equal(h.t, bridge.StateDone, got.Verdicts[0].State)
		require.Len(h.t, got.Leases, 1)
		require.Equal(h.t, two, got.Leases[0].Event.ID)
	}},
	{"one call delivers a submit and leases its acknowledge", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		o := yes
		o.Reference = "R1"
		got := h.step(h.me, []bridge.Result{h.result(l, o, bridge.ThenDone, time.Time{})}, want(bridge.SSP, 1))
		require.Len(h.t, got.Leases, 1)
		require.Equal(h.t, bridge.Acknowledge, got.Leases[0].Event.Kind)
	}},
	{"verdicts come in the order of the results", func(h *harness) {
		ids := h.updates(3)
		ls := h.leases(want(acme, 3))
		require.Len(h.t, ls, 3)
		stale := ls[1]
		stale.Token = "gone"
		vs := h.step(h.me, []bridge.Result{
			h.result(ls[0], refused, bridge.ThenPark, time.Time{}),
			h.result(stale, yes, bridge.ThenDone, time.Time{}),
			h.result(ls[2], yes, bridge.ThenDone, time.Time{}),
		}).Verdicts
		require.True(h.t, vs[0].Parked)
		require.True(h.t, vs[1].Fenced)
		require.Equal(h.t, bridge.StateDone, vs[2].State)
		require.Len(h.t, ids, 3)
	}},
	{"what the answer brings is accepted behind the acknowledge", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		up, fix := h.in(bridge.Update, "T1"), h.in(bridge.Resolve, "T1", ref("R1"))
		h.doneWith(l, func(o *bridge.Outcome) { o.Reference, o.Follow = "R1", []bridge.Event{up, fix} })
		h.bondIs("T1", bridge.BondResolved, "R1")
		h.acknowledge("R1")
		require.Equal(h.t, []string{up.ID, fix.ID}, h.drainIDs(bridge.SSP))
	}},
	{"what the answer brings is claimed like any other event", func(h *harness) {
		h.open("T1", "R1")
		l := h.leaseOf(acme, h.queue(h.out(bridge.Update, "T1")))
		up := h.in(bridge.Update, "T1")
		h.queue(up)
		h.doneWith(l, func(o *bridge.Outcome) { o.Follow = []bridge.Event{h.again(up)} })
		require.Equal(h.t, []string{up.ID}, h.drainIDs(bridge.SSP))
		fix := h.in(bridge.Resolve, "T1")
		l = h.leaseOf(acme, h.queue(h.out(bridge.Update, "T1")))
		h.doneWith(l, func(o *bridge.Outcome) { o.Follow = []bridge.Event{fix} })
		require.Equal(h.t, fix.ID, h.offer(h.again(fix)).First)
	}},
	{"a fenced result brings nothing", func(h *harness) {
		h.open("T1", "R1")
		l := h.leaseOf(acme, h.queue(h.out(bridge.Update, "T1")))
		o := yes
		o.Follow = []bridge.Event{h.in(bridge.Update, "T1")}
		l.Token = "gone"
		h.step(h.me, []bridge.Result{h.result(l, o, bridge.ThenDone, time.Time{})})
		h.idle(bridge.SSP)
	}},
	{"a reopening event may replace the reference", func(h *harness) {
		h.resolved("T1", "R1")
		l := h.leaseOf(acme, h.queue(h.out(bridge.RejectSolution, "T1")))
		v := h.bonded(l, "R2")
		require.True(h.t, v.Bonded)
		h.bondIs("T1", bridge.BondOpen, "R2")
		h.acknowledge("R2")
		for _, r := range []string{"R1", "R2"} {
			require.Equal(h.t, "T1", h.offer(h.in(bridge.Update, "", ref(r))).Task)
		}
	}},
	{"a continuing submit may replace the reference", func(h *harness) {
		h.open("T1", "R1")
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1", ref("R1"))))
		h.bonded(l, "R2")
		h.bondIs("T1", bridge.BondOpen, "R2")
	}},
	{"a reference key told with the reference is used as it is", func(h *harness) {
		for task, reference := range map[string]string{"T1": "AB", "T2": "ab"} {
			l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, task)))
			v := h.doneWith(l, func(o *bridge.Outcome) { o.Reference, o.RefKey = reference, reference })
			require.True(h.t, v.Bonded, "AB and ab are two references here")
			require.Equal(h.t, reference, h.bond(task).RefKey)
		}
	}},
	{"the same reference told again changes nothing", func(h *harness) {
		h.resolved("T1", "R1")
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		h.bonded(l, "r1")
		require.Equal(h.t, bridge.ReferenceKey("R1", false), h.bond("T1").RefKey)
		h.idle(bridge.SSP)
	}},
	{"nothing to settle and nothing wanted does nothing", func(h *harness) {
		h.queue(h.out(bridge.Submit, "T1"))
		got := h.step(h.me, nil)
		require.Empty(h.t, got.Verdicts)
		require.Empty(h.t, got.Leases)
		h.lease(acme)
	}},
}
