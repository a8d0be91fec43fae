package sqlite

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// SetSchemaVersion changes the version a closed database file claims to have.
func SetSchemaVersion(t *testing.T, path string, v int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec(fmt.Sprintf("PRAGMA user_version = %d", v))
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

// Synchronous returns the writer's PRAGMA synchronous: 2 is FULL, every commit is on the disk.
func (s *Store) Synchronous(t *testing.T) (mode int, journal string) {
	t.Helper()
	require.NoError(t, s.do(t.Context(), 0, func(x *tx) error {
		x.row("PRAGMA synchronous").scan(&mode)
		x.row("PRAGMA journal_mode").scan(&journal)
		return nil
	}))
	return mode, journal
}

// Prepared collects every statement that the writers of this test binary prepare.
func Prepared() (queries func() []string) {
	var mu sync.Mutex
	all := map[string]bool{}
	prepared = func(q string) {
		mu.Lock()
		defer mu.Unlock()
		all[q] = true
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Sorted(maps.Keys(all))
	}
}
