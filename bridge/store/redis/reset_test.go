package redisstore_test

import (
	"os"
	"path/filepath"
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
	c := redis.NewClient(&redis.Options{Addr: srv.Addr()})
	defer c.Close()
	require.NoError(t, c.FlushAll(ctx).Err())

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
	require.NoError(t, a.Resume(ctx, "ann"))
	require.NoError(t, b.Resume(ctx, "ann"))
	require.NoError(t, b.ResetErr())
	require.NotEqual(t, epoch, a.Epoch())
	require.Equal(t, a.Epoch(), b.Epoch(), "the second follows the first")
	rs, err := b.Accept(ctx, []bridge.Event{submit("2")})
	require.NoError(t, err)
	require.Greater(t, rs[0].Seq, first[0].Seq, "seqs go on")

	late, err := redisstore.Open(ctx, srv.URL(), redisstore.Options{Namespace: ns, Epoch: epoch, Log: quiet()})
	require.NoError(t, err)
	defer late.Close()
	require.Error(t, late.ResetErr(), "a bridge that starts and remembers the epoch sees it too")
	_, err = late.Accept(ctx, []bridge.Event{submit("3")})
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	require.NoError(t, late.Resume(ctx, "ann"))
	require.Equal(t, a.Epoch(), late.Epoch())
	_, err = a.Accept(ctx, []bridge.Event{submit("4")})
	require.NoError(t, err, "and the others work on")
}

func TestARedisRestoredFromAnOlderCopyIsNoticed(t *testing.T) {
	srv := startServer(t)
	s := open(t, srv.URL(), redisstore.Options{})
	_, err := s.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	old := filepath.Join(t.TempDir(), "old")
	require.NoError(t, os.CopyFS(old, os.DirFS(filepath.Join(srv.Dir, "appendonlydir"))))
	_, err = s.Accept(ctx, []bridge.Event{submit("2")})
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
	require.NoError(t, s.Resume(ctx, "ann"))
	rs, err := s.Accept(ctx, []bridge.Event{submit("2")})
	require.NoError(t, err)
	require.Equal(t, bridge.Accepted, rs[0].Status)
}

func TestANewerSchemaIsRefused(t *testing.T) {
	srv := startServer(t)
	ns := space()
	s, err := redisstore.Open(ctx, srv.URL(), redisstore.Options{Namespace: ns, Log: quiet()})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	c := redis.NewClient(&redis.Options{Addr: srv.Addr()})
	defer c.Close()
	require.NoError(t, c.HSet(ctx, "{pb:"+ns+"}:meta", "schema", 999).Err())
	_, err = redisstore.Open(ctx, srv.URL(), redisstore.Options{Namespace: ns, Log: quiet()})
	require.ErrorContains(t, err, "schema 999")
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
