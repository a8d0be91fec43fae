package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/engine"
	"github.com/pergabridge/pergabridge/bridge/provider"
)

// What the config leaves out is what the engine decides by itself; there is one table of it.
func TestPolicyIsTheEnginesUnlessTheConfigSaysMore(t *testing.T) {
	read := func(src string) engine.Policy {
		t.Helper()
		n, err := config.Parse("c.yaml", []byte(src))
		require.NoError(t, err)
		c := &provider.Common{}
		config.Decode(n, c)
		require.Empty(t, n.Problems())
		return policy(&c.Delivery)
	}
	standard := engine.DefaultPolicy()
	require.Equal(t, standard, read("kind: http"))

	got := read(`
kind: http
retry: {first: 2s, max: 1m, period: 24h}
on_refused: {submit: skip, update: park}
unknown: {submit: {then: retry, wait: 5s}, update: {look_up: false}}
`)
	want := engine.DefaultPolicy()
	want.First, want.Max, want.Period = 2*time.Second, time.Minute, 24*time.Hour
	want.Refused[bridge.Submit], want.Refused[bridge.Update] = bridge.ThenSkip, bridge.ThenPark
	want.Unknown[bridge.Submit] = engine.Unknown{Wait: 5 * time.Second, Lookup: true, Then: bridge.ThenRetry}
	want.Unknown[bridge.Update] = engine.Unknown{Wait: time.Minute, Then: bridge.ThenRetry}
	require.Equal(t, want, got)
	require.Equal(t, standard, engine.DefaultPolicy(), "the defaults are not changed by it")
}
