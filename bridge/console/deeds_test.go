package console_test

import (
	"context"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
)

// Passwords of the people of the tests; the hashes are made once, as cheap as they may be.
var people = sync.OnceValue(func() []console.User {
	var out []console.User
	for name, role := range map[string]console.Role{"vera": console.Viewer, "otto": console.Operator, "ada": console.Admin} {
		raw, err := bcrypt.GenerateFromPassword([]byte(name+"-password"), bcrypt.MinCost)
		if err != nil {
			panic(err)
		}
		h, err := console.ParsePasswordHash(string(raw))
		if err != nil {
			panic(err)
		}
		out = append(out, console.User{Name: name, Role: role, Hash: h})
	}
	return out
})

func withPeople(o *console.Options) { o.Users = people() }

// as returns the browser of somebody who has signed in.
func (w *world) as(t *testing.T, name string) *browser {
	t.Helper()
	b := w.browser(t)
	v := b.post("/login", url.Values{"name": {name}, "token": {name + "-password"}})
	require.Equal(t, []any{200, "/"}, []any{v.status, v.path})
	return b
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// press posts a form with the token of the page it stands on.
func (b *browser) press(page, path string, form url.Values) view {
	b.t.Helper()
	m := csrfField.FindStringSubmatch(b.get(page).body)
	require.NotNil(b.t, m, "no form on %s", page)
	form.Set("csrf", m[1])
	return b.post(path, form)
}

func (b *browser) act(page string, verb bridge.Verb, target string, more ...string) view {
	b.t.Helper()
	form := url.Values{"verb": {string(verb)}, "target": {target}, "back": {page}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return b.press(page, "/act", form)
}

func (w *world) state(id string) bridge.EventState {
	w.t.Helper()
	e, _, err := w.store.Event(ctx, id)
	require.NoError(w.t, err)
	return e.State
}

func TestEveryDeedIsDoneInTheNameOfThePerson(t *testing.T) {
	w := newWorld(t, withPeople)
	b := w.as(t, "otto")
	id := w.park("1")
	v := b.act("/tasks/acme/1", bridge.VerbEventRetry, id)
	require.Equal(t, []any{200, "/tasks/acme/1?done=event_retry"}, []any{v.status, v.path})
	require.Contains(t, v.body, "It is tried again.")
	require.Equal(t, bridge.StateQueued, w.state(id))
	w.deliver("acme", bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.RefusedAnswer}, bridge.ThenPark)

	v = b.act("/parked", bridge.VerbEventSettle, id, "reference", "INC-7", "note", "told by phone")
	require.Equal(t, "/parked?done=event_settle", v.path)
	require.Equal(t, bridge.StateDone, w.state(id))
	bond, err := w.store.Bond(ctx, "acme", "1")
	require.NoError(t, err)
	require.Equal(t, "INC-7", bond.Reference)
	b.act("/tasks/acme/1", bridge.VerbBondUnlink, "acme/1")
	b.act("/tasks/acme/1", bridge.VerbBondLink, "acme/1", "reference", "INC-8")
	b.act("/tasks/acme/1", bridge.VerbBondMove, "acme/1", "reference", "INC-9")
	bond, err = w.store.Bond(ctx, "acme", "1")
	require.NoError(t, err)
	require.Equal(t, "INC-9", bond.Reference)

	two := w.park("2")
	b.act("/parked", bridge.VerbEventIgnore, two, "note", "a test")
	require.Equal(t, bridge.StateEnded, w.state(two))
	b.act("/parked", bridge.VerbLaneResume, "acme/out/2")
	three := w.park("3")
	b.act("/tasks/acme/3", bridge.VerbLaneRetry, "acme/out/3")
	require.Equal(t, bridge.StateQueued, w.state(three))
	b.act("/tasks/acme/3", bridge.VerbLanePause, "acme/out/3", "note", "maintenance")
	require.Contains(t, b.get("/parked").body, "acme/out/3")
	b.act("/providers", bridge.VerbDestPause, "acme")
	require.Contains(t, b.get("/providers/acme").body, "a person paused it")
	b.act("/providers", bridge.VerbDestResume, "acme")

	raw := w.accept(bridge.Event{Provider: "acme", Dir: bridge.In, Entrance: bridge.ByWebhook, Quarantine: bridge.NoRule, Inbound: inbound(`{"a":1}`, "application/json")},
		bridge.Event{Provider: "acme", Dir: bridge.In, Kind: bridge.Update, Text: "for nobody yet", Entrance: bridge.ByWebhook, Reference: "INC-99"},
		bridge.Event{Provider: "acme", Dir: bridge.In, Entrance: bridge.ByWebhook, Quarantine: bridge.NoRule, Inbound: inbound(`{"b":1}`, "application/json")})
	v = b.act("/quarantine", bridge.VerbReread, raw[0])
	require.Equal(t, 409, v.status)
	require.Contains(t, v.body, "still cannot be read: no rule for this")
	w.reader.learn(bridge.Event{Dir: bridge.In, Kind: bridge.Update, Reference: "INC-9", Text: "now understood"})
	require.Equal(t, 200, b.act("/quarantine", bridge.VerbReread, raw[0]).status)
	require.Equal(t, bridge.StateEnded, w.state(raw[0]))
	require.Equal(t, 200, b.act("/quarantine?waiting=true", bridge.VerbAssign, raw[1], "task", "1").status)
	require.Equal(t, bridge.StateQueued, w.state(raw[1]))
	v = b.act("/quarantine", bridge.VerbDiscard, raw[2])
	require.Equal(t, 400, v.status)
	require.Contains(t, v.body, "The note is needed.")
	require.Equal(t, bridge.StateQuarantined, w.state(raw[2]))
	require.Equal(t, 200, b.act("/quarantine", bridge.VerbDiscard, raw[2], "note", "noise").status)
	require.Equal(t, bridge.StateEnded, w.state(raw[2]))

	acts, err := w.store.Activities(ctx, 100)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, a := range acts {
		require.Equal(t, "otto", a.Person)
		seen[a.Verb] = true
	}
	require.Len(t, seen, 14, "every verb of the console")
	v = b.get("/activity")
	require.Contains(t, v.body, "told by phone")
	require.Contains(t, v.body, "quarantine: discard")
	require.Contains(t, v.body, `<a href="/tasks/acme/1"><code>acme/1 INC-8</code>`, "and leads to what it was done to")
}

func TestWhatIsDestructiveAsksFirst(t *testing.T) {
	w := newWorld(t, withPeople)
	b := w.as(t, "otto")
	id := w.park("1")
	page := b.get("/tasks/acme/1").body
	for _, word := range []string{"Ignore", "Settle as done"} {
		m := regexp.MustCompile(`href="(/act[^"]+)">` + word).FindStringSubmatch(page)
		require.NotNil(t, m, word)
		v := b.get(html.UnescapeString(m[1]))
		require.Equal(t, 200, v.status)
		wellFormed(t, v.body)
		require.Contains(t, v.body, "printer on fire", "it says what it is about")
		require.Contains(t, v.body, `href="/tasks/acme/1">Leave it`)
		require.Equal(t, bridge.StateParked, w.state(id), "asking does nothing")
	}
	for target, verb := range map[string]bridge.Verb{"acme": bridge.VerbDestPause, "acme/out/1": bridge.VerbLanePause, "acme/1": bridge.VerbBondLink} {
		v := b.get("/act?" + url.Values{"verb": {string(verb)}, "target": {target}, "back": {"//evil.example/"}}.Encode())
		require.Equal(t, 200, v.status, verb)
		require.NotContains(t, v.body, "evil")
		wellFormed(t, v.body)
	}
	for query, status := range map[string]int{"verb=burn&target=x": 400, "verb=event_ignore&target=none": 404, "verb=lane_pause&target=x": 400,
		"verb=dest_pause&target=none": 404, "verb=event_ignore&colour=red": 400} {
		require.Equal(t, status, b.get("/act?"+query).status, query)
	}
	require.Equal(t, 400, b.press("/parked", "/act", url.Values{"verb": {"burn"}}).status)
	require.Equal(t, 404, b.act("/parked", bridge.VerbDestPause, "none").status)
	require.Equal(t, 400, b.act("/parked", bridge.VerbLanePause, "none").status)
	require.Equal(t, 404, b.act("/parked", bridge.VerbEventRetry, "none").status)
}

func TestWhoMayNotHasNoButtonAndIsRefused(t *testing.T) {
	w := newWorld(t, withPeople)
	id := w.park("1")
	w.accept(bridge.Event{Provider: "acme", Dir: bridge.In, Entrance: bridge.ByWebhook, Quarantine: bridge.NoRule, Inbound: inbound(`{}`, "application/json")})
	b := w.as(t, "vera")
	for _, page := range []string{"/", "/tasks/acme/1", "/parked", "/quarantine", "/providers", "/providers/acme", "/tasks", "/activity"} {
		v := b.get(page)
		require.Equal(t, 200, v.status, page)
		require.NotContains(t, v.body, `action="/act"`, page)
		require.NotContains(t, v.body, `href="/act?`, page)
		require.NotContains(t, v.body, `action="/repairs"`, page)
		require.Contains(t, v.body, `<span class="role">viewer</span>`)
	}
	v := b.act("/", bridge.VerbEventRetry, id)
	require.Equal(t, 403, v.status)
	require.Contains(t, v.body, "this needs the role operator; vera has the role viewer")
	for _, path := range []string{"/act?verb=event_ignore&target=" + id, "/repairs", "/api/v1/backup"} {
		require.Equal(t, 403, b.get(path).status, path)
	}
	for _, path := range []string{"/repairs", "/providers/acme/map", "/providers/acme/test"} {
		require.Equal(t, 403, b.press("/", path, url.Values{}).status, path)
	}
	require.Equal(t, bridge.StateParked, w.state(id))
	require.Equal(t, 403, w.as(t, "otto").get("/api/v1/backup").status)
	require.Equal(t, 200, w.as(t, "ada").get("/api/v1/backup").status)
}

func TestFormsOfOthersAreRefused(t *testing.T) {
	w := newWorld(t, withPeople)
	id := w.park("1")
	b, other := w.as(t, "otto"), w.as(t, "ada")
	theirs := csrfField.FindStringSubmatch(other.get("/").body)[1]
	for _, csrf := range []string{"", "guess", theirs} {
		v := b.post("/act", url.Values{"csrf": {csrf}, "verb": {"event_retry"}, "target": {id}, "back": {"/"}})
		require.Equal(t, 403, v.status)
		require.Contains(t, v.body, "not of this session")
		for _, path := range []string{"/repairs", "/providers/acme/map", "/providers/acme/test", "/logout"} {
			require.Equal(t, 403, b.post(path, url.Values{"csrf": {csrf}}).status, path)
		}
	}
	mine := csrfField.FindStringSubmatch(b.get("/").body)[1]
	req := w.request("POST", "/act", url.Values{"csrf": {mine}, "verb": {"event_retry"}, "target": {id}}.Encode(),
		header("Content-Type", "application/x-www-form-urlencoded"), signed, header("Sec-Fetch-Site", "cross-site"))
	require.Equal(t, 403, req.Code)
	require.Equal(t, bridge.StateParked, w.state(id))

	open := newWorld(t, func(o *console.Options) { o.Token = console.Options{}.Token })
	id = open.park("1")
	lb := open.browser(t)
	require.Equal(t, 403, lb.post("/act", url.Values{"verb": {"event_retry"}, "target": {id}}).status, "nobody signs in, and still a form must be ours")
	require.Equal(t, 200, lb.act("/tasks/acme/1", bridge.VerbEventRetry, id).status)
	acts, err := open.store.Activities(ctx, 1)
	require.NoError(t, err)
	require.Equal(t, "loopback", acts[0].Person)
}

func TestPeopleSignInWithTheirNames(t *testing.T) {
	w := newWorld(t, withPeople)
	b := w.browser(t)
	for name, word := range map[string]string{"otto": "vera-password", "nobody": "x", "ada": token.Reveal(), "": "x"} {
		v := b.post("/login", url.Values{"name": {name}, "token": {word}})
		require.Equal(t, 401, v.status, name)
		require.Contains(t, v.body, "The name or the password is wrong.")
		require.Contains(t, v.body, `value="`+name+`"`)
		wellFormed(t, v.body)
	}
	v := b.post("/login", url.Values{"name": {"Zoe"}, "token": {token.Reveal()}})
	require.Contains(t, v.body, `Zoe <span class="role">admin</span>`)

	// The token cannot be used in the name of somebody who has a password.
	id := w.park("1")
	rec := w.request("POST", "/api/v1/events/"+id+"/retry", "", signed, header("X-Pergabridge-Person", "otto"))
	require.Equal(t, 200, rec.Code)
	acts, err := w.store.Activities(ctx, 1)
	require.NoError(t, err)
	require.Equal(t, "otto (by token)", acts[0].Person)

	alone := newWorld(t, withPeople, func(o *console.Options) { o.Token = console.Options{}.Token })
	require.Equal(t, "/login?next=%2F", alone.browser(t).get("/").path, "loopback alone lets nobody in")
	require.Equal(t, 200, alone.as(t, "vera").get("/").status)
	bad := alone.browser(t)
	for range 10 {
		require.Equal(t, 401, bad.post("/login", url.Values{"name": {"otto"}, "token": {"guess"}}).status)
	}
	v = bad.post("/login", url.Values{"name": {"otto"}, "token": {"otto-password"}})
	require.Equal(t, 429, v.status, "right or wrong is not looked at any more")
	require.NotEmpty(t, v.header.Get("Retry-After"))
	alone.clock.advance(time.Minute)
	require.Equal(t, 200, bad.post("/login", url.Values{"name": {"otto"}, "token": {"otto-password"}}).status)
	require.NotContains(t, alone.log.String(), "guess")
}

func TestManyAreRepairedAtOnce(t *testing.T) {
	w := newWorld(t, withPeople)
	b := w.as(t, "otto")
	var parked, kept []string
	for _, task := range []string{"1", "2", "3"} {
		parked = append(parked, w.park(task))
	}
	for _, body := range []string{"a", "b"} {
		kept = append(kept, w.accept(bridge.Event{Provider: "acme", Dir: bridge.In, Entrance: bridge.ByWebhook, Quarantine: bridge.NoRule, Inbound: inbound(body, "text/plain")})...)
	}
	other := w.accept(bridge.Event{Provider: "beta", Dir: bridge.In, Entrance: bridge.ByWebhook, Quarantine: bridge.Unreadable, Inbound: inbound("c", "text/plain")})[0]

	v := b.get("/repairs?of=parked&verb=retry&provider=acme&reason=refused")
	require.Contains(t, v.body, "3 parked lanes")
	wellFormed(t, v.body)
	require.Equal(t, bridge.StateParked, w.state(parked[0]), "asking does nothing")
	v = b.press("/repairs?of=parked&verb=retry&provider=acme", "/repairs", url.Values{"of": {"parked"}, "verb": {"retry"}, "provider": {"acme"}, "reason": {"refused"}})
	require.Equal(t, 200, v.status)
	require.Regexp(t, `^/repairs/`, v.path)
	w.ended(b, v.path, "3 of 3 done")
	for _, id := range parked {
		require.Equal(t, bridge.StateQueued, w.state(id))
	}

	v = b.press("/quarantine", "/repairs", url.Values{"of": {"quarantine"}, "verb": {"retry"}, "reason": {"no_rule"}})
	page := w.ended(b, v.path, "0 of 2 done, 2 stay as they were")
	require.Contains(t, page, "still cannot be read")
	v = b.press("/quarantine", "/repairs", url.Values{"of": {"quarantine"}, "verb": {"discard"}, "provider": {"acme"}})
	require.Equal(t, 400, v.status)
	require.Contains(t, v.body, "The note is needed.")
	v = b.press("/quarantine", "/repairs", url.Values{"of": {"quarantine"}, "verb": {"discard"}, "provider": {"acme"}, "note": {"noise"}})
	w.ended(b, v.path, "2 of 2 done")
	require.Equal(t, bridge.StateEnded, w.state(kept[1]))
	require.Equal(t, bridge.StateQuarantined, w.state(other))
	require.Contains(t, b.get("/repairs").body, "discard quarantine of acme")
	require.Equal(t, 404, b.get("/repairs/none").status)
	for _, form := range []url.Values{{"of": {"parked"}, "verb": {"retry"}}, {"of": {"all"}, "verb": {"retry"}, "provider": {"acme"}},
		{"of": {"parked"}, "verb": {"discard"}, "provider": {"acme"}}, {"of": {"parked"}, "verb": {"retry"}, "reason": {"because"}}} {
		require.Equal(t, 400, b.press("/quarantine", "/repairs", form).status, form)
	}
}

// ended waits until a repair has ended and returns its page.
func (w *world) ended(b *browser, path, want string) string {
	w.t.Helper()
	var body string
	require.Eventually(w.t, func() bool {
		body = b.get(path).body
		return strings.Contains(body, "Ended:")
	}, 10*time.Second, 5*time.Millisecond)
	require.Contains(w.t, body, want)
	return body
}

func TestTasksAreFound(t *testing.T) {
	w := newWorld(t)
	w.bonded("4711", "INC-1")
	w.bonded("4712", "INC-2")
	w.park("4713")
	early := bridge.Event{Provider: "beta", Task: "4714", Dir: bridge.Out, Kind: bridge.Update, Text: "coffee machine leaks", Entrance: bridge.ByProcessCall}
	w.accept(early)
	b := w.browser(t)
	b.login()
	tasks := func(query string) []string {
		t.Helper()
		v := b.get("/tasks?" + query)
		require.Equal(t, 200, v.status, v.body)
		wellFormed(t, v.body)
		var out []string
		for _, m := range regexp.MustCompile(`<th scope="row"><a href="/tasks/([^"]+)"`).FindAllStringSubmatch(v.body, -1) {
			out = append(out, m[1])
		}
		return out
	}
	require.Equal(t, []string{"acme/4711", "acme/4712", "acme/4713"}, tasks(""))
	require.Equal(t, []string{"acme/4711"}, tasks("q=inc-1"))
	require.Equal(t, []string{"acme/4712"}, tasks("q=4712"))
	require.Equal(t, []string{"beta/4714"}, tasks("q=coffee"))
	require.Equal(t, []string{"beta/4714"}, tasks("q=4714"))
	require.Equal(t, []string{"acme/4713"}, tasks("state=parked"))
	require.Equal(t, []string{"acme/4713"}, tasks("state=pending"))
	require.Equal(t, []string{"acme/4713"}, tasks("state=parked&q=fire"))
	require.Empty(t, tasks("provider=beta"))
	require.Empty(t, tasks("q=nothing+like+this"))
	for _, q := range []string{"state=blue", "colour=red", "q=" + strings.Repeat("x+", 20)} {
		require.Equal(t, 400, b.get("/tasks?"+q).status)
	}
}

func TestManyTasksHavePages(t *testing.T) {
	w := newWorld(t)
	for i := range 60 {
		w.accept(submit(string(rune('a'+i/26)) + string(rune('a'+i%26))))
	}
	b := w.browser(t)
	b.login()
	v := b.get("/tasks")
	next := regexp.MustCompile(`href="([^"]+)">More tasks`).FindStringSubmatch(v.body)
	require.NotNil(t, next)
	v = b.get(html.UnescapeString(next[1]))
	require.Equal(t, 10, strings.Count(v.body, `<th scope="row">`))
}

func TestProvidersShowTheirConfigAndTryMappings(t *testing.T) {
	var asked string
	calls := 0
	w := newWorld(t, func(o *console.Options) {
		o.Destinations[1].Config = "kind: http\nauth: {bearer: {env: ACME_TOKEN}} # " + hidden
		o.Destinations[1].Test = func(context.Context) (string, error) {
			if calls++; calls > 1 {
				return "", context.DeadlineExceeded
			}
			return "200 OK " + hidden, nil
		}
		o.Map = func(_ context.Context, q json.RawMessage) (any, error) {
			asked = string(q)
			return map[string]any{"call": "POST /x\n\n{\"a\":\"" + hidden + "\"}"}, nil
		}
	})
	id := w.park("1")
	b := w.browser(t)
	b.login()
	wellFormed(t, b.get("/providers").body)
	v := b.get("/providers/acme")
	require.Contains(t, v.body, "ACME_TOKEN")
	require.NotContains(t, v.body, hidden)
	wellFormed(t, v.body)
	require.Equal(t, 404, b.get("/providers/none").status)
	require.NotContains(t, b.get("/providers/ssp").body, "Try the mapping")

	v = b.press("/providers/acme", "/providers/acme/test", url.Values{})
	require.Contains(t, v.body, "200 OK [secret]")
	require.Contains(t, b.press("/providers/acme", "/providers/acme/test", url.Values{}).body, "The test call failed")
	require.Equal(t, 404, b.press("/providers/acme", "/providers/beta/test", url.Values{}).status)

	v = b.press("/providers/acme", "/providers/acme/map", url.Values{"what": {"event"}, "event": {id}})
	require.Equal(t, 200, v.status)
	require.Contains(t, v.body, "&#34;a&#34;: &#34;[secret]&#34;")
	require.Contains(t, asked, `"printer on fire"`)
	require.Contains(t, asked, `"bond":{`)
	b.press("/providers/acme", "/providers/acme/map", url.Values{"what": {"webhook"}, "sample": {"<x/>"}, "content_type": {"text/xml"}})
	require.JSONEq(t, `{"provider":"acme","inbound":{"entrance":"webhook","content_type":"text/xml","body":"<x/>"}}`, asked)
	for _, form := range []url.Values{{"what": {"event"}, "sample": {"{"}}, {"what": {"webhook"}, "event": {id}}} {
		v = b.press("/providers/acme", "/providers/acme/map", form)
		require.Equal(t, 422, v.status)
		require.Contains(t, v.body, `role="alert"`)
	}
	require.Equal(t, 404, b.press("/providers/acme", "/providers/acme/map", url.Values{"what": {"event"}, "event": {"none"}}).status)
}

func TestActivityHasPages(t *testing.T) {
	w := newWorld(t)
	for i := range 130 {
		if i%3 == 0 {
			w.clock.advance(time.Second)
		}
		_, err := w.store.Operate(ctx, bridge.Command{Verb: bridge.VerbDestPause, Dest: "acme", Person: "p", Note: strings.Repeat("i", i+1)})
		require.NoError(t, err)
		_, err = w.store.Operate(ctx, bridge.Command{Verb: bridge.VerbDestResume, Dest: "acme", Person: "p"})
		require.NoError(t, err)
	}
	b := w.browser(t)
	b.login()
	n, path := 0, "/activity"
	for range 4 {
		v := b.get(path)
		require.Equal(t, 200, v.status)
		n += strings.Count(v.body, "<td>p</td>")
		next := regexp.MustCompile(`href="([^"]+)">Earlier`).FindStringSubmatch(v.body)
		if next == nil {
			break
		}
		path = html.UnescapeString(next[1])
	}
	require.Equal(t, 260, n, "each once")
	for _, after := range []string{"x", "1", "-1-1", "5-0"} {
		require.Equal(t, 400, b.get("/activity?after="+after).status, after)
	}
}
