package files_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/files"
)

const keyEnv = "FILES_TEST_KEY"

func read(t testing.TB, text string) (files.Config, config.Problems) {
	t.Helper()
	t.Setenv(keyEnv, "files-test-key-0123456789")
	t.Setenv(keyEnv+"2", "files-test-other-0123456789")
	t.Setenv(keyEnv+"3", "short")
	n, err := config.Parse("c.yaml", []byte(text))
	require.NoError(t, err)
	c := &files.Config{}
	config.Decode(n, c)
	return c.WithDefaults(), n.Problems()
}

func links(t testing.TB, secret string) *files.Links {
	c, problems := read(t, "links: {secret: "+secret+", for: 24h}")
	require.Empty(t, problems)
	return files.NewLinks(c, "https://bridge.example.com/")
}

func file(n int, name, data string) bridge.File {
	sum := sha256.Sum256([]byte(data))
	return bridge.File{N: n, Name: name, Type: "text/plain", Size: len(data), SHA256: hex.EncodeToString(sum[:]), Data: []byte(data)}
}

var came = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func event(list ...bridge.File) *bridge.Event {
	return &bridge.Event{
		ID: bridge.NewID(), Dir: bridge.In, Entrance: bridge.ByMailbox, Received: came, State: bridge.StateDone, Text: "Look.\n\n" + files.List(list),
		Fields: map[string]any{"mail": map[string]any{"attachments": bridge.FileField(list)}}, Inbound: &bridge.Inbound{Body: []byte("raw")},
	}
}

