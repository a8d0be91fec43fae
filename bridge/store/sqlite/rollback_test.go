package sqlite_test

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

func TestMemoryDoesNotOutliveARollBack(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a.db"), nil)
	bad := bridge.Event{Provider: "acme", Task: "T1", Dir: bridge.Out, Kind: bridge.Update, Text: "x", Fields: map[string]any{"n": math.NaN()}}
	_, err := s.Accept(ctx, []bridge.Event{submit("T1"), bad})
	require.Error(t, err)
	r, err := s.Accept(ctx, []bridge.Event{submit("T1")})
	require.NoError(t, err)
	require.Equal(t, bridge.Accepted, r[0].Status)
}

func TestPositionsGoOnAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	require.NoError(t, err)
	up := func(text string) bridge.Event {
		return bridge.Event{Provider: "acme", Task: "T1", Dir: bridge.Out, Kind: bridge.Update, Text: text}
	}
	_, err = s.Accept(ctx, []bridge.Event{up("one"), up("two"), up("three"), submit("T1")})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	s, err = sqlite.Open(ctx, path, sqlite.Options{})
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Accept(ctx, []bridge.Event{up("four")})
	require.NoError(t, err)
	me := bridge.Session{ID: "me", Until: time.Now().Add(time.Hour)}
	require.NoError(t, s.Renew(ctx, me))
	var got []string
	var rs []bridge.Result
	for {
		out, err := s.Settle(ctx, me, rs, []bridge.Want{{Dest: "acme", N: 1, WithoutReference: true}})
		require.NoError(t, err)
		if len(out.Leases) == 0 {
			break
		}
		l := out.Leases[0]
		got = append(got, l.Event.Text)
		rs = []bridge.Result{{Lease: l, Outcome: bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered}, Then: bridge.ThenDone}}
	}
	require.Equal(t, []string{"", "one", "two", "three", "four"}, got)
}
