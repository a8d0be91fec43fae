package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
)

// The Redis is lost, disk and all: the backup goes into an empty one, the bridge stands still until a person
// says from when to read again, and then the task goes on.
func TestRestoreOfARedis(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t)
	w := newWorld(t, options{store: onRedis(r.URL(), "")})
	w.start()
	_, number := w.bonded(alpha)
	w.settled()
	w.done("backup", "state.jsonl")
	busy := w.run("restore", "state.jsonl")
	require.Equal(t, 1, busy.code)
	require.Contains(t, busy.err, "lives (one that was killed does so for")
	w.mustSend(w.comment(alpha, "after the backup", number, "This is lost"), http.StatusAccepted)
	w.settled()
	w.stop()
	full := w.run("restore", "state.jsonl")
	require.Equal(t, 1, full.code)
	require.Contains(t, full.err, "not empty")

	lost := redistest.Start(t)
	w.edit(r.URL(), lost.URL())
	text, err := os.ReadFile(filepath.Join(w.dir, "state.jsonl"))
	require.NoError(t, err)
	for name, bad := range map[string]string{"cut.jsonl": string(text[:len(text)/2]), "other.jsonl": "{}\n", "empty.jsonl": ""} {
		require.NoError(t, os.WriteFile(filepath.Join(w.dir, name), []byte(bad), 0o600))
		refused := w.run("restore", name)
		require.Equal(t, 1, refused.code, name)
		require.Contains(t, refused.err, "restore:", name)
	}
	require.Contains(t, w.done("restore", "state.jsonl"), "holds the backup now")

	c := w.launch()
	w.until("the bridge knows that something is missing", func() bool {
		return w.run("store", "resume", "--since", time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)).code == 0
	})
	w.ready(c)
	require.Contains(t, w.done("bonds", "list"), number)
	w.mustSend(w.comment(alpha, "later", number, "Here we are"), http.StatusAccepted)
	w.settled()
	require.Len(t, w.only("Here we are").ID, 36)
}
