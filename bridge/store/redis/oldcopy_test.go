package redisstore_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
	"github.com/pergabridge/pergabridge/bridge/store/transfer"
)

func copyAOF(t *testing.T, srv *redistest.Server) string {
	old := filepath.Join(t.TempDir(), bridge.NewID())
	require.NoError(t, os.CopyFS(old, os.DirFS(filepath.Join(srv.Dir, "appendonlydir"))))
	return old
}

func restoreAOF(t *testing.T, srv *redistest.Server, old string) {
	srv.Kill()
	require.NoError(t, os.RemoveAll(filepath.Join(srv.Dir, "appendonlydir")))
	require.NoError(t, os.CopyFS(filepath.Join(srv.Dir, "appendonlydir"), os.DirFS(old)))
	srv.Start(t)
}

func start(t *testing.T, url string, o redisstore.Options) *redisstore.Store {
	o.Log = quiet()
	s, err := redisstore.Open(ctx, url, o)
	require.NoError(t, err)
	return s
}

// deliveries after the copy are forgotten, nobody notices.
func TestACopyThatLacksOnlyDeliveriesIsNoticed(t *testing.T) {
	srv := startServer(t)
	s := open(t, srv.URL(), redisstore.Options{})
	me := session(t, s, "me")
	_, err := s.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	old := copyAOF(t, srv)
	got, err := s.Settle(ctx, me, nil, []bridge.Want{{Dest: "acme", N: 1}})
	require.NoError(t, err)
	require.Len(t, got.Leases, 1)
	_, err = s.Settle(ctx, me, []bridge.Result{{Lease: got.Leases[0], Then: bridge.ThenDone, Outcome: bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered}}}, nil)
	require.NoError(t, err)
	restoreAOF(t, srv, old)
	require.Eventually(t, func() bool {
		_, err = s.Settle(ctx, bridge.Session{ID: "another", Until: time.Now().Add(time.Minute)}, nil, []bridge.Want{{Dest: "acme", N: 1}})
		return errors.Is(err, bridge.ErrReset)
	}, 5*time.Second, 20*time.Millisecond)
	require.ErrorContains(t, err, "writes")
	require.Error(t, s.ResetErr())
}

// a replica without memory accepts on the restored copy before the one that remembers starts.
func TestWhoRemembersNothingDoesNotHideAnOldCopy(t *testing.T) {
	srv := startServer(t)
	ns := space()
	o := redisstore.Options{Namespace: ns, State: filepath.Join(t.TempDir(), "redis.json")}
	a := start(t, srv.URL(), o)
	_, err := a.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	old := copyAOF(t, srv)
	_, err = a.Accept(ctx, []bridge.Event{submit("2")})
	require.NoError(t, err)
	require.NoError(t, a.Close())
	restoreAOF(t, srv, old)
	b := start(t, srv.URL(), redisstore.Options{Namespace: ns})
	defer b.Close()
	for _, k := range []string{"3", "4", "5", "6", "7", "8", "9"} {
		_, err = b.Accept(ctx, []bridge.Event{submit(k)})
		require.NoError(t, err)
	}
	a = start(t, srv.URL(), o)
	defer a.Close()
	var reset *redisstore.Reset
	require.ErrorAs(t, a.ResetErr(), &reset)
	require.True(t, reset.Unmarked, "%v", reset)
	_, err = b.Accept(ctx, []bridge.Event{submit("10")})
	require.ErrorIs(t, err, bridge.ErrReset, "it is told at once")
	require.NoError(t, resume(a))
	require.NoError(t, a.Close())
	again := start(t, srv.URL(), o)
	defer again.Close()
	require.NoError(t, again.ResetErr(), "the mark is that of the ledger that was resumed")
}

// a wipe, a restore from before it, a restore from after it.
func TestALostLedgerThatComesBackIsNoticed(t *testing.T) {
	srv := startServer(t)
	s := open(t, srv.URL(), redisstore.Options{})
	_, err := s.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	first := copyAOF(t, srv)
	require.NoError(t, srv.Client(t).FlushAll(ctx).Err())
	_, err = s.Accept(ctx, []bridge.Event{submit("2")})
	require.ErrorIs(t, err, bridge.ErrReset)
	require.NoError(t, resume(s))
	_, err = s.Accept(ctx, []bridge.Event{submit("2")})
	require.NoError(t, err)
	second := copyAOF(t, srv)
	restoreAOF(t, srv, first)
	_, err = accepts(t, s, submit("3"))
	require.ErrorIs(t, err, bridge.ErrReset)
	require.NoError(t, resume(s))
	for _, k := range []string{"3", "4", "5"} {
		_, err = s.Accept(ctx, []bridge.Event{submit(k)})
		require.NoError(t, err)
	}
	restoreAOF(t, srv, second)
	_, err = accepts(t, s, submit("6"))
	require.ErrorIs(t, err, bridge.ErrReset)
	require.Error(t, s.ResetErr())
}

