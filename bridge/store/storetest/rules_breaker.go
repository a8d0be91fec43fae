package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// The breaker of the tests opens after three failures, at first for half a minute.
var breakable = limited(acme, bridge.Limit{Break: 3, BreakFor: 30 * time.Second})

var breakerRules = []rule{
	{"failures in a row open the breaker: lanes wait, none parks", func(h *harness) {
		h.updates(3)
		got := h.trip()
		require.Empty(h.t, got.Leases)
		require.True(h.t, got.Next.Equal(h.now().Add(30*time.Second)), "next %s", got.Next)
		c := h.counts().Destination[acme]
		require.Equal(h.t, bridge.BreakerIsOpen, c.Breaker)
		require.Equal(h.t, 3, c.Failures)
		require.True(h.t, c.OpenTo.Equal(h.now().Add(30*time.Second)), "open to %s", c.OpenTo)
		h.advance(29 * time.Second)
		require.Empty(h.t, h.leases(breakable))
		require.Empty(h.t, h.lanes(bridge.LaneFilter{States: []bridge.LaneState{bridge.LaneParked}}))
	}},
	{"an open breaker lets one probe through at a time", func(h *harness) {
		h.updates(3)
		h.trip()
		h.advance(31 * time.Second)
		require.Len(h.t, h.leases(breakable), 1)
		require.Empty(h.t, h.leases(breakable))
		require.Equal(h.t, bridge.BreakerProbe, h.counts().Destination[acme].Breaker)
	}},
	{"a probe that comes back closes the breaker", func(h *harness) {
		h.updates(4)
		h.trip()
		h.advance(31 * time.Second)
		probe := h.leases(breakable)
		require.Len(h.t, probe, 1)
		got := h.step(h.me, []bridge.Result{h.result(probe[0], yes, bridge.ThenDone, time.Time{})}, breakable)
		require.Len(h.t, got.Leases, 3)
		c := h.counts().Destination[acme]
		require.Equal(h.t, bridge.BreakerClosed, c.Breaker)
		require.Zero(h.t, c.Failures)
	}},
	{"a failed probe doubles the time, up to 16 times", func(h *harness) {
		h.updates(3)
		got := h.trip()
		for _, times := range []time.Duration{1, 2, 4, 8, 16, 16, 16} {
			open := times * 30 * time.Second
			require.True(h.t, got.Next.Equal(h.now().Add(open)), "open for %s, want %s", got.Next.Sub(h.now()), open)
			h.advance(open - time.Second)
			require.Empty(h.t, h.leases(breakable))
			h.advance(2 * time.Second)
			probe := h.leases(breakable)
			require.Len(h.t, probe, 1)
			got = h.step(h.me, []bridge.Result{h.result(probe[0], down, bridge.ThenRetry, h.now())}, breakable)
			require.Empty(h.t, got.Leases)
		}
	}},
	{"after a success the breaker opens for the first time again", func(h *harness) {
		h.updates(4)
		h.trip()
		h.advance(31 * time.Second)
		probe := h.leases(breakable)
		h.step(h.me, []bridge.Result{h.result(probe[0], down, bridge.ThenRetry, h.now())}, breakable)
		h.advance(61 * time.Second)
		probe = h.leases(breakable)
		require.Len(h.t, probe, 1)
		h.step(h.me, []bridge.Result{h.result(probe[0], yes, bridge.ThenDone, time.Time{})})
		got := h.trip()
		require.True(h.t, got.Next.Equal(h.now().Add(30*time.Second)), "next %s", got.Next)
	}},
	{"what says nothing about the destination leaves the count as it is", func(h *harness) {
		for _, o := range []bridge.Outcome{
			{Kind: bridge.OutcomeRetry, Reason: bridge.Canceled},
			{Kind: bridge.OutcomeRetry, Reason: bridge.MappingFailed},
			{Kind: bridge.OutcomeUnknown, Reason: bridge.NoAnswer, Untried: true},
		} {
			h.updates(1)
			h.fail(1, down)
			h.fail(1, down)
			h.fail(1, o)
			require.Equal(h.t, 2, h.counts().Destination[acme].Failures)
			h.fail(1, busy)
			require.Zero(h.t, h.counts().Destination[acme].Failures)
			h.drain(acme)
		}
	}},
	{"a probe that was not even tried neither closes the breaker nor blocks it", func(h *harness) {
		h.updates(3)
		h.trip()
		h.advance(31 * time.Second)
		probe := h.leases(breakable)
		require.Len(h.t, probe, 1)
		waited := silence
		waited.Untried = true
		got := h.step(h.me, []bridge.Result{h.result(probe[0], waited, bridge.ThenWait, h.now())}, breakable)
		require.LessOrEqual(h.t, len(got.Leases), 1, "the next probe at most")
		if len(got.Leases) == 0 {
			h.advance(16 * 30 * time.Second)
			got = h.step(h.me, nil, breakable)
		}
		require.Len(h.t, got.Leases, 1)
	}},
	{"any outcome that is not down resets the count", func(h *harness) {
		h.updates(1)
		for _, o := range []bridge.Outcome{down, down, busy, down, down, notSent, down, down} {
			h.fail(1, o)
		}
		require.Len(h.t, h.leases(breakable), 1)
	}},
	{"a breaker is that of its own destination", func(h *harness) {
		h.updates(3)
		h.queue(h.out(bridge.Submit, "T1", at(beta)))
		h.trip()
		w := breakable
		w.Dest = beta
		require.Len(h.t, h.leases(w), 1)
	}},
	{"a probe of a dead session does not block the next one", func(h *harness) {
		h.updates(3)
		h.trip()
		h.advance(31 * time.Second)
		require.Len(h.t, h.step(h.session("dying", bridge.SessionLife), nil, breakable).Leases, 1)
		h.advance(bridge.SessionLife + time.Second)
		h.sweep(bridge.SweepOptions{})
		h.advance(16 * 30 * time.Second)
		require.Len(h.t, h.leases(breakable), 1)
	}},
	{"resuming the destination closes the breaker", func(h *harness) {
		h.updates(3)
		h.trip()
		h.operate(bridge.Command{Verb: bridge.VerbDestResume, Dest: acme})
		require.Len(h.t, h.leases(breakable), 3)
	}},
}

// fail leases n events and lets each of them fail so; their repeats are due at once.
func (h *harness) fail(n int, o bridge.Outcome) {
	h.t.Helper()
	w := breakable
	w.N = n
	ls := h.leases(w)
	require.Len(h.t, ls, n)
	for _, l := range ls {
		h.step(h.me, []bridge.Result{h.result(l, o, bridge.ThenRetry, h.now())})
	}
}

// trip lets three deliveries fail as down; their repeats are due at once.
func (h *harness) trip() bridge.Settled {
	h.t.Helper()
	w := breakable
	w.N = 3
	ls := h.leases(w)
	require.Len(h.t, ls, 3)
	var rs []bridge.Result
	for _, l := range ls {
		rs = append(rs, h.result(l, down, bridge.ThenRetry, h.now()))
	}
	return h.step(h.me, rs, breakable)
}
