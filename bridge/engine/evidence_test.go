package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var unknown = bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: bridge.BadGateway}

func TestUnknownSubmitIsLookedUp(t *testing.T) {
	for _, c := range []struct {
		name    string
		found   []any // answers of the look-up, in turn
		then    []bridge.Then
		reasons []bridge.Reason
		sent    int
	}{
		{"there", []any{bridge.Found{Answer: bridge.IsThere, Reference: "INC-1"}}, []bridge.Then{bridge.ThenWait, bridge.ThenDone}, []bridge.Reason{bridge.BadGateway, bridge.ByEvidence}, 1},
		{"not there", []any{bridge.Found{Answer: bridge.NotThere}}, []bridge.Then{bridge.ThenWait, bridge.ThenDone}, []bridge.Reason{bridge.BadGateway, bridge.Delivered}, 2},
		{"cannot tell", []any{bridge.Found{}}, []bridge.Then{bridge.ThenWait, bridge.ThenPark}, []bridge.Reason{bridge.BadGateway, bridge.LookupFailed}, 1},
		{"look-up fails, then there", []any{errDisk, errDisk, bridge.Found{Answer: bridge.IsThere}}, []bridge.Then{bridge.ThenWait, bridge.ThenWait, bridge.ThenWait, bridge.ThenDone}, []bridge.Reason{bridge.BadGateway, bridge.LookupFailed, bridge.LookupFailed, bridge.ByEvidence}, 1},
		{"look-up panics, then not there", []any{"panic", bridge.Found{Answer: bridge.NotThere}}, []bridge.Then{bridge.ThenWait, bridge.ThenWait, bridge.ThenDone}, []bridge.Reason{bridge.BadGateway, bridge.LookupFailed, bridge.Delivered}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				var asked time.Time
				v := says(unknown)
				say := v.deliver
				v.deliver = func(ctx context.Context, l bridge.Lease) bridge.Outcome { sent++; return say(ctx, l) }
				v.find = func(_ context.Context, l bridge.Lease) (bridge.Found, error) {
					require.True(t, l.Unknown)
					if asked.IsZero() {
						asked = time.Now()
					}
					answer := c.found[0]
					c.found = c.found[1:]
					switch a := answer.(type) {
					case error:
						return bridge.Found{}, a
					case string:
						panic(a)
					default:
						return a.(bridge.Found), nil
					}
				}
				begin := time.Now()
				b := start(t, newFakeStore(), Options{}, asking{v}, nil)
				b.accept(t, out("1", bridge.Submit))
				pass(10 * time.Minute)
				var then []bridge.Then
				var reasons []bridge.Reason
				for _, r := range b.store.settledResults() {
					then, reasons = append(then, r.Then), append(reasons, r.Outcome.Reason)
				}
				require.Equal(t, c.then, then)
				require.Equal(t, c.reasons, reasons)
				require.Equal(t, c.sent, sent)
				require.GreaterOrEqual(t, asked.Sub(begin), LookupDelay, "the other side may still be at it")
				b.end(t)
			})
		})
	}
}

func TestUnknownSubmitWithoutLookupParks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), Options{}, says(unknown), nil)
		b.accept(t, out("1", bridge.Submit))
		synctest.Wait()
		r := b.store.settledResults()
		require.Len(t, r, 1)
		require.Equal(t, bridge.ThenPark, r[0].Then)
		require.Equal(t, bridge.BadGateway, r[0].Outcome.Reason)
		b.end(t)
	})
}

func TestUnknownUpdateWaitsAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), Options{}, nil, says(unknown))
		b.accept(t, in("1", bridge.Update))
		pass(2 * time.Minute)
		r := b.store.settledResults()
		require.Len(t, r, 2)
		require.True(t, r[1].Lease.Unknown)
		require.Equal(t, time.Minute, r[1].Started.Sub(r[0].Ended))
		require.Equal(t, bridge.ThenDone, r[1].Then)
		b.end(t)
	})
}

// A result is recorded later than its next try was computed from: that costs no turn that only waits.
func TestAMinuteIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		store.delay = func(string) time.Duration { return 300 * time.Millisecond }
		b := start(t, store, Options{}, nil, says(unknown))
		b.accept(t, in("1", bridge.Update))
		pass(2 * time.Minute)
		require.Len(t, store.settledResults(), 2)
		b.end(t)
	})
}

// A look-up that fails says nothing of when the event was tried: the minute is not waited for again.
func TestFailedLookupIsRepeatedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := says(unknown)
		var asked []time.Time
		v.find = func(context.Context, bridge.Lease) (bridge.Found, error) {
			if asked = append(asked, time.Now()); len(asked) < 3 {
				return bridge.Found{}, errDisk
			}
			return bridge.Found{Answer: bridge.IsThere}, nil
		}
		b := start(t, newFakeStore(), Options{}, nil, asking{v})
		begin := time.Now()
		b.accept(t, in("1", bridge.Update))
		pass(3 * time.Minute)
		require.Len(t, asked, 3)
		require.Equal(t, time.Minute, asked[0].Sub(begin))
		require.Less(t, asked[2].Sub(asked[0]), 30*time.Second)
		b.end(t)
	})
}

