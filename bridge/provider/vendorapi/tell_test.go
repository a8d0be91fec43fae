package vendorapi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/provider"
)

func TestAFailureSaysHowLongToWait(t *testing.T) {
	var p provider.Pleading = &Failure{"op", bridge.Outcome{Kind: bridge.OutcomeRetry, After: 10 * time.Minute}}
	require.Equal(t, 10*time.Minute, p.After())
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
