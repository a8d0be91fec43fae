package console_test

import (
	"html"
	"net/url"
	"regexp"
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
	t.Parallel()
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

// A new ticket of the provider waits while one of ours may have made it; a person may know that none did.
func TestANewTicketIsOpenedAfterAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPeople)
	w.accept(submit("1"))
	id := w.accept(bridge.Event{Provider: "acme", Dir: bridge.In, Kind: bridge.Open, Reference: "INC-5", Title: "theirs", Entrance: bridge.ByWebhook})[0]
	require.Equal(t, bridge.StateWaiting, w.state(id))
	b := w.as(t, "otto")
	require.Contains(t, b.get("/quarantine?waiting=true").body, "Open it in SSP")
	require.Contains(t, b.get("/quarantine/"+id).body, "pergabridge events retry "+id)
	require.Equal(t, 200, b.act("/quarantine?waiting=true", bridge.VerbEventRetry, id).status)
	require.Equal(t, bridge.StateQueued, w.state(id))
}

func TestWhatIsDestructiveAsksFirst(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	w := newWorld(t, withPeople)
	id := w.park("1")
	w.accept(bridge.Event{Provider: "acme", Dir: bridge.In, Entrance: bridge.ByWebhook, Quarantine: bridge.NoRule, Inbound: inbound(`{}`, "application/json")})
	b := w.as(t, "vera")
	for _, page := range []string{"/", "/tasks/acme/1", "/parked", "/quarantine", "/providers", "/providers/acme", "/tasks", "/activity", "/events"} {
		v := b.get(page)
		require.Equal(t, 200, v.status, page)
		require.NotContains(t, v.body, `action="/act"`, page)
		require.NotContains(t, v.body, `href="/act?`, page)
		require.NotContains(t, v.body, `action="/repairs"`, page)
		if page == "/quarantine" || page == "/events" {
			require.NotContains(t, v.body, "What to do</th>", "no column for nothing, "+page)
		}
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
	t.Parallel()
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
	t.Parallel()
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
