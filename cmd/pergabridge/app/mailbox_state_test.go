package app_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// get asks the admin listener.
func (w *world) get(path string) string {
	w.t.Helper()
	return w.ask(http.MethodGet, path, "")
}

func (w *world) ask(method, path, body string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, "http://"+w.app.AdminAddr()+path, strings.NewReader(body))
	require.NoError(w.t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	return string(raw)
}

// mailbox waits until the only mailbox is as it should be.
func (w *world) mailbox(what string, ok func(api.Mailbox) bool) api.Mailbox {
	w.t.Helper()
	var b api.Mailbox
	require.Eventually(w.t, func() bool {
		var list api.List[api.Mailbox]
		last := w.get("/api/v1/mailboxes")
		require.NoError(w.t, json.Unmarshal([]byte(last), &list), last)
		require.Len(w.t, list.Items, 1, last)
		b = list.Items[0]
		return ok(b)
	}, patience, 20*time.Millisecond, what)
	return b
}

func TestAMailboxIsShownPausedAndResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "", "0")
	b := w.mailbox("it idles", func(b api.Mailbox) bool { return b.Phase == "idle" })
	require.Equal(t, []any{"support", "INBOX", api.Fine, []string{"acme"}}, []any{b.Name, b.Folder, b.Health, b.Providers})
	require.NotEmpty(t, b.Session)
	require.False(t, b.Polled.IsZero())
	require.Contains(t, w.get("/metrics"), `pergabridge_source_age_seconds{source="mailbox/support/INBOX"}`)
	require.Contains(t, w.get("/api/v1/replicas"), `"duties":["`)

	require.Contains(t, w.ask(http.MethodPost, "/api/v1/duties/pause", `{"duty":"mailbox/support/INBOX","note":"they move"}`), `"changed":true`)
	w.mailbox("the reading ends", func(b api.Mailbox) bool { return b.Health == api.Paused && b.Phase == "stopped" })
	task, first := w.assign()
	w.answer(first, "Re: INC0000001", "We look at it.")
	require.Contains(t, w.get("/readyz"), `"mailbox support/INBOX":{"ok":true`, "a pause is no trouble")

	require.Contains(t, w.ask(http.MethodPost, "/api/v1/duties/resume", `{"duty":"mailbox/support/INBOX"}`), `"changed":true`)
	w.effects(task, 2)
	b = w.mailbox("it was read", func(b api.Mailbox) bool { return b.Read == 1 && b.Phase == "idle" })
	require.Equal(t, []any{api.Fine, int64(0), int64(1)}, []any{b.Health, b.Failed, b.UID})
}
