package app

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

func TestVault(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bridge.db")
	open := func() (*vault, *sqlite.Store) {
		s, err := sqlite.Open(t.Context(), file, sqlite.Options{})
		require.NoError(t, err)
		return &vault{store: s, now: time.Now}, s
	}
	v, s := open()
	got, err := v.Load(t.Context(), "a")
	require.NoError(t, err)
	require.Nil(t, got)
	unlock, err := v.Lock(t.Context(), "a")
	require.NoError(t, err)
	other, err := v.Lock(t.Context(), "b")
	require.NoError(t, err, "another name is free")
	other()
	impatient, cancel := context.WithTimeout(t.Context(), 2*lockLook)
	defer cancel()
	_, err = v.Lock(impatient, "a")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, v.Save(t.Context(), "a", []byte("sealed")))
	unlock()
	unlock, err = v.Lock(t.Context(), "a")
	require.NoError(t, err)
	unlock()
	require.NoError(t, s.Close())

	v, s = open()
	got, err = v.Load(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "sealed", string(got), "it survives a restart")
	require.NoError(t, s.Close())

	none := &vault{now: time.Now}
	unlock, err = none.Lock(t.Context(), "a")
	require.NoError(t, err)
	unlock()
	require.NoError(t, none.Save(t.Context(), "a", nil))
	got, err = none.Load(t.Context(), "a")
	require.NoError(t, err)
	require.Nil(t, got)
}

// Who held a lock for longer than it lasts does not take away the lock of the next.
func TestVaultLockThatRanOutIsNotTakenFromTheNext(t *testing.T) {
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "bridge.db"), sqlite.Options{Now: now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	v := &vault{store: s, now: now}
	late, err := v.Lock(t.Context(), "a")
	require.NoError(t, err)
	ahead.Store(int64(lockLife + time.Second))
	unlock, err := v.Lock(t.Context(), "a")
	require.NoError(t, err)
	late()
	impatient, cancel := context.WithTimeout(t.Context(), 2*lockLook)
	defer cancel()
	_, err = v.Lock(impatient, "a")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	unlock()
	unlock, err = v.Lock(t.Context(), "a")
	require.NoError(t, err)
	unlock()
}
