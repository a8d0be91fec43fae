package redisstore_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
	"github.com/pergabridge/pergabridge/bridge/store/storetest"
)

// TestMoves moves whole lives between SQLite and Redis.
func TestMoves(t *testing.T) {
	srv := startServer(t)
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
