package sqlite_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

func open(t testing.TB, path string, now func() time.Time) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(ctx, path, sqlite.Options{Now: now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func submit(task string) bridge.Event {
	return bridge.Event{Provider: "acme", Task: task, Dir: bridge.Out, Kind: bridge.Submit, Title: "printer on fire", Description: "smoke in room 4711"}
}

func TestASecondProcessIsKeptOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	open(t, path, nil)
	_, err := sqlite.Open(ctx, path, sqlite.Options{})
	require.ErrorContains(t, err, "in use by another process")
}

func TestANewerSchemaIsRefusedWithWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := open(t, path, nil)
	require.NoError(t, s.Close())
	sqlite.SetSchemaVersion(t, path, 999)
	_, err := sqlite.Open(ctx, path, sqlite.Options{})
	require.ErrorContains(t, err, "the schema is version 999, this binary knows up to")
}

func TestAFileThatIsNoDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("not a database "), 100), 0o600))
	_, err := sqlite.Open(ctx, path, sqlite.Options{})
	require.ErrorContains(t, err, "is this a pergabridge database?")
}

func TestBackupOpensAsAStoreOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "a.db"), nil)
	receipts, err := s.Accept(ctx, []bridge.Event{submit("1"), submit("2")})
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, s.Backup(ctx, &b))
	path := filepath.Join(dir, "b.db")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	copied := open(t, path, nil)
	for _, r := range receipts {
		e, _, err := copied.Event(ctx, r.Event)
		require.NoError(t, err)
		require.Equal(t, bridge.StateQueued, e.State)
	}
	require.ErrorIs(t, s.Backup(ctx, brokenPipe{}), io.ErrClosedPipe)
	left, err := filepath.Glob(filepath.Join(dir, "backup-*"))
	require.NoError(t, err)
	require.Empty(t, left, "a failed backup leaves nothing behind")
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAClosedStoreSaysUnavailable(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a.db"), nil)
	require.NoError(t, s.Close())
	_, err := s.Accept(ctx, []bridge.Event{submit("1")})
	require.ErrorIs(t, err, bridge.ErrUnavailable)
}

func TestOneBadOperationDoesNotTakeItsBatchWithIt(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a.db"), nil)
	errs := make(chan error, 20)
	for i := range 20 {
		go func() {
			e := submit(string(rune('a' + i)))
			if i == 7 {
				e.Fields = map[string]any{"bad": make(chan int)} // no JSON
			}
			_, err := s.Accept(ctx, []bridge.Event{e})
			errs <- err
		}()
	}
	failed := 0
	for range 20 {
		if err := <-errs; err != nil {
			failed++
			require.ErrorContains(t, err, "cannot be stored")
		}
	}
	require.Equal(t, 1, failed)
	all, err := s.Events(ctx, bridge.EventFilter{})
	require.NoError(t, err)
	require.Len(t, all, 19)
	c, err := s.Counts(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 19, c.Events[bridge.StateQueued])
}

func TestACommitIsOnTheDisk(t *testing.T) {
	mode, journal := open(t, filepath.Join(t.TempDir(), "a.db"), nil).Synchronous(t)
	require.Equal(t, 2, mode, "synchronous FULL")
	require.Equal(t, "wal", journal)
}

func TestTheDatabaseIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := open(t, path, nil)
	_, err := s.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	for _, end := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + end)
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, "%s", path+end)
	}
}

// Without room for the copy nothing is changed; an upgrade that was begun before does not stand in the way.
func TestNoMigrationWithoutACopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := open(t, path, nil)
	require.NoError(t, s.Close())
	sqlite.SetSchemaVersion(t, path, 1)
	copied := sqlite.BeforeUpgrade(path, 1)
	require.NoError(t, os.MkdirAll(filepath.Join(copied+".part", "in the way"), 0o700))
	_, err := sqlite.Open(ctx, path, sqlite.Options{Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "copy it before the schema goes from 1 to ")
	require.ErrorContains(t, err, "nothing was changed")
	require.NoFileExists(t, copied)
}

// A killed bridge leaves its log; if then the database alone is removed, the log must not be replayed over the backup.
func TestRestoreBesideALogWithoutItsDatabase(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	s := open(t, path, nil)
	_, err := s.Accept(ctx, []bridge.Event{submit("1")})
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, s.Backup(ctx, &b))
	backup := filepath.Join(dir, "backup.db")
	require.NoError(t, os.WriteFile(backup, b.Bytes(), 0o600))
	for i := range 50 {
		_, err = s.Accept(ctx, []bridge.Event{submit("later-" + strconv.Itoa(i))})
		require.NoError(t, err)
	}
	crashed := filepath.Join(dir, "crashed.db")
	for _, end := range []string{"-wal", "-shm"} {
		log, err := os.ReadFile(path + end)
		require.NoError(t, err)
		require.NotEmpty(t, log)
		require.NoError(t, os.WriteFile(crashed+end, log, 0o600))
	}
	old, err := sqlite.Restore(ctx, crashed, backup, time.Now())
	require.NoError(t, err)
	require.FileExists(t, old+"-wal", "nothing is thrown away")
	events, err := open(t, crashed, nil).Events(ctx, bridge.EventFilter{Limit: 100})
	require.NoError(t, err)
	require.Len(t, events, 1)
}
