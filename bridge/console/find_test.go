package console_test

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

func TestTasksAreFoundByTheBeginningAndByTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bonded("4711", "INC-0815")
	w.clock.advance(48 * time.Hour)
	w.bonded("4712", "INC-0816")
	w.park("9000")
	tasks := func(query string) (out []string) {
		body := w.request("GET", "/tasks?"+query, "", signed).Body.String()
		for _, m := range regexp.MustCompile(`<th scope="row"><a href="/tasks/acme/(\d+)">`).FindAllStringSubmatch(body, -1) {
			out = append(out, m[1])
		}
		return out
	}
	require.Equal(t, []string{"4711", "4712", "9000"}, tasks("q=471"), "9000 by its words")
	require.Equal(t, []string{"4711", "4712"}, tasks("q=inc-08"), "as references are compared")
	require.Equal(t, []string{"4712"}, tasks("q=inc-08&since=24h"))
	require.Equal(t, []string{"9000", "4712"}, tasks("since=24h"), "newest first")
	require.Equal(t, []string{"9000"}, tasks("since=24h&state=parked"))
	w.clock.advance(48 * time.Hour)
	require.Empty(t, tasks("q=inc-0815&since=24h"))
	w.accept(bridge.Event{Provider: "acme", Task: "4711", Dir: bridge.Out, Kind: bridge.Update, Text: "one more", Entrance: bridge.ByProcessCall})
	require.Equal(t, []string{"4711"}, tasks("q=inc-0815&since=24h"), "its bond is old, its news are not")
	require.Equal(t, 400, w.request("GET", "/tasks?since=soon", "", signed).Code)
	require.Contains(t, w.request("GET", "/tasks?since=24h", "", signed).Body.String(), `name="since" value="24h"`)
}

// What a page leaves out it says.
func TestASearchThatStopsEarlySaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bonded("1", "INC-1")
	const more = "There may be more; narrow the search."
	body := func(query string) string { return w.request("GET", "/tasks?"+query, "", signed).Body.String() }
	updates := make([]bridge.Event, 200)
	for i := range updates {
		updates[i] = bridge.Event{Provider: "acme", Task: "1", Dir: bridge.Out, Kind: bridge.Update, Text: fmt.Sprint("coffee ", i), Entrance: bridge.ByProcessCall}
	}
	w.accept(updates[:199]...)
	require.NotContains(t, body("q=coffee"), more)
	w.accept(updates[199])
	require.Contains(t, body("q=coffee"), more, "a task behind them is not looked for")

	strange := make([]bridge.Event, 21)
	for i := range strange {
		strange[i] = bridge.Event{Provider: "acme", Dir: bridge.In, Kind: bridge.Update, Text: fmt.Sprint("stranger ", i), Entrance: bridge.ByMailbox, Quarantine: bridge.NoRule}
	}
	w.accept(strange[:20]...)
	require.NotContains(t, body("q=stranger"), more)
	w.accept(strange[20])
	require.Contains(t, body("q=stranger"), more)
}

func TestTasksAreFound(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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

// Whoever asks what bounced, or what was ignored, gets all of it, and can take it back there.
func TestEventsAreListedByHowTheyStandAndWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPeople)
	var dropped []bridge.Event
	for i := range 52 {
		dropped = append(dropped, bridge.Event{Provider: "acme", Task: fmt.Sprint(1000 + i), Dir: bridge.Out, Kind: bridge.Update, Entrance: bridge.ByProcessCall, Ignore: bridge.IgnoredByRule})
	}
	w.accept(dropped...)
	_, err := w.store.Operate(ctx, bridge.Command{Verb: bridge.VerbEventIgnore, Event: w.park("1999"), Person: "p"})
	require.NoError(t, err)
	w.park("2000")
	b := w.as(t, "otto")
	list := func(path string) (tasks []string, next string) {
		t.Helper()
		v := b.get(path)
		require.Equal(t, 200, v.status, v.body)
		wellFormed(t, v.body)
		for _, m := range regexp.MustCompile(`<td><a href="/tasks/acme/(\d+)">`).FindAllStringSubmatch(v.body, -1) {
			tasks = append(tasks, m[1])
		}
		if m := regexp.MustCompile(`href="([^"]+)">Older events`).FindStringSubmatch(v.body); m != nil {
			next = html.UnescapeString(m[1])
		}
		return tasks, next
	}
	first, next := list("/events?reason=ignored_by_rule&since=24h")
	require.Len(t, first, 50)
	require.Equal(t, "1051", first[0], "newest first")
	rest, next := list(next)
	require.Equal(t, []string{"1001", "1000"}, rest)
	require.Empty(t, next)
	rest, _ = list("/events?state=parked")
	require.Equal(t, []string{"2000"}, rest)
	all, _ := list("/events")
	require.Equal(t, "2000", all[0])
	for _, nothing := range []string{"reason=bounced", "provider=beta", "state=done"} {
		rest, _ = list("/events?" + nothing)
		require.Empty(t, rest, nothing)
	}
	body := b.get("/events?reason=ignored").body
	require.Contains(t, body, "a person ended it without effect")
	require.Contains(t, body, "Resume the lane; retry takes it back.")
	require.Contains(t, body, `name="verb" value="event_retry"`)
	require.NotContains(t, body, "data-live", "it is not looked at every second")
	for _, q := range []string{"state=blue", "reason=because", "since=soon", "colour=red", "after=x"} {
		require.Equal(t, 400, b.get("/events?"+q).status, q)
	}
}
