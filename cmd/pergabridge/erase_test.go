package main_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// Somebody wants to be forgotten: what the bridge was told about a task goes, from the file as well, and
// the task is still the one of its ticket.
func TestErase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.known("1", "2")
	w.start()
	submit := map[string]any{"task": "1", "request_type": "Submit Request", "title": "Confidential words of Ann Example",
		"requester": map[string]any{"name": "Ann Example", "email": "ann@example.com"}}
	w.mustSend(w.call(alpha, submit), http.StatusAccepted)
	w.mustSend(w.call(alpha, map[string]any{"task": "2", "request_type": "Submit Request", "title": "Other words of Bob"}), http.StatusAccepted)
	w.settled()
	number := w.number("1", alpha)
	w.mustSend(w.comment(alpha, "d1", number, "Confidential words about Ann Example"), http.StatusAccepted)
	w.settled()

	r := w.run("erase", "1")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.err, "--note")
	r = w.run("erase", "@example.com", "--note", "ticket 99")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "a whole mail address is needed")

	all, mine := len(w.events()), len(w.events("--task", "1")) // on a slow machine a copy more, which ended without effect
	require.GreaterOrEqual(t, all, 5)
	require.GreaterOrEqual(t, mine, 3)
	out := w.done("erase", "ann@example.com", "--note", "ticket 99")
	require.Contains(t, out, fmt.Sprintf("2 of %d events would be erased", all), "the submit, and the webhook that repeats the ticket")
	require.Contains(t, out, "--yes")
	require.Contains(t, w.done("erase", "1", "--note", "ticket 99", "--yes"), fmt.Sprintf("%d of %d events erased", mine, mine))
	require.Contains(t, w.done("erase", "1", "--note", "ticket 99", "--yes"), fmt.Sprintf("0 of %d events erased", mine))

	require.Equal(t, bridge.Delivered, w.events("--task", "1")[0].Reason)
	require.NotContains(t, w.done("events", "list", "--json")+w.done("bonds", "show", alpha, "1", "--json"), "Confidential")
	require.Contains(t, w.done("events", "list", "--json"), "Other words")
	repeat := w.mustSend(w.comment(alpha, "d1", number, "Confidential words about Ann Example"), http.StatusOK)
	require.Equal(t, "duplicate", string(repeat.Status))
	w.stop()
	for _, word := range []string{"Confidential words", "ann@example.com"} {
		for _, found := range w.filesWith(word) {
			t.Errorf("%s still says %q", found, word)
		}
	}
	require.NotEmpty(t, w.filesWith("Other words of Bob"), "the search of the test finds what is there")
}

// filesWith returns the files of the database that hold a text.
func (w *world) filesWith(text string) (found []string) {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "data", "*"))
	require.NoError(w.t, err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(w.t, err)
		if bytes.Contains(b, []byte(text)) {
			found = append(found, f)
		}
	}
	return found
}
