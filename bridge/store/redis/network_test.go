package redisstore_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
	"github.com/pergabridge/pergabridge/bridge/store/storetest"
)

// The whole suite, on a network that loses every twentieth answer after Redis has done what was asked.
func TestStoreWhoseAnswersGetLost(t *testing.T) {
	t.Parallel()
	srv := redistest.StartInMemory(t)
	storetest.Run(t, storetest.Factory{New: func(t *testing.T, now func() time.Time) storetest.Handle {
		p := startProxy(t, srv.Addr())
		h := &handle{url: p.URL(), o: redisstore.Options{Namespace: space(), Now: now, Log: quiet()}}
		h.open(t)
		p.Loses(func(n int64) bool { return n%20 == 0 })
		return h
	}})
}

func all(int64) bool  { return true }
func none(int64) bool { return false }

func submit(task string) bridge.Event {
	return bridge.Event{ID: bridge.NewID(), Provider: "acme", Task: task, Dir: bridge.Out, Kind: bridge.Submit, Title: "printer on fire", Key: "submit-" + task}
}

func update(task, key string) bridge.Event {
	return bridge.Event{ID: bridge.NewID(), Provider: "acme", Task: task, Dir: bridge.In, Kind: bridge.Update, Text: "text " + key, Key: key}
}

// link makes open bonds of tasks named prefix+0… with references R-task.
func link(t testing.TB, s bridge.Store, prefix string, n int) {
	t.Helper()
	for i := range n {
		task := prefix + strconv.Itoa(i)
		_, err := s.Operate(ctx, bridge.Command{Verb: bridge.VerbBondImport, Provider: "acme", Task: task, Reference: "R-" + task})
		require.NoError(t, err)
	}
}

func session(t testing.TB, s bridge.Store, id string) bridge.Session {
	t.Helper()
	me := bridge.Session{ID: id, Until: time.Now().Add(time.Hour)}
	require.NoError(t, s.Renew(ctx, me))
	return me
}

func TestALostAnswerOfAcceptIsNoDuplicate(t *testing.T) {
	p := startProxy(t, startServer(t).Addr())
	s := open(t, p.URL(), redisstore.Options{})
	for _, e := range []bridge.Event{submit("1"), {ID: bridge.NewID(), Provider: "acme", Task: "2", Dir: bridge.Out, Kind: bridge.Submit}} {
		p.Loses(func(n int64) bool { return n <= 2 })
		rs, err := s.Accept(ctx, []bridge.Event{e})
		require.NoError(t, err)
		require.Equal(t, bridge.Accepted, rs[0].Status)
		require.Equal(t, e.ID, rs[0].Event)
	}
	c, err := s.Counts(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 2, c.Events[bridge.StateQueued])
}

func TestAnAcceptWhoseAnswersAreAllLostCanBeRepeated(t *testing.T) {
	p := startProxy(t, startServer(t).Addr())
	s := open(t, p.URL(), redisstore.Options{})
	keyed, bare := submit("1"), bridge.Event{ID: bridge.NewID(), Provider: "acme", Task: "1", Dir: bridge.Out, Kind: bridge.Update, Text: "x"}
	p.Loses(all)
	_, err := s.Accept(ctx, []bridge.Event{keyed, bare})
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	p.Loses(none)
	rs, err := s.Accept(ctx, []bridge.Event{keyed, bare})
	require.NoError(t, err)
	for i, e := range []bridge.Event{keyed, bare} {
		require.Equal(t, bridge.Accepted, rs[i].Status, "the same event, not a repeat of it")
		require.Equal(t, e.ID, rs[i].Event)
	}
	again := keyed
	again.ID = bridge.NewID()
	rs, err = s.Accept(ctx, []bridge.Event{again})
	require.NoError(t, err)
	require.Equal(t, bridge.Duplicate, rs[0].Status, "the sender's own repeat")
	require.Equal(t, keyed.ID, rs[0].First)
	found, err := s.Events(ctx, bridge.EventFilter{})
	require.NoError(t, err)
	require.Len(t, found, 2)
}

