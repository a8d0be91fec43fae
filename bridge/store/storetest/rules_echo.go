package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var echoRules = []rule{
	{"by direction and by author the sender has decided", func(h *harness) {
		h.open("T1", "R1")
		h.echoes(h.out(bridge.Update, "T1", echo(bridge.EchoByDirection)))
		h.echoes(h.out(bridge.Close, "T1", echo(bridge.EchoByDirection)))
		h.echoes(h.in(bridge.Resolve, "T1", echo(bridge.EchoByAuthor)))
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.idle(acme)
		h.idle(bridge.SSP)
	}},
	{"an echo of a task that nobody knows is an echo", func(h *harness) {
		h.echoes(h.out(bridge.Update, "T1", echo(bridge.EchoByDirection)))
		h.noBond("T1")
	}},
	{"an event that cannot be an echo is delivered, even with our words", func(h *harness) {
		h.open("T1", "R1")
		h.deliver(acme, h.queue(h.out(bridge.Update, "T1", text("hello"))))
		h.queue(h.in(bridge.Update, "T1", text("hello"), comment("c1")))
	}},
	{"by comment: an id that an attempt of the opposite lane was given", func(h *harness) {
		h.open("T1", "R1")
		id := h.wrote("T1", "c1")
		r := h.echoes(h.in(bridge.Update, "", ref("R1"), comment("c1"), echo(bridge.EchoByComment)))
		require.Equal(h.t, id, r.First)
		h.echoes(h.in(bridge.Update, "T1", comment("c1"), echo(bridge.EchoByComment)))
		h.idle(bridge.SSP)
	}},
	{"by comment: the id of another task's comment is no echo", func(h *harness) {
		h.open("T1", "R1")
		h.open("T2", "R2")
		h.wrote("T1", "c1")
		h.queue(h.in(bridge.Update, "T2", comment("c1"), echo(bridge.EchoByComment)))
	}},
	{"by comment: an unknown id while nothing is in flight is no echo", func(h *harness) {
		h.open("T1", "R1")
		h.wrote("T1", "c1")
		h.queue(h.in(bridge.Update, "T1", comment("c2"), echo(bridge.EchoByComment)))
	}},
	{"by comment: it works towards the provider as well", func(h *harness) {
		h.open("T1", "R1")
		l := h.leaseOf(bridge.SSP, h.queue(h.in(bridge.Update, "T1")))
		h.doneWith(l, func(o *bridge.Outcome) { o.Comment = "s1" })
		h.echoes(h.out(bridge.Update, "T1", comment("s1"), echo(bridge.EchoByComment)))
		h.idle(acme)
	}},
	{"by text: white space, tags and entities do not matter", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1", text("a <b>bold</b>\r\nmove &amp; more")))
		h.deliver(acme, id)
		r := h.echoes(h.in(bridge.Update, "T1", text("a bold move & more"), echo(bridge.EchoByText)))
		require.Equal(h.t, id, r.First)
	}},
	{"by text: other words are no echo", func(h *harness) {
		h.open("T1", "R1")
		h.deliver(acme, h.queue(h.out(bridge.Update, "T1", text("hello"))))
		h.queue(h.in(bridge.Update, "T1", text("Hello"), echo(bridge.EchoByText)))
	}},
	{"by text: the same words in another task are no echo", func(h *harness) {
		h.open("T1", "R1")
		h.open("T2", "R2")
		h.deliver(acme, h.queue(h.out(bridge.Update, "T1", text("hello"))))
		h.queue(h.in(bridge.Update, "T2", text("hello"), echo(bridge.EchoByText)))
	}},
	{"by text: words that have not been written yet are no echo", func(h *harness) {
		h.open("T1", "R1")
		h.queue(h.out(bridge.Update, "T1", text("hello")))
		h.queue(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)))
	}},
	{"by text: one write ends at most one echo", func(h *harness) {
		h.open("T1", "R1")
		h.deliver(acme, h.queue(h.out(bridge.Update, "T1", text("hello"))))
		h.echoes(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)))
		h.queue(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)))
	}},
	{"by text: two writes end two echoes", func(h *harness) {
		h.open("T1", "R1")
		for range 2 {
			h.deliver(acme, h.queue(h.out(bridge.Update, "T1", text("hello"))))
		}
		for range 2 {
			h.echoes(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)))
		}
		h.queue(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)))
	}},
	{"by text: the same echo offered twice uses one write", func(h *harness) {
		h.open("T1", "R1")
		for range 2 {
			h.deliver(acme, h.queue(h.out(bridge.Update, "T1", text("hello"))))
		}
		e := h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText))
		h.echoes(e)
		require.Equal(h.t, bridge.Duplicate, h.offer(h.again(e)).Status)
		h.echoes(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)))
	}},
	{"by text: an echo may come before the call has returned", func(h *harness) {
		h.open("T1", "R1")
		l := h.leaseOf(acme, h.queue(h.out(bridge.Update, "T1", text("hello"))))
		h.echoes(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)))
		v := h.done(l)
		require.Equal(h.t, bridge.StateDone, v.State)
		h.queue(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)))
	}},
	{"by text: written words are remembered for 24 hours", func(h *harness) {
		h.open("T1", "R1")
		h.deliver(acme, h.queue(h.out(bridge.Update, "T1", text("soon"))))
		h.deliver(acme, h.queue(h.out(bridge.Update, "T1", text("late"))))
		h.advance(23 * time.Hour)
		h.echoes(h.in(bridge.Update, "T1", text("soon"), echo(bridge.EchoByText)))
		h.advance(2 * time.Hour)
		h.queue(h.in(bridge.Update, "T1", text("late"), echo(bridge.EchoByText)))
	}},
	{"by text: a try that surely wrote nothing is forgotten, its repeat is not", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1", text("hello")))
		h.retry(h.leaseOf(acme, id), time.Minute)
		h.queue(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)))
		h.advance(time.Minute)
		h.deliver(acme, id)
		h.echoes(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)))
	}},
	{"by text: a turn that only waited, looked up or observed wrote nothing", func(h *harness) {
		h.open("T1", "R1")
		hello := func() bridge.Event { return h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)) }
		observed := bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Observed}
		h.settle(h.leaseOf(acme, h.queue(h.out(bridge.Update, "T1", text("hello")))), observed, bridge.ThenDone, 0)
		h.queue(hello())

		id := h.queue(h.out(bridge.Update, "T1", text("hello")))
		h.unknown(h.leaseOf(acme, id), time.Minute)
		waited := bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: bridge.NoAnswer, Untried: true}
		failed := bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: bridge.LookupFailed}
		for _, o := range []bridge.Outcome{waited, failed} {
			h.advance(time.Minute)
			h.settle(h.leaseOf(acme, id), o, bridge.ThenWait, time.Minute)
		}
		h.advance(time.Minute)
		found := bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.ByEvidence}
		h.settle(h.leaseOf(acme, id), found, bridge.ThenDone, 0)
		h.echoes(hello()) // of the first try, the only one that wrote
		h.queue(hello())
	}},
	{"by text: an empty text is never an echo", func(h *harness) {
		h.open("T1", "R1")
		h.deliver(acme, h.queue(h.out(bridge.Close, "T1", noText)))
		h.queue(h.out(bridge.RejectSolution, "T1"))
		h.queue(h.in(bridge.Update, "T1", text(" <br/> "), echo(bridge.EchoByText)))
	}},
}

// wrote delivers an update of task for which the provider gave a comment id.
func (h *harness) wrote(task, commentID string) string {
	h.t.Helper()
	id := h.queue(h.out(bridge.Update, task))
	h.doneWith(h.leaseOf(acme, id), func(o *bridge.Outcome) { o.Comment = commentID })
	return id
}
