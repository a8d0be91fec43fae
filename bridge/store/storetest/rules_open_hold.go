package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// held offers an open that must wait, and returns its id.
func (h *harness) held(reference string, opts ...option) string {
	h.t.Helper()
	return h.waits(h.in(bridge.Open, "", append([]option{ref(reference)}, opts...)...), bridge.UnknownReference)
}

// free requires that an open goes to SSP at once.
func (h *harness) free(what string) {
	h.t.Helper()
	r := h.offer(h.in(bridge.Open, "", ref("free "+what)))
	require.Equal(h.t, bridge.Accepted, r.Status, what)
	require.Equal(h.t, []string{r.Event}, h.drainIDs(bridge.SSP), what)
}

// busy requires that an open waits, and takes it away.
func (h *harness) busy(what string) {
	h.t.Helper()
	r := h.offer(h.in(bridge.Open, "", ref("busy "+what)))
	require.Equal(h.t, bridge.Waiting, r.Status, what)
	h.operate(onEvent(bridge.VerbEventIgnore, r.Event))
}

// openHoldRules are about opens that may be tickets which we ordered ourselves.
var openHoldRules = []rule{
	{"a submit that was delivered and whose reference comes later may have made it", func(h *harness) {
		h.pending("T1")
		id := h.held("R1")
		h.idle(bridge.SSP)
		h.offer(h.in(bridge.Acknowledge, "T1", ref("R1")))
		h.acknowledge("R1")
		h.is(id, bridge.StateEnded, bridge.IsMerged)
		h.idle(bridge.SSP)
		h.free("the reference came")
	}},
	{"a submit whose reference does not come within a week holds nothing any more", func(h *harness) {
		h.pending("T1")
		h.held("R1")
		h.advance(bridge.OpenWait + time.Minute)
		h.free("a week later")
	}},
	{"a reopening may have made it", func(h *harness) {
		h.resolved("T1", "R1")
		l := h.leaseOf(acme, h.queue(h.out(bridge.RejectSolution, "T1")))
		id := h.held("R2")
		h.idle(bridge.SSP)
		h.bonded(l, "R2")
		h.acknowledge("R2")
		h.is(id, bridge.StateEnded, bridge.IsMerged)

		h.closed("T3", "R3")
		l = h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T3")))
		require.Equal(h.t, bridge.ModeReopen, l.Event.Mode)
		h.busy("submitted again")
		h.done(l)
		h.free("reopened")
	}},
	{"what was accepted after it does not hold it", func(h *harness) {
		a := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		id := h.held("RX")
		b := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T2")))
		h.bonded(a, "R1")
		h.acknowledge("R1")
		h.busy("accepted after both")
		h.sweep(bridge.SweepOptions{})
		h.deliver(bridge.SSP, id)
		h.bonded(b, "R2")
	}},
	{"what waits too long is for a person, who opens it as a new ticket", func(h *harness) {
		h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		id := h.held("RX")
		h.advance(bridge.OpenHold)
		require.Zero(h.t, h.sweep(bridge.SweepOptions{}).Quarantined)
		h.advance(time.Second)
		require.Equal(h.t, 1, h.sweep(bridge.SweepOptions{}).Quarantined)
		h.is(id, bridge.StateQuarantined, bridge.UnknownReference)
		require.Equal(h.t, bridge.OpenHeld, h.stored(id).Detail)
		h.operate(onEvent(bridge.VerbEventRetry, id))
		h.merges(h.in(bridge.Open, "", ref("RX")), id)
		h.deliver(bridge.SSP, id)
		require.Empty(h.t, h.stored(id).Detail)
	}},
	{"what waits too long is settled by its bond all the same", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		id := h.held("R1")
		h.advance(bridge.OpenHold + time.Second)
		h.sweep(bridge.SweepOptions{})
		h.bonded(l, "R1")
		h.is(id, bridge.StateEnded, bridge.IsMerged)
	}},
	{"a person need not wait", func(h *harness) {
		h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		id := h.held("RX")
		h.operate(onEvent(bridge.VerbEventRetry, id))
		h.deliver(bridge.SSP, id)
	}},
	{"a parked submit that was surely refused made none", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		id := h.held("RX")
		h.park(l)
		h.free("refused")
		h.sweep(bridge.SweepOptions{})
		h.deliver(bridge.SSP, id)
		h.settle(h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T2"))), silence, bridge.ThenPark, 0)
		h.busy("no answer")
	}},
	{"those of a busy provider do not keep back those of another", func(h *harness) {
		h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		for range 5 {
			h.held("A" + bridge.NewID())
		}
		b := h.leaseOf(beta, h.queue(h.out(bridge.Submit, "T2", at(beta))))
		id := h.held("B1", at(beta))
		h.bonded(b, "B0")
		h.acknowledge("B0")
		h.sweep(bridge.SweepOptions{Batch: 1})
		h.deliver(bridge.SSP, id)
	}},
	{"one of a person's bonds makes it say nothing new", func(h *harness) {
		h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		id := h.held("R2")
		up := h.waits(h.in(bridge.Update, "", ref("R2")), bridge.UnknownReference)
		h.operate(bridge.Command{Verb: bridge.VerbBondImport, Provider: acme, Task: "T2", Reference: "R2"})
		require.Equal(h.t, []string{up}, h.drainIDs(bridge.SSP))
		h.is(id, bridge.StateEnded, bridge.IsMerged)
	}},
	{"a crash of the try that may make it changes nothing", func(h *harness) {
		h.mortal()
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		id := h.held("RX")
		h.crash()
		h.is(id, bridge.StateWaiting, bridge.UnknownReference)
		h.bonded(h.leaseOf(acme, l.Event.ID), "R1")
		h.acknowledge("R1")
		h.sweep(bridge.SweepOptions{})
		h.deliver(bridge.SSP, id)
	}},
	{"from the first to the last day of a submit", func(h *harness) {
		h.queue(h.out(bridge.Submit, "T1"))
		h.busy("queued")
		h.offer(h.in(bridge.Acknowledge, "T1", ref("R1")))
		h.drainIDs(bridge.SSP)
		h.free("evidence before a try")
		h.queue(h.out(bridge.Submit, "T2"))
		h.operate(onBond(bridge.VerbBondLink, "T2", "R2"))
		h.drainIDs(bridge.SSP)
		h.free("linked before a try: it continues")
		h.drain(acme)
		h.skip(h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T3"))))
		h.free("skipped")
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T3")))
		h.retry(l, time.Minute)
		h.busy("tried again")
		h.advance(2 * time.Minute)
		h.settle(h.leaseOf(acme, l.Event.ID), silence, bridge.ThenPark, 0)
		h.busy("parked without an answer")
		h.operate(onEvent(bridge.VerbEventIgnore, l.Event.ID))
		h.free("ignored")
		h.operate(onLane(bridge.VerbLaneResume, bridge.Out, "T3"))
		h.operate(onEvent(bridge.VerbEventRetry, l.Event.ID))
		h.busy("back again")
		h.bonded(h.leaseOf(acme, l.Event.ID), "R3")
		h.drainIDs(bridge.SSP)
		h.free("bonded")
		h.queue(h.out(bridge.Submit, "T4"))
		h.queue(h.out(bridge.Submit, "T4", at(beta)))
		h.idle(acme)
		h.free("superseded")
		h.open("T5", "R5")
		h.queue(h.out(bridge.Submit, "T6", ref("R5")))
		h.idle(acme)
		h.operate(onBond(bridge.VerbBondMove, "T6", "R5"))
		h.drain(acme)
		h.drainIDs(bridge.SSP)
		h.busy("moved: the other has a ticket without a reference now")
		h.operate(onBond(bridge.VerbBondLink, "T5", "R7"))
		h.drainIDs(bridge.SSP)
		h.free("both linked")
		h.doneWith(h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T7"))), func(o *bridge.Outcome) { o.Reason = bridge.Observed })
		h.free("observed")
		h.pending("T8")
		h.busy("delivered")
		h.operate(onBond(bridge.VerbBondLink, "T8", "R8"))
		h.drainIDs(bridge.SSP)
		h.free("linked")
	}},
}
