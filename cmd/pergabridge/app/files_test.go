package app_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/mailin/dovecottest"
	"github.com/pergabridge/pergabridge/mailin/message"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// reconfigured starts the bridge anew under a changed config.
func (w *world) reconfigured(change func(string) string) {
	w.t.Helper()
	w.stop()
	text, err := os.ReadFile(w.file)
	require.NoError(w.t, err)
	require.NoError(w.t, os.WriteFile(w.file, []byte(change(string(text))), 0o600))
	w.start()
}

// withLinks switches links on.
func (w *world) withLinks() {
	w.reconfigured(func(s string) string {
		return strings.Replace(s, "server: {", "files: {max: 100kB, total: 1MiB, links: {secret: {env: MAILTEST_LINKS}, for: 24h, rate: 100}}\nserver: {public_url: \"http://"+w.listen+"\", ", 1)
	})
}

const (
	pdf  = "%PDF-1.4\x00\xff not really"
	evil = "<script>alert(1)</script>"
)

// attached is an answer with two files, a large one and a logo.
func (w *world) attached(to *message.Message, id, from string) {
	w.t.Helper()
	part := func(head, data string) string {
		return "--b\r\n" + head + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(data)) + "\r\n"
	}
	raw := fmt.Sprintf("From: %s\r\nTo: %s\r\nSubject: RE: INC0012345\r\nMessage-ID: <%s@acme.example>\r\nIn-Reply-To: <%s>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"+
		"--b\r\nContent-Type: text/plain\r\n\r\nThe report.\r\n", from, to.ReplyTo.Email, id, to.ID) +
		part("Content-Type: application/pdf; name=\"report.pdf\"\r\nContent-Disposition: attachment; filename=\"report.pdf\"", pdf) +
		part("Content-Type: text/html; name=\"page.html\"\r\nContent-Disposition: attachment; filename=\"page.html\"", evil) +
		part("Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"big.bin\"", strings.Repeat("x", 120_000)) +
		part("Content-Type: image/png; name=\"logo.png\"\r\nContent-Disposition: inline; filename=\"logo.png\"", "logo") + "--b--\r\n"
	dovecottest.Append(w.t, w.imap, "INBOX", time.Now(), []byte(raw))
}

func fetch(t *testing.T, method, url string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(b)
}

var fileURL = regexp.MustCompile(`http://\S+/files/pbf1[a-z2-7]+`)

func TestAttachments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "", "0s")
	defer http.DefaultClient.CloseIdleConnections()
	task, submit := w.assign()

	// Without links SSP is told names and sizes, and the public listener knows no files.
	w.attached(submit, "a1", "Jo Helper <jo@acme.example>")
	got := w.effects(task, 2)
	require.Equal(t, "The report.\n\nAttachments:\n- report.pdf (21B)\n- page.html (25B)\n- big.bin (120kB)", got[1].Text)
	n, err := config.Parse("c.yaml", []byte("links: {secret: {env: MAILTEST_LINKS}, for: 24h}"))
	require.NoError(t, err)
	c := &files.Config{}
	config.Decode(n, c)
	require.Empty(t, n.Problems())
	forged := files.NewLinks(c.WithDefaults(), "http://"+w.listen)
	first := w.byMail(1)[0]
	res, _ := fetch(t, "GET", forged.URL(&first, 1))
	require.Equal(t, 404, res.StatusCode, "links are off: even one with the right secret")

	// The console gives them all the same, as something to save.
	res, body := fetch(t, "GET", "http://"+w.app.AdminAddr()+"/events/"+first.ID+"/files/1")
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, pdf, body)
	require.True(t, strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment;"))
	_, page := fetch(t, "GET", "http://"+w.app.AdminAddr()+"/tasks/acme/"+task)
	require.Contains(t, page, "/events/"+first.ID+"/files/3")

	w.withLinks()
	defer http.DefaultClient.CloseIdleConnections()
	w.ssp.Script(ssptest.Times(1, ssptest.Trouble{Kind: ssptest.Drop}))
	w.attached(submit, "a2", "Jo Helper <jo@acme.example>")
	text := w.effects(task, 3)[2].Text
	links := fileURL.FindAllString(text, -1)
	require.Len(t, links, 2, "%s", text)
	require.Contains(t, text, "- report.pdf (21B) "+links[0]+" (until ")
	require.True(t, strings.HasSuffix(text, "- big.bin (120kB)"), "too large to be passed on: %s", text)
	var told []string
	for _, call := range w.ssp.Calls() {
		for _, arg := range call.Args {
			if strings.Contains(arg, "pbf1") {
				told = append(told, arg)
			}
		}
	}
	require.Len(t, told, 2, "the first try was broken off")
	require.Equal(t, told[0], told[1], "both tries say the same")

	for i, want := range []string{pdf, evil} {
		res, body := fetch(t, "GET", links[i])
		require.Equal(t, 200, res.StatusCode, body)
		require.Equal(t, want, body)
		require.Equal(t, "application/octet-stream", res.Header.Get("Content-Type"))
		require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
		require.Contains(t, res.Header.Get("Content-Security-Policy"), "sandbox")
	}
	res, _ = fetch(t, "GET", links[0]+"a")
	require.Equal(t, 404, res.StatusCode)
	second := w.byMail(2)[1]
	res, _ = fetch(t, "GET", forged.URL(&second, 3))
	require.Equal(t, 404, res.StatusCode, "too large: signed, but never given out")

	// What comes back without a direction is recognised by its text, links and all.
	r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+w.listen+"/ssp/acme", strings.NewReader(fmt.Sprintf(`{"task":%q,"request_type":"Update","text":%q}`, task, text)))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Bridge-Key", "mailtest-intake-key")
	res, err = http.DefaultClient.Do(r)
	require.NoError(t, err)
	answer, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Contains(t, string(answer), `"status":"echo"`)

	// A mail in quarantine gives nothing away, whoever knows the secret.
	w.attached(&message.Message{}, "a3", "Eve <eve@elsewhere.example>")
	var held []bridge.Event
	require.Eventually(t, func() bool {
		held, err = w.app.Store().Events(t.Context(), bridge.EventFilter{States: []bridge.EventState{bridge.StateQuarantined}})
		require.NoError(t, err)
		return len(held) == 1
	}, patience, 20*time.Millisecond)
	require.Len(t, bridge.FilesOf(&held[0]), 4)
	res, _ = fetch(t, "GET", forged.URL(&held[0], 1))
	require.Equal(t, 404, res.StatusCode)
	res, body = fetch(t, "GET", "http://"+w.app.AdminAddr()+"/events/"+held[0].ID+"/files/1")
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, pdf, body)
}

// byMail returns the first n events that came by mail.
func (w *world) byMail(n int) []bridge.Event {
	w.t.Helper()
	var out []bridge.Event
	events, err := w.app.Store().Events(w.t.Context(), bridge.EventFilter{Dir: bridge.In, Kind: bridge.Update, Limit: 1000})
	require.NoError(w.t, err)
	for _, e := range events {
		if e.Entrance == bridge.ByMailbox {
			out = append(out, e)
		}
	}
	require.Len(w.t, out, n)
	return out
}
