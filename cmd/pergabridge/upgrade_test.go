package main_test

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// schemaOf returns the schema version of a database file.
func schemaOf(t *testing.T, path string) (v int) {
	t.Helper()
	require.FileExists(t, path)
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	require.NoError(t, db.QueryRow("PRAGMA user_version").Scan(&v))
	require.NoError(t, db.Close())
	return v
}

// State that the binary of the previous schema wrote and left by kill -9 (testdata/upgrade/schema-1.db.gz, made
// by the program of commit d41ab2f: a submit and an update that wait, a bond, a quarantined call) opens in the
// new one: nothing is lost, nothing is forgotten, and the way back stands beside it.
func TestUpgradeFromThePreviousSchema(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	packed, err := os.Open(filepath.Join("testdata", "upgrade", "schema-1.db.gz"))
	require.NoError(t, err)
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	require.NoError(t, err)
	data, err := io.ReadAll(z)
	require.NoError(t, err)
	db := filepath.Join(w.dir, "data", "pergabridge.db")
	require.NoError(t, os.Mkdir(filepath.Dir(db), 0o700))
	require.NoError(t, os.WriteFile(db, data, 0o600))
	_, err = w.ssp.Create(ssptest.Ticket{Task: "4711", Title: "Printer on fire", Priority: "1", Requester: ssptest.Person{Name: "Jane Doe"}})
	require.NoError(t, err)

	w.start()
	w.until("what waited is delivered", func() bool { return len(w.events("--task", "4711", "--state", "done")) >= 2 })
	require.Equal(t, bridge.Delivered, w.only("written before the upgrade").Reason)
	b, err := w.api.Bond(t.Context(), alpha, "4700")
	require.NoError(t, err)
	require.Equal(t, bridge.BondOpen, b.State)
	require.Equal(t, "ALPHA-9000", b.Reference)
	require.Len(t, w.events("--state", "quarantined"), 1)
	p := w.call(alpha, nil)
	p.body = []byte(`{"task":"4711","request_type":"Update","direction":"Out","message_id":"m-2","text":"written before the upgrade"}`)
	a, err := w.send(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, a.code)
	require.Contains(t, string(a.body), `"duplicate"`, "claims of the old version are known")

	copied := db + ".schema-1"
	require.Equal(t, 1, schemaOf(t, copied))
	require.Contains(t, w.bridge.log.String(), copied)
	w.stop()
	require.Greater(t, schemaOf(t, db), 1)

	// The way back: the copy is put in place of the new database, which is kept.
	r := w.run("restore", copied)
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "before-restore-")
	require.Equal(t, 1, schemaOf(t, db))
	aside, err := filepath.Glob(db + ".before-restore-*Z")
	require.NoError(t, err)
	require.Len(t, aside, 1)
	require.Greater(t, schemaOf(t, aside[0]), 1)
}

// Restoring says what is wrong, and then changes nothing.
func TestRestore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.start()
	task, number := w.bonded(alpha)
	backup := filepath.Join(w.dir, "copy.db")
	w.done("backup", backup)
	r := w.run("restore", backup)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "a bridge works with ")
	require.Contains(t, r.err, "stop it first")
	later, _ := w.bonded(beta)
	w.settled()
	w.stop()

	db := filepath.Join(w.dir, "data", "pergabridge.db")
	before, err := os.ReadFile(db)
	require.NoError(t, err)
	whole, err := os.ReadFile(backup)
	require.NoError(t, err)
	broken := bytes.Clone(whole)
	for i := len(broken) / 2; i < len(broken); i++ { // tables and indexes; the description of them comes first
		broken[i] = 0xff
	}
	for name, c := range map[string]struct {
		data  []byte
		words string
	}{
		"letter.db":  {[]byte("This is a letter to my grandmother, who lives in the woods."), "is this a pergabridge database?"},
		"half.db":    {whole[:len(whole)/2], "malformed"},
		"broken.db":  {broken, "it is damaged"},
		"empty.db":   {nil, "no backup of a pergabridge database"},
		"missing.db": {nil, "no such file"},
	} {
		file := filepath.Join(w.dir, name)
		if name != "missing.db" {
			require.NoError(t, os.WriteFile(file, c.data, 0o600))
		}
		r := w.run("restore", file)
		require.Equal(t, 1, r.code, name)
		require.Contains(t, r.err, c.words, name)
	}
	newer := filepath.Join(w.dir, "newer.db")
	require.NoError(t, os.WriteFile(newer, whole, 0o600))
	x, err := sql.Open("sqlite", newer)
	require.NoError(t, err)
	_, err = x.Exec("PRAGMA user_version = 999")
	require.NoError(t, err)
	require.NoError(t, x.Close())
	r = w.run("restore", newer)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "start a newer pergabridge")
	after, err := os.ReadFile(db)
	require.NoError(t, err)
	require.Equal(t, before, after, "nothing was changed")
	left, err := filepath.Glob(db + ".*")
	require.NoError(t, err)
	for _, l := range left {
		require.Equal(t, ".lock", filepath.Ext(l), "nothing is left behind")
	}

	r = w.run("restore", backup)
	require.Zero(t, r.code, r.err)
	w.start()
	b, err := w.api.Bond(t.Context(), alpha, task)
	require.NoError(t, err)
	require.Equal(t, number, b.Reference)
	_, err = w.api.Bond(t.Context(), beta, later)
	require.Error(t, err, "what came after the backup is not in it")
}
