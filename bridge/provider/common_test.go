package provider

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
)

func read(t *testing.T, src string) (*Common, config.Problems) {
	t.Helper()
	n, err := config.Parse("c.yaml", []byte(src))
	require.NoError(t, err)
	c := &Common{}
	config.Decode(n, c)
	return c, n.Problems()
}

func TestDefaults(t *testing.T) {
	c, problems := read(t, "kind: http")
	require.Empty(t, problems)
	require.False(t, c.Observe())
	require.Equal(t, bridge.Limit{InFlight: 8, Burst: 1, Break: 5, BreakFor: 10 * time.Second}, c.Limit())
	require.Equal(t, bridge.Keep{What: bridge.KeepText, For: 90 * 24 * time.Hour}, c.Keep.Bridge())
	require.Equal(t, "abc-1", c.Reference.Key(" ABC-1 "))
	require.EqualValues(t, 10*time.Minute, c.Merge.Window)
	require.False(t, c.Webhook.Exists())

}

func TestEverythingCanBeChanged(t *testing.T) {
	c, problems := read(t, `
kind: http
mode: observe
limits: {in_flight: 2, rate: 1.5, burst: 3, break_after: 9, break_for: 1m}
retry: {first: 2s, max: 1m, period: 24h}
on_refused: {submit: skip, update: park}
unknown: {submit: {then: retry, wait: 5s}, update: {look_up: false}}
reference: {case_sensitive: true}
keep: {what: digest, days: 3}
webhook: {none: true}
`)
	require.Empty(t, problems)
	require.True(t, c.Observe())
	require.Equal(t, bridge.Limit{InFlight: 2, Rate: 1.5, Burst: 3, Break: 9, BreakFor: time.Minute}, c.Limit())
	require.EqualValues(t, 24*time.Hour, c.Retry.Period)
	require.Equal(t, map[string]string{"submit": "skip", "update": "park"}, c.OnRefused)
	require.Equal(t, "retry", c.Unknown["submit"].Then)
	require.EqualValues(t, 5*time.Second, *c.Unknown["submit"].Wait)
	require.False(t, *c.Unknown["update"].LookUp)
	require.Nil(t, c.Unknown["update"].Wait, "what is left out is the engine's to say")
	require.Equal(t, "ABC", c.Reference.Key("ABC"))
	require.Equal(t, bridge.KeepDigest, c.Keep.Bridge().What)
	require.True(t, c.Webhook.Exists())
}

func TestMistakesAreReported(t *testing.T) {
	_, problems := read(t, `
kind: http
mode: watch
limits: {in_flight: -1, rate: -2}
retry: {first: 1m, max: 1s}
on_refused: {resolve: park, submit: stop}
unknown: {acknowledge: {then: retry}, close: {wait: -3s}}
keep: {what: some, days: -1}
`)
	var paths []string
	for _, p := range problems {
		paths = append(paths, p.Path)
	}
	require.ElementsMatch(t, []string{
		"mode", "limits.in_flight", "limits.rate", "retry.max", "on_refused.resolve", "on_refused.submit",
		"unknown.acknowledge", "unknown.close.wait", "keep.what", "keep.days",
	}, paths)
}
