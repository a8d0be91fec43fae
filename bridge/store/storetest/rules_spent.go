package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var spentRules = []rule{
	{"time in which the destination answered nothing is not spent", func(h *harness) {
		id := h.updates(1)[0]
		h.retry(h.leaseOf(acme, id), 0)
		h.advance(100 * time.Hour)
		require.Zero(h.t, h.leaseOf(acme, id).Spent)
	}},
	{"the own answers of the event do not count", func(h *harness) {
		id := h.updates(1)[0]
		for range 5 {
			l := h.leaseOf(acme, id)
			require.Zero(h.t, l.Spent)
			h.settle(l, busy, bridge.ThenRetry, 0)
			h.advance(time.Minute)
		}
	}},
	{"time in which the destination answered others is spent", func(h *harness) {
		id := h.tried()
		for range 10 {
			h.advance(time.Minute)
			h.answer(yes, bridge.ThenDone)
		}
		h.spentBetween(id, 9*time.Minute, 10*time.Minute)
	}},
	{"a refusal is an answer", func(h *harness) {
		id := h.tried()
		for range 10 {
			h.advance(time.Minute)
			h.answer(refused, bridge.ThenSkip)
		}
		h.spentBetween(id, 9*time.Minute, 10*time.Minute)
	}},
	{"failures that say the destination is down are no answers", func(h *harness) {
		id := h.tried()
		for range 10 {
			h.advance(time.Minute)
			h.answer(down, bridge.ThenRetry)
		}
		h.spentBetween(id, 0, 0)
	}},
	{"a gap between answers counts up to ten minutes", func(h *harness) {
		id := h.tried()
		for range 3 {
			h.advance(5 * time.Hour)
			h.answer(yes, bridge.ThenDone)
		}
		h.spentBetween(id, 20*time.Minute, 30*time.Minute)
	}},
	{"what another destination answers does not count", func(h *harness) {
		id := h.tried()
		for range 5 {
			h.advance(time.Minute)
			sub := h.queue(h.out(bridge.Submit, "B"+bridge.NewID(), at(beta)))
			h.deliver(beta, sub)
		}
		h.spentBetween(id, 0, 0)
	}},
	{"spent time stands through further tries", func(h *harness) {
		id := h.tried()
		for range 5 {
			h.advance(time.Minute)
			h.answer(yes, bridge.ThenDone)
		}
		h.advance(100 * 24 * time.Hour)
		l := h.leaseOf(acme, id)
		require.GreaterOrEqual(h.t, l.Spent, 4*time.Minute)
		h.retry(l, 0)
		require.Equal(h.t, l.Spent, h.leaseOf(acme, id).Spent)
	}},
}

// tried makes two bonds; one has an update that was tried once and is not due for 100 days, the
// other is "other" for answer.
func (h *harness) tried() string {
	h.t.Helper()
	h.open("other", "R-other")
	id := h.updates(1)[0]
	h.settle(h.leaseOf(acme, id), busy, bridge.ThenRetry, 99*24*time.Hour)
	return id
}

// answer lets acme answer an update of the other task.
func (h *harness) answer(o bridge.Outcome, then bridge.Then) {
	h.t.Helper()
	h.queue(h.out(bridge.Update, "other"))
	h.settle(h.lease(acme), o, then, 0)
}

// spentBetween moves on to the next try of the event and looks at the time it has spent.
func (h *harness) spentBetween(id string, from, to time.Duration) {
	h.t.Helper()
	h.advance(100 * 24 * time.Hour)
	for _, l := range h.leases(want(acme, 10)) {
		if l.Event.ID == id {
			require.GreaterOrEqual(h.t, l.Spent, from)
			require.LessOrEqual(h.t, l.Spent, to)
			return
		}
	}
	require.FailNow(h.t, "the event is not due")
}
