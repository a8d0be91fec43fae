package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var operateQuarantineRules = []rule{
	{"assign: a waiting event goes to the lane of the task it is given", func(h *harness) {
		h.open("T1", "R1")
		id := h.waits(h.in(bridge.Update, "T one"), bridge.UnknownTask)
		c := onEvent(bridge.VerbAssign, id)
		c.Task = "T1"
		h.operate(c)
		h.queued(id)
		require.Equal(h.t, "T1", h.leaseOf(bridge.SSP, id).Event.Task)
	}},
	{"assign: a waiting event goes to the task of the reference it is given", func(h *harness) {
		h.open("T1", "R1")
		id := h.waits(h.in(bridge.Update, "", ref("R one")), bridge.UnknownReference)
		c := onEvent(bridge.VerbAssign, id)
		c.Reference = "R1"
		h.operate(c)
		require.Equal(h.t, "T1", h.leaseOf(bridge.SSP, id).Event.Task)
	}},
	{"assign: an event in quarantine goes on", func(h *harness) {
		h.open("T1", "R1")
		id := h.waits(h.in(bridge.Update, "", ref("R one")), bridge.UnknownReference)
		h.advance(time.Hour)
		h.sweep(bridge.SweepOptions{})
		require.Equal(h.t, bridge.StateQuarantined, h.stored(id).State)
		c := onEvent(bridge.VerbAssign, id)
		c.Reference = "R1"
		h.operate(c)
		h.deliver(bridge.SSP, id)
	}},
	{"assign: an event without a task, kept by its source, goes on", func(h *harness) {
		h.open("T1", "R1")
		e := h.out(bridge.Update, "", unread(bridge.MissingField))
		h.offer(e)
		c := onEvent(bridge.VerbAssign, e.ID)
		c.Task = "T1"
		h.operate(c)
		h.deliver(acme, e.ID)
	}},
	{"assign: it means what it means for that task", func(h *harness) {
		h.open("T1", "R1")
		id := h.waits(h.in(bridge.Resolve, "T one"), bridge.UnknownTask)
		c := onEvent(bridge.VerbAssign, id)
		c.Task = "T1"
		h.operate(c)
		h.bondIs("T1", bridge.BondResolved, "R1")
	}},
	{"assign: what ends at once keeps the reference it was given, for a retry", func(h *harness) {
		id := h.waits(h.in(bridge.Update, "", ref("R one")), bridge.UnknownReference)
		h.closed("T1", "R1")
		c := onEvent(bridge.VerbAssign, id)
		c.Reference = "R1"
		h.operate(c)
		h.is(id, bridge.StateEnded, bridge.IsLate)
		require.Equal(h.t, "R1", h.stored(id).Reference)
		h.operate(onEvent(bridge.VerbEventRetry, id))
		require.Equal(h.t, "R1", h.leaseOf(bridge.SSP, id).Event.Reference)
	}},
	{"discard: the event ends and never returns", func(h *harness) {
		e := h.in(bridge.Update, "", unread(bridge.NoRule))
		h.offer(e)
		expired := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		h.advance(time.Hour)
		h.sweep(bridge.SweepOptions{})
		for _, id := range []string{e.ID, expired} {
			h.operate(onEvent(bridge.VerbDiscard, id))
			h.is(id, bridge.StateEnded, bridge.DiscardedByPerson)
			require.True(h.t, h.stored(id).Ended.Equal(h.now()))
		}
		h.open("T1", "R1")
		h.idle(bridge.SSP)
		h.is(expired, bridge.StateEnded, bridge.DiscardedByPerson)
	}},
	{"reread: the new events take the place of the input", func(h *harness) {
		h.open("T1", "R1")
		e := h.in("", "", noKey, noText, unread(bridge.NoRule), body(`{"a":1}`))
		h.offer(e)
		one, two := h.in(bridge.Update, "T1"), h.in(bridge.Resolve, "T1")
		c := onEvent(bridge.VerbReread, e.ID)
		c.Events = []bridge.Event{one, two}
		r := h.operate(c)
		require.Len(h.t, r.Receipts, 2)
		for _, got := range r.Receipts {
			require.Equal(h.t, bridge.Accepted, got.Status)
		}
		h.is(e.ID, bridge.StateEnded, bridge.Reread)
		require.Equal(h.t, []string{one.ID, two.ID}, h.drainIDs(bridge.SSP))
	}},
	{"reread: the sender's id goes over to the new event", func(h *harness) {
		h.open("T1", "R1")
		e := h.in(bridge.Update, "", key("k"), noText, unread(bridge.RuleFailed), body(`{"a":1}`))
		h.offer(e)
		read := h.in(bridge.Update, "T1", key("k"), text("hello"))
		c := onEvent(bridge.VerbReread, e.ID)
		c.Events = []bridge.Event{read}
		r := h.operate(c)
		require.Equal(h.t, bridge.Accepted, r.Receipts[0].Status)
		require.Equal(h.t, read.ID, r.Receipts[0].Event)
		again := h.offer(h.again(read))
		require.Equal(h.t, bridge.Duplicate, again.Status)
		require.Equal(h.t, read.ID, again.First)
		require.Equal(h.t, []string{read.ID}, h.drainIDs(bridge.SSP))
	}},
	{"reread: what waited in vain is not merged into itself", func(h *harness) {
		e := h.in(bridge.Update, "", ref("R1"), noKey, window(time.Hour), body(`{"a":1}`))
		h.waits(e, bridge.UnknownReference)
		h.advance(20 * time.Minute)
		h.sweep(bridge.SweepOptions{})
		h.is(e.ID, bridge.StateQuarantined, bridge.UnknownReference)
		c := onEvent(bridge.VerbReread, e.ID)
		c.Events = []bridge.Event{h.again(e)}
		r := h.operate(c)
		require.Equal(h.t, bridge.Waiting, r.Receipts[0].Status)
		h.open("T1", "R1")
		require.Equal(h.t, []string{c.Events[0].ID}, h.drainIDs(bridge.SSP))
	}},
	{"reread: an input that means nothing now ends", func(h *harness) {
		e := h.in("", "", noKey, noText, unread(bridge.NoRule), body(`{"a":1}`))
		h.offer(e)
		h.operate(onEvent(bridge.VerbReread, e.ID))
		h.is(e.ID, bridge.StateEnded, bridge.Reread)
	}},
	{"an event that is queued or done fits no quarantine verb", func(h *harness) {
		h.open("T1", "R1")
		done := h.queue(h.out(bridge.Update, "T1"))
		h.deliver(acme, done)
		queued := h.queue(h.out(bridge.Update, "T1"))
		for _, v := range []bridge.Verb{bridge.VerbAssign, bridge.VerbDiscard, bridge.VerbReread} {
			for _, id := range []string{done, queued} {
				c := onEvent(v, id)
				c.Task = "T1"
				h.unfit(c)
			}
		}
		h.queued(queued)
	}},
}
