package outbound

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	peer "github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
)

func TestConnectTimeout(t *testing.T) {
	addr := peer.Blackhole(t)
	k := client(t, Config{Timeout: Timeouts{Connect: short(50 * time.Millisecond)}}, Options{})
	_, err := post(t, k, "http://"+addr+"/", "x")
	e := failed(t, err)
	require.Equal(t, NotSent, e.Phase)
	require.Equal(t, bridge.NotSent, e.Reason)
	require.ErrorContains(t, err, "connect: no connection within 50ms")
	require.True(t, Classify(Answer{}, err, Policy{}).Down)
}

func TestTotalTimeoutWhileConnecting(t *testing.T) {
	addr := peer.Blackhole(t)
	k := client(t, Config{Timeout: Timeouts{Connect: short(100 * time.Millisecond), Total: short(30 * time.Millisecond)}}, Options{})
	_, err := post(t, k, "http://"+addr+"/", "x")
	e := failed(t, err)
	require.Equal(t, NotSent, e.Phase)
	require.False(t, e.Stopped)
	require.ErrorContains(t, err, "no complete answer within 30ms")
}
