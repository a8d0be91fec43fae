package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var limitRules = []rule{
	{"deliveries in flight are limited over all replicas", func(h *harness) {
		h.updates(5)
		w := limited(acme, bridge.Limit{InFlight: 2})
		a, b := h.session("a", time.Hour), h.session("b", time.Hour)
		mine := h.step(a, nil, w).Leases
		require.Len(h.t, mine, 2)
		require.Empty(h.t, h.step(b, nil, w).Leases)
		h.done(mine[0])
		require.Len(h.t, h.step(b, nil, w).Leases, 1)
		require.Empty(h.t, h.step(a, nil, w).Leases)
	}},
	{"a lease of a dead session no longer counts as in flight", func(h *harness) {
		h.updates(2)
		w := limited(acme, bridge.Limit{InFlight: 1})
		require.Len(h.t, h.step(h.session("dying", bridge.SessionLife), nil, w).Leases, 1)
		require.Empty(h.t, h.leases(w))
		h.advance(bridge.SessionLife + time.Second)
		h.sweep(bridge.SweepOptions{})
		require.Len(h.t, h.leases(w), 1)
	}},
	{"a limit holds for its own destination", func(h *harness) {
		h.updates(2)
		h.queue(h.out(bridge.Submit, "T1", at(beta)))
		w := limited(acme, bridge.Limit{InFlight: 1})
		require.Len(h.t, h.leases(w), 1)
		require.Len(h.t, h.leases(w, want(beta, 5)), 1)
	}},
	{"a rate lets a burst through, then one at a time", func(h *harness) {
		h.updates(7)
		h.advance(time.Hour)
		w := limited(acme, bridge.Limit{Rate: 1, Burst: 2})
		require.Len(h.t, h.leases(w), 2)
		got := h.step(h.me, nil, w)
		require.Empty(h.t, got.Leases)
		require.True(h.t, got.Next.After(h.now()), "next %s", got.Next)
		require.False(h.t, got.Next.After(h.now().Add(time.Second)), "next %s", got.Next)
		h.advance(time.Second)
		require.Len(h.t, h.leases(w), 1)
		require.Empty(h.t, h.leases(w))
		h.advance(time.Hour)
		require.Len(h.t, h.leases(w), 2)
	}},
	{"a rate holds over all replicas", func(h *harness) {
		h.updates(4)
		h.advance(time.Hour)
		w := limited(acme, bridge.Limit{Rate: 1, Burst: 1})
		a, b := h.session("a", time.Hour), h.session("b", time.Hour)
		require.Len(h.t, h.step(a, nil, w).Leases, 1)
		require.Empty(h.t, h.step(b, nil, w).Leases)
		h.advance(time.Second)
		require.Len(h.t, h.step(b, nil, w).Leases, 1)
		require.Empty(h.t, h.step(a, nil, w).Leases)
	}},
	{"a rate without a burst lets one through", func(h *harness) {
		h.updates(3)
		h.advance(time.Hour)
		w := limited(acme, bridge.Limit{Rate: 0.5})
		require.Len(h.t, h.leases(w), 1)
		h.advance(time.Second)
		require.Empty(h.t, h.leases(w))
		h.advance(time.Second)
		require.Len(h.t, h.leases(w), 1)
	}},
}

// limited wants up to ten leases within limit.
func limited(dest string, limit bridge.Limit) bridge.Want {
	return bridge.Want{Dest: dest, N: 10, Limit: limit}
}
