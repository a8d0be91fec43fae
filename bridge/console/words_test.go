package console

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

func TestEveryReasonHasWords(t *testing.T) {
	for _, r := range bridge.Reasons() {
		require.NotEmpty(t, why(r), r)
	}
	require.Len(t, inWords, len(bridge.Reasons()))
}

func TestCommandsCanBePasted(t *testing.T) {
	require.Equal(t, "pergabridge lanes resume acme/out/4711", command("lanes", "resume", "acme/out/4711"))
	require.Equal(t, `pergabridge bonds show acme 'a b'\''; rm -rf $HOME'`, command("bonds", "show", "acme", "a b'; rm -rf $HOME"))
	require.Equal(t, "pergabridge events show ''", command("events", "show", ""))
}

func TestEveryStoppedLaneComesWithAdvice(t *testing.T) {
	for _, r := range bridge.Reasons() {
		l := bridge.Lane{ID: bridge.LaneID{Provider: "acme", Task: "1", Dir: bridge.Out}, State: bridge.LaneParked, Reason: r, Head: "e1"}
		require.NotEmpty(t, laneAdvice(&l), r)
	}
	for _, s := range []bridge.LaneState{bridge.LanePaused, bridge.LaneHeld} {
		require.NotEmpty(t, laneAdvice(&bridge.Lane{State: s}), s)
	}
	require.Empty(t, laneAdvice(&bridge.Lane{State: bridge.LaneReady}))
	require.Empty(t, eventAdvice(&bridge.Event{State: bridge.StateDone}))
	require.NotEmpty(t, eventAdvice(&bridge.Event{ID: "e", State: bridge.StateEnded, Reason: bridge.IsDuplicate}))
	require.Empty(t, eventAdvice(&bridge.Event{ID: "e", State: bridge.StateEnded, Reason: bridge.Reread}))
}

func TestTheBrakeRemembersALimitedNumberOfAddresses(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	b := newBrake(func() time.Time { return now })
	worst := netip.MustParseAddr("192.0.2.1")
	for range brakeBurst {
		b.failed(worst)
	}
	a := netip.MustParseAddr("10.0.0.0")
	for range 3 * brakeMemory {
		b.failed(a)
		a = a.Next()
	}
	require.Len(t, b.full, brakeMemory)
	require.Positive(t, b.blocked(worst), "who failed most is forgotten last")
	require.Zero(t, b.blocked(netip.Addr{}))
	now = now.Add(time.Hour)
	b.failed(a)
	require.Len(t, b.full, brakeMemory-brakeSample+1, "who is full again is forgotten")
}

func TestEveryCodeHasAStatusAndATitle(t *testing.T) {
	for code, x := range titles {
		require.GreaterOrEqual(t, x.Status, 400, code)
		require.NotEmpty(t, x.Title, code)
	}
	require.Equal(t, api.Internal, asProblem(&api.Problem{Code: "made up"}).Code, "a problem without a status is a bug")
	require.Equal(t, 418, asProblem(&api.Problem{Code: "made_up", Status: 418}).Status)
}

func TestTimesAreCoarse(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for d, want := range map[time.Duration]string{0: "now", 1500 * time.Millisecond: "1 s ago", 90 * time.Second: "1 min ago",
		90 * time.Minute: "1 h ago", 47 * time.Hour: "47 h ago", 49 * time.Hour: "2 days ago", -90 * time.Second: "in 1 min"} {
		require.Equal(t, want, ago(now, now.Add(-d)), d)
	}
	require.Empty(t, ago(now, time.Time{}))
}

func TestShorteningKeepsCharactersWhole(t *testing.T) {
	require.Equal(t, "é…", shorten("éé", 3))
	require.Equal(t, "éé", shorten("éé", 4))
	require.Equal(t, "…", shorten("漢", 2))
}

func TestKindsAreListedOnce(t *testing.T) {
	k := kinds()
	require.Len(t, k, 7)
	slices.Sort(k)
	require.Equal(t, k, slices.Compact(k))
}
