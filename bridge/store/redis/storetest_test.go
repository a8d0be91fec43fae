package redisstore_test

import (
	"flag"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
	"github.com/pergabridge/pergabridge/bridge/store/storetest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// The tests wait for servers more than they compute.
	if n := flag.Lookup("test.parallel"); n.Value.String() == n.DefValue {
		_ = n.Value.Set("6") // a number always fits
	}
	goleak.VerifyTestMain(m)
}

func quiet() *slog.Logger {
	var w io.Writer = io.Discard
	if os.Getenv("PB_LOG") != "" {
		w = os.Stderr
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// space returns a namespace nobody else uses.
func space() string { return "t" + strings.ReplaceAll(bridge.NewID(), "-", "") }

func open(t testing.TB, url string, o redisstore.Options) *redisstore.Store {
	t.Helper()
	if o.Namespace == "" {
		o.Namespace = space()
	}
	if o.Log == nil {
		o.Log = quiet()
	}
	s, err := redisstore.Open(ctx, url, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	srv := redistest.StartInMemory(t)
	storetest.Run(t, storetest.Factory{New: func(t *testing.T, now func() time.Time) storetest.Handle {
		h := &handle{url: srv.URL(), o: redisstore.Options{Namespace: space(), Now: now, Log: quiet()}}
		h.open(t)
		return h
	}})
}

// handle is a store on a namespace of its own.
type handle struct {
	url   string
	o     redisstore.Options
	store *redisstore.Store
}

func (h *handle) open(t *testing.T) {
	t.Helper()
	s, err := redisstore.Open(ctx, h.url, h.o)
	require.NoError(t, err)
	h.store = s
}

func (h *handle) Store() bridge.Store { return h.store }

// Crash leaves the old store as it is, its memory unused from then on: all that a killed process
// leaves is what Redis has.
func (h *handle) Crash(t *testing.T) {
	t.Helper()
	old := h.store
	h.open(t)
	require.NoError(t, old.Close())
}

func (h *handle) Close(t *testing.T) {
	t.Helper()
	require.NoError(t, h.store.Close())
}

func (h *handle) OpenBackup(t *testing.T, backup io.Reader) bridge.Store {
	t.Helper()
	o := h.o
	o.Namespace = space()
	s := open(t, h.url, o)
	require.NoError(t, s.Restore(ctx, backup))
	return s
}
