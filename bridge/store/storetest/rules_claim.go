package storetest

import (
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var claimRules = []rule{
	{"a second offer of a key is a duplicate that names the first", func(h *harness) {
		h.open("T1", "R1")
		e := h.in(bridge.Update, "T1")
		first := h.queue(e)
		for i := 1; i <= 3; i++ {
			r := h.offer(h.again(e))
			require.Equal(h.t, bridge.Duplicate, r.Status)
			require.Equal(h.t, first, r.First)
			require.Equal(h.t, first, r.Event)
			require.Equal(h.t, i, h.stored(first).Repeat)
		}
		require.Len(h.t, h.events(bridge.EventFilter{Task: "T1", Dir: bridge.In, Kind: bridge.Update}), 1)
		require.Equal(h.t, []string{first}, h.drainIDs(bridge.SSP))
	}},
	{"a repeat after the delivery is a duplicate too", func(h *harness) {
		h.open("T1", "R1")
		e := h.in(bridge.Update, "T1")
		h.deliver(bridge.SSP, h.queue(e))
		r := h.offer(h.again(e))
		require.Equal(h.t, bridge.Duplicate, r.Status)
		require.Equal(h.t, e.ID, r.First)
		h.idle(bridge.SSP)
		h.is(e.ID, bridge.StateDone, bridge.Delivered)
	}},
	{"the entrance and the time do not tell a repeat from a conflict", func(h *harness) {
		h.open("T1", "R1")
		e := h.in(bridge.Update, "T1", body("one"))
		h.queue(e)
		h.advance(72 * time.Hour)
		e2 := h.again(e)
		e2.Entrance, e2.Trace, e2.Inbound = bridge.ByPoll, "other", nil
		require.Equal(h.t, bridge.Duplicate, h.offer(e2).Status)
	}},
	{"a key is scoped by provider", func(h *harness) {
		h.queue(h.out(bridge.Submit, "T1", key("k"), text("x")))
		h.queue(h.out(bridge.Submit, "T2", key("k"), text("x"), at(beta)))
	}},
	{"a key is scoped by direction", func(h *harness) {
		h.open("T1", "R1")
		h.queue(h.out(bridge.Update, "T1", key("k"), text("x")))
		h.queue(h.in(bridge.Update, "T1", key("k"), text("x")))
	}},
	{"the same key with another content is a conflict and kept whole", func(h *harness) {
		h.open("T1", "R1")
		first := h.queue(h.in(bridge.Update, "T1", key("k"), text("one")))
		other := h.in(bridge.Update, "T1", key("k"), text("two"), body("raw two"))
		r := h.expect(other, bridge.Conflict, bridge.StateQuarantined, bridge.ContentConflict)
		require.Equal(h.t, other.ID, r.Event)
		kept := h.stored(other.ID)
		require.Equal(h.t, "two", kept.Text)
		require.NotNil(h.t, kept.Inbound)
		require.Equal(h.t, "raw two", string(kept.Inbound.Body))
		require.Zero(h.t, h.stored(first).Repeat)
		require.Equal(h.t, []string{first}, h.drainIDs(bridge.SSP))
	}},
	{"a repeat of a conflict is a duplicate of the conflict's record", func(h *harness) {
		h.open("T1", "R1")
		one := h.in(bridge.Update, "T1", key("k"), text("one"))
		two := h.in(bridge.Update, "T1", key("k"), text("two"))
		three := h.in(bridge.Update, "T1", key("k"), text("three"))
		h.queue(one)
		require.Equal(h.t, bridge.Conflict, h.offer(two).Status)
		r := h.offer(h.again(two))
		require.Equal(h.t, bridge.Duplicate, r.Status)
		require.Equal(h.t, two.ID, r.First)
		require.Equal(h.t, 1, h.stored(two.ID).Repeat)
		require.Equal(h.t, bridge.Conflict, h.offer(three).Status)
		require.Equal(h.t, three.ID, h.offer(h.again(three)).First)
		require.Equal(h.t, one.ID, h.offer(h.again(one)).First)
		require.Equal(h.t, 1, h.stored(one.ID).Repeat)
	}},
	{"100 concurrent offers of one event have one effect and 99 duplicates name it", func(h *harness) {
		h.open("T1", "R1")
		e := h.in(bridge.Update, "T1")
		first, rest := h.race(100, e)
		for _, r := range rest {
			require.Equal(h.t, first, r.First)
			require.Equal(h.t, first, r.Event)
		}
		require.Equal(h.t, 99, h.stored(first).Repeat)
		require.Equal(h.t, []string{first}, h.drainIDs(bridge.SSP))
	}},
	{"100 concurrent offers without a key have one effect and 99 records that name it", func(h *harness) {
		h.open("T1", "R1")
		e := h.in(bridge.Update, "T1", noKey)
		first, rest := h.race(100, e)
		for _, r := range rest {
			require.Equal(h.t, first, r.First)
			h.is(r.Event, bridge.StateEnded, bridge.IsDuplicate)
		}
		require.Equal(h.t, []string{first}, h.drainIDs(bridge.SSP))
	}},
	{"100 concurrent submits without a key make one ticket", func(h *harness) {
		first, rest := h.race(100, h.out(bridge.Submit, "T1", noKey))
		for _, r := range rest {
			require.Equal(h.t, first, r.First)
		}
		require.Equal(h.t, first, h.bond("T1").Submit)
		require.Equal(h.t, []string{first}, h.drainIDs(acme))
	}},
	{"an event that the source cannot read is kept in quarantine", func(h *harness) {
		e := h.in(bridge.Update, "", unread(bridge.NoRule), body("raw"))
		e.Detail = "no rule fits"
		r := h.expect(e, bridge.Quarantined, bridge.StateQuarantined, bridge.NoRule)
		require.Equal(h.t, e.ID, r.Event)
		require.Equal(h.t, "no rule fits", h.stored(e.ID).Detail)
		require.Equal(h.t, "raw", string(h.stored(e.ID).Inbound.Body))
		h.idle(bridge.SSP)
	}},
	{"a repeat of a quarantined event is a duplicate of the first, by key", func(h *harness) {
		e := h.in(bridge.Update, "", unread(bridge.NoRule))
		h.offer(e)
		r := h.offer(h.again(e))
		require.Equal(h.t, bridge.Duplicate, r.Status)
		require.Equal(h.t, e.ID, r.First)
	}},
	{"a repeat of a quarantined event is a duplicate of the first, by content", func(h *harness) {
		e := h.in("", "", noKey, noText, unread(bridge.Unreadable), body("{broken"))
		h.expect(e, bridge.Quarantined, bridge.StateQuarantined, bridge.Unreadable)
		r := h.offer(h.again(e))
		require.Equal(h.t, bridge.Duplicate, r.Status)
		require.Equal(h.t, e.ID, r.First)
		require.Equal(h.t, 1, h.stored(e.ID).Repeat)
		other := h.in("", "", noKey, noText, unread(bridge.Unreadable), body("{broken too"))
		h.expect(other, bridge.Quarantined, bridge.StateQuarantined, bridge.Unreadable)
	}},
}

// race offers n copies of e at once. One must be accepted: it returns its id and the receipts of
// the others, which are duplicates.
func (h *harness) race(n int, e bridge.Event) (first string, rest []bridge.Receipt) {
	h.t.Helper()
	type answer struct {
		receipts []bridge.Receipt
		err      error
	}
	answers := make(chan answer, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for range n {
		copied := h.again(e)
		wg.Go(func() {
			<-start
			rs, err := h.store().Accept(h.ctx, []bridge.Event{copied})
			answers <- answer{rs, err}
		})
	}
	close(start)
	wg.Wait()
	close(answers)
	for a := range answers {
		require.NoError(h.t, a.err)
		require.Len(h.t, a.receipts, 1)
		if r := a.receipts[0]; r.Status == bridge.Accepted {
			require.Empty(h.t, first, "a second copy was accepted")
			first = r.Event
		} else {
			require.Equal(h.t, bridge.Duplicate, r.Status)
			rest = append(rest, r)
		}
	}
	require.NotEmpty(h.t, first)
	require.Len(h.t, rest, n-1)
	return first, rest
}
