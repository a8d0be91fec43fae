package app

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

// A provider is reminded of what it got, once, and not of a task whose mail has not gone out.
func TestNobodyIsRemindedOfAMailThatHasNotGoneOut(t *testing.T) {
	ctx := t.Context()
	s, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "a.db"), sqlite.Options{Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	me := bridge.Session{ID: "me", Until: time.Now().Add(time.Hour)}
	require.NoError(t, s.Renew(ctx, me))
	d, _, err := s.Duty(ctx, "remind/acme", me)
	require.NoError(t, err)
	now := time.Now()
	r := &reminder{provider: "acme", after: time.Hour, mail: &mailParts{store: s}, now: func() time.Time { return now }}
	reminders := func() []bridge.Event {
		require.NoError(t, r.round(ctx, d))
		list, err := s.Events(ctx, bridge.EventFilter{Task: "T1", Kind: bridge.Update})
		require.NoError(t, err)
		return list
	}
	_, err = s.Accept(ctx, []bridge.Event{{Provider: "acme", Task: "T1", Dir: bridge.Out, Kind: bridge.Submit, Key: "T1"}})
	require.NoError(t, err)
	now = now.Add(2 * time.Hour)
	require.Empty(t, reminders(), "the mail server takes nothing; the provider knows of nothing")

	out, err := s.Settle(ctx, me, nil, []bridge.Want{{Dest: "acme", N: 1}})
	require.NoError(t, err)
	_, err = s.Settle(ctx, me, []bridge.Result{{Lease: out.Leases[0], Outcome: bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered}, Then: bridge.ThenDone}}, nil)
	require.NoError(t, err)
	now = time.Now().Add(59 * time.Minute)
	require.Empty(t, reminders(), "not yet")
	now = now.Add(2 * time.Minute)
	require.Len(t, reminders(), 1)
	now = now.Add(time.Hour)
	require.Zero(t, reminders()[0].Repeat, "it is not offered again and again")
}
