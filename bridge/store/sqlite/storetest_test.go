package sqlite_test

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
	"github.com/pergabridge/pergabridge/bridge/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Factory{New: func(t *testing.T, now func() time.Time) storetest.Handle {
		h := &handle{now: now, dir: t.TempDir()}
		require.NoError(t, os.MkdirAll(filepath.Dir(h.path()), 0o700))
		require.NoError(t, os.WriteFile(h.path(), empty(), 0o600))
		h.open(t)
		return h
	}})
}

// empty is the file of a store in which nothing is: each rule begins with a copy, because a schema takes longer
// to make than most rules.
var empty = sync.OnceValue(func() []byte {
	dir, err := os.MkdirTemp("", "pergabridge-empty-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "empty.db")
	s, err := sqlite.Open(ctx, path, sqlite.Options{Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		err = s.Close()
	}
	data, readErr := os.ReadFile(path)
	if err = errors.Join(err, readErr); err != nil {
		panic(err)
	}
	return data
})

// handle is a store on a file of its own.
type handle struct {
	now   func() time.Time
	dir   string
	crash int
	store *sqlite.Store
}

func (h *handle) path() string {
	return filepath.Join(h.dir, "crash-"+string(rune('a'+h.crash%26)), "test.db")
}

func (h *handle) open(t *testing.T) {
	t.Helper()
	s, err := sqlite.Open(ctx, h.path(), sqlite.Options{Now: h.now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	h.store = s
}

func (h *handle) Store() bridge.Store { return h.store }

// Crash opens a copy of the files as they are on disk while the store still has them open: what a
// killed process leaves, its unwritten memory lost.
func (h *handle) Crash(t *testing.T) {
	t.Helper()
	old, from := h.store, h.path()
	h.crash++
	require.NoError(t, os.RemoveAll(filepath.Dir(h.path())))
	require.NoError(t, os.MkdirAll(filepath.Dir(h.path()), 0o700))
	for _, end := range []string{"", "-wal"} {
		data, err := os.ReadFile(from + end)
		if end != "" && os.IsNotExist(err) {
			continue
		}
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(h.path()+end, data, 0o600))
	}
	require.NoError(t, old.Close())
	h.open(t)
}

func (h *handle) Close(t *testing.T) {
	t.Helper()
	require.NoError(t, h.store.Close())
}

func (h *handle) OpenBackup(t *testing.T, backup io.Reader) bridge.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.db")
	f, err := os.Create(path)
	require.NoError(t, err)
	_, err = io.Copy(f, backup)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return open(t, path, h.now)
}