// A look-up that was cut short is made again at once, one that fails for longer than the retry period parks.
func TestLookupsEnd(t *testing.T) {
	v := &vendor{deliver: done, find: func(context.Context, bridge.Lease) (bridge.Found, error) { return bridge.Found{}, errDisk }}
	now := time.Now()
	e := build(t, newFakeStore(), Options{Now: func() time.Time { return now }}, asking{v}, nil)
	l := bridge.Lease{Event: out("1", bridge.Submit), Attempt: 9, Unknown: true, UnknownSince: now.Add(-time.Hour)}
	var o bridge.Outcome
	ctx, stop := context.WithCancel(t.Context())
	stop()
	require.Equal(t, decision{bridge.ThenWait, now}, e.try(ctx, e.dests["acme"], &l, &o))
	require.True(t, e.try(t.Context(), e.dests["acme"], &l, &o).due.After(now))
	l.Spent = 72 * time.Hour
	require.Equal(t, decision{then: bridge.ThenPark}, e.try(t.Context(), e.dests["acme"], &l, &o))
	require.Equal(t, bridge.RetryExhausted, o.Reason)
}

// A replica died while it delivered: nobody knows, and there is no policy in the lane's due time.
func TestExpiredLeaseWaitsForEvidenceOnce(t *testing.T) {
	for kind, want := range map[bridge.Kind][]bridge.Then{
		bridge.Update:      {bridge.ThenWait, bridge.ThenDone},
		bridge.Acknowledge: {bridge.ThenDone},
		bridge.Submit:      {bridge.ThenPark},
	} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newFakeStore()
				ev := in("1", kind)
				if kind == bridge.Submit {
					ev.Dir = bridge.Out
				}
				ev.ID = "e"
				store.accept([]bridge.Event{ev})
				l := store.lanes[ev.Lane()]
				l.token, l.session, l.attempt = "of the dead", "gone", 1
				sent := 0
				v := &vendor{deliver: func(ctx context.Context, l bridge.Lease) bridge.Outcome { sent++; return done(ctx, l) }}
				b := start(t, store, Options{}, v, v)
				pass(5 * time.Minute)
				var then []bridge.Then
				for _, r := range store.settledResults() {
					then = append(then, r.Then)
					if r.Then != bridge.ThenDone {
						require.Equal(t, bridge.OutcomeUnknown, r.Outcome.Kind)
						require.Equal(t, bridge.LeaseExpired, r.Outcome.Reason)
					}
				}
				require.Equal(t, want, then)
				if kind == bridge.Submit {
					require.Zero(t, sent)
				} else {
					require.Equal(t, 1, sent)
				}
				b.end(t)
			})
		})
	}
}

func TestWaitingThenParkingSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := start(t, store, Options{Destinations: []Destination{{Name: "acme", Dest: says(unknown), Policy: Policy{
			Unknown: map[bridge.Kind]Unknown{bridge.Submit: {Wait: 10 * time.Second, Then: bridge.ThenPark}},
		}}}}, nil, nil)
		b.accept(t, out("1", bridge.Submit))
		pass(time.Minute)
		r := store.settledResults()
		require.Len(t, r, 2)
		require.Equal(t, bridge.ThenWait, r[0].Then)
		require.Equal(t, bridge.ThenPark, r[1].Then)
		require.Equal(t, bridge.BadGateway, r[1].Outcome.Reason, "the reason of the try, not of the waiting")
		b.end(t)
	})
}

// After an unknown try, one that surely wrote nothing leaves the first as unknown as it was.
func TestRetryAfterUnknownStaysUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), Options{}, nil, says(unknown, bridge.Outcome{Kind: bridge.OutcomeRetry}))
		b.accept(t, in("1", bridge.Acknowledge))
		pass(time.Minute)
		r := b.store.settledResults()
		require.Len(t, r, 3)
		require.Equal(t, bridge.ThenWait, r[1].Then)
		require.True(t, r[2].Lease.Unknown)
		b.end(t)
	})
}

type downError struct{ down bool }

func (downError) Error() string { return "look-up failed" }
func (e downError) Down() bool  { return e.down }

func TestIsDown(t *testing.T) {
	require.True(t, isDown(downError{true}))
	require.False(t, isDown(downError{false}))
	require.True(t, isDown(context.DeadlineExceeded), "a time-out")
	require.False(t, isDown(errors.New("bad mapping")))
}
