package storetest

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var eraseRules = []rule{
	{"what an event and its tries say goes, that it was stays", func(h *harness) {
		h.open("T1", "R1")
		e := h.out(bridge.Update, "T1", text("private words"), body("private raw"))
		e.Title, e.Author, e.Requester.Email = "private title", "private name", "private@example.com"
		h.queue(e)
		l := h.leaseOf(acme, e.ID)
		told := h.result(l, bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered, Detail: "private detail",
			Request: "private request", Answer: "private answer"}, bridge.ThenDone, h.now())
		h.step(h.me, []bridge.Result{told})
		before := h.stored(e.ID)
		require.Contains(h.t, fmt.Sprint(h.attempts(e.ID)), "private answer", "a try that says nothing proves nothing")

		h.operate(onEvent(bridge.VerbEventErase, e.ID))
		after, tries := h.stored(e.ID), h.attempts(e.ID)
		require.NotContains(h.t, fmt.Sprintf("%+v %+v", after, tries), "private")
		require.Nil(h.t, after.Inbound)
		require.Equal(h.t, bridge.ErasedDetail, after.Detail)
		require.Len(h.t, tries, 1)
		require.Equal(h.t, bridge.Delivered, tries[0].Reason)
		require.Equal(h.t, before.Seq, after.Seq)
		require.Equal(h.t, before.State, after.State)
		require.Equal(h.t, before.Reason, after.Reason)
		require.True(h.t, before.Ended.Equal(after.Ended))
		require.Empty(h.t, h.events(bridge.EventFilter{Search: "private"}))
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"a repeat of what was erased is still a duplicate, another content a conflict", func(h *harness) {
		h.open("T1", "R1")
		e := h.in(bridge.Update, "T1", text("private words"))
		h.deliver(bridge.SSP, h.queue(e))
		h.operate(onEvent(bridge.VerbEventErase, e.ID))
		r := h.offer(h.again(e))
		require.Equal(h.t, bridge.Duplicate, r.Status)
		require.Equal(h.t, e.ID, r.First)
		other := h.again(e)
		other.Text = "something else"
		require.Equal(h.t, bridge.Conflict, h.offer(other).Status)
	}},
	{"what was erased is not erased twice, and is not brought back", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1", text("private words")))
		h.operate(onEvent(bridge.VerbEventIgnore, id))
		h.operate(onEvent(bridge.VerbEventErase, id))
		h.nothingToDo(onEvent(bridge.VerbEventErase, id))
		h.unfit(onEvent(bridge.VerbEventRetry, id))
	}},
	{"what retention has left of an event is erased as well", func(h *harness) {
		id := h.old()
		h.advance(11 * day)
		h.sweep(keep(bridge.KeepText, 10*day))
		require.NotEmpty(h.t, h.stored(id).Text)
		h.operate(onEvent(bridge.VerbEventErase, id))
		require.Empty(h.t, h.stored(id).Text)
		require.Empty(h.t, h.events(bridge.EventFilter{Search: "secret"}))
	}},
	{"what is not settled stays whole", func(h *harness) {
		parked, queued := h.parked("T1")
		waiting := h.waits(h.in(bridge.Update, "", ref("R9")), bridge.UnknownReference)
		kept := h.in(bridge.Update, "", unread(bridge.NoRule), body("raw"))
		h.offer(kept)
		for _, id := range []string{parked, queued, waiting, kept.ID} {
			h.unfit(onEvent(bridge.VerbEventErase, id))
			require.NotEmpty(h.t, h.stored(id).Text)
		}
	}},
	{"an unknown event is not found", func(h *harness) {
		h.missing(onEvent(bridge.VerbEventErase, bridge.NewID()))
	}},
}
