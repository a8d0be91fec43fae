package main_test

import (
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"
)

// What keeps the bridge from starting is said in one line, with exit code 1.
func TestServeRefusesToStart(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T, w *world, words ...string) {
		t.Helper()
		r := w.run("serve")
		require.Equal(t, 1, r.code, r.err)
		require.Empty(t, r.out)
		for _, word := range words {
			require.Contains(t, r.err, word)
		}
		require.NotContains(t, r.err, "goroutine ")
	}
	for _, key := range []string{"listen", "admin"} {
		t.Run("address in use: "+key, func(t *testing.T) {
			w := newWorld(t, options{})
			l, err := net.Listen("tcp", map[string]string{"listen": w.public, "admin": w.admin}[key])
			require.NoError(t, err)
			defer l.Close()
			refused(t, w, "pergabridge: server."+key+": ", "address already in use", l.Addr().String())
		})
	}
	t.Run("the folder of the database cannot be made", func(t *testing.T) {
		w := newWorld(t, options{})
		require.NoError(t, os.WriteFile(filepath.Join(w.dir, "data"), nil, 0o600)) // a file where the folder should be
		refused(t, w, "pergabridge: sqlite: ", filepath.Join(w.dir, "data"), "not a directory")
	})
	t.Run("the database is in use", func(t *testing.T) {
		w := newWorld(t, options{})
		w.start()
		other := newWorld(t, options{})
		other.edit("sqlite:data/", "sqlite:"+w.dir+"/data/")
		refused(t, other, "pergabridge.db is in use by another process")
	})
	t.Run("the database is of a newer version", func(t *testing.T) {
		w := newWorld(t, options{})
		w.start()
		w.stop()
		db, err := sql.Open("sqlite", filepath.Join(w.dir, "data", "pergabridge.db"))
		require.NoError(t, err)
		_, err = db.Exec("PRAGMA user_version = 999")
		require.NoError(t, err)
		require.NoError(t, db.Close())
		refused(t, w, "the schema is version 999", "start a newer pergabridge")
	})
	t.Run("the file is no database", func(t *testing.T) {
		w := newWorld(t, options{})
		require.NoError(t, os.Mkdir(filepath.Join(w.dir, "data"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(w.dir, "data", "pergabridge.db"), []byte("This is a letter to my grandmother, who lives in the woods."), 0o600))
		refused(t, w, "pergabridge.db", "is this a pergabridge database?")
	})
}
