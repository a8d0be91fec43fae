package freeport_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/listener/freeport"
)

func TestEveryPortIsAnotherAndFree(t *testing.T) {
	seen := map[int]bool{}
	for range 50 {
		port, err := freeport.Port()
		require.NoError(t, err)
		require.False(t, seen[port])
		seen[port] = true
		require.Less(t, port, 32_768, "outgoing connections take theirs from there on")
	}
	at, err := freeport.Address()
	require.NoError(t, err)
	l, err := net.Listen("tcp", at)
	require.NoError(t, err)
	require.NoError(t, l.Close())
}
