package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var laneRules = []rule{
	{"one event of a lane is in flight", func(h *harness) {
		h.open("T1", "R1")
		first := h.queue(h.out(bridge.Update, "T1"))
		h.queue(h.out(bridge.Update, "T1"))
		ls := h.leases(want(acme, 10))
		require.Len(h.t, ls, 1)
		require.Equal(h.t, first, ls[0].Event.ID)
		h.leased(first)
		h.idle(acme)
	}},
	{"events are applied in the order of acceptance", func(h *harness) {
		h.open("T1", "R1")
		var ids []string
		for range 7 {
			ids = append(ids, h.queue(h.out(bridge.Update, "T1")))
		}
		require.Equal(h.t, ids, h.drainIDs(acme))
	}},
	{"the order stands through retries and waits", func(h *harness) {
		h.open("T1", "R1")
		one, two := h.queue(h.out(bridge.Update, "T1")), h.queue(h.out(bridge.Update, "T1"))
		h.retry(h.leaseOf(acme, one), time.Minute)
		h.idle(acme)
		h.advance(time.Minute)
		h.unknown(h.leaseOf(acme, one), time.Minute)
		h.idle(acme)
		h.advance(time.Minute)
		require.Equal(h.t, []string{one, two}, h.drainIDs(acme))
	}},
	{"other lanes are not held up", func(h *harness) {
		tasks := []string{"T1", "T2", "T3", "T4"}
		for _, task := range tasks {
			h.open(task, "R-"+task)
		}
		h.queue(h.out(bridge.Update, "T1"))
		h.park(h.lease(acme))
		h.queue(h.out(bridge.Update, "T2"))
		h.retry(h.lease(acme), time.Hour)
		h.queue(h.out(bridge.Update, "T3"))
		h.lease(acme)
		h.deliver(acme, h.queue(h.out(bridge.Update, "T4")))
		h.deliver(bridge.SSP, h.queue(h.in(bridge.Update, "T1")))
	}},
	{"both directions of a task are lanes of their own", func(h *harness) {
		h.open("T1", "R1")
		out, in := h.queue(h.out(bridge.Update, "T1")), h.queue(h.in(bridge.Update, "T1"))
		ls := h.leases(want(acme, 1), want(bridge.SSP, 1))
		require.Len(h.t, ls, 2)
		require.ElementsMatch(h.t, []string{out, in}, []string{ls[0].Event.ID, ls[1].Event.ID})
	}},
	{"a destination gets its own events only", func(h *harness) {
		h.queue(h.out(bridge.Submit, "T1", at(beta)))
		h.idle(acme)
		h.idle(bridge.SSP)
		require.Equal(h.t, beta, h.lease(beta).Event.Provider)
	}},
	{"a want is never exceeded", func(h *harness) {
		h.updates(5)
		require.Len(h.t, h.leases(want(acme, 2)), 2)
		require.Len(h.t, h.leases(want(acme, 2)), 2)
		require.Len(h.t, h.leases(want(acme, 2)), 1)
	}},
	{"the oldest due comes first", func(h *harness) {
		for _, task := range []string{"T1", "T2", "T3"} {
			h.open(task, "R-"+task)
		}
		two := h.queue(h.out(bridge.Update, "T2"))
		h.advance(time.Second)
		three := h.queue(h.out(bridge.Update, "T3"))
		h.advance(time.Second)
		one := h.queue(h.out(bridge.Update, "T1"))
		require.Equal(h.t, []string{two, three, one}, h.drainIDs(acme))
	}},
	{"the oldest due comes first, not the oldest event", func(h *harness) {
		h.open("T1", "R1")
		h.open("T2", "R2")
		one := h.queue(h.out(bridge.Update, "T1"))
		h.retry(h.leaseOf(acme, one), time.Minute)
		h.advance(30 * time.Second)
		two := h.queue(h.out(bridge.Update, "T2"))
		h.advance(time.Minute)
		require.Equal(h.t, []string{two, one}, h.drainIDs(acme))
	}},
	{"a lane whose head needs a reference is held", func(h *harness) {
		h.pending("T1")
		id := h.queue(h.out(bridge.Update, "T1"))
		h.idle(acme)
		require.Equal(h.t, bridge.LaneHeld, h.lane(bridge.Out, "T1").State)
		h.queued(id)
	}},
	{"a destination that can do without a reference is not held", func(h *harness) {
		h.pending("T1")
		id := h.queue(h.out(bridge.Update, "T1"))
		w := want(acme, 10)
		w.WithoutReference = true
		ls := h.leases(w)
		require.Len(h.t, ls, 1)
		require.Equal(h.t, id, ls[0].Event.ID)
		require.Empty(h.t, ls[0].Bond.Reference)
		h.done(ls[0])
		h.is(id, bridge.StateDone, bridge.Delivered)
	}},
	{"a parked head blocks what is behind it and is named", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		behind := h.queue(h.out(bridge.Update, "T1"))
		h.park(h.leaseOf(acme, id))
		h.idle(acme)
		l := h.lane(bridge.Out, "T1")
		require.Equal(h.t, bridge.LaneParked, l.State)
		require.Equal(h.t, bridge.RefusedAnswer, l.Reason)
		require.Equal(h.t, id, l.Head)
		require.Equal(h.t, bridge.Update, l.HeadKind)
		require.Equal(h.t, 2, l.Queued)
		h.queued(behind)
	}},
	{"a lane goes from idle to ready to leased to idle", func(h *harness) {
		h.open("T1", "R1")
		h.laneIs(bridge.Out, "T1", bridge.LaneIdle, "")
		id := h.queue(h.out(bridge.Update, "T1"))
		require.Equal(h.t, bridge.LaneReady, h.lane(bridge.Out, "T1").State)
		l := h.leaseOf(acme, id)
		require.Equal(h.t, bridge.LaneLeased, h.lane(bridge.Out, "T1").State)
		h.done(l)
		h.laneIs(bridge.Out, "T1", bridge.LaneIdle, "")
	}},
	{"a lease carries the whole event, its bond and what the try needs", func(h *harness) {
		h.open("T1", "R1")
		e := h.out(bridge.Update, "T1")
		l := h.leaseOf(acme, h.queue(e))
		require.Equal(h.t, e.Text, l.Event.Text)
		require.Equal(h.t, h.stored(e.ID).Seq, l.Event.Seq)
		require.Equal(h.t, "R1", l.Bond.Reference)
		require.Equal(h.t, bridge.BondOpen, l.Bond.State)
		require.Equal(h.t, 1, l.Attempt)
		require.False(h.t, l.Unknown)
		require.Zero(h.t, l.Spent)
		require.NotEmpty(h.t, l.Token)
		require.True(h.t, l.Until.After(h.now()))
	}},
}

// updates opens n bonds and queues an update in each.
func (h *harness) updates(n int) []string {
	h.t.Helper()
	tasks := make([]string, n)
	for i := range tasks {
		tasks[i] = "U" + bridge.NewID()
		h.open(tasks[i], "R-"+tasks[i])
	}
	ids := make([]string, n)
	for i, task := range tasks {
		ids[i] = h.queue(h.out(bridge.Update, task))
	}
	return ids
}
