package console_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

func TestABackupOpensAsAStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.park("1")
	var b bytes.Buffer
	n, err := w.client.Backup(ctx, &b)
	require.NoError(t, err)
	require.EqualValues(t, b.Len(), n)
	path := filepath.Join(t.TempDir(), "b.db")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	require.NoError(t, err)
	defer s.Close()
	e, _, err := s.Event(ctx, id)
	require.NoError(t, err)
	require.Equal(t, bridge.StateParked, e.State)

	rec := w.request("GET", "/api/v1/backup", "", signed)
	require.Equal(t, "application/octet-stream", rec.Header().Get("Content-Type"))
	require.Contains(t, rec.Header().Get("Content-Disposition"), "pergabridge-20260301T120000Z.db")
}

// breaking is a store whose backup fails after some bytes.
type breaking struct {
	console.Store
	bytes int
}

func (b breaking) Backup(_ context.Context, w io.Writer) error {
	if b.bytes > 0 {
		if _, err := w.Write(make([]byte, b.bytes)); err != nil {
			return err
		}
	}
	return fmt.Errorf("disk full: %w", bridge.ErrUnavailable)
}

func TestABackupThatBreaksOffIsNoSuccess(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 10, 100_000} {
		w := newWorld(t, func(o *console.Options) { o.Store = breaking{Store: o.Store, bytes: n} })
		_, err := w.client.Backup(ctx, &bytes.Buffer{})
		require.Error(t, err, n)
		if n == 0 {
			require.Equal(t, api.Unavailable, refused(t, err).Code)
		}
	}
}

// slow is a store whose backup waits.
type slow struct {
	console.Store
	begun, end chan struct{}
}

func (s slow) Backup(_ context.Context, w io.Writer) error {
	s.begun <- struct{}{}
	<-s.end
	_, err := io.WriteString(w, "copy")
	return err
}

func TestBackupsAreMadeOneAfterTheOther(t *testing.T) {
	t.Parallel()
	s := slow{begun: make(chan struct{}), end: make(chan struct{})}
	w := newWorld(t, func(o *console.Options) { s.Store = o.Store; o.Store = s })
	first := make(chan error, 1)
	go func() {
		_, err := w.client.Backup(ctx, io.Discard)
		first <- err
	}()
	<-s.begun
	require.Equal(t, api.NotPossible, refused(t, errOf(w.client.Backup(ctx, io.Discard))).Code)
	close(s.end)
	require.NoError(t, <-first)
	go func() { <-s.begun }()
	_, err := w.client.Backup(ctx, io.Discard)
	require.NoError(t, err)
}
