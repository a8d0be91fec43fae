package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var evidenceRules = []rule{
	{"an echo settles a try of unknown outcome and the lane goes on", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1", text("hello")))
		next := h.queue(h.out(bridge.Update, "T1"))
		h.unknown(h.leaseOf(acme, id), time.Minute)
		h.echoes(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)))
		h.is(id, bridge.StateDone, bridge.ByEvidence)
		h.deliver(acme, next)
	}},
	{"an echo settles a parked try of unknown outcome", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1", text("hello")))
		next := h.queue(h.out(bridge.Update, "T1"))
		h.settle(h.leaseOf(acme, id), silence, bridge.ThenPark, 0)
		h.echoes(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)))
		h.is(id, bridge.StateDone, bridge.ByEvidence)
		h.deliver(acme, next)
	}},
	{"an echo during the try turns what the try says into done", func(h *harness) {
		for task, end := range map[string]bridge.Result{
			"T1": {Outcome: silence, Then: bridge.ThenWait},
			"T2": {Outcome: silence, Then: bridge.ThenPark},
			"T3": {Outcome: bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.ServerError}, Then: bridge.ThenRetry},
		} {
			h.open(task, "R-"+task)
			l := h.leaseOf(acme, h.queue(h.out(bridge.Update, task, text("hello"))))
			h.echoes(h.in(bridge.Update, task, text("hello"), echo(bridge.EchoByText)))
			h.leased(l.Event.ID)
			v := h.settle(l, end.Outcome, end.Then, time.Minute)
			require.Equal(h.t, bridge.StateDone, v.State, "%s after %s", end.Then, end.Outcome.Kind)
			require.Equal(h.t, bridge.ByEvidence, v.Reason)
			require.False(h.t, v.Parked)
			h.is(l.Event.ID, bridge.StateDone, bridge.ByEvidence)
		}
		h.advance(time.Hour)
		h.idle(acme)
	}},
	{"an echo of a try that surely wrote nothing settles nothing", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1", text("hello")))
		h.retry(h.leaseOf(acme, id), time.Minute)
		h.echoes(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByAuthor)))
		h.queued(id)
		h.advance(time.Minute)
		h.deliver(acme, id)
	}},
	{"a later try that surely wrote nothing does not take an unknown one back", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1", text("hello")))
		h.unknown(h.leaseOf(acme, id), time.Minute)
		h.advance(time.Minute)
		h.retry(h.leaseOf(acme, id), time.Minute)
		h.echoes(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByAuthor)))
		h.is(id, bridge.StateDone, bridge.ByEvidence)
	}},
	{"an echo of an event that was never tried settles nothing", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1", text("hello")))
		h.echoes(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByAuthor)))
		h.deliver(acme, id)
	}},
	{"an echo with another text settles nothing", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1", text("hello")))
		h.unknown(h.leaseOf(acme, id), time.Minute)
		h.echoes(h.in(bridge.Update, "T1", text("goodbye"), echo(bridge.EchoByAuthor)))
		h.queued(id)
	}},
	{"an echo of another kind settles nothing", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.in(bridge.Resolve, "T1", text("hello")))
		h.unknown(h.leaseOf(bridge.SSP, id), time.Minute)
		h.echoes(h.out(bridge.Update, "T1", text("hello"), echo(bridge.EchoByDirection)))
		h.queued(id)
	}},
	{"an echo of another task settles nothing", func(h *harness) {
		h.open("T1", "R1")
		h.open("T2", "R2")
		id := h.queue(h.out(bridge.Update, "T1", text("hello")))
		h.unknown(h.leaseOf(acme, id), time.Minute)
		h.echoes(h.in(bridge.Update, "T2", text("hello"), echo(bridge.EchoByAuthor)))
		h.queued(id)
	}},
	{"an echo without kind and text settles the acknowledge", func(h *harness) {
		h.bonded(h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1"))), "R1")
		l := h.lease(bridge.SSP)
		require.Equal(h.t, bridge.Acknowledge, l.Event.Kind)
		h.unknown(l, time.Minute)
		h.echoes(h.out("", "T1", noText, echo(bridge.EchoByDirection)))
		h.is(l.Event.ID, bridge.StateDone, bridge.ByEvidence)
	}},
	{"an echo without kind and text settles no update: it may be the acknowledge's", func(h *harness) {
		for task, words := range map[string]option{"T1": noText, "T2": text("hello")} {
			h.open(task, "R-"+task)
			id := h.queue(h.in(bridge.Update, task, words, ref("R-"+task)))
			h.unknown(h.leaseOf(bridge.SSP, id), time.Minute)
			h.echoes(h.out("", task, noText, echo(bridge.EchoByDirection)))
			h.echoes(h.out("", task, noText, ref("R-"+task), echo(bridge.EchoByDirection)))
			h.queued(id)
		}
	}},
	{"an echo without text settles no update that has one: it may be that of an earlier one", func(h *harness) {
		h.open("T1", "R1")
		h.deliver(bridge.SSP, h.queue(h.in(bridge.Update, "T1", text("one"))))
		two := h.queue(h.in(bridge.Update, "T1", text("two")))
		l := h.leaseOf(bridge.SSP, two)
		h.echoes(h.out(bridge.Update, "T1", noText, echo(bridge.EchoByDirection)))
		h.unknown(l, time.Minute)
		h.queued(two)
		h.echoes(h.out(bridge.Update, "T1", noText, echo(bridge.EchoByDirection)))
		h.queued(two)
		h.echoes(h.out(bridge.Update, "T1", text("two"), echo(bridge.EchoByDirection)))
		h.is(two, bridge.StateDone, bridge.ByEvidence)
	}},
	{"an echo without text settles a solution", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.in(bridge.Resolve, "T1", text("solved")))
		h.unknown(h.leaseOf(bridge.SSP, id), time.Minute)
		h.echoes(h.out(bridge.Resolve, "T1", noText, echo(bridge.EchoByDirection)))
		h.is(id, bridge.StateDone, bridge.ByEvidence)
	}},
	{"an echo with the reference settles the acknowledge", func(h *harness) {
		h.bonded(h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1"))), "R1")
		l := h.lease(bridge.SSP)
		require.Equal(h.t, bridge.Acknowledge, l.Event.Kind)
		h.unknown(l, time.Minute)
		h.echoes(h.out("", "T1", noText, ref("r1"), echo(bridge.EchoByDirection)))
		h.is(l.Event.ID, bridge.StateDone, bridge.ByEvidence)
	}},
	{"an echo settles the head only", func(h *harness) {
		h.open("T1", "R1")
		head := h.queue(h.in(bridge.Update, "T1", text("one")))
		behind := h.queue(h.in(bridge.Update, "T1", text("two")))
		h.unknown(h.leaseOf(bridge.SSP, head), time.Minute)
		h.echoes(h.out(bridge.Update, "T1", text("two"), echo(bridge.EchoByDirection)))
		h.queued(head)
		h.queued(behind)
	}},
	{"a rejection proves the unknown solution", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.in(bridge.Resolve, "T1"))
		next := h.queue(h.in(bridge.Update, "T1"))
		h.unknown(h.leaseOf(bridge.SSP, id), time.Hour)
		h.queue(h.out(bridge.RejectSolution, "T1"))
		h.is(id, bridge.StateDone, bridge.ByEvidence)
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.deliver(bridge.SSP, next)
	}},
	{"a rejection proves the solution that is in flight", func(h *harness) {
		h.open("T1", "R1")
		l := h.leaseOf(bridge.SSP, h.queue(h.in(bridge.Resolve, "T1")))
		h.queue(h.out(bridge.RejectSolution, "T1"))
		v := h.unknown(l, time.Minute)
		require.Equal(h.t, bridge.StateDone, v.State)
		require.Equal(h.t, bridge.ByEvidence, v.Reason)
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"a rejection does not prove a solution that surely was not applied", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.in(bridge.Resolve, "T1"))
		h.retry(h.leaseOf(bridge.SSP, id), time.Minute)
		h.queue(h.out(bridge.RejectSolution, "T1"))
		h.queued(id)
	}},
	{"a rejection does not prove an update", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.in(bridge.Update, "T1"))
		h.unknown(h.leaseOf(bridge.SSP, id), time.Minute)
		h.queue(h.out(bridge.RejectSolution, "T1"))
		h.queued(id)
	}},
	{"an event that names task and reference proves the unknown submit", func(h *harness) {
		id := h.queue(h.out(bridge.Submit, "T1"))
		next := h.queue(h.out(bridge.Update, "T1"))
		h.unknown(h.leaseOf(acme, id), time.Hour)
		up := h.queue(h.in(bridge.Update, "T1", ref("R1")))
		h.is(id, bridge.StateDone, bridge.ByEvidence)
		h.bondIs("T1", bridge.BondOpen, "R1")
		h.deliver(acme, next)
		h.acknowledge("R1")
		h.deliver(bridge.SSP, up)
	}},
	{"an event that names task and reference proves the parked submit", func(h *harness) {
		id := h.queue(h.out(bridge.Submit, "T1"))
		next := h.queue(h.out(bridge.Update, "T1"))
		h.settle(h.leaseOf(acme, id), silence, bridge.ThenPark, 0)
		h.laneIs(bridge.Out, "T1", bridge.LaneParked, bridge.NoAnswer)
		h.queue(h.in(bridge.Update, "T1", ref("R1")))
		h.is(id, bridge.StateDone, bridge.ByEvidence)
		h.deliver(acme, next)
	}},
	{"an event that names task and reference proves the submit that is in flight", func(h *harness) {
		for task, end := range map[string]bridge.Result{
			"T1": {Outcome: silence, Then: bridge.ThenWait},
			"T2": {Outcome: silence, Then: bridge.ThenPark},
			"T3": {Outcome: notSent, Then: bridge.ThenRetry},
		} {
			l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, task)))
			h.queue(h.in(bridge.Update, task, ref("R-"+task)))
			h.bondIs(task, bridge.BondOpen, "R-"+task)
			v := h.settle(l, end.Outcome, end.Then, time.Minute)
			require.Equal(h.t, bridge.StateDone, v.State, "%s after %s", end.Then, end.Outcome.Kind)
			require.Equal(h.t, bridge.ByEvidence, v.Reason)
		}
	}},
	{"an event that names task and reference proves the submit that was never tried", func(h *harness) {
		id := h.queue(h.out(bridge.Submit, "T1"))
		h.queue(h.in(bridge.Update, "T1", ref("R1")))
		h.is(id, bridge.StateDone, bridge.ByEvidence)
		h.idle(acme)
	}},
	{"a submit with a reference proves the submit that is in flight", func(h *harness) {
		l := h.leaseOf(acme, h.queue(h.out(bridge.Submit, "T1")))
		next := h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		require.Equal(h.t, bridge.StateDone, h.unknown(l, time.Minute).State)
		h.deliver(acme, next)
	}},
}
