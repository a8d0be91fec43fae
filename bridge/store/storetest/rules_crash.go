package storetest

import (
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var crashRules = []rule{
	{"everything that was accepted survives as it was", func(h *harness) {
		h.mortal()
		h.world()
		f := bridge.EventFilter{}
		events, lanes := h.events(f), h.lanes(bridge.LaneFilter{})
		bonds, err := h.store().Bonds(h.ctx, bridge.BondFilter{Limit: 1000})
		require.NoError(h.t, err)
		acts, err := h.store().Activities(h.ctx, 1000)
		require.NoError(h.t, err)
		require.NotEmpty(h.t, acts)
		h.crash()
		require.Equal(h.t, events, h.events(f))
		require.Equal(h.t, lanes, h.lanes(bridge.LaneFilter{}))
		now, err := h.store().Bonds(h.ctx, bridge.BondFilter{Limit: 1000})
		require.NoError(h.t, err)
		require.Equal(h.t, bonds, now)
		got, err := h.store().Activities(h.ctx, 1000)
		require.NoError(h.t, err)
		require.Equal(h.t, acts, got)
	}},
	{"what many clients were told is accepted is there", func(h *harness) {
		var mu sync.Mutex
		var told []string
		var wg sync.WaitGroup
		for range 8 {
			var es []bridge.Event
			for range 25 {
				es = append(es, h.out(bridge.Submit, "T"+bridge.NewID()))
			}
			wg.Go(func() {
				for _, e := range es {
					rs, err := h.store().Accept(h.ctx, []bridge.Event{e})
					if err != nil || rs[0].Status != bridge.Accepted {
						continue
					}
					mu.Lock()
					told = append(told, rs[0].Event)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		require.Len(h.t, told, 200)
		h.crash()
		for _, id := range told {
			h.queued(id)
		}
		require.Len(h.t, h.drain(acme), 200)
	}},
	{"what was leased is unknown", func(h *harness) {
		h.mortal()
		id := h.queue(h.out(bridge.Submit, "T1"))
		lost := h.leaseOf(acme, id)
		h.crash()
		h.queued(id)
		l := h.leaseOf(acme, id)
		require.True(h.t, l.Unknown)
		require.Equal(h.t, 2, l.Attempt)
		v := h.step(h.me, []bridge.Result{h.result(lost, yes, bridge.ThenDone, time.Time{})}).Verdicts[0]
		require.True(h.t, v.Fenced)
		h.bonded(l, "R1")
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"what was settled stays settled", func(h *harness) {
		h.mortal()
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		h.deliver(acme, id)
		h.crash()
		h.is(id, bridge.StateDone, bridge.Delivered)
		h.idle(acme)
		h.idle(bridge.SSP)
		require.Len(h.t, h.attempts(id), 1)
	}},
	{"claims survive", func(h *harness) {
		h.mortal()
		h.open("T1", "R1")
		e, merged := h.in(bridge.Update, "T1"), h.in(bridge.Update, "T1", noKey)
		h.queue(e)
		first := h.queue(merged)
		h.crash()
		require.Equal(h.t, e.ID, h.offer(h.again(e)).First)
		h.merges(h.again(merged), first)
	}},
	{"seq grows through a crash", func(h *harness) {
		before := h.offer(h.out(bridge.Submit, "T1")).Seq
		h.crash()
		require.Greater(h.t, h.offer(h.out(bridge.Submit, "T2")).Seq, before)
	}},
	{"what waits is released after a crash", func(h *harness) {
		h.mortal()
		id := h.waits(h.in(bridge.Update, "", ref("R1")), bridge.UnknownReference)
		h.crash()
		h.queue(h.out(bridge.Submit, "T1", ref("R1")))
		h.deliver(bridge.SSP, id)
	}},
	{"an echo is recognised after a crash", func(h *harness) {
		h.mortal()
		h.open("T1", "R1")
		h.wrote("T1", "c1")
		h.deliver(acme, h.queue(h.out(bridge.Update, "T1", text("hello"))))
		l := h.leaseOf(acme, h.queue(h.out(bridge.Update, "T1", text("in flight"))))
		h.crash()
		h.echoes(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)))
		h.echoes(h.in(bridge.Update, "T1", comment("c1"), echo(bridge.EchoByComment)))
		h.echoes(h.in(bridge.Update, "T1", text("in flight"), echo(bridge.EchoByText)))
		h.is(l.Event.ID, bridge.StateDone, bridge.ByEvidence)
	}},
	{"evidence seen during the try survives a crash", func(h *harness) {
		h.mortal()
		h.open("T1", "R1")
		l := h.leaseOf(acme, h.queue(h.out(bridge.Update, "T1", text("hello"))))
		h.echoes(h.in(bridge.Update, "T1", text("hello"), echo(bridge.EchoByText)))
		h.crash()
		h.is(l.Event.ID, bridge.StateDone, bridge.ByEvidence)
	}},
	{"pauses survive", func(h *harness) {
		h.mortal()
		h.open("T1", "R1")
		h.queue(h.out(bridge.Update, "T1"))
		h.queue(h.in(bridge.Update, "T1"))
		h.operate(onLane(bridge.VerbLanePause, bridge.Out, "T1"))
		h.operate(bridge.Command{Verb: bridge.VerbDestPause, Dest: bridge.SSP})
		h.crash()
		h.idle(acme)
		h.idle(bridge.SSP)
		require.True(h.t, h.counts().Destination[bridge.SSP].Paused)
	}},
	{"a second crash on top of the first loses nothing", func(h *harness) {
		h.mortal()
		id := h.queue(h.out(bridge.Submit, "T1"))
		for i := 2; i < 5; i++ {
			h.leaseOf(acme, id)
			h.crash()
			require.Len(h.t, h.attempts(id), i-1)
		}
		require.Equal(h.t, 4, h.leaseOf(acme, id).Attempt)
	}},
}

// world makes a bit of everything, with nothing in flight.
func (h *harness) world() {
	h.t.Helper()
	h.open("T1", "R1")
	h.parked("T2")
	h.queue(h.out(bridge.Update, "T1", text("the printer is on fire")))
	h.retry(h.lease(acme), time.Hour)
	h.queue(h.in(bridge.Update, "T1"))
	h.queue(h.out(bridge.Submit, "T3", at(beta)))
	h.closedWithLate("T4")
	h.waits(h.in(bridge.Update, "", ref("R9")), bridge.UnknownReference)
	h.waits(h.out(bridge.Update, "T9"), bridge.UnknownTask)
	h.offer(h.in("", "", noKey, noText, unread(bridge.Unreadable), body("{broken")))
	h.offer(h.in(bridge.Update, "", unread(bridge.NoRule)))
	e := h.out(bridge.Update, "T1", key("twice"))
	h.queue(e)
	h.offer(h.again(e))
	h.offer(h.out(bridge.Update, "T1", key("twice"), text("another")))
	h.echoes(h.out(bridge.Update, "T1", echo(bridge.EchoByDirection)))
	h.resolvedAgain("T5")
	h.pending("T6")
	h.queue(h.out(bridge.Update, "T6"))
	h.operate(onLane(bridge.VerbLanePause, bridge.In, "T1"))
}

func (h *harness) closedWithLate(task string) {
	h.t.Helper()
	id := h.queue(h.out(bridge.Submit, task, ref("R-"+task)))
	h.deliver(acme, id)
	h.deliver(acme, h.queue(h.out(bridge.Close, task)))
	h.late(h.in(bridge.Update, task))
}

func (h *harness) resolvedAgain(task string) {
	h.t.Helper()
	h.deliver(acme, h.queue(h.out(bridge.Submit, task, ref("R-"+task))))
	h.queue(h.in(bridge.Resolve, task))
	h.saysNothingNew(h.in(bridge.Resolve, task))
}
