package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// regressionRules are named after what once went wrong.
var regressionRules = []rule{
	{"ignored last event, lane awaits resume", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		h.park(h.leaseOf(acme, id))
		h.operate(onEvent(bridge.VerbEventIgnore, id))
		h.laneIs(bridge.Out, "T1", bridge.LaneParked, bridge.AwaitsResume)
		h.offer(h.out(bridge.Update, "T1"))
		h.idle(acme)
	}},
	{"conflicting submit on a superseded bond parks", func(h *harness) {
		h.open("T1", "R1")
		h.open("T2", "R2")
		h.openAt(beta, "T1", "B1")
		h.drain(acme)
		id := h.queue(h.out(bridge.Submit, "T1", ref("R2")))
		h.idle(acme)
		h.is(id, bridge.StateParked, bridge.ReferenceConflict)
	}},
	{"evidence keeps the case of the reference", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		up := h.in(bridge.Update, "T1", ref("AB"))
		up.RefKey = "AB"
		h.queue(up)
		h.unknown(l, time.Minute)
		var acks int
		for _, e := range h.drain(bridge.SSP) {
			if e.Kind == bridge.Acknowledge {
				acks++
			}
		}
		h.t.(interface{ Logf(string, ...any) }).Logf("acks %d refkey %q", acks, h.bond("T1").RefKey)
		require.Equal(h.t, "AB", h.bond("T1").RefKey)
		require.Equal(h.t, 1, acks)
	}},
	{"assign of an out event waiting for its task", func(h *harness) {
		id := h.waits(h.out(bridge.Update, "T1"), bridge.UnknownTask)
		c := onEvent(bridge.VerbAssign, id)
		c.Task, c.Reference = "T1", "R1"
		h.operate(c)
		require.Equal(h.t, 1, h.lane(bridge.Out, "T1").Queued)
		h.drain(acme)
		require.EqualValues(h.t, 0, h.counts().Destination[acme].Queued)
	}},
	{"assign of a close waiting for its task", func(h *harness) {
		id := h.waits(h.out(bridge.Close, "T1"), bridge.UnknownTask)
		c := onEvent(bridge.VerbAssign, id)
		c.Task, c.Reference = "T1", "R1"
		r := h.operate(c)
		h.t.(interface{ Logf(string, ...any) }).Logf("detail %q", r.Detail)
		h.queued(id)
		h.deliver(acme, id)
	}},
	{"evidence for the submit decides maybe_echo", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		h.settle(l, silence, bridge.ThenPark, 0)
		id := h.waits(h.in(bridge.Update, "T1", comment("c1"), echo(bridge.EchoByComment)), bridge.MaybeEcho)
		h.offer(h.in(bridge.Acknowledge, "T1", ref("R1")))
		h.is(l.Event.ID, bridge.StateDone, bridge.ByEvidence)
		h.drain(bridge.SSP)
		h.advance(48 * time.Hour)
		h.sweep(bridge.SweepOptions{})
		h.is(id, bridge.StateDone, bridge.Delivered)
	}},
	{"link of a tried submit decides maybe_echo", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		h.settle(l, silence, bridge.ThenPark, 0)
		id := h.waits(h.in(bridge.Update, "T1", comment("c1"), echo(bridge.EchoByComment)), bridge.MaybeEcho)
		h.operate(onBond(bridge.VerbBondLink, "T1", "R1"))
		h.drain(bridge.SSP)
		h.drain(acme)
		h.advance(48 * time.Hour)
		h.sweep(bridge.SweepOptions{})
		h.is(id, bridge.StateDone, bridge.Delivered)
	}},
	{"comment that names task and reference makes the bond", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		h.settle(l, silence, bridge.ThenPark, 0)
		h.offer(h.in(bridge.Update, "T1", ref("R1"), comment("c1"), echo(bridge.EchoByComment)))
		h.is(l.Event.ID, bridge.StateDone, bridge.ByEvidence)
	}},
	{"a submit after an ignored one is not its duplicate", func(h *harness) {
		id := h.queue(h.out(bridge.Submit, "T1"))
		h.park(h.leaseOf(acme, id))
		h.operate(onEvent(bridge.VerbEventIgnore, id))
		h.operate(onLane(bridge.VerbLaneResume, bridge.Out, "T1"))
		h.advance(24 * time.Hour)
		r := h.offer(h.out(bridge.Submit, "T1"))
		require.Equal(h.t, bridge.Accepted, r.Status)
	}},
	{"a late echo of an earlier update does not swallow the next", func(h *harness) {
		h.open("T1", "R1")
		h.deliver(bridge.SSP, h.queue(h.in(bridge.Update, "T1", text("one"))))
		two := h.queue(h.in(bridge.Update, "T1", text("two")))
		l := h.leaseOf(bridge.SSP, two)
		h.echoes(h.out(bridge.Update, "T1", noText, echo(bridge.EchoByDirection))) // of one
		h.retry(l, time.Minute)                                                    // not sent: SSP went down
		h.queued(two)
	}},
	{"unlink of the owner resolves the conflict", func(h *harness) {
		id := h.conflict("T1", "R1", "T2")
		h.operate(onBond(bridge.VerbBondUnlink, "T1", ""))
		require.NotEqual(h.t, bridge.LaneParked, h.lane(bridge.Out, "T2").State)
		_ = id
	}},
	{"a conflicting submit on a closed bond lives after the move", func(h *harness) {
		h.closed("T2", "R2")
		id := h.conflict("T1", "R1", "T2")
		h.operate(onBond(bridge.VerbBondMove, "T2", "R1"))
		h.drain(acme)
		require.Equal(h.t, bridge.StateDone, h.stored(id).State)
		r := h.offer(h.in(bridge.Update, "", ref("R1")))
		require.Equal(h.t, bridge.Accepted, r.Status)
	}},
	{"proof and a refusal of the repeat", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.in(bridge.Resolve, "T1"))
		h.unknown(h.leaseOf(bridge.SSP, id), time.Minute)
		h.advance(time.Minute)
		l := h.leaseOf(bridge.SSP, id)
		h.queue(h.out(bridge.RejectSolution, "T1"))
		h.settle(l, refused, bridge.ThenPark, 0) // SSP: task is not with you any more
		h.is(id, bridge.StateDone, bridge.ByEvidence)
	}},
	{"resolve that is superseded by ignore of an older one", func(h *harness) {
		h.open("T1", "R1")
		one := h.queue(h.in(bridge.Resolve, "T1"))
		h.park(h.leaseOf(bridge.SSP, one))
		h.queue(h.out(bridge.RejectSolution, "T1"))
		h.queue(h.in(bridge.Resolve, "T1"))
		h.bondIs("T1", bridge.BondResolved, "R1")
		h.operate(onEvent(bridge.VerbEventIgnore, one))
		h.bondIs("T1", bridge.BondResolved, "R1")
	}},
	{"shrunk event cannot be sent empty", func(h *harness) {
		h.closed("T1", "R1")
		id := h.late(h.in(bridge.Update, "T1", text("words")))
		h.advance(100 * 24 * time.Hour)
		h.sweep(bridge.SweepOptions{Keep: map[string]bridge.Keep{"": {What: bridge.KeepDigest}}})
		_, err := h.store().Operate(h.ctx, onEvent(bridge.VerbEventRetry, id))
		if err == nil {
			l := h.leaseOf(bridge.SSP, id)
			require.Equal(h.t, "words", l.Event.Text)
		}
	}},
	{"waiting In events of a bond that is superseded end", func(h *harness) {
		h.pending("T1")
		id := h.waits(h.in(bridge.Update, "T1"), bridge.AwaitsReference)
		h.queue(h.out(bridge.Submit, "T1", at(beta)))
		h.drain(beta)
		h.advance(time.Hour)
		h.sweep(bridge.SweepOptions{})
		h.is(id, bridge.StateEnded, bridge.IsLate)
	}},
	{"assign of an out event by reference keeps its task", func(h *harness) {
		h.open("T1", "R1")
		id := h.waits(h.out(bridge.Update, "T9"), bridge.UnknownTask)
		c := onEvent(bridge.VerbAssign, id)
		c.Reference = "R1"
		_, err := h.store().Operate(h.ctx, c)
		e := h.stored(id)
		h.t.(interface{ Logf(string, ...any) }).Logf("err %v task %q state %s reason %s detail %q", err, e.Task, e.State, e.Reason, e.Detail)
		require.NotEmpty(h.t, e.Task)
	}},
	{"what is not public has a record of its own", func(h *harness) {
		a := h.in("", "T1", ref("R1"), noKey, noText)
		a.Ignore = bridge.IgnoredByRule
		h.offer(a)
		b := h.in("", "T1", ref("R1"), noKey, noText)
		b.Ignore = bridge.NotPublic
		h.offer(b)
		require.Len(h.t, h.events(bridge.EventFilter{Reason: bridge.NotPublic}), 1)
	}},
	{"equal inputs weeks apart are both kept", func(h *harness) {
		a := h.in("", "", noKey, noText, body(`{"comment":"any news?"}`), unread(bridge.RuleFailed))
		h.offer(a)
		h.advance(20 * 24 * time.Hour)
		b := h.in("", "", noKey, noText, body(`{"comment":"any news?"}`), unread(bridge.RuleFailed))
		r := h.offer(b)
		require.Equal(h.t, bridge.Quarantined, r.Status)
	}},
	{"an input like a discarded one is kept", func(h *harness) {
		a := h.in("", "", noKey, noText, body(`{"comment":"any news?"}`), unread(bridge.RuleFailed))
		h.offer(a)
		c := onEvent(bridge.VerbDiscard, a.ID)
		h.operate(c)
		h.advance(20 * 24 * time.Hour)
		b := h.in("", "", noKey, noText, body(`{"comment":"any news?"}`), unread(bridge.RuleFailed))
		r := h.offer(b)
		require.Equal(h.t, bridge.Quarantined, r.Status)
	}},
	{"pending after observe", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		o := yes
		o.Reason = bridge.Observed
		h.settle(l, o, bridge.ThenDone, 0)
		h.advance(24 * time.Hour)
		r := h.offer(h.out(bridge.Submit, "T1"))
		require.Equal(h.t, bridge.Accepted, r.Status)
	}},
	{"unknown without contact leaves the breaker", func(h *harness) {
		lim := bridge.Limit{Break: 2, BreakFor: time.Minute}
		w := bridge.Want{Dest: acme, N: 1, Limit: lim}
		h.open("T1", "R1")
		h.open("T2", "R2")
		h.open("T3", "R3")
		for _, tsk := range []string{"T1", "T2", "T3"} {
			h.queue(h.out(bridge.Update, tsk))
		}
		downUnknown := silence
		downUnknown.Down = true
		for range 2 {
			l := h.step(h.me, nil, w).Leases[0]
			h.step(h.me, []bridge.Result{h.result(l, downUnknown, bridge.ThenWait, h.now().Add(61*time.Second))}, bridge.Want{Dest: acme, N: 0, Limit: lim})
		}
		require.Empty(h.t, h.step(h.me, nil, w).Leases)
		h.advance(62 * time.Second)
		l := h.step(h.me, nil, w).Leases[0]
		_ = l
	}},
	{"out waiting events stay behind a person who assigns", func(h *harness) {
		a := h.waits(h.out(bridge.Update, "T1"), bridge.UnknownTask)
		h.waits(h.out(bridge.Close, "T1"), bridge.UnknownTask)
		c := onEvent(bridge.VerbAssign, a)
		c.Task, c.Reference = "T1", "R1"
		h.operate(c)
		es := h.drain(acme)
		var got []string
		for _, e := range es {
			got = append(got, string(e.Kind))
		}
		h.t.(interface{ Logf(string, ...any) }).Logf("%v", got)
		require.Equal(h.t, []string{"update", "close"}, got)
	}},
	{"in events of moved-back bond", func(h *harness) {
		h.open("T1", "R1")
		h.openAt(beta, "T1", "B1")
		h.drain(beta)
		id := h.queue(h.out(bridge.Submit, "T1", ref("B1")))
		l := h.leaseOf(acme, id)
		require.Equal(h.t, bridge.ModeReopen, l.Event.Mode)
	}},
	{"reread of a conflict does not swallow it", func(h *harness) {
		h.open("T1", "R1")
		h.queue(h.in(bridge.Update, "T1", key("k"), text("one")))
		two := h.in(bridge.Update, "T1", key("k"), text("two"))
		require.Equal(h.t, bridge.Conflict, h.offer(two).Status)
		c := onEvent(bridge.VerbReread, two.ID)
		c.Events = []bridge.Event{h.again(two)}
		r, err := h.store().Operate(h.ctx, c)
		e := h.stored(two.ID)
		h.t.(interface{ Logf(string, ...any) }).Logf("err %v receipts %+v state %s reason %s first==self %v", err, r.Receipts, e.State, e.Reason, e.First == e.ID)
		require.Equal(h.t, bridge.StateQuarantined, e.State)
	}},
	{"everything inbound stays stuck behind a comment that nobody decides", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		h.settle(l, silence, bridge.ThenPark, 0)
		h.waits(h.in(bridge.Update, "T1", comment("c1"), echo(bridge.EchoByComment)), bridge.MaybeEcho)
		h.offer(h.in(bridge.Acknowledge, "T1", ref("R1")))
		id := h.in(bridge.Resolve, "T1", ref("R1"))
		h.offer(id)
		h.drain(bridge.SSP)
		h.advance(48 * time.Hour)
		h.sweep(bridge.SweepOptions{})
		h.drain(bridge.SSP)
		h.is(id.ID, bridge.StateDone, bridge.Delivered)
	}},
	{"a submit after an ignored reopening", func(h *harness) {
		h.closed("T1", "R1")
		id := h.queue(h.out(bridge.Submit, "T1"))
		h.park(h.leaseOf(acme, id))
		h.operate(onEvent(bridge.VerbEventIgnore, id))
		h.operate(onLane(bridge.VerbLaneResume, bridge.Out, "T1"))
		h.advance(24 * time.Hour)
		require.Equal(h.t, bridge.Accepted, h.offer(h.out(bridge.Submit, "T1")).Status)
	}},
	{"the reference of a moved bond leads to its new owner", func(h *harness) {
		h.open("T1", "R1")
		h.pending("T2")
		h.operate(onBond(bridge.VerbBondMove, "T2", "R1"))
		h.operate(onBond(bridge.VerbBondUnlink, "T2", ""))
		h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
	}},
}