func token(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

func TestLinks(t *testing.T) {
	l := links(t, "{env: "+keyEnv+"}")
	e := event(file(1, "a.txt", "a"))
	url := l.URL(e, 1)
	require.True(t, strings.HasPrefix(url, "https://bridge.example.com/files/pbf1"), url)
	require.Equal(t, url, l.URL(e, 1), "two tries say the same")
	id, n, err := l.Open(token(url), came.Add(24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, e.ID, id)
	require.Equal(t, 1, n)
	_, _, err = l.Open(token(url), came.Add(24*time.Hour+time.Second))
	require.ErrorIs(t, err, files.ErrExpired)
	require.NotEqual(t, url, l.URL(e, 2))

	good := token(url)
	for i := range good { // no character of it can be another one
		for _, c := range []byte{'a', 'b', '7'} {
			bad := good[:i] + string(c) + good[i+1:]
			if bad == good {
				continue
			}
			_, _, err := l.Open(bad, came)
			require.ErrorIs(t, err, files.ErrForged, "%d %c", i, c)
		}
	}
	for _, bad := range []string{"", "pbf1", good + "a", strings.ToUpper(good), good[:len(good)-8], strings.Repeat("a", 10_000)} {
		_, _, err := l.Open(bad, came)
		require.ErrorIs(t, err, files.ErrForged, bad)
	}

	other := links(t, "{env: "+keyEnv+"2}")
	_, _, err = other.Open(good, came)
	require.ErrorIs(t, err, files.ErrForged)
	both := links(t, "[{env: "+keyEnv+"2}, {env: "+keyEnv+"}]")
	_, _, err = both.Open(good, came)
	require.NoError(t, err, "the old secret is still accepted")
	require.Equal(t, other.URL(e, 1), both.URL(e, 1), "the first secret signs")

	off := files.NewLinks((*files.Config)(nil).WithDefaults(), "https://bridge.example.com")
	require.Nil(t, off)
	_, _, err = off.Open(good, came)
	require.ErrorIs(t, err, files.ErrForged)
	require.Equal(t, e.Text, off.Text(e))
}

func TestTextNamesTheLinks(t *testing.T) {
	l := links(t, "{env: "+keyEnv+"}")
	logo := file(1, "logo.png", "logo")
	logo.Inline = true
	large := file(3, "large.bin", "x")
	large.Size = 11 << 20
	e := event(logo, file(2, "report.pdf", strings.Repeat("r", 34_000)), large)
	require.Equal(t, "Look.\n\nAttachments:\n- report.pdf (34kB)\n- large.bin (11.5MB)", e.Text)
	text := l.Text(e)
	require.Equal(t, "Look.\n\nAttachments:\n- report.pdf (34kB) "+l.URL(e, 2)+" (until 2026-03-02)\n- large.bin (11.5MB)", text)
	require.Equal(t, text, l.Text(e))
	require.Equal(t, bridge.TextHash(e.Text), bridge.TextHash(text), "our text is recognised when it comes back")
	require.Equal(t, bridge.TextHash(e.Text), bridge.TextHash(strings.ReplaceAll(text, l.URL(e, 2), `<a href="`+l.URL(e, 2)+`">`+l.URL(e, 2)+"</a>")))
	require.NotEqual(t, bridge.TextHash("see https://x.example/files/pbf1 now"), bridge.TextHash("see now"), "what only looks similar counts")

	e.Text = "A rule wrote this."
	require.Equal(t, e.Text, l.Text(e))
	e.Dir, e.Text = bridge.Out, files.List([]bridge.File{file(2, "report.pdf", "r")})
	require.Equal(t, e.Text, l.Text(e), "providers are given files, not links")
}

func TestOnlyWhatWasDeliveredIsLinked(t *testing.T) {
	for state, want := range map[bridge.EventState]bool{
		bridge.StateDone: true, bridge.StateLeased: true, bridge.StateQueued: true, bridge.StateParked: true,
		bridge.StateQuarantined: false, bridge.StateWaiting: false, bridge.StateEnded: false,
	} {
		require.Equal(t, want, files.Linked(&bridge.Event{Dir: bridge.In, State: state}), state)
		require.False(t, files.Linked(&bridge.Event{Dir: bridge.Out, State: state}))
	}
}

func TestOpener(t *testing.T) {
	good, gone := file(1, "a.txt", "alpha"), file(2, "b.txt", "beta")
	changed := gone
	changed.Data = []byte("be**")
	logo := file(3, "logo.png", "logo")
	logo.Inline = true
	e := event(good, gone, logo, file(4, "c.txt", "gamma gamma gamma"), file(5, "d.txt", "delta"), file(6, "e.txt", "epsil"))
	loaded := 0
	o := &files.Opener{Max: 10, Total: 12, Event: func(context.Context, string) (bridge.Event, error) { loaded++; return *e, nil },
		Readers: map[bridge.Entrance]files.Reader{bridge.ByMailbox: func(in *bridge.Inbound) ([]bridge.File, error) {
			if string(in.Body) != "raw" {
				return nil, errors.New("no mail")
			}
			return []bridge.File{good, changed, logo, file(4, "c.txt", "gamma gamma gamma"), file(5, "d.txt", "delta"), file(6, "e.txt", "epsil")}, nil
		}}}
	f, err := o.One(t.Context(), e, 1)
	require.NoError(t, err)
	require.Equal(t, "alpha", string(f.Data))
	for n, want := range map[int]error{0: files.ErrNone, 7: files.ErrNone, -1: files.ErrNone, 2: files.ErrDamaged} {
		_, err = o.One(t.Context(), e, n)
		require.ErrorIs(t, err, want, "%d", n)
	}
	give, name, err := o.Offer(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, []string{"a.txt", "d.txt"}, names(give), "within the bounds, undamaged, no decoration")
	require.Equal(t, []string{"b.txt", "c.txt", "e.txt"}, names(name), "damaged, too large, too much")

	require.Zero(t, loaded, "the event carries its input")
	bare := *e
	bare.Inbound = nil
	f, err = o.One(t.Context(), &bare, 3)
	require.NoError(t, err)
	require.Equal(t, "logo", string(f.Data))
	require.Equal(t, 1, loaded)

	e.Inbound.Body = nil // retention took it
	_, err = o.One(t.Context(), e, 1)
	require.ErrorIs(t, err, files.ErrGone)
	give, name, err = o.Offer(t.Context(), e)
	require.NoError(t, err)
	require.Empty(t, give)
	require.Len(t, name, 5)
	e.Inbound.Body = []byte("no mail any more")
	_, err = o.One(t.Context(), e, 1)
	require.ErrorIs(t, err, files.ErrDamaged)

	none := &bridge.Event{Fields: map[string]any{"attachments": []any{"a", 1}}}
	_, err = o.One(t.Context(), none, 1)
	require.ErrorIs(t, err, files.ErrNone)
}

func names(list []bridge.File) (out []string) {
	for _, f := range list {
		out = append(out, f.Name)
	}
	return out
}

func TestServeGivesABrowserNothingToRun(t *testing.T) {
	f := file(1, "evil\u202egpj.\"; x=\r\ny/é.html", "<script>alert(1)</script>")
	f.Type = "text/html"
	rec := httptest.NewRecorder()
	require.NoError(t, files.Serve(rec, httptest.NewRequest(http.MethodGet, "/", nil), &f))
	h := rec.Header()
	require.Equal(t, "application/octet-stream", h.Get("Content-Type"))
	require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
	require.Contains(t, h.Get("Content-Security-Policy"), "sandbox")
	require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'")
	require.Contains(t, h.Get("Cache-Control"), "no-store")
	require.Equal(t, []string{"DENY", "same-origin", "no-referrer"}, []string{h.Get("X-Frame-Options"), h.Get("Cross-Origin-Resource-Policy"), h.Get("Referrer-Policy")})
	d := h.Get("Content-Disposition")
	require.True(t, strings.HasPrefix(d, "attachment; filename="), d)
	require.Contains(t, d, "filename*=UTF-8''")
	require.NotContains(t, d, "\n")
	require.NotContains(t, d, "\u202e")
	require.Equal(t, string(f.Data), rec.Body.String())
	rec = httptest.NewRecorder()
	require.NoError(t, files.Serve(rec, httptest.NewRequest(http.MethodHead, "/", nil), &f))
	require.Empty(t, rec.Body.String())
	require.Equal(t, "25", rec.Header().Get("Content-Length"))
}

func TestSafeName(t *testing.T) {
	for in, want := range map[string]string{
		"a.pdf": "a.pdf", "": "file", "...": "file", "../../etc/passwd": "_.._etc_passwd", "CON\x00.txt": "CON_.txt", "büro.pdf": "büro.pdf", " x ": "x",
	} {
		require.Equal(t, want, files.SafeName(in), in)
	}
	long := files.SafeName(strings.Repeat("ä", 300) + ".pdf")
	require.LessOrEqual(t, len(long), 150)
	require.True(t, strings.HasSuffix(long, ".pdf"), long)
}

func TestConfigProblems(t *testing.T) {
	for text, want := range map[string]string{
		"max: 0":                   "must be more than nothing",
		"{max: 5MiB, total: 1MiB}": "never fits",
		"links: {secret: {env: " + keyEnv + "3}}":         "could be forged",
		"links: {for: 5s, secret: {env: " + keyEnv + "}}": "between one minute and 400 days",
		"links: {rate: 0, secret: {env: " + keyEnv + "}}": "must be above 0",
		"links: {}": "secret",
	} {
		_, problems := read(t, text)
		require.Len(t, problems, 1, text)
		require.Contains(t, problems[0].Error(), want, text)
	}
}

func FuzzOpen(f *testing.F) {
	l := links(f, "{env: "+keyEnv+"}")
	f.Add(token(l.URL(event(file(1, "a", "a")), 1)))
	f.Add("pbf1aaaa")
	known := token(l.URL(&bridge.Event{ID: "e", Received: came}, 7))
	f.Add(known)
	f.Fuzz(func(t *testing.T, s string) {
		id, n, err := l.Open(s, came)
		if err == nil && s != token(l.URL(&bridge.Event{ID: id, Received: came}, n)) {
			t.Fatalf("%q was taken for a link to %q %d", s, id, n)
		}
	})
}
