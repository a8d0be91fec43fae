package app

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

func TestChartsOutliveARestartAndCoverAllReplicas(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	clock := func() time.Time { return now }
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), sqlite.Options{Now: clock, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer store.Close()
	total := func(r *rates, side string) (in, out int64) {
		s := r.Series(side)
		for i := range s.In {
			in, out = in+s.In[i], out+s.Out[i]
		}
		return in, out
	}
	before := newRates(store, clock)
	before.In("acme")
	before.Out("ssp")
	require.NoError(t, store.Pin(t.Context(), before.notices()...))
	before.In("acme")
	require.NoError(t, store.Pin(t.Context(), before.notices()...), "the minute goes on")

	now = now.Add(10 * time.Second)
	after := newRates(store, clock)
	after.In("acme")
	in, out := total(after, "")
	require.Equal(t, []int64{3, 1}, []int64{in, out})
	in, _ = total(after, "acme")
	require.EqualValues(t, 3, in)
	require.NoError(t, store.Pin(t.Context(), after.notices()...))
	now = now.Add(ratesLife)
	in, _ = total(before, "")
	require.EqualValues(t, 3, in, "its own are not counted twice")

	now = now.Add(61 * time.Minute)
	in, out = total(newRates(store, clock), "")
	require.Equal(t, []int64{0, 0}, []int64{in, out}, "an hour is remembered")
}
