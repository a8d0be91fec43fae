package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var replicaRules = []rule{
	{"those that live are listed with what they hold", func(h *harness) {
		since := h.now()
		a := bridge.Session{ID: "s1", Until: since.Add(time.Minute), Replica: "one"}
		b := bridge.Session{ID: "s2", Until: since.Add(time.Hour), Replica: "another:1"}
		require.NoError(h.t, h.store().Renew(h.ctx, a))
		h.advance(time.Second)
		require.NoError(h.t, h.store().Renew(h.ctx, b))
		a.Until = a.Until.Add(time.Minute)
		require.NoError(h.t, h.store().Renew(h.ctx, a))
		for _, name := range []string{"poll:b", "poll:a"} {
			h.duty(name, a)
		}
		h.open("1", "R-1")
		for len(h.drain(bridge.SSP)) > 0 {
		}
		h.queue(h.in(bridge.Update, "1"))
		out, err := h.store().Settle(h.ctx, b, nil, []bridge.Want{{Dest: bridge.SSP, N: 5}})
		require.NoError(h.t, err)
		require.Len(h.t, out.Leases, 1)
		h.replicas(
			bridge.Replica{Name: "one", Session: "s1", Since: since, Until: a.Until, Duties: []string{"poll:a", "poll:b"}},
			bridge.Replica{Name: "another:1", Session: "s2", Since: since.Add(time.Second), Until: b.Until, Leases: 1},
		)
		h.advance(10 * time.Minute)
		h.replicas(bridge.Replica{Name: "another:1", Session: "s2", Since: since.Add(time.Second), Until: b.Until, Leases: 1})
	}},
}

// replicas says who works on the store, apart from the harness itself.
func (h *harness) replicas(want ...bridge.Replica) {
	h.t.Helper()
	all, err := h.store().Replicas(h.ctx)
	require.NoError(h.t, err)
	var got []bridge.Replica
	for _, r := range all {
		if r.Session != h.me.ID {
			r.Since, r.Until = r.Since.UTC(), r.Until.UTC()
			got = append(got, r)
		}
	}
	for i := range want {
		want[i].Since, want[i].Until = want[i].Since.UTC(), want[i].Until.UTC()
	}
	require.Equal(h.t, want, got)
}
