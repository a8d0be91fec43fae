package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
)

// A bridge outgrows its machine: its ledger moves to a Redis in the middle of its life, and back.
func TestMoveToRedisAndBack(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t)
	w := newWorld(t, options{})
	w.start()
	task, number := w.bonded(alpha)
	w.mustSend(w.comment(alpha, "d-1", number, "We are on our way."), http.StatusAccepted)
	w.mustSend(w.comment(alpha, "d-2", "ALPHA-nobody", "Who is this?"), http.StatusAccepted)
	w.until("the comment is at SSP", func() bool { return len(w.texts(task)) == 1 })
	require.Contains(t, w.run("export", "busy.jsonl").err, "is in use by another process")
	w.stop()

	require.Contains(t, w.done("export", "ledger.jsonl"), "exported sqlite:")
	first := w.file + ".sqlite"
	text, err := os.ReadFile(w.file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(first, text, 0o600))
	stream := w.read("ledger.jsonl")

	// Wrong input, before anything is there.
	again := w.run("export", "ledger.jsonl")
	require.Equal(t, 1, again.code)
	require.Contains(t, again.err, "ledger.jsonl exists already")
	full := w.run("import", "ledger.jsonl")
	require.Equal(t, 1, full.code)
	require.Contains(t, full.err, "the store is not empty: an import needs a new file or namespace")
	require.Equal(t, 2, w.run("import").code)

	w.edit("sqlite:data/pergabridge.db", "sqlite:data/nothing.db")
	require.Contains(t, w.run("export", "no.jsonl").err, "there is no database at")
	require.NoFileExists(t, filepath.Join(w.dir, "no.jsonl"))

	w.edit("sqlite:data/nothing.db", onRedis(r.URL(), ""))
	for name, c := range map[string]struct{ in, says string }{
		"cut.jsonl":     {stream[:len(stream)/2], "cut"},
		"altered.jsonl": {strings.Replace(stream, "on our way", "on our knees", 1), "the stream was altered"},
		"backup.db":     {"SQLite format 3\x00", "not what `pergabridge export` writes"},
		"empty.jsonl":   {"", "the file is empty"},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(w.dir, name), []byte(c.in), 0o600))
		bad := w.run("import", name)
		require.Equal(t, 1, bad.code, name)
		require.Contains(t, bad.err, c.says, name)
	}
	require.Contains(t, w.run("import", "missing.jsonl").err, "no such file")

	require.Contains(t, w.done("import", "ledger.jsonl"), "imported "+r.URL())
	require.Equal(t, body(stream), body(w.done("export", "-")), "the same ledger gives the same stream")

	// The life goes on: what was seen is known, what waited waits, order and bonds hold.
	w.start()
	w.mustSend(w.comment(alpha, "d-1", number, "We are on our way."), http.StatusOK)
	w.mustSend(w.comment(alpha, "d-3", number, "We are there."), http.StatusAccepted)
	w.until("the second comment is at SSP", func() bool { return len(w.texts(task)) == 2 })
	require.Len(t, w.events("--state", string(bridge.StateWaiting)), 1)
	require.Contains(t, w.run("export", "busy.jsonl").err, "a bridge works on this ledger")
	w.stop()

	back := w.run("export", "back.jsonl")
	require.Equal(t, 0, back.code, back.err)
	require.NoError(t, os.WriteFile(w.file, []byte(strings.Replace(string(text), "data/pergabridge.db", "data/back.db", 1)), 0o600))
	w.done("import", "back.jsonl")
	require.Equal(t, body(w.read("back.jsonl")), body(w.done("export", "-")))
	w.start()
	w.mustSend(w.comment(alpha, "d-3", number, "We are there."), http.StatusOK)
	w.mustSend(w.comment(alpha, "d-4", number, "Done."), http.StatusAccepted)
	w.until("the third comment is at SSP", func() bool { return len(w.texts(task)) == 3 })
	require.Equal(t, []string{"We are on our way.", "We are there.", "Done."}, plain(w.texts(task)))
}

func (w *world) read(name string) string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	require.NoError(w.t, err)
	return string(b)
}

// body is a stream without its header.
func body(stream string) string {
	_, rest, _ := strings.Cut(stream, "\n")
	return rest
}

// plain takes the author away that SSP shows before a text.
func plain(texts []string) []string {
	out := make([]string, len(texts))
	for i, s := range texts {
		if at := strings.LastIndex(s, "We "); at > 0 {
			s = s[at:]
		}
		out[i] = s
	}
	return out
}
