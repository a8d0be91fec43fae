package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

func TestEveryRuleHasANameOfItsOwn(t *testing.T) {
	n := 0
	for _, s := range subjects() {
		require.NotEmpty(t, s.rules, s.name)
		seen := map[string]bool{}
		for _, r := range s.rules {
			require.NotNil(t, r.prove, r.name)
			require.False(t, seen[r.name], "%s: %s", s.name, r.name)
			seen[r.name] = true
			n++
		}
	}
	t.Logf("%d rules", n)
}

func TestClockStandsStillUntilItIsMoved(t *testing.T) {
	c := NewClock()
	was := c.Now()
	require.Equal(t, was, c.Now())
	c.Advance(time.Minute)
	require.Equal(t, was.Add(time.Minute), c.Now())
}

func TestTheModelKnowsWhatABondMayNotDo(t *testing.T) {
	b := func(s bridge.BondState, reference string) bridge.Bond {
		return bridge.Bond{State: s, Reference: reference}
	}
	for _, move := range [][2]bridge.Bond{
		{b("", ""), b(bridge.BondSuperseded, "")},
		{b(bridge.BondOpen, "R1"), b(bridge.BondPending, "R1")},
		{b(bridge.BondResolved, "R1"), b(bridge.BondPending, "R1")},
		{b(bridge.BondClosed, "R1"), b(bridge.BondSuperseded, "R1")},
		{b(bridge.BondClosed, "R1"), b(bridge.BondResolved, "R1")},
		{b(bridge.BondSuperseded, "R1"), b(bridge.BondResolved, "R1")},
		{b("no such state", ""), b(bridge.BondOpen, "R1")},
	} {
		require.False(t, mayMove(move[0], move[1]), "%v", move)
	}
	require.True(t, mayMove(b(bridge.BondPending, ""), b(bridge.BondOpen, "R1")))
	require.True(t, mayMove(b(bridge.BondClosed, "R1"), b(bridge.BondOpen, "R1")))
	require.True(t, mayMove(b(bridge.BondClosed, ""), b(bridge.BondResolved, "R1")))
}
