package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var maybeEchoRules = []rule{
	{"a comment that came before the call returned waits and becomes an echo", func(h *harness) {
		l, id := h.maybe("T1")
		h.doneWith(l, func(o *bridge.Outcome) { o.Comment = "c1" })
		h.is(id, bridge.StateEnded, bridge.IsEcho)
		h.idle(bridge.SSP)
	}},
	{"a comment of somebody else waits and is delivered", func(h *harness) {
		l, id := h.maybe("T1")
		h.doneWith(l, func(o *bridge.Outcome) { o.Comment = "c2" })
		h.queued(id)
		h.deliver(bridge.SSP, id)
	}},
	{"a try that surely wrote nothing decides that it was no echo", func(h *harness) {
		l, id := h.maybe("T1")
		h.retry(l, time.Hour)
		h.queued(id)
		h.deliver(bridge.SSP, id)
	}},
	{"an unknown outcome decides nothing; the next try does", func(h *harness) {
		l, id := h.maybe("T1")
		h.unknown(l, time.Minute)
		h.is(id, bridge.StateWaiting, bridge.MaybeEcho)
		h.advance(time.Minute)
		l = h.leaseOf(acme, l.Event.ID)
		h.is(id, bridge.StateWaiting, bridge.MaybeEcho)
		h.doneWith(l, func(o *bridge.Outcome) { o.Comment = "c1" })
		h.is(id, bridge.StateEnded, bridge.IsEcho)
	}},
	{"a comment waits while the outcome of the head is unknown", func(h *harness) {
		h.open("T1", "R1")
		l := h.leaseOf(acme, h.queue(h.out(bridge.Update, "T1")))
		h.unknown(l, time.Minute)
		h.waits(h.in(bridge.Update, "T1", comment("c1"), echo(bridge.EchoByComment)), bridge.MaybeEcho)
	}},
	{"a comment does not wait for a try that wrote no text", func(h *harness) {
		h.open("T1", "R1")
		h.leaseOf(acme, h.queue(h.out(bridge.RejectSolution, "T1", noText)))
		h.queue(h.in(bridge.Update, "T1", comment("c1"), echo(bridge.EchoByComment)))
	}},
	{"a comment does not wait for a try that is not in flight", func(h *harness) {
		h.open("T1", "R1")
		h.retry(h.leaseOf(acme, h.queue(h.out(bridge.Update, "T1"))), time.Minute)
		h.queue(h.in(bridge.Update, "T1", comment("c1"), echo(bridge.EchoByComment)))
	}},
	{"comments that waited are delivered in the order of acceptance", func(h *harness) {
		l, one := h.maybe("T1")
		two := h.waits(h.in(bridge.Update, "T1", comment("c8"), echo(bridge.EchoByComment)), bridge.MaybeEcho)
		three := h.waits(h.in(bridge.Update, "T1", comment("c9"), echo(bridge.EchoByComment)), bridge.MaybeEcho)
		h.doneWith(l, func(o *bridge.Outcome) { o.Comment = "c8" })
		h.is(two, bridge.StateEnded, bridge.IsEcho)
		require.Equal(h.t, []string{one, three}, h.drainIDs(bridge.SSP))
	}},
	{"a solution does not overtake a comment that waits", func(h *harness) {
		l, one := h.maybe("T1")
		two := h.waits(h.in(bridge.Resolve, "T1"), bridge.MaybeEcho)
		three := h.waits(h.in(bridge.Update, "T1"), bridge.MaybeEcho)
		h.doneWith(l, func(o *bridge.Outcome) { o.Comment = "c2" })
		require.Equal(h.t, []string{one, two, three}, h.drainIDs(bridge.SSP))
		h.bondIs("T1", bridge.BondResolved, "R-T1")
	}},
	{"a solution does not wait when nothing waits before it", func(h *harness) {
		h.open("T1", "R1")
		h.leaseOf(acme, h.queue(h.out(bridge.Update, "T1")))
		h.queue(h.in(bridge.Resolve, "T1"))
	}},
	{"what waits behind a comment is late once the task is closed", func(h *harness) {
		l, one := h.maybe("T1")
		two := h.waits(h.in(bridge.Resolve, "T1"), bridge.MaybeEcho)
		h.queue(h.out(bridge.Close, "T1"))
		h.doneWith(l, func(o *bridge.Outcome) { o.Comment = "c2" })
		h.is(one, bridge.StateEnded, bridge.IsLate)
		h.is(two, bridge.StateEnded, bridge.IsLate)
	}},
	{"a person who ends the try decides that it was no echo", func(h *harness) {
		for task, v := range map[string]bridge.Verb{"T1": bridge.VerbEventIgnore, "T2": bridge.VerbEventSettle} {
			l, id := h.maybe(task)
			h.settle(l, silence, bridge.ThenPark, 0)
			h.is(id, bridge.StateWaiting, bridge.MaybeEcho)
			h.operate(onEvent(v, l.Event.ID))
			h.queued(id)
			h.deliver(bridge.SSP, id)
		}
	}},
	{"evidence that ends the try decides it", func(h *harness) {
		l, id := h.maybe("T1")
		h.unknown(l, time.Hour)
		h.echoes(h.in(bridge.Update, "T1", text(l.Event.Text), echo(bridge.EchoByAuthor)))
		h.is(l.Event.ID, bridge.StateDone, bridge.ByEvidence)
		h.queued(id)
		h.deliver(bridge.SSP, id)
	}},
	{"a repeat of a comment that waits is a duplicate", func(h *harness) {
		h.open("T1", "R1")
		h.leaseOf(acme, h.queue(h.out(bridge.Update, "T1")))
		e := h.in(bridge.Update, "T1", comment("c1"), echo(bridge.EchoByComment))
		h.waits(e, bridge.MaybeEcho)
		r := h.offer(h.again(e))
		require.Equal(h.t, bridge.Duplicate, r.Status)
		require.Equal(h.t, e.ID, r.First)
	}},
}

// maybe opens task, leases an update of it and accepts a comment c1 that may be its echo.
func (h *harness) maybe(task string) (bridge.Lease, string) {
	h.t.Helper()
	h.open(task, "R-"+task)
	l := h.leaseOf(acme, h.queue(h.out(bridge.Update, task)))
	return l, h.waits(h.in(bridge.Update, task, comment("c1"), echo(bridge.EchoByComment)), bridge.MaybeEcho)
}
