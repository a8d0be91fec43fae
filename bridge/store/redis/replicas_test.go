package redisstore_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
)

// replicas opens n stores on one namespace.
func replicas(t testing.TB, url string, n int) []*redisstore.Store {
	t.Helper()
	ns := space()
	var out []*redisstore.Store
	for range n {
		out = append(out, open(t, url, redisstore.Options{Namespace: ns}))
	}
	return out
}

func TestManyCopiesOverThreeReplicasHaveOneEffect(t *testing.T) {
	rs := replicas(t, startServer(t).URL(), 3)
	link(t, rs[0], "", 1)
	var wg sync.WaitGroup
	start := make(chan struct{})
	got := make([]bridge.Receipt, 100)
	for i := range got {
		e := update("0", "delivery-1")
		wg.Go(func() {
			<-start
			r, err := rs[i%3].Accept(ctx, []bridge.Event{e})
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = r[0]
		})
	}
	close(start)
	wg.Wait()
	first := ""
	for _, r := range got {
		if r.Status == bridge.Accepted {
			require.Empty(t, first, "one of them is accepted")
			first = r.Event
		}
	}
	require.NotEmpty(t, first)
	for _, r := range got {
		require.Equal(t, first, r.Event)
	}
	e, _, err := rs[1].Event(ctx, first)
	require.NoError(t, err)
	require.Equal(t, 99, e.Repeat)
	leased := 0
	for i, r := range rs {
		me := session(t, r, fmt.Sprint(i))
		out, err := r.Settle(ctx, me, nil, []bridge.Want{{Dest: bridge.SSP, N: 10}})
		require.NoError(t, err)
		leased += len(out.Leases)
	}
	require.Equal(t, 1, leased)
}

func TestOneReferenceClaimedForTwoTasksAtOnceHasOneOwner(t *testing.T) {
	rs := replicas(t, startServer(t).URL(), 2)
	for round := range 20 {
		var events []bridge.Event
		for i := range 2 {
			e := submit(fmt.Sprintf("%d-%d", round, i))
			e.Reference = fmt.Sprintf("R%d", round)
			events = append(events, e)
		}
		other := events[0]
		other.ID, other.Provider, other.Task = bridge.NewID(), "beta", "beta"+other.Task
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i, e := range append(events, other) {
			wg.Go(func() {
				<-start
				_, err := rs[i%2].Accept(ctx, []bridge.Event{e})
				if err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		owners := 0
		for _, e := range events {
			b, err := rs[0].Bond(ctx, "acme", e.Task)
			require.NoError(t, err)
			if b.Reference != "" {
				owners++
			}
		}
		require.Equal(t, 1, owners)
		b, err := rs[0].Bond(ctx, "beta", other.Task)
		require.NoError(t, err)
		require.Equal(t, other.Reference, b.Reference, "the same number at two providers is no conflict")
	}
	me := session(t, rs[1], "me")
	for range 3 {
		_, err := rs[1].Settle(ctx, me, nil, []bridge.Want{{Dest: "acme", N: 100}})
		require.NoError(t, err)
	}
	parked, err := rs[0].Lanes(ctx, bridge.LaneFilter{States: []bridge.LaneState{bridge.LaneParked}})
	require.NoError(t, err)
	require.Len(t, parked, 20, "each loser is a visible conflict")
	for _, l := range parked {
		require.Equal(t, bridge.ReferenceConflict, l.Reason)
	}
}

// woken waits for a wake-up.
func woken(t testing.TB, s bridge.Store) {
	t.Helper()
	select {
	case <-s.Wake():
	case <-time.After(5 * time.Second):
		require.Fail(t, "nobody woke the replica")
	}
}

func TestAReplicaIsWokenByAnother(t *testing.T) {
	rs := replicas(t, startServer(t).URL(), 2)
	woken(t, rs[1]) // it has subscribed
	_, err := rs[0].Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	woken(t, rs[1])
}

func TestAReplicaWhoseSubscriptionBreaksIsWokenAllTheSame(t *testing.T) {
	srv := startServer(t)
	s := open(t, srv.URL(), redisstore.Options{})
	woken(t, s)
	srv.Kill()
	woken(t, s)
	woken(t, s) // again and again: it polls
	srv.Start(t)
	woken(t, s)
}

func TestAReplicaThatWakesUpLateIsFenced(t *testing.T) {
	rs := replicas(t, startServer(t).URL(), 2)
	link(t, rs[0], "", 1)
	_, err := rs[0].Accept(ctx, []bridge.Event{update("0", "a")})
	require.NoError(t, err)
	short := bridge.Session{ID: "short", Until: time.Now().Add(50 * time.Millisecond)}
	require.NoError(t, rs[0].Renew(ctx, short))
	want := []bridge.Want{{Dest: bridge.SSP, N: 1}}
	lost, err := rs[0].Settle(ctx, short, nil, want)
	require.NoError(t, err)
	require.Len(t, lost.Leases, 1)
	require.Eventually(t, func() bool {
		n, err := rs[1].Sweep(ctx, bridge.SweepOptions{})
		return err == nil && n.Expired == 1
	}, 5*time.Second, 10*time.Millisecond)
	me := session(t, rs[1], "me")
	now, err := rs[1].Settle(ctx, me, nil, want)
	require.NoError(t, err)
	require.True(t, now.Leases[0].Unknown)
	done := bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered}
	late, err := rs[0].Settle(ctx, short, []bridge.Result{{Lease: lost.Leases[0], Then: bridge.ThenDone, Outcome: done}}, nil)
	require.NoError(t, err)
	require.True(t, late.Verdicts[0].Fenced)
	require.ErrorIs(t, rs[0].Renew(ctx, bridge.Session{ID: "short", Until: time.Now().Add(time.Hour)}), bridge.ErrFenced)
	got, err := rs[1].Settle(ctx, me, []bridge.Result{{Lease: now.Leases[0], Then: bridge.ThenDone, Outcome: done}}, nil)
	require.NoError(t, err)
	require.Equal(t, bridge.StateDone, got.Verdicts[0].State)
}
