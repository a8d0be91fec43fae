package redisstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
)

// accepts offers until Redis, which was just started, answers.
func accepts(t *testing.T, s *redisstore.Store, e bridge.Event) ([]bridge.Receipt, error) {
	t.Helper()
	var rs []bridge.Receipt
	var err error
	require.Eventually(t, func() bool {
		rs, err = s.Accept(ctx, []bridge.Event{e})
		return err == nil || s.ResetErr() != nil
	}, 5*time.Second, 20*time.Millisecond)
	return rs, err
}

func TestAWipedRedisStopsEverythingUntilSomebodyResumes(t *testing.T) {
	srv := startServer(t)
	ns := space()
	a, b := open(t, srv.URL(), redisstore.Options{Namespace: ns}), open(t, srv.URL(), redisstore.Options{Namespace: ns})
	epoch := a.Epoch()
	require.NotEmpty(t, epoch)
	require.Equal(t, epoch, b.Epoch())
	me := session(t, a, "me")
	first, err := a.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	require.NoError(t, srv.Client(t).FlushAll(ctx).Err())

	for _, s := range []*redisstore.Store{a, b} {
		var reset *redisstore.Reset
		_, err = s.Accept(ctx, []bridge.Event{submit("2")})
		require.ErrorAs(t, err, &reset)
		require.ErrorIs(t, err, bridge.ErrUnavailable)
		require.Equal(t, epoch, reset.Was)
		require.Empty(t, reset.Is)
		require.ErrorAs(t, s.ResetErr(), &reset)
		require.ErrorAs(t, s.Renew(ctx, me), &reset)
		_, err = s.Settle(ctx, me, nil, []bridge.Want{{Dest: "acme", N: 1}})
		require.ErrorAs(t, err, &reset)
	}
	fresh, err := redisstore.Open(ctx, srv.URL(), redisstore.Options{Namespace: ns, Log: quiet()})
	require.NoError(t, err)
	defer fresh.Close()
	require.Eventually(t, func() bool { return errors.Is(begins(fresh), bridge.ErrReset) }, 10*time.Second, 10*time.Millisecond, "one that knows nothing is told, and stands still")
	since := time.Now().Add(-time.Hour).Truncate(time.Second)
	done, err := a.Resume(ctx, bridge.Resumption{Person: "ann", Note: "a new disk", Since: since})
	require.NoError(t, err)
	require.Equal(t, bridge.Resumed{Changed: true}, done)
	for _, s := range []*redisstore.Store{b, fresh} {
		require.Eventually(t, func() bool { return s.ResetErr() == nil }, 10*time.Second, 10*time.Millisecond, "the others follow by themselves")
		require.Equal(t, a.Epoch(), s.Epoch())
	}
	require.NotEqual(t, epoch, a.Epoch())
	again, err := b.Resume(ctx, bridge.Resumption{Person: "bob", Since: since})
	require.NoError(t, err)
	require.False(t, again.Changed)
	rs, err := b.Accept(ctx, []bridge.Event{submit("2")})
	require.NoError(t, err)
	require.Greater(t, rs[0].Seq, first[0].Seq, "seqs go on")
	d, ok, err := b.Duty(ctx, "mailbox", session(t, b, "new"))
	require.NoError(t, err)
	require.True(t, ok)
	require.True(t, since.Equal(bridge.Since(d)), "sources begin where the person said")
	_, err = d.Accept(ctx, nil, "uid 7")
	require.NoError(t, err)
	require.Zero(t, bridge.Since(d), "it has begun")
	deeds, err := a.Activities(ctx, 1)
	require.NoError(t, err)
	require.Equal(t, []string{"ann", "store_resume", "a new disk"}, []string{deeds[0].Person, deeds[0].Verb, deeds[0].Note})
}

// begins is the first call of a replica that was just started.
func begins(s *redisstore.Store) error {
	return s.Renew(ctx, bridge.Session{ID: bridge.NewID(), Until: time.Now().Add(time.Minute)})
}

