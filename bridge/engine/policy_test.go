package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pergabridge/pergabridge/bridge"
)

func TestDecide(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := now.Add
	p, err := DefaultPolicy().complete()
	require.NoError(t, err)
	const r = 0.5
	for _, c := range []struct {
		name     string
		kind     bridge.Kind
		lease    bridge.Lease
		outcome  bridge.Outcome
		canFind  bool
		cleared  bool
		then     bridge.Then
		due      time.Time
		reason   bridge.Reason
		contains string
		becomes  bridge.OutcomeKind // what the outcome is turned into; "" leaves it
	}{
		{name: "done", kind: bridge.Submit, outcome: bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered}, then: bridge.ThenDone, reason: bridge.Delivered},
		{name: "refused submit", kind: bridge.Submit, outcome: bridge.Outcome{Kind: bridge.OutcomeRefused}, then: bridge.ThenPark},
		{name: "refused acknowledge", kind: bridge.Acknowledge, outcome: bridge.Outcome{Kind: bridge.OutcomeRefused}, then: bridge.ThenPark},
		{name: "refused resolve", kind: bridge.Resolve, outcome: bridge.Outcome{Kind: bridge.OutcomeRefused}, then: bridge.ThenPark},
		{name: "refused update", kind: bridge.Update, outcome: bridge.Outcome{Kind: bridge.OutcomeRefused}, then: bridge.ThenSkip},
		{name: "first retry", kind: bridge.Submit, lease: bridge.Lease{Attempt: 1}, outcome: bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.NotSent}, then: bridge.ThenRetry, due: at(500 * time.Millisecond), reason: bridge.NotSent},
		{name: "fourth retry", kind: bridge.Submit, lease: bridge.Lease{Attempt: 4}, outcome: bridge.Outcome{Kind: bridge.OutcomeRetry}, then: bridge.ThenRetry, due: at(4 * time.Second)},
		{name: "capped retry", kind: bridge.Submit, lease: bridge.Lease{Attempt: 1 << 40}, outcome: bridge.Outcome{Kind: bridge.OutcomeRetry}, then: bridge.ThenRetry, due: at(150 * time.Second)},
		{name: "retry after", kind: bridge.Submit, lease: bridge.Lease{Attempt: 1}, outcome: bridge.Outcome{Kind: bridge.OutcomeRetry, After: 100 * time.Second}, then: bridge.ThenRetry, due: at(105 * time.Second)},
		{name: "retry after a year", kind: bridge.Submit, lease: bridge.Lease{Attempt: 1}, outcome: bridge.Outcome{Kind: bridge.OutcomeRetry, After: 365 * 24 * time.Hour}, then: bridge.ThenRetry, due: at(63 * time.Minute)},
		{name: "throttled without a time", kind: bridge.Submit, lease: bridge.Lease{Attempt: 1}, outcome: bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Throttled}, then: bridge.ThenRetry, due: at(2500 * time.Millisecond), reason: bridge.Throttled},
		{name: "exhausted", kind: bridge.Update, lease: bridge.Lease{Attempt: 9, Spent: 72 * time.Hour}, outcome: bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.ServerError, Detail: "500"}, then: bridge.ThenPark, reason: bridge.RetryExhausted, contains: "server_error: 500"},
		{name: "one second left", kind: bridge.Update, lease: bridge.Lease{Attempt: 1, Spent: 72*time.Hour - time.Second}, outcome: bridge.Outcome{Kind: bridge.OutcomeRetry}, then: bridge.ThenRetry, due: at(500 * time.Millisecond)},
		{name: "fault", kind: bridge.Update, lease: bridge.Lease{Attempt: 1, Event: bridge.Event{Dir: bridge.In}, Bond: bridge.Bond{State: bridge.BondOpen}}, outcome: bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Fault}, then: bridge.ThenRetry, due: at(500 * time.Millisecond), reason: bridge.Fault},
		{name: "fault when the task is over", kind: bridge.Resolve, lease: bridge.Lease{Attempt: 1, Event: bridge.Event{Dir: bridge.In}, Bond: bridge.Bond{State: bridge.BondClosed}}, outcome: bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Fault}, then: bridge.ThenPark, reason: bridge.Fault, becomes: bridge.OutcomeRefused},
		{name: "out of reach when the task is over", kind: bridge.Resolve, lease: bridge.Lease{Attempt: 1, Event: bridge.Event{Dir: bridge.In}, Bond: bridge.Bond{State: bridge.BondClosed}}, outcome: bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Unavailable}, then: bridge.ThenRetry, due: at(500 * time.Millisecond), reason: bridge.Unavailable},
		{name: "cancelled", kind: bridge.Update, lease: bridge.Lease{Attempt: 9, Spent: 99 * time.Hour}, outcome: bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Canceled}, then: bridge.ThenRetry, due: now, reason: bridge.Canceled},
		{name: "retry after unknown", kind: bridge.Update, lease: bridge.Lease{Attempt: 2, Unknown: true}, outcome: bridge.Outcome{Kind: bridge.OutcomeRetry}, then: bridge.ThenWait, due: at(time.Second)},
		{name: "our own mapping failed", kind: bridge.Update, lease: bridge.Lease{Attempt: 1}, outcome: bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.MappingFailed}, then: bridge.ThenPark, reason: bridge.MappingFailed},
		{name: "retry after a look-up that found nothing", kind: bridge.Submit, lease: bridge.Lease{Attempt: 2, Unknown: true}, canFind: true, cleared: true, outcome: bridge.Outcome{Kind: bridge.OutcomeRetry}, then: bridge.ThenRetry, due: at(time.Second)},
		{name: "unknown submit", kind: bridge.Submit, lease: bridge.Lease{Attempt: 1}, outcome: bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: bridge.NoAnswer}, then: bridge.ThenPark, reason: bridge.NoAnswer},
		{name: "unknown submit that can be looked up", kind: bridge.Submit, lease: bridge.Lease{Attempt: 1}, canFind: true, outcome: bridge.Outcome{Kind: bridge.OutcomeUnknown}, then: bridge.ThenWait, due: at(LookupDelay)},
		{name: "unknown acknowledge", kind: bridge.Acknowledge, lease: bridge.Lease{Attempt: 1}, outcome: bridge.Outcome{Kind: bridge.OutcomeUnknown}, then: bridge.ThenWait, due: at(500 * time.Millisecond)},
		{name: "unknown update", kind: bridge.Update, lease: bridge.Lease{Attempt: 1}, outcome: bridge.Outcome{Kind: bridge.OutcomeUnknown}, then: bridge.ThenWait, due: at(time.Minute)},
		{name: "unknown resolve, many tries", kind: bridge.Resolve, lease: bridge.Lease{Attempt: 20}, outcome: bridge.Outcome{Kind: bridge.OutcomeUnknown}, then: bridge.ThenWait, due: at(150 * time.Second)},
		{name: "unknown close", kind: bridge.Close, lease: bridge.Lease{Attempt: 1}, outcome: bridge.Outcome{Kind: bridge.OutcomeUnknown}, then: bridge.ThenWait, due: at(500 * time.Millisecond)},
		{name: "unknown and exhausted", kind: bridge.Update, lease: bridge.Lease{Attempt: 5, Spent: 80 * time.Hour}, outcome: bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: bridge.BadGateway}, then: bridge.ThenPark, reason: bridge.RetryExhausted, contains: "bad_gateway"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.lease.Event.Kind = c.kind
			if c.becomes == "" {
				c.becomes = c.outcome.Kind
			}
			d := p.decide(&c.lease, &c.outcome, now, r, c.canFind, c.cleared)
			require.Equal(t, c.then, d.then)
			require.Equal(t, c.becomes, c.outcome.Kind)
			require.Equal(t, c.due, d.due)
			require.Equal(t, c.reason, c.outcome.Reason)
			require.Contains(t, c.outcome.Detail, c.contains)
		})
	}
}

