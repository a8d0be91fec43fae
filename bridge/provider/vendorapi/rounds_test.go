package vendorapi

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mapping"
)

// cursored is a duty with a cursor and nothing else.
type cursored struct {
	bridge.Duty
	cursor string
}

func (c cursored) Cursor() string { return c.cursor }

func TestRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		loads := 0
		rounds := Rounds{Name: "x", Every: time.Minute, MaxPause: 3 * time.Minute, Log: slog.New(slog.DiscardHandler)}
		ctx, stop := context.WithCancel(t.Context())
		err := rounds.Run(ctx, cursored{cursor: "c"}, func(cursor string) error {
			require.Equal(t, "c", cursor)
			loads++
			return nil
		}, func(context.Context) error {
			at = append(at, time.Since(began))
			switch len(at) {
			case 2, 3, 4:
				return errors.New("no")
			case 5:
				return &Failure{"op", bridge.Outcome{Kind: bridge.OutcomeRetry, After: 10 * time.Minute}}
			case 7:
				stop()
			}
			return nil
		})
		require.NoError(t, err)
		const m = time.Minute
		// One at once; a failure: 1, 2, 3 (bounded) minutes; what the vendor asks for; then as usual.
		require.Equal(t, []time.Duration{0, m, 2 * m, 4 * m, 7 * m, 17 * m, 18 * m}, at)
		require.Equal(t, 5, loads, "at the start and after each failure")
	})
	fine := func(string) error { return nil }
	rounds := Rounds{Name: "x", Every: time.Hour, MaxPause: time.Hour, Log: slog.New(slog.DiscardHandler)}
	require.ErrorIs(t, rounds.Run(t.Context(), cursored{}, fine, func(context.Context) error { return bridge.ErrFenced }), bridge.ErrFenced)
	bad := errors.New("bad")
	require.ErrorIs(t, rounds.Run(t.Context(), cursored{}, func(string) error { return bad }, nil), bad)
}

func TestTell(t *testing.T) {
	text := func(s string) mapping.Text {
		x, err := mapping.ParseText(s)
		require.NoError(t, err)
		return x
	}
	teller := Teller{Name: "x", Reference: func(s string) string { return "k" + s }, Now: func() time.Time { return time.Unix(7, 0) }}
	tell := func(body string, told Told) []bridge.Event {
		var news struct{ N int }
		return teller.Tell(bridge.Inbound{Provider: "x", Entrance: bridge.ByPoll, Body: []byte(body)}, &news, func() Told { return told })
	}
	full := Told{As: &Telling{Kind: "update", Text: text("${item.a} ")}, Item: map[string]any{"a": "hi"}, Reference: "R", Task: "T", Key: "k", Fields: map[string]any{"f": 1}}
	e := tell(`{"N":1}`, full)[0]
	require.Equal(t, []any{bridge.Update, "hi", "R", "kR", "k", "", bridge.In, time.Unix(7, 0).UTC()}, []any{e.Kind, e.Text, e.Reference, e.RefKey, e.Key, e.Task, e.Dir, e.Received.UTC()})
	require.Equal(t, map[string]any{"f": 1}, e.Fields)
	full.As = &Telling{Kind: "acknowledge"}
	require.Equal(t, "T", tell(`{}`, full)[0].Task, "it makes the bond")
	full.As = &Telling{Kind: "ignore"}
	require.Empty(t, tell(`{}`, full))
	for why, told := range map[bridge.Reason]Told{
		bridge.NoRule:       {Unknown: "add it"},
		bridge.MissingField: {As: &Telling{Kind: "resolve"}},
		bridge.RuleFailed:   {As: &Telling{Kind: "update", Text: text("${item.a.b.c}")}, Item: map[string]any{"a": 1}, Reference: "R"},
	} {
		got := tell(`{}`, told)
		require.Len(t, got, 1)
		require.Equal(t, why, got[0].Quarantine)
		require.NotEmpty(t, got[0].Detail)
		require.NotNil(t, got[0].Inbound)
	}
	require.Equal(t, bridge.MissingField, tell(`{}`, Told{As: &Telling{Kind: "update", Text: text(" ")}, Reference: "R"})[0].Quarantine)
	require.Equal(t, bridge.Unreadable, tell(`{`, full)[0].Quarantine)
}