func TestAReplicaRemembersItsLedgerOverARestart(t *testing.T) {
	srv := startServer(t)
	o := redisstore.Options{Namespace: space(), State: filepath.Join(t.TempDir(), "data", "redis.json"), Log: quiet()}
	start := func() *redisstore.Store {
		s, err := redisstore.Open(ctx, srv.URL(), o)
		require.NoError(t, err)
		return s
	}
	s := start()
	_, err := s.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	s = start()
	require.NoError(t, s.ResetErr())
	epoch := s.Epoch()
	require.NoError(t, s.Close())

	require.NoError(t, srv.Client(t).FlushAll(ctx).Err())
	s = start()
	var reset *redisstore.Reset
	require.ErrorAs(t, s.ResetErr(), &reset)
	require.Equal(t, epoch, reset.Was)
	require.ErrorIs(t, begins(s), bridge.ErrReset)
	require.NoError(t, s.Close())
	s = start()
	require.ErrorIs(t, s.ResetErr(), bridge.ErrReset, "it does not forget")
	_, err = s.Resume(ctx, bridge.Resumption{Person: "ann"})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	s = start()
	require.NoError(t, s.ResetErr())
	require.NoError(t, s.Close())

	other := o
	other.Namespace = space()
	_, err = redisstore.Open(ctx, srv.URL(), other)
	require.ErrorContains(t, err, "belongs to namespace")
	require.NoError(t, os.WriteFile(o.State, []byte("{"), 0o600))
	_, err = redisstore.Open(ctx, srv.URL(), o)
	require.ErrorContains(t, err, "does not say which ledger")
}

func TestARedisRestoredFromAnOlderCopyIsNoticed(t *testing.T) {
	srv := startServer(t)
	s := open(t, srv.URL(), redisstore.Options{})
	link(t, s, "", 3)
	me := session(t, s, "me")
	d, ok, err := s.Duty(ctx, "mailbox", me)
	require.NoError(t, err)
	require.True(t, ok)
	_, err = d.Accept(ctx, []bridge.Event{update("0", "a"), update("1", "b")}, "uid 7")
	require.NoError(t, err)
	leased, err := s.Settle(ctx, me, nil, []bridge.Want{{Dest: bridge.SSP, N: 1}})
	require.NoError(t, err)
	require.Len(t, leased.Leases, 1)
	old := filepath.Join(t.TempDir(), "old")
	require.NoError(t, os.CopyFS(old, os.DirFS(filepath.Join(srv.Dir, "appendonlydir"))))
	_, err = s.Accept(ctx, []bridge.Event{update("2", "c")})
	require.NoError(t, err)
	srv.Kill()
	require.NoError(t, os.RemoveAll(filepath.Join(srv.Dir, "appendonlydir")))
	require.NoError(t, os.CopyFS(filepath.Join(srv.Dir, "appendonlydir"), os.DirFS(old)))
	srv.Start(t)
	_, err = accepts(t, s, submit("3"))
	var reset *redisstore.Reset
	require.ErrorAs(t, err, &reset)
	require.Equal(t, reset.Was, reset.Is)
	require.Less(t, reset.Counter, reset.Seen)
	require.ErrorContains(t, err, "older copy")
	done, err := s.Resume(ctx, bridge.Resumption{Person: "ann", Since: time.Now()})
	require.NoError(t, err)
	require.Equal(t, bridge.Resumed{Changed: true, Parked: 2}, done, "what is queued may have been delivered since")
	me = session(t, s, "another")
	none, err := s.Settle(ctx, me, []bridge.Result{{Lease: leased.Leases[0], Then: bridge.ThenDone, Outcome: bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered}}}, []bridge.Want{{Dest: bridge.SSP, N: 5}})
	require.NoError(t, err)
	require.True(t, none.Verdicts[0].Fenced)
	require.Empty(t, none.Leases)
	lanes, err := s.Lanes(ctx, bridge.LaneFilter{})
	require.NoError(t, err)
	require.Len(t, lanes, 2)
	for _, l := range lanes {
		require.Equal(t, bridge.LaneParked, l.State)
		require.Equal(t, bridge.StoreReset, l.Reason)
		_, err := s.Operate(ctx, bridge.Command{Verb: bridge.VerbLaneRetry, Lane: l.ID, Person: "ann"})
		require.NoError(t, err)
	}
	got, err := s.Settle(ctx, me, nil, []bridge.Want{{Dest: bridge.SSP, N: 5}})
	require.NoError(t, err)
	require.Len(t, got.Leases, 2)
	d, ok, err = s.Duty(ctx, "mailbox", me)
	require.NoError(t, err)
	require.True(t, ok)
	require.Empty(t, d.Cursor(), "positions of the copy would read again what was taken since")
	rs, err := s.Accept(ctx, []bridge.Event{update("2", "c"), update("0", "a")})
	require.NoError(t, err)
	require.Equal(t, []bridge.ReceiptStatus{bridge.Accepted, bridge.Duplicate}, []bridge.ReceiptStatus{rs[0].Status, rs[1].Status}, "the claims of the copy still count")
}