func TestLeasesWhoseAnswerIsLostComeWithTheNextSettle(t *testing.T) {
	p := startProxy(t, startServer(t).Addr())
	s := open(t, p.URL(), redisstore.Options{})
	link(t, s, "", 3)
	me := session(t, s, "me")
	_, err := s.Accept(ctx, []bridge.Event{update("0", "a"), update("1", "b"), update("2", "c")})
	require.NoError(t, err)
	want := []bridge.Want{{Dest: bridge.SSP, N: 1}}
	first, err := s.Settle(ctx, me, nil, want)
	require.NoError(t, err)
	require.Len(t, first.Leases, 1)
	result := bridge.Result{Lease: first.Leases[0], Then: bridge.ThenDone, Outcome: bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered}}

	p.Loses(all)
	_, err = s.Settle(ctx, me, []bridge.Result{result}, want)
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	p.Loses(none)
	found, err := s.Lanes(ctx, bridge.LaneFilter{States: []bridge.LaneState{bridge.LaneLeased}})
	require.NoError(t, err)
	require.Len(t, found, 1, "the lost call was carried out")

	got, err := s.Settle(ctx, me, []bridge.Result{result}, want)
	require.NoError(t, err)
	require.Equal(t, []bridge.Verdict{{State: bridge.StateDone, Reason: bridge.Delivered}}, got.Verdicts, "the verdict of the lost call")
	require.Len(t, got.Leases, 1, "the lease of the lost call, and no other within the want")
	require.Equal(t, found[0].Head, got.Leases[0].Event.ID)
	require.Equal(t, 1, got.Leases[0].Attempt)
	require.Equal(t, "text b", got.Leases[0].Event.Text)
	rest, err := s.Settle(ctx, me, []bridge.Result{{Lease: got.Leases[0], Then: bridge.ThenDone, Outcome: result.Outcome}}, want)
	require.NoError(t, err)
	require.False(t, rest.Verdicts[0].Fenced)
	require.Len(t, rest.Leases, 1)
}

func TestASettleThatArrivesAfterItWasGivenUpDoesNothing(t *testing.T) {
	p := startProxy(t, startServer(t).Addr())
	s := open(t, p.URL(), redisstore.Options{Timeout: 300 * time.Millisecond})
	link(t, s, "", 2)
	me := session(t, s, "me")
	_, err := s.Accept(ctx, []bridge.Event{update("0", "a"), update("1", "b")})
	require.NoError(t, err)
	p.Keeps()
	_, err = s.Settle(ctx, me, nil, []bridge.Want{{Dest: bridge.SSP, N: 1}})
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	require.Positive(t, p.Held.Load(), "the request is on its way")
	late := p.Hold.Swap(nil)
	_, err = s.Settle(ctx, me, nil, []bridge.Want{{Dest: "nobody", N: 1}}) // by a new connection
	require.NoError(t, err)
	close(*late)
	require.Never(t, func() bool {
		found, err := s.Lanes(ctx, bridge.LaneFilter{States: []bridge.LaneState{bridge.LaneLeased}})
		return err != nil || len(found) > 0
	}, 300*time.Millisecond, 20*time.Millisecond, "nobody knows of these leases")
	got, err := s.Settle(ctx, me, nil, []bridge.Want{{Dest: bridge.SSP, N: 5}})
	require.NoError(t, err)
	require.Len(t, got.Leases, 2)
}

func TestARedisThatIsGoneSaysSoAtOnce(t *testing.T) {
	srv := startServer(t)
	s := open(t, srv.URL(), redisstore.Options{})
	_, err := s.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	me := session(t, s, "me")
	srv.Kill()
	start := time.Now()
	_, err = s.Accept(ctx, []bridge.Event{submit("2")})
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	_, err = s.Settle(ctx, me, nil, []bridge.Want{{Dest: "acme", N: 1}})
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	require.ErrorIs(t, s.Renew(ctx, me), bridge.ErrUnavailable)
	_, err = s.Counts(ctx)
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	_, err = s.Events(ctx, bridge.EventFilter{})
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	_, err = s.Activities(ctx, 1)
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	require.Less(t, time.Since(start), 5*time.Second)

	srv.Start(t) // everything goes on by itself
	var rs []bridge.Receipt
	require.Eventually(t, func() bool {
		rs, err = s.Accept(ctx, []bridge.Event{submit("2")})
		return err == nil
	}, 5*time.Second, 20*time.Millisecond)
	require.Equal(t, bridge.Accepted, rs[0].Status)
	e, _, err := s.Event(ctx, rs[0].Event)
	require.NoError(t, err)
	require.Equal(t, bridge.StateQueued, e.State)
	found, err := s.Events(ctx, bridge.EventFilter{})
	require.NoError(t, err)
	require.Len(t, found, 2, "what was accepted before survived kill -9")
}

func TestARedisThatNeverAnswersDoesNotHang(t *testing.T) {
	p := startProxy(t, startServer(t).Addr())
	s := open(t, p.URL(), redisstore.Options{Timeout: 500 * time.Millisecond})
	p.Mute.Store(true)
	start := time.Now()
	_, err := s.Accept(ctx, []bridge.Event{submit("1")})
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	require.Less(t, time.Since(start), 2*time.Second)
}
