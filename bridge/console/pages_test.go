package console_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// A browser keeps cookies and follows redirects.
type browser struct {
	t    *testing.T
	http *http.Client
	url  string
}

func (w *world) browser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t: t, http: &http.Client{Jar: jar, Transport: transport}, url: w.url}
}

type view struct {
	status int
	path   string
	header http.Header
	body   string
}

func (b *browser) look(res *http.Response, err error) view {
	b.t.Helper()
	require.NoError(b.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	return view{res.StatusCode, res.Request.URL.RequestURI(), res.Header, string(body)}
}

func (b *browser) get(path string) view { b.t.Helper(); return b.look(b.http.Get(b.url + path)) }

func (b *browser) post(path string, form url.Values) view {
	b.t.Helper()
	return b.look(b.http.PostForm(b.url+path, form))
}

func (b *browser) login() view {
	b.t.Helper()
	return b.post("/login", url.Values{"token": {token.Reveal()}})
}

func TestABrowserSignsInAndOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bonded("4711", "INC-1")
	b := w.browser(t)
	v := b.get("/tasks/acme/4711")
	require.Equal(t, "/login?next=%2Ftasks%2Facme%2F4711", v.path)
	require.Contains(t, v.body, `value="/tasks/acme/4711"`)

	v = b.post("/login", url.Values{"token": {"wrong"}, "next": {"/tasks/acme/4711"}})
	require.Equal(t, 401, v.status)
	require.Contains(t, v.body, "This is not the admin token.")
	require.Contains(t, v.body, `value="/tasks/acme/4711"`)

	v = b.post("/login", url.Values{"token": {" " + token.Reveal()}, "next": {"/tasks/acme/4711"}})
	require.Equal(t, []any{200, "/tasks/acme/4711"}, []any{v.status, v.path})
	require.Equal(t, "/", b.get("/login").path, "who is in need not sign in")

	// The session reads the API; it does not write there.
	require.Equal(t, 200, b.get("/api/v1/counts").status)
	require.Equal(t, 401, b.look(b.http.Post(b.url+"/api/v1/lanes/pause", "application/json", strings.NewReader(`{"lane":"acme/out/4711"}`))).status)

	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(v.body)
	require.NotNil(t, csrf)
	require.Equal(t, 403, b.post("/logout", url.Values{"csrf": {"guess"}}).status)
	require.Equal(t, "/", b.get("/").path)
	require.Equal(t, "/login", b.post("/logout", url.Values{"csrf": {csrf[1]}}).path)
	require.Equal(t, "/login?next=%2F", b.get("/").path)
}

func TestTheCookieIsOutOfReach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	v := b.login()
	require.Equal(t, 303, v.status)
	c := v.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		require.Contains(t, c, want)
	}
	require.NotContains(t, c, token.Reveal())
	require.Greater(t, len(strings.Split(c, ";")[0]), 60)
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	b.login()
	for range 6 { // in use it goes on, up to twelve hours
		w.clock.advance(119 * time.Minute)
		require.Equal(t, "/", b.get("/").path)
	}
	w.clock.advance(10 * time.Minute)
	require.Equal(t, "/login?next=%2F", b.get("/").path)
	b.login()
	w.clock.advance(121 * time.Minute)
	require.Equal(t, "/login?next=%2F", b.get("/").path)

	first := w.browser(t)
	first.login()
	for range 256 {
		w.clock.advance(time.Millisecond)
		require.Equal(t, 303, w.request("POST", "/login", url.Values{"token": {token.Reveal()}}.Encode(), header("Content-Type", "application/x-www-form-urlencoded")).Code)
	}
	require.Equal(t, "/login?next=%2F", first.get("/").path, "the oldest session made room")
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, next := range []string{"https://evil.example/", "//evil.example/tasks/", "/\\evil.example", "javascript:alert(1)", "/logout", "/tasks/\\@x", "http:/tasks/a/b"} {
		rec := w.request("POST", "/login", url.Values{"token": {token.Reveal()}, "next": {next}}.Encode(), header("Content-Type", "application/x-www-form-urlencoded"))
		require.Equal(t, []any{303, "/"}, []any{rec.Code, rec.Header().Get("Location")}, next)
	}
	require.Equal(t, 413, w.request("POST", "/login", "token="+strings.Repeat("x", 9000), header("Content-Type", "application/x-www-form-urlencoded")).Code)
}

func TestTheOverviewShowsWhatNeedsAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *console.Options) {
		o.Contract = func() any { return contract{} }
	})
	w.bonded("1", "INC-1")
	w.clock.advance(3 * time.Hour)
	parked := w.park("2")
	w.accept(bridge.Event{Provider: "acme", Dir: bridge.In, Entrance: bridge.ByWebhook, Quarantine: bridge.NoRule, Inbound: inbound("{}", "application/json")})
	w.clock.advance(90 * time.Minute)
	b := w.browser(t)
	v := b.login()
	require.Equal(t, 200, v.status)
	for _, want := range []string{
		"The bridge is ready", "contract changed", "pergabridge contract inspect",
		"lanes that wait for a person: 1", "Retry", "pergabridge events retry " + parked, "pergabridge events ignore " + parked,
		"the other side understood it and said no", "no rule of the provider fits", "pergabridge quarantine list",
		`href="/tasks/acme/2"`, "1 h ago", "4 h ago", "observes only", "Version 1.2.3",
	} {
		require.Contains(t, v.body, want)
	}
	wellFormed(t, v.body)
	first := v.body[strings.Index(v.body, "To look at"):strings.Index(v.body, "In one look")]
	require.Contains(t, first, `<a href="/parked">1 lane waits for a person</a>`)
	require.Contains(t, first, `<a href="/quarantine">1 event fits no rule or no bond</a>`)

	// The lane of a destination that is paused does not claim to be under way.
	require.Equal(t, 200, b.act("/", bridge.VerbDestPause, "acme").status)
	w.accept(bridge.Event{Provider: "acme", Task: "1", Dir: bridge.Out, Kind: bridge.Update, Text: "one more", Entrance: bridge.ByProcessCall})
	v = b.get("/tasks/acme/1")
	require.Contains(t, v.body, "SSP to acme waits: acme is paused by a person")
	require.NotContains(t, v.body, "is under way")
	v = b.get("/")
	require.Contains(t, v.body, `<a href="/providers/acme">acme: a person paused it</a>`)
}

// Whoever looks for the words of a mail that belongs to no task finds it all the same.
func TestASearchFindsEventsOfNoTask(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.accept(bridge.Event{Provider: "acme", Dir: bridge.In, Kind: bridge.Update, Text: "Believe me, a stranger", Entrance: bridge.ByMailbox, Quarantine: bridge.NoRule})
	b := w.browser(t)
	b.login()
	v := b.get("/tasks?q=stranger")
	require.Contains(t, v.body, "Events of no task")
	require.Contains(t, v.body, `href="/quarantine/`+ids[0]+`"`)
	require.NotContains(t, v.body, "Nothing fits")
	wellFormed(t, v.body)
	require.Contains(t, b.get("/tasks?q=elsewhere").body, "Nothing fits")
}

type contract struct{}

func (contract) Open() bool     { return false }
func (contract) String() string { return "contract changed: no argument solution" }

func TestATaskShowsItsWholeStory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bonded("4711", "INC-1")
	w.accept(bridge.Event{Provider: "acme", Task: "4711", Dir: bridge.Out, Kind: bridge.Update, Text: "<script>alert(1)</script> & more", Entrance: bridge.ByProcessCall})
	w.deliver("acme", bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: bridge.NoAnswer, Detail: "closed after 12 bytes", Request: "POST <x>"}, bridge.ThenPark)
	w.accept(bridge.Event{Provider: "acme", Task: "4711", Dir: bridge.Out, Kind: bridge.Close, Entrance: bridge.ByProcessCall})
	b := w.browser(t)
	b.login()
	v := b.get("/tasks/acme/4711")
	require.Equal(t, 200, v.status)
	for _, want := range []string{
		"Task 4711 at acme", "INC-1", "SSP to acme", "acme to SSP", "Nothing waits here.", "the others wait behind it",
		"An earlier try may have had its effect", "it may or may not have happened", "closed after 12 bytes",
		"&lt;script&gt;alert(1)&lt;/script&gt; &amp; more", "POST &lt;x&gt;", "pergabridge events settle ", "acknowledge",
	} {
		require.Contains(t, v.body, want)
	}
	require.NotContains(t, v.body, "<script>")
	require.Less(t, strings.Index(v.body, "printer on fire"), strings.Index(v.body, "alert(1)"), "oldest first")
	wellFormed(t, v.body)

	require.Equal(t, 404, b.get("/tasks/acme/none").status)
	require.Equal(t, 404, b.get("/none").status)
	require.Equal(t, 400, b.get("/tasks/acme/4711?before=x").status)
	require.Equal(t, 400, b.get("/tasks/acme/4711?colour=red").status)
	wellFormed(t, b.get("/tasks/acme/none").body)
}

func TestATaskWithoutABondAndWithOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accept(bridge.Event{Provider: "acme", Task: "9/1", Dir: bridge.Out, Kind: bridge.Update, Text: "early", Entrance: bridge.ByProcessCall})
	b := w.browser(t)
	b.login()
	v := b.get("/")
	require.Contains(t, v.body, `href="/tasks/acme/9%2F1"`)
	v = b.get("/tasks/acme/9%2F1")
	require.Contains(t, v.body, "There is none.")
	require.Contains(t, v.body, "its task was not submitted yet")

	w.bonded("1", "INC-1")
	moved := submit("1")
	moved.Provider = "beta"
	w.accept(moved)
	require.Contains(t, b.get("/tasks/beta/1").body, `<a href="/tasks/acme/1">acme</a> (superseded)`)
}

func TestALongStoryHasPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bonded("1", "INC-1") // two events
	for i := range 60 {
		w.accept(bridge.Event{Provider: "acme", Task: "1", Dir: bridge.Out, Kind: bridge.Update, Text: fmt.Sprintf("text-%02d.", i), Entrance: bridge.ByProcessCall})
	}
	b := w.browser(t)
	b.login()
	v := b.get("/tasks/acme/1")
	require.Contains(t, v.body, "text-59.")
	require.Contains(t, v.body, "text-20.")
	require.NotContains(t, v.body, "text-19.")
	older := regexp.MustCompile(`href="([^"]*before=\d+)"`).FindStringSubmatch(v.body)
	require.NotNil(t, older)
	v = b.get(html.UnescapeString(older[1]))
	require.Contains(t, v.body, "text-19.")
	require.Contains(t, v.body, "printer on fire")
	require.NotContains(t, v.body, "text-20.")
	require.Contains(t, v.body, "Latest events")
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/", "/login", "/style.css", "/healthz", "/readyz", "/api/v1/counts", "/nothing", "/favicon.ico"} {
		h := w.request("GET", path, "", signed).Header()
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", path)
		require.NotContains(t, h.Get("Content-Security-Policy"), "unsafe", path)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		require.Equal(t, "DENY", h.Get("X-Frame-Options"), path)
		require.Equal(t, "no-referrer", h.Get("Referrer-Policy"), path)
		require.NotEmpty(t, h.Get("Cache-Control"), path)
		require.Empty(t, h.Get("Access-Control-Allow-Origin"), path)
	}
	css := w.request("GET", "/style.css", "")
	require.Contains(t, css.Header().Get("Content-Type"), "text/css")
	require.Contains(t, css.Body.String(), "prefers-color-scheme: dark")
}

func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()
	const late = "became-known-later-77"
	w := newWorld(t)
	e := submit("1")
	e.Title, e.Description, e.Text, e.Author = "t "+late, "d "+late, "x "+late, late
	e.Fields = map[string]any{"deep": []any{map[string]any{"k": late}}}
	e.Inbound = inbound("body "+late, "text/plain")
	e.Inbound.Header = map[string]string{"X-Key": late}
	e.Inbound.Query = map[string]string{"key": late}
	id := w.accept(e)[0]
	w.deliver("acme", bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.RefusedAnswer, Detail: late, Request: late, Answer: late}, bridge.ThenPark)
	_, err := w.store.Operate(ctx, bridge.Command{Verb: bridge.VerbLanePause, Lane: bridge.LaneID{Provider: "acme", Task: "1", Dir: bridge.Out}, Note: late})
	require.NoError(t, err)
	require.Contains(t, w.request("GET", "/api/v1/events/"+id, "", signed).Body.String(), late, "the test would prove nothing")

	secret.Register(late)
	for _, path := range []string{"/", "/tasks/acme/1", "/api/v1/events", "/api/v1/events/" + id, "/api/v1/lanes", "/api/v1/destinations",
		"/api/v1/bonds", "/api/v1/bonds/acme/1", "/api/v1/activity", "/api/v1/status", "/readyz", "/api/v1/quarantine"} {
		rec := w.request("GET", path, "", signed)
		require.Equal(t, 200, rec.Code, path)
		for _, s := range []string{late, hidden, token.Reveal()} {
			require.NotContains(t, rec.Body.String(), s, path)
		}
	}
}

// wellFormed parses a page and looks for what must and what must not be in it.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	ids, headings := map[string]bool{}, 0
	var refs []string
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		require.NotContains(t, []string{"style", "iframe"}, n.Data)
		if n.Data == "script" {
			require.Equal(t, "/console.js", attr(n, "src"))
			require.Nil(t, n.FirstChild, "no script in the page itself")
		}
		if n.Data == "h1" {
			headings++
		}
		if n.Data == "html" {
			require.Equal(t, "en", attr(n, "lang"))
		}
		if n.Data == "th" {
			require.NotEmpty(t, attr(n, "scope"))
		}
		for _, a := range n.Attr {
			require.False(t, strings.HasPrefix(a.Key, "on") || a.Key == "style", a.Key)
			switch a.Key {
			case "id":
				require.False(t, ids[a.Val], "id %s twice", a.Val)
				ids[a.Val] = true
			case "aria-labelledby", "aria-describedby", "for":
				refs = append(refs, a.Val)
			}
		}
	}
	require.Equal(t, 1, headings)
	for _, r := range refs {
		require.True(t, ids[r], "%s leads nowhere", r)
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
