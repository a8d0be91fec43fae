package storetest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

const day = 24 * time.Hour

var retentionRules = []rule{
	{"full: an old event stays whole", func(h *harness) {
		id := h.old()
		h.advance(400 * day)
		require.Zero(h.t, h.sweep(keep(bridge.KeepFull, 10*day)).Shrunk)
		e := h.stored(id)
		require.NotNil(h.t, e.Inbound)
		require.NotEmpty(h.t, e.Text)
	}},
	{"text: the raw input goes, the texts stay", func(h *harness) {
		id := h.old()
		h.advance(9 * day)
		require.Zero(h.t, h.sweep(keep(bridge.KeepText, 10*day)).Shrunk)
		require.NotNil(h.t, h.stored(id).Inbound)
		h.advance(2 * day)
		require.Positive(h.t, h.sweep(keep(bridge.KeepText, 10*day)).Shrunk)
		e := h.stored(id)
		require.Nil(h.t, e.Inbound)
		require.Equal(h.t, "secret text", e.Text)
		require.Equal(h.t, "secret title", e.Title)
		require.Zero(h.t, h.sweep(keep(bridge.KeepText, 10*day)).Shrunk)
	}},
	{"digest: the record stays, its contents go", func(h *harness) {
		id := h.old()
		before := h.stored(id)
		h.advance(11 * day)
		require.Positive(h.t, h.sweep(keep(bridge.KeepDigest, 10*day)).Shrunk)
		e := h.stored(id)
		require.Nil(h.t, e.Inbound)
		require.Empty(h.t, e.Text)
		require.Empty(h.t, e.Title)
		require.Empty(h.t, e.Description)
		require.Zero(h.t, e.Requester)
		require.NotContains(h.t, e.Fields, "secret")
		require.NotContains(h.t, fmt.Sprint(e.Fields), "field")
		require.Equal(h.t, bridge.StateDone, e.State)
		require.Equal(h.t, bridge.Delivered, e.Reason)
		require.Equal(h.t, before.Seq, e.Seq)
		require.Equal(h.t, before.Lane(), e.Lane())
		require.Equal(h.t, before.Kind, e.Kind)
		require.True(h.t, before.Ended.Equal(e.Ended))
		require.Len(h.t, h.attempts(id), 1)
		require.Empty(h.t, h.events(bridge.EventFilter{Search: "secret"}))
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"without a time it is 90 days", func(h *harness) {
		id := h.old()
		o := bridge.SweepOptions{Keep: map[string]bridge.Keep{"": {What: bridge.KeepDigest}}}
		h.advance(89 * day)
		require.Zero(h.t, h.sweep(o).Shrunk)
		h.advance(2 * day)
		require.Positive(h.t, h.sweep(o).Shrunk)
		require.Empty(h.t, h.stored(id).Text)
	}},
	{"each provider has its own time", func(h *harness) {
		mine := h.old()
		other := h.queue(h.out(bridge.Submit, "T2", at(beta)))
		h.deliver(beta, other)
		h.advance(30 * day)
		o := bridge.SweepOptions{Keep: map[string]bridge.Keep{
			"": {What: bridge.KeepDigest, For: 100 * day}, beta: {What: bridge.KeepDigest, For: 10 * day},
		}}
		h.sweep(o)
		require.NotEmpty(h.t, h.stored(mine).Text)
		require.Empty(h.t, h.stored(other).Text)
	}},
	{"what is not settled never shrinks", func(h *harness) {
		parked, queued := h.parked("T1")
		waiting := h.waits(h.in(bridge.Update, "", ref("R9")), bridge.UnknownReference)
		kept := h.in(bridge.Update, "", unread(bridge.NoRule), body("raw"))
		h.offer(kept)
		h.advance(400 * day)
		h.sweep(keep(bridge.KeepDigest, day))
		h.advance(400 * day)
		h.sweep(keep(bridge.KeepDigest, day))
		for _, id := range []string{parked, queued, waiting, kept.ID} {
			require.NotEmpty(h.t, h.stored(id).Text)
		}
		require.Equal(h.t, "raw", string(h.stored(kept.ID).Inbound.Body))
	}},
	{"the time runs from the end of the event", func(h *harness) {
		h.open("T1", "R1")
		id := h.queue(h.out(bridge.Update, "T1"))
		h.advance(30 * day)
		h.deliver(acme, id)
		h.advance(day)
		h.sweep(keep(bridge.KeepDigest, 10*day))
		require.NotEmpty(h.t, h.stored(id).Text)
	}},
	{"one sweep shrinks no more than its batch", func(h *harness) {
		h.open("T1", "R1")
		for range 5 {
			h.queue(h.out(bridge.Update, "T1"))
		}
		h.drain(acme)
		h.advance(20 * day)
		o := keep(bridge.KeepDigest, 10*day)
		o.Batch = 2
		total, rounds := 0, 0
		for {
			n := h.sweep(o).Shrunk
			require.LessOrEqual(h.t, n, 2)
			if n == 0 {
				break
			}
			total += n
			rounds++
			require.Less(h.t, rounds, 100)
		}
		// The submit and its acknowledge are old as well.
		require.Equal(h.t, 7, total)
	}},
	{"claims outlive what they claim", func(h *harness) {
		h.open("T1", "R1")
		e := h.in(bridge.Update, "T1", text("secret text"))
		h.deliver(bridge.SSP, h.queue(e))
		h.advance(89 * day)
		o := keep(bridge.KeepDigest, day)
		o.ClaimLife = day
		h.sweep(o)
		require.Empty(h.t, h.stored(e.ID).Text)
		r := h.offer(h.again(e))
		require.Equal(h.t, bridge.Duplicate, r.Status)
		require.Equal(h.t, e.ID, r.First)
		other := h.again(e)
		other.Text = "something else"
		require.Equal(h.t, bridge.Conflict, h.offer(other).Status)
	}},
	{"the claim of an event that is not settled is never dropped", func(h *harness) {
		h.open("T1", "R1")
		e := h.out(bridge.Update, "T1")
		h.queue(e)
		h.park(h.leaseOf(acme, e.ID))
		for range 3 {
			h.advance(400 * day)
			h.sweep(keep(bridge.KeepDigest, day))
		}
		require.Equal(h.t, bridge.Duplicate, h.offer(h.again(e)).Status)
	}},
	{"bonds never expire", func(h *harness) {
		h.open("T1", "R1")
		for range 3 {
			h.advance(400 * day)
			h.sweep(keep(bridge.KeepDigest, day))
		}
		h.bondIs("T1", bridge.BondOpen, "R1")
		require.Equal(h.t, "T1", h.offer(h.in(bridge.Update, "", ref("R1"))).Task)
	}},
}

// keep is a sweep with one retention for all providers.
func keep(what bridge.KeepWhat, d time.Duration) bridge.SweepOptions {
	return bridge.SweepOptions{Keep: map[string]bridge.Keep{"": {What: what, For: d}}}
}

// old opens T1 and delivers an update that says much.
func (h *harness) old() string {
	h.t.Helper()
	h.open("T1", "R1")
	e := h.out(bridge.Update, "T1", text("secret text"), body("secret raw"))
	e.Title, e.Description, e.Requester.Name = "secret title", "secret description", "secret name"
	e.Fields = map[string]any{"secret": "field"}
	h.deliver(acme, h.queue(e))
	return e.ID
}
