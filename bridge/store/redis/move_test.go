package redisstore_test

import (
	"bytes"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
	"github.com/pergabridge/pergabridge/bridge/store/storetest"
	"github.com/pergabridge/pergabridge/bridge/store/transfer"
)

// TestMoves moves whole lives between SQLite and Redis.
func TestMoves(t *testing.T) {
	t.Parallel()
	srv := redistest.StartInMemory(t)
	storetest.RunMoves(t,
		storetest.Factory{New: func(t *testing.T, now func() time.Time) storetest.Handle {
			h := &fileHandle{path: filepath.Join(t.TempDir(), bridge.NewID(), "test.db"), now: now}
			h.open(t)
			return h
		}},
		storetest.Factory{New: func(t *testing.T, now func() time.Time) storetest.Handle {
			h := &handle{url: srv.URL(), o: redisstore.Options{Namespace: space(), Now: now, Log: quiet()}}
			h.open(t)
			return h
		}})
}

// fileHandle is a store on a file.
type fileHandle struct {
	path  string
	now   func() time.Time
	store *sqlite.Store
}

func (h *fileHandle) open(t *testing.T) {
	t.Helper()
	s, err := sqlite.Open(ctx, h.path, sqlite.Options{Now: h.now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	h.store = s
}

func (h *fileHandle) Store() bridge.Store { return h.store }

// Crash is a clean restart here: what a kill leaves is the business of the suite of that store.
func (h *fileHandle) Crash(t *testing.T) {
	t.Helper()
	require.NoError(t, h.store.Close())
	h.open(t)
}

func (h *fileHandle) Close(t *testing.T) {
	t.Helper()
	require.NoError(t, h.store.Close())
}

// Every step of an import may have been done although its answer was lost.
func TestAnImportWhoseAnswersGetLost(t *testing.T) {
	srv := redistest.StartInMemory(t)
	from := open(t, srv.URL(), redisstore.Options{})
	_, err := from.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	var stream bytes.Buffer
	_, err = transfer.Export(ctx, from, &stream, transfer.Header{})
	require.NoError(t, err)
	p := startProxy(t, srv.Addr())
	for lost := range int64(16) {
		to := open(t, p.URL(), redisstore.Options{})
		p.Loses(func(n int64) bool { return n == lost })
		_, _, err = transfer.Import(ctx, to, bytes.NewReader(stream.Bytes()))
		require.NoError(t, err, "answer %d", lost)
		p.Loses(none)
		all, err := to.Events(ctx, bridge.EventFilter{})
		require.NoError(t, err)
		require.Len(t, all, 1)
	}
}

// A killed import leaves half a ledger, with which nobody works; the next import takes its place.
func TestAKilledImportIsRepeated(t *testing.T) {
	srv := startServer(t)
	from := open(t, srv.URL(), redisstore.Options{})
	_, err := from.Accept(ctx, []bridge.Event{{Provider: "acme", Task: "T1", Dir: bridge.Out, Kind: bridge.Submit, Entrance: bridge.ByProcessCall}})
	require.NoError(t, err)
	var stream bytes.Buffer
	_, err = transfer.Export(ctx, from, &stream, transfer.Header{})
	require.NoError(t, err)

	name := space()
	to := open(t, srv.URL(), redisstore.Options{Namespace: name})
	hold, killed := io.Pipe() // a stream that stops in the middle
	done := make(chan error, 1)
	go func() {
		_, _, err := transfer.Import(ctx, to, hold)
		done <- err
	}()
	_, err = killed.Write(stream.Bytes()[:stream.Len()/2])
	require.NoError(t, err)
	c := redis.NewClient(&redis.Options{Addr: srv.Addr()})
	defer c.Close()
	require.Eventually(t, func() bool {
		return strings.HasPrefix(c.HGet(ctx, "{pb:"+name+"}:meta", "epoch").Val(), "import:")
	}, 10*time.Second, time.Millisecond)

	other := open(t, srv.URL(), redisstore.Options{Namespace: name})
	_, err = other.Accept(ctx, []bridge.Event{{Provider: "acme", Task: "T2", Dir: bridge.Out, Kind: bridge.Submit, Entrance: bridge.ByProcessCall}})
	var reset *redisstore.Reset
	require.ErrorAs(t, err, &reset)
	require.ErrorContains(t, err, "import")
	require.Error(t, resume(other), "half a ledger cannot be resumed")
	_, _, err = transfer.Import(ctx, other, bytes.NewReader(stream.Bytes()))
	require.NoError(t, err, "the next import takes its place")
	require.NoError(t, killed.CloseWithError(io.ErrClosedPipe))
	require.Error(t, <-done)
	all, err := other.Events(ctx, bridge.EventFilter{})
	require.NoError(t, err, "what the first one cleans up is not the second one's")
	require.Len(t, all, 1)
}