func TestPolicyOverlaysDefaults(t *testing.T) {
	mine := Policy{
		First:   10 * time.Second,
		Max:     time.Second,
		Refused: map[bridge.Kind]bridge.Then{bridge.Update: bridge.ThenPark},
		Unknown: map[bridge.Kind]Unknown{bridge.Update: {Wait: 5 * time.Second}, bridge.Submit: {Then: bridge.ThenRetry}},
	}
	p, err := mine.complete()
	require.NoError(t, err)
	require.Equal(t, 10*time.Second, p.Max, "the longest wait is never shorter than the first")
	require.Equal(t, 72*time.Hour, p.Period)
	require.Equal(t, bridge.ThenPark, p.Refused[bridge.Update])
	require.Equal(t, bridge.ThenPark, p.Refused[bridge.Submit])
	require.Equal(t, Unknown{Wait: 5 * time.Second, Then: bridge.ThenRetry}, p.Unknown[bridge.Update])
	require.Equal(t, Unknown{Then: bridge.ThenRetry}, p.Unknown[bridge.Submit])
	require.Equal(t, time.Minute, p.Unknown[bridge.Resolve].Wait)
	require.Empty(t, mine.Unknown[bridge.Update].Then, "the caller's maps are not changed")

	_, err = Policy{
		Period:  -1,
		Refused: map[bridge.Kind]bridge.Then{bridge.Close: bridge.ThenRetry},
		Unknown: map[bridge.Kind]Unknown{bridge.Close: {Then: bridge.ThenSkip, Wait: -1}},
	}.complete()
	require.ErrorContains(t, err, "period is negative")
	require.ErrorContains(t, err, `refused close: "retry"`)
	require.ErrorContains(t, err, `unknown close: "skip"`)
	require.ErrorContains(t, err, "wait is negative")
}

func TestEveryKindHasAPolicy(t *testing.T) {
	p, err := Policy{}.complete()
	require.NoError(t, err)
	for _, d := range []bridge.Dir{bridge.In, bridge.Out} {
		for _, k := range bridge.Kinds(d) {
			require.NotEmpty(t, p.Refused[k], k)
			require.NotEmpty(t, p.Unknown[k].Then, k)
		}
	}
}

func TestBackoffStaysInBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "first"))
		most := first + time.Duration(rapid.Int64Range(0, int64(100*time.Hour)).Draw(t, "more"))
		n := rapid.Int().Draw(t, "n")
		r := rapid.Float64Range(0, 0.999999).Draw(t, "r")
		d := backoff(first, most, n, r)
		if d < 0 || d > most {
			t.Fatalf("%s is not within 0 and %s", d, most)
		}
		if n <= 1 && d > first {
			t.Fatalf("the first wait %s is longer than %s", d, first)
		}
	})
}