// A duty that a person stopped for long, or that is configured later, is not one that the resume was about.
func TestTheDateOfAResumeEnds(t *testing.T) {
	srv := startServer(t)
	now := time.Now()
	ns := space()
	s := open(t, srv.URL(), redisstore.Options{Namespace: ns, Now: func() time.Time { return now }})
	known := func(name string) bridge.Duty {
		me := bridge.Session{ID: bridge.NewID(), Until: now.Add(time.Minute)}
		require.NoError(t, s.Renew(ctx, me))
		d, ok, err := s.Duty(ctx, name, me)
		require.NoError(t, err)
		require.True(t, ok)
		require.NoError(t, d.Release(ctx))
		return d
	}
	require.Zero(t, bridge.Since(known("stopped")))
	_, err := s.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	require.NoError(t, srv.Client(t).Del(ctx, "{pb:"+ns+"}:meta").Err())
	_, err = s.Accept(ctx, []bridge.Event{submit("2")})
	require.ErrorIs(t, err, bridge.ErrReset)
	since := now.Add(-time.Hour).Truncate(time.Second)
	_, err = s.Resume(ctx, bridge.Resumption{Person: "ann", Since: since})
	require.NoError(t, err)
	now = now.Add(bridge.ResumptionLife)
	require.True(t, since.Equal(bridge.Since(known("stopped"))), "it had a position, which was forgotten")
	require.Zero(t, bridge.Since(known("new")))
}

// What too few replicas have is not missed after a fail-over: nobody was told of it.
func TestWhatNoReplicaHasIsNotMissed(t *testing.T) {
	srv := startServer(t)
	ns := space()
	w := open(t, srv.URL(), redisstore.Options{Namespace: ns})
	_, err := w.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	old := copyAOF(t, srv)
	_, err = w.Accept(ctx, []bridge.Event{submit("2")})
	require.NoError(t, err)
	o := redisstore.Options{Namespace: ns, Wait: 1, WaitTimeout: 20 * time.Millisecond}
	s := open(t, srv.URL(), o)
	restoreAOF(t, srv, old)
	require.Eventually(t, func() bool {
		_, err := s.Accept(ctx, []bridge.Event{submit("3")})
		require.ErrorIs(t, err, bridge.ErrUnavailable)
		require.NotErrorIs(t, err, bridge.ErrReset)
		return strings.Contains(err.Error(), "0 of 1 replicas")
	}, 10*time.Second, 20*time.Millisecond)

	startServer(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(srv.Port))
	require.Eventually(t, func() bool {
		_, err := s.Accept(ctx, []bridge.Event{submit("4")})
		return err == nil
	}, 20*time.Second, 20*time.Millisecond, "the replica follows")
	seen := open(t, srv.URL(), redisstore.Options{Namespace: ns, Wait: 1, WaitTimeout: time.Second})
	restoreAOF(t, srv, old)
	_, err = accepts(t, seen, submit("5"))
	require.ErrorIs(t, err, bridge.ErrReset, "what a replica has is missed")
}

func TestAnotherSchemaIsRefused(t *testing.T) {
	srv := startServer(t)
	ns := space()
	s, err := redisstore.Open(ctx, srv.URL(), redisstore.Options{Namespace: ns, Log: quiet()})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	c := redis.NewClient(&redis.Options{Addr: srv.Addr()})
	defer c.Close()
	for found, words := range map[string]string{"999": "start a newer pergabridge", "1": "export it with the pergabridge that wrote it", "x": "start a newer pergabridge"} {
		require.NoError(t, c.HSet(ctx, "{pb:"+ns+"}:meta", "schema", found).Err())
		_, err = redisstore.Open(ctx, srv.URL(), redisstore.Options{Namespace: ns, Log: quiet()})
		require.ErrorContains(t, err, "schema "+found+",")
		require.ErrorContains(t, err, words)
		require.NotErrorIs(t, err, bridge.ErrUnavailable, "it would be tried again and again")
	}
}

func TestAClosedStoreSaysUnavailable(t *testing.T) {
	s, err := redisstore.Open(ctx, startServer(t).URL(), redisstore.Options{Namespace: space(), Log: quiet()})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	_, err = s.Accept(ctx, []bridge.Event{submit("1")})
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	_, err = s.Counts(ctx)
	require.ErrorIs(t, err, bridge.ErrUnavailable)
}

func resume(s *redisstore.Store) error {
	_, err := s.Resume(ctx, bridge.Resumption{Person: "anna"})
	return err
}
