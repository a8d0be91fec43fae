package app

import (
	"context"
	"path/filepath"
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