// an import makes the replicas that looked at the empty namespace before stand still.
func TestAnImportStopsNobodyWhoHasSeenAnEmptyNamespace(t *testing.T) {
	srv := startServer(t)
	from := open(t, srv.URL(), redisstore.Options{})
	_, err := from.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	var stream bytes.Buffer
	_, err = transfer.Export(ctx, from, &stream, transfer.Header{})
	require.NoError(t, err)
	ns, dir := space(), t.TempDir()
	o1, o2 := redisstore.Options{Namespace: ns, State: filepath.Join(dir, "1.json")}, redisstore.Options{Namespace: ns, State: filepath.Join(dir, "2.json")}
	for _, o := range []redisstore.Options{o1, o2} { // both are tried out once
		s := start(t, srv.URL(), o)
		require.NoError(t, s.Close())
	}
	s := start(t, srv.URL(), o1)
	_, _, err = transfer.Import(ctx, s, &stream)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	one := start(t, srv.URL(), o1)
	defer one.Close()
	require.NoError(t, one.ResetErr())
	two := start(t, srv.URL(), o2)
	defer two.Close()
	_, err = one.Accept(ctx, []bridge.Event{submit("2")})
	require.NoError(t, err)
	require.NoError(t, two.ResetErr())
}

// two people resume at two replicas within a second: the first decides.
func TestTwoResumeAtOnce(t *testing.T) {
	srv := startServer(t)
	ns := space()
	a := open(t, srv.URL(), redisstore.Options{Namespace: ns})
	_, err := a.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	require.NoError(t, srv.Client(t).FlushAll(ctx).Err())
	fresh := start(t, srv.URL(), redisstore.Options{Namespace: ns})
	defer fresh.Close()
	_, err = fresh.Accept(ctx, []bridge.Event{submit("9")})
	require.NoError(t, err)
	_, err = a.Accept(ctx, []bridge.Event{submit("2")})
	require.ErrorIs(t, err, bridge.ErrReset)
	require.Eventually(t, func() bool { _, err := fresh.Accept(ctx, []bridge.Event{submit("9")}); return err != nil }, 5*time.Second, 10*time.Millisecond)
	one, err := a.Resume(ctx, bridge.Resumption{Person: "ann", Since: time.Now(), Deliver: true})
	require.NoError(t, err)
	epoch := a.Epoch()
	two, err := fresh.Resume(ctx, bridge.Resumption{Person: "bob", Since: time.Now()})
	require.NoError(t, err)
	require.True(t, one.Changed)
	require.False(t, two.Changed)
	c, err := fresh.Counts(ctx)
	require.NoError(t, err)
	require.Zero(t, c.Destination["acme"].Lanes[bridge.LaneParked], "the first said that they may go")
	require.Equal(t, epoch, fresh.Epoch())
}

// one that begins after the reset was noticed knows nothing of it, and is told before its first call.
func TestWhoNoticesTellsTheOthersAtOnce(t *testing.T) {
	srv := startServer(t)
	ns := space()
	a := open(t, srv.URL(), redisstore.Options{Namespace: ns, State: filepath.Join(t.TempDir(), "x.json")})
	_, err := a.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	old := copyAOF(t, srv)
	_, err = a.Accept(ctx, []bridge.Event{submit("2")})
	require.NoError(t, err)
	restoreAOF(t, srv, old)
	_, err = accepts(t, a, submit("3"))
	require.ErrorIs(t, err, bridge.ErrReset)
	b := start(t, srv.URL(), redisstore.Options{Namespace: ns})
	defer b.Close()
	_, err = b.Accept(ctx, []bridge.Event{submit("3")})
	require.ErrorIs(t, err, bridge.ErrReset)
}

// more lanes than one script looks at.
func TestAResumptionOfManyLanesParksInPieces(t *testing.T) {
	srv := startServer(t)
	ns := space()
	s := open(t, srv.URL(), redisstore.Options{Namespace: ns})
	const lanes = 2000
	var es []bridge.Event
	for i := range lanes {
		es = append(es, submit(strconv.Itoa(i)))
	}
	for es := range slices.Chunk(es, 500) {
		_, err := s.Accept(ctx, es)
		require.NoError(t, err)
	}
	c := srv.Client(t)
	require.NoError(t, c.HSet(ctx, "{pb:"+ns+"}:meta", "reset", "x").Err())
	_, err := s.Accept(ctx, []bridge.Event{submit("more")})
	require.ErrorIs(t, err, bridge.ErrReset)
	before := calls(t, c)
	out, err := s.Resume(ctx, bridge.Resumption{Person: "ann", Since: time.Now()})
	require.NoError(t, err)
	require.Equal(t, bridge.Resumed{Changed: true, Parked: lanes}, out)
	require.Greater(t, calls(t, c)-before, int64(3), "in pieces")
	counts, err := s.Counts(ctx)
	require.NoError(t, err)
	require.EqualValues(t, lanes, counts.Destination["acme"].Lanes[bridge.LaneParked])
}

// calls is how many scripts the server ran by now.
func calls(t *testing.T, c *redis.Client) (n int64) {
	t.Helper()
	info, err := c.InfoMap(ctx, "commandstats").Result()
	require.NoError(t, err)
	for name, v := range info["Commandstats"] {
		if strings.HasPrefix(name, "cmdstat_eval") {
			num, _, _ := strings.Cut(strings.TrimPrefix(v, "calls="), ",")
			k, err := strconv.ParseInt(num, 10, 64)
			require.NoError(t, err)
			n += k
		}
	}
	return n
}
