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

// People are told until every mail that did not arrive was sent again, not only the last one; and a notice
// whose report never came to the record says nothing.
func TestEveryBouncedMailIsTold(t *testing.T) {
	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	s, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "a.db"), sqlite.Options{Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	me := bridge.Session{ID: "me", Until: time.Now().Add(time.Hour)}
	require.NoError(t, s.Renew(ctx, me))
	m := &mailParts{store: s}
	told, check := m.bounced(log, time.Now), m.bounceCheck("acme")
	send := func(task string) string {
		id := bridge.NewID()
		_, err := s.Accept(ctx, []bridge.Event{{ID: id, Provider: "acme", Task: task, Dir: bridge.Out, Kind: bridge.Submit, Key: task}})
		require.NoError(t, err)
		return id
	}
	deliver := func() {
		out, err := s.Settle(ctx, me, nil, []bridge.Want{{Dest: "acme", N: 10}})
		require.NoError(t, err)
		require.NotEmpty(t, out.Leases)
		for _, l := range out.Leases {
			_, err = s.Settle(ctx, me, []bridge.Result{{Lease: l, Outcome: bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered},
				Then: bridge.ThenDone, Started: time.Now(), Ended: time.Now()}}, nil)
			require.NoError(t, err)
		}
	}
	bounce := func(id string) {
		told(ctx, "acme", id)
		_, err := s.Accept(ctx, []bridge.Event{{ID: bridge.NewID(), Provider: "acme", Dir: bridge.In, Entrance: bridge.ByMailbox,
			Ignore: bridge.Automatic, Bounced: id, Key: "dsn-" + id, Detail: "550"}})
		require.NoError(t, err)
	}
	again := func(id string) {
		_, err = s.Operate(ctx, bridge.Command{Verb: bridge.VerbEventRetry, Event: id, Person: "p"})
		require.NoError(t, err)
		deliver()
	}
	a, b := send("T1"), send("T2")
	deliver()
	told(ctx, "acme", a)
	require.NoError(t, check(ctx), "the program was killed before the report was recorded")
	bounce(a)
	require.ErrorContains(t, check(ctx), "task T1")
	bounce(b)
	require.ErrorContains(t, check(ctx), "nor did 1 more")
	require.NoError(t, m.bounceCheck("acm")(ctx), "another provider")
	again(b)
	require.ErrorContains(t, check(ctx), "task T1")
	again(a)
	require.NoError(t, check(ctx))
}
