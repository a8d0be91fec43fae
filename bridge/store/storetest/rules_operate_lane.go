package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var operateLaneRules = []rule{
	{"pause: nothing is leased from the lane until it is resumed", func(h *harness) {
		h.open("T1", "R1")
		h.open("T2", "R2")
		id := h.queue(h.out(bridge.Update, "T1"))
		other := h.queue(h.out(bridge.Update, "T2"))
		h.operate(onLane(bridge.VerbLanePause, bridge.Out, "T1"))
		require.Equal(h.t, bridge.LanePaused, h.lane(bridge.Out, "T1").State)
		h.deliver(acme, other)
		behind := h.queue(h.out(bridge.Update, "T1"))
		h.idle(acme)
		h.deliver(bridge.SSP, h.queue(h.in(bridge.Update, "T1")))
		h.operate(onLane(bridge.VerbLaneResume, bridge.Out, "T1"))
		require.Equal(h.t, []string{id, behind}, h.drainIDs(acme))
	}},
	{"pause: an empty lane is paused and listed", func(h *harness) {
		h.open("T1", "R1")
		h.operate(onLane(bridge.VerbLanePause, bridge.Out, "T1"))
		require.Equal(h.t, bridge.LanePaused, h.lane(bridge.Out, "T1").State)
		id := h.queue(h.out(bridge.Update, "T1"))
		h.idle(acme)
		h.operate(onLane(bridge.VerbLaneResume, bridge.Out, "T1"))
		h.deliver(acme, id)
	}},
	{"pause: a leased lane pauses when it settles", func(h *harness) {
		h.open("T1", "R1")
		one, two := h.queue(h.out(bridge.Update, "T1")), h.queue(h.out(bridge.Update, "T1"))
		l := h.leaseOf(acme, one)
		h.operate(onLane(bridge.VerbLanePause, bridge.Out, "T1"))
		h.done(l)
		h.is(one, bridge.StateDone, bridge.Delivered)
		require.Equal(h.t, bridge.LanePaused, h.lane(bridge.Out, "T1").State)
		h.idle(acme)
		h.operate(onLane(bridge.VerbLaneResume, bridge.Out, "T1"))
		h.deliver(acme, two)
	}},
	{"pause: a lane that was parked is parked again after the resume", func(h *harness) {
		id, _ := h.parked("T1")
		h.operate(onLane(bridge.VerbLanePause, bridge.Out, "T1"))
		h.operate(onLane(bridge.VerbLaneResume, bridge.Out, "T1"))
		h.idle(acme)
		h.is(id, bridge.StateParked, bridge.RefusedAnswer)
	}},
	{"pause and resume: what is already so changes nothing", func(h *harness) {
		h.open("T1", "R1")
		h.queue(h.out(bridge.Update, "T1"))
		h.nothingToDo(onLane(bridge.VerbLaneResume, bridge.Out, "T1"))
		h.operate(onLane(bridge.VerbLanePause, bridge.Out, "T1"))
		h.nothingToDo(onLane(bridge.VerbLanePause, bridge.Out, "T1"))
	}},
	{"resume: a lane parked at an event that was not ignored does not go on", func(h *harness) {
		id, _ := h.parked("T1")
		h.unfit(onLane(bridge.VerbLaneResume, bridge.Out, "T1"))
		require.Equal(h.t, bridge.StateParked, h.stored(id).State)
	}},
	{"retry: the head of a parked lane is tried again now", func(h *harness) {
		id, behind := h.parked("T1")
		h.operate(onLane(bridge.VerbLaneRetry, bridge.Out, "T1"))
		h.deliver(acme, id)
		h.deliver(acme, behind)
	}},
	{"retry: a lane in flight cannot be retried", func(h *harness) {
		h.open("T1", "R1")
		l := h.leaseOf(acme, h.queue(h.out(bridge.Update, "T1")))
		h.unfit(onLane(bridge.VerbLaneRetry, bridge.Out, "T1"))
		h.done(l)
	}},
	{"an unknown lane is not found", func(h *harness) {
		for _, v := range []bridge.Verb{bridge.VerbLanePause, bridge.VerbLaneResume, bridge.VerbLaneRetry} {
			h.missing(onLane(v, bridge.Out, "nowhere"))
		}
	}},
	{"pause of a destination: nothing is leased there, accepts and settles go on", func(h *harness) {
		ids := h.updates(2)
		l := h.leaseOf(acme, ids[0])
		pause := bridge.Command{Verb: bridge.VerbDestPause, Dest: acme}
		resume := bridge.Command{Verb: bridge.VerbDestResume, Dest: acme}
		h.operate(pause)
		require.True(h.t, h.counts().Destination[acme].Paused)
		h.nothingToDo(pause)
		h.done(l)
		h.queue(h.out(bridge.Submit, "T1"))
		h.idle(acme)
		h.deliver(beta, h.queue(h.out(bridge.Submit, "T2", at(beta))))
		h.operate(resume)
		require.False(h.t, h.counts().Destination[acme].Paused)
		require.Len(h.t, h.drain(acme), 2)
	}},
	{"pause of ssp: nothing is leased there", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.in(bridge.Update, "T1"))
		h.operate(bridge.Command{Verb: bridge.VerbDestPause, Dest: bridge.SSP})
		h.idle(bridge.SSP)
		h.operate(bridge.Command{Verb: bridge.VerbDestResume, Dest: bridge.SSP})
		h.deliver(bridge.SSP, id)
	}},
	{"a command that makes a lane due wakes the delivery loop", func(h *harness) {
		h.parked("T1")
		wake := h.store().Wake()
		for len(wake) > 0 {
			<-wake
		}
		h.operate(onLane(bridge.VerbLaneRetry, bridge.Out, "T1"))
		select {
		case <-wake:
		case <-time.After(10 * time.Second):
			require.FailNow(h.t, "no wake after a command")
		}
	}},
}
