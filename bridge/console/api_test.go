package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
)

func TestEventsAreListedFilteredAndPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []string
	for i := range 7 {
		ids = append(ids, w.accept(submit(fmt.Sprint(i)))...)
		w.clock.advance(time.Minute)
	}
	other := submit("other")
	other.Provider, other.Title = "beta", "coffee machine"
	ids = append(ids, w.accept(other)...)

	var seen []string
	for e, err := range w.client.AllEvents(ctx, client.Events{Limit: 3}) {
		require.NoError(t, err)
		seen = append(seen, e.ID)
	}
	require.Equal(t, ids, seen, "oldest first, every page once")

	p, err := w.client.Events(ctx, client.Events{Limit: 3, Newest: true})
	require.NoError(t, err)
	require.True(t, p.More)
	require.Equal(t, []string{ids[7], ids[6], ids[5]}, []string{p.Items[0].ID, p.Items[1].ID, p.Items[2].ID})
	p, err = w.client.Events(ctx, client.Events{Limit: 10, Newest: true, After: p.Next})
	require.NoError(t, err)
	require.Len(t, p.Items, 5)
	require.False(t, p.More)
	require.Empty(t, p.Next)

	only := func(f client.Events) []string {
		t.Helper()
		p, err := w.client.Events(ctx, f)
		require.NoError(t, err)
		out := []string{}
		for _, e := range p.Items {
			out = append(out, e.ID)
		}
		return out
	}
	require.Equal(t, ids[7:], only(client.Events{Provider: "beta"}))
	require.Equal(t, ids[2:3], only(client.Events{Task: "2"}))
	require.Equal(t, ids[7:], only(client.Events{Search: "coffee"}))
	require.Equal(t, ids[5:], only(client.Events{Since: "2m"}))
	require.Equal(t, ids[6:], only(client.Events{Since: w.clock.now().Add(-time.Minute).Format(time.RFC3339)}))
	require.Empty(t, only(client.Events{Dir: bridge.In}))
	require.Empty(t, only(client.Events{Kind: bridge.Close}))
	require.Empty(t, only(client.Events{Reason: bridge.IsEcho}))
	require.Empty(t, only(client.Events{States: []bridge.EventState{bridge.StateDone, bridge.StateEnded}}))
	require.Len(t, only(client.Events{States: []bridge.EventState{bridge.StateDone, bridge.StateQueued}}), 8)
}

func TestEventsAreFoundByReferenceAsItIsCompared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bonded("4711", "INC-1")
	p, err := w.client.Events(ctx, client.Events{Reference: " inc-1 "})
	require.NoError(t, err)
	require.Len(t, p.Items, 2, "submit and acknowledge")

	strict := newWorld(t, func(o *console.Options) {
		o.ReferenceKey = func(provider, reference string) string {
			require.Equal(t, "acme", provider)
			return bridge.ReferenceKey(reference, true)
		}
	})
	strict.bonded("4711", "inc-1")
	p, err = strict.client.Events(ctx, client.Events{Provider: "acme", Reference: "INC-1"})
	require.NoError(t, err)
	require.Empty(t, p.Items)
}

func TestLongTextsAreCutInListsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := submit("1")
	e.Description = string(bytes.Repeat([]byte("é"), 5000))
	e.Fields = map[string]any{"floor": "3"}
	id := w.accept(e)[0]
	p, err := w.client.Events(ctx, client.Events{})
	require.NoError(t, err)
	require.True(t, p.Items[0].Shortened)
	require.Less(t, len(p.Items[0].Description), 2100)
	require.Nil(t, p.Items[0].Fields)
	d, err := w.client.Event(ctx, id)
	require.NoError(t, err)
	require.Equal(t, e.Description, d.Description)
	require.Equal(t, "3", d.Fields["floor"])
	require.False(t, d.Shortened)
}

func TestOneEventShowsItsTriesAndWhatCanBeDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.park("4711")
	d, err := w.client.Event(ctx, id)
	require.NoError(t, err)
	require.Equal(t, bridge.StateParked, d.State)
	require.Equal(t, bridge.RefusedAnswer, d.Reason)
	require.Equal(t, "the other side understood it and said no", d.Why)
	require.Equal(t, "acme/out/4711", d.Lane)
	require.Equal(t, "acme", d.Destination)
	require.Len(t, d.Attempts, 1)
	a := d.Attempts[0]
	require.Equal(t, []any{1, bridge.OutcomeRefused, bridge.ThenPark, 422, "POST /tickets", "bad <queue>", "c1"},
		[]any{a.N, a.Outcome, a.Then, a.Status, a.Request, a.Answer, a.Config})
	require.Contains(t, d.Do, "pergabridge events retry "+id)

	_, err = w.client.Event(ctx, "no-such-event")
	require.Equal(t, api.NotFound, refused(t, err).Code)
}

func TestInputIsShownAsTextOrAsBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	quarantined := func(body, kind string) string {
		return w.accept(bridge.Event{Provider: "acme", Dir: bridge.In, Entrance: bridge.ByWebhook, Quarantine: bridge.Unreadable,
			Detail: "not JSON", Inbound: inbound(body, kind)})[0]
	}
	text, err := w.client.Event(ctx, quarantined("{\"x\": \"é\"\r\n", "application/json"))
	require.NoError(t, err)
	require.Equal(t, "{\"x\": \"é\"\r\n", text.Inbound.Text)
	require.Nil(t, text.Inbound.Base64)
	require.Equal(t, 12, text.Inbound.Size)
	raw, err := w.client.Event(ctx, quarantined("\x00\xff", "application/octet-stream"))
	require.NoError(t, err)
	require.Empty(t, raw.Inbound.Text)
	require.Equal(t, []byte("\x00\xff"), raw.Inbound.Base64)
}

func TestEventsAreRetriedIgnoredAndSettled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	retried, ignored, settled := w.park("1"), w.park("2"), w.park("3")

	done, err := w.client.RetryEvent(ctx, retried, api.Act{Note: "queue made"})
	require.NoError(t, err)
	require.Equal(t, api.Done{Changed: true, Events: []string{retried}}, done)
	d, err := w.client.Event(ctx, retried)
	require.NoError(t, err)
	require.Equal(t, bridge.StateQueued, d.State)

	_, err = w.client.IgnoreEvent(ctx, ignored, api.Act{})
	require.NoError(t, err)
	d, err = w.client.Event(ctx, ignored)
	require.NoError(t, err)
	require.Equal(t, bridge.IgnoredByOperator, d.Reason)

	_, err = w.client.SettleEvent(ctx, settled, api.Act{Reference: "INC-3"})
	require.NoError(t, err)
	b, err := w.client.Bond(ctx, "acme", "3")
	require.NoError(t, err)
	require.Equal(t, "INC-3", b.Reference)
	require.Equal(t, bridge.BondOpen, b.State)

	p := refused(t, errOf(w.client.IgnoreEvent(ctx, settled, api.Act{})))
	require.Equal(t, api.NotPossible, p.Code)
	require.Equal(t, 409, p.Status)
	require.Contains(t, p.Detail, "only an event that is not settled can be ignored")
	require.Equal(t, "reference", refused(t, errOf(w.client.RetryEvent(ctx, retried, api.Act{Reference: "x"}))).Param)

	acts, err := w.client.Activity(ctx, 0)
	require.NoError(t, err)
	require.Len(t, acts, 3)
	require.Equal(t, []string{"Ada", "event_settle", settled}, []string{acts[0].Person, acts[0].Verb, acts[0].Target})
	require.Equal(t, "queue made", acts[2].Note)
	acts, err = w.client.Activity(ctx, 1)
	require.NoError(t, err)
	require.Len(t, acts, 1)
}

func errOf[T any](_ T, err error) error { return err }

func TestPagesOfLanesCanBeTurned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 120
	var all []bridge.Event
	for i := range n {
		all = append(all, submit(fmt.Sprint(1000+i)))
	}
	w.accept(all...)
	for _, e := range all {
		_, err := w.store.Operate(ctx, bridge.Command{Verb: bridge.VerbLanePause, Lane: e.Lane()})
		require.NoError(t, err)
	}
	for _, first := range []string{"/parked?state=paused&reason=paused&destination=acme", "/tasks?state=paused&provider=acme"} {
		seen := map[string]int{}
		pages := 0
		for path := first; path != "" && pages < 5; pages++ {
			rec := w.request("GET", path, "", signed)
			require.Equal(t, 200, rec.Code)
			for _, m := range regexp.MustCompile(`<th scope="row"><a href="/tasks/acme/(\d+)">`).FindAllStringSubmatch(rec.Body.String(), -1) {
				seen[m[1]]++
			}
			path = ""
			if m := regexp.MustCompile(`<a href="([^"]+)">More (?:lanes|tasks)</a>`).FindStringSubmatch(rec.Body.String()); m != nil {
				path = html.UnescapeString(m[1])
			}
		}
		require.Len(t, seen, n, first)
		for task, times := range seen {
			require.Equal(t, 1, times, task)
		}
		require.Greater(t, pages, 1)
	}
	require.Equal(t, 400, w.request("GET", "/tasks?state=paused&after=nonsense", "", signed).Code)
	require.Equal(t, 400, w.request("GET", "/parked?after=nonsense", "", signed).Code)
}

func TestLanesArePausedResumedAndRetried(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.park("1")
	w.accept(submit("2/x")) // a task may hold slashes
	lanes, err := w.client.Lanes(ctx, client.Lanes{})
	require.NoError(t, err)
	require.Len(t, lanes.Items, 2)

	parked, err := w.client.Lanes(ctx, client.Lanes{States: []bridge.LaneState{bridge.LaneParked}})
	require.NoError(t, err)
	require.Len(t, parked.Items, 1)
	l := parked.Items[0]
	require.Equal(t, bridge.RefusedAnswer, l.Reason)
	require.NotEmpty(t, l.Why)
	require.Contains(t, l.Do, "pergabridge events retry "+l.Head)

	_, err = w.client.RetryLane(ctx, api.LaneAct{Lane: l.Lane})
	require.NoError(t, err)
	parked, err = w.client.Lanes(ctx, client.Lanes{States: []bridge.LaneState{bridge.LaneParked}})
	require.NoError(t, err)
	require.Empty(t, parked.Items)

	_, err = w.client.PauseLane(ctx, api.LaneAct{Lane: "acme/out/2/x", Note: "vendor asked"})
	require.NoError(t, err)
	paused, err := w.client.Lanes(ctx, client.Lanes{Destination: "acme", Provider: "acme", Task: "2/x", States: []bridge.LaneState{bridge.LanePaused}})
	require.NoError(t, err)
	require.Len(t, paused.Items, 1)
	require.Equal(t, []string{"pergabridge lanes resume acme/out/2/x"}, paused.Items[0].Do)
	done, err := w.client.ResumeLane(ctx, api.LaneAct{Lane: "acme/out/2/x"})
	require.NoError(t, err)
	require.True(t, done.Changed)
	done, err = w.client.ResumeLane(ctx, api.LaneAct{Lane: "acme/out/2/x"})
	require.NoError(t, err)
	require.False(t, done.Changed)

	one, err := w.client.Lanes(ctx, client.Lanes{Limit: 1})
	require.NoError(t, err)
	require.Len(t, one.Items, 1)
	require.True(t, one.More)
	rest, err := w.client.Lanes(ctx, client.Lanes{After: one.Next})
	require.NoError(t, err)
	require.Len(t, rest.Items, 1)
	require.False(t, rest.More)
	require.Equal(t, []string{"acme/out/1", "acme/out/2/x"}, []string{one.Items[0].Lane, rest.Items[0].Lane})

	require.Equal(t, "lane", refused(t, errOf(w.client.PauseLane(ctx, api.LaneAct{Lane: "acme/4711"}))).Param)
	require.Equal(t, api.NotFound, refused(t, errOf(w.client.PauseLane(ctx, api.LaneAct{Lane: "acme/out/none"}))).Code)
}

func TestDestinationsSayHowTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	of := func(name string) api.Destination {
		t.Helper()
		list, err := w.client.Destinations(ctx)
		require.NoError(t, err)
		require.Len(t, list, 3)
		for _, d := range list {
			if d.Name == name {
				return d
			}
		}
		require.Fail(t, "not listed", name)
		return api.Destination{}
	}
	require.Equal(t, api.Fine, of("acme").Health)
	require.Equal(t, "observe", of("beta").Mode)
	require.Equal(t, bridge.BreakerClosed, of("ssp").Breaker)

	w.park("1")
	d := of("acme")
	require.Equal(t, api.Parked, d.Health)
	require.EqualValues(t, 1, d.Lanes[bridge.LaneParked])
	require.EqualValues(t, 1, d.Queued)

	w.accept(submit("2"))
	down := bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.NotSent, Down: true}
	w.deliver("acme", down, bridge.ThenRetry)
	require.Equal(t, api.Failing, of("acme").Health)
	w.deliver("acme", down, bridge.ThenRetry)
	w.deliver("acme", down, bridge.ThenRetry)
	d = of("acme")
	require.Equal(t, api.Down, d.Health)
	require.Equal(t, bridge.BreakerIsOpen, d.Breaker)
	require.Equal(t, 3, d.Failures)

	_, err := w.client.PauseDestination(ctx, "acme", "maintenance")
	require.NoError(t, err)
	require.Equal(t, api.Paused, of("acme").Health)
	require.NotEmpty(t, of("acme").Do)
	_, err = w.client.ResumeDestination(ctx, "acme", "")
	require.NoError(t, err)
	require.Equal(t, bridge.BreakerClosed, of("acme").Breaker)

	require.Equal(t, api.NotFound, refused(t, errOf(w.client.PauseDestination(ctx, "acne", ""))).Code)
	list, err := w.client.Destinations(ctx)
	require.NoError(t, err)
	require.Len(t, list, 3, "a mistyped name makes nothing")
}

func TestQuarantineIsReadAgainAssignedAndDiscarded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bonded("4711", "INC-1")
	strange := func(body string) string {
		return w.accept(bridge.Event{Provider: "acme", Dir: bridge.In, Entrance: bridge.ByWebhook, Quarantine: bridge.NoRule,
			Detail: "no rule fits", Inbound: inbound(body, "application/json")})[0]
	}
	first, second := strange(`{"a":1}`), strange(`{"a":2}`)
	waiting := w.accept(bridge.Event{Provider: "acme", Dir: bridge.In, Kind: bridge.Update, Reference: "INC-9", Text: "hello", Entrance: bridge.ByWebhook})[0]

	p, err := w.client.Quarantine(ctx, client.Events{Provider: "acme", Reason: bridge.NoRule})
	require.NoError(t, err)
	require.Len(t, p.Items, 2)
	p, err = w.client.Quarantine(ctx, client.Events{Waiting: true, Limit: 2})
	require.NoError(t, err)
	require.Len(t, p.Items, 2)
	require.True(t, p.More)
	p, err = w.client.Quarantine(ctx, client.Events{Waiting: true, After: p.Next})
	require.NoError(t, err)
	require.Equal(t, waiting, p.Items[0].ID)

	problem := refused(t, errOf(w.client.Reread(ctx, first)))
	require.Equal(t, api.NotPossible, problem.Code)
	require.Contains(t, problem.Detail, "no rule for this")
	w.reader.learn(bridge.Event{Provider: "acme", Dir: bridge.In, Kind: bridge.Update, Reference: "INC-1", Text: "found a part", Entrance: bridge.ByWebhook})
	done, err := w.client.Reread(ctx, first)
	require.NoError(t, err)
	require.Len(t, done.Receipts, 1)
	require.Equal(t, bridge.Accepted, done.Receipts[0].Status)
	require.Equal(t, "4711", done.Receipts[0].Task)
	d, err := w.client.Event(ctx, first)
	require.NoError(t, err)
	require.Equal(t, bridge.Reread, d.Reason)
	require.Equal(t, api.NotFound, refused(t, errOf(w.client.Quarantined(ctx, first))).Code)

	q, err := w.client.Quarantined(ctx, waiting)
	require.NoError(t, err)
	require.Equal(t, bridge.UnknownReference, q.Reason)
	_, err = w.client.Assign(ctx, waiting, api.Assign{Task: "4711"})
	require.NoError(t, err)
	d, err = w.client.Event(ctx, waiting)
	require.NoError(t, err)
	require.Equal(t, bridge.StateQueued, d.State)
	require.Equal(t, "task", refused(t, errOf(w.client.Assign(ctx, second, api.Assign{}))).Param)

	require.Equal(t, "note", refused(t, errOf(w.client.Discard(ctx, second, ""))).Param)
	_, err = w.client.Discard(ctx, second, "a test of the vendor")
	require.NoError(t, err)
	d, err = w.client.Event(ctx, second)
	require.NoError(t, err)
	require.Equal(t, bridge.DiscardedByPerson, d.Reason)
}

func TestCountsAndStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *console.Options) {
		o.ConfigVersion = "c7"
		o.Contract = func() any { return map[string]any{"status": "bound", "source": "https://x/" + hidden} }
	})
	w.park("1")
	c, err := w.client.Counts(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 1, c.Events[bridge.StateParked])
	require.EqualValues(t, 1, c.Destination["acme"].Lanes[bridge.LaneParked])
	s, err := w.client.Status(ctx)
	require.NoError(t, err)
	require.Equal(t, "1.2.3", s.Version)
	require.Equal(t, "c7", s.Config)
	require.True(t, s.Ready)
	require.Equal(t, w.clock.now(), s.Started)
	require.JSONEq(t, `"bound"`, string(jsonField(t, s.Contract, "status")))
}

func jsonField(t *testing.T, raw json.RawMessage, name string) json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &m))
	return m[name]
}

func TestMappingsAreTried(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *console.Options) {
		o.Map = func(_ context.Context, request json.RawMessage) (any, error) {
			var in struct{ Want string }
			if err := json.Unmarshal(request, &in); err != nil {
				return nil, err
			}
			switch in.Want {
			case "fail":
				return nil, fmt.Errorf("rule 3: body.x is missing, %s", hidden)
			case "bad":
				return nil, &api.Problem{Code: api.BadBody, Detail: "name a provider", Param: "provider"}
			}
			return map[string]any{"sent": []any{"<b>", hidden}}, nil
		}
	})
	out, err := w.client.Map(ctx, map[string]string{"want": "it"})
	require.NoError(t, err)
	require.JSONEq(t, `{"sent":["<b>","[secret]"]}`, string(out))
	p := refused(t, errOf(w.client.Map(ctx, map[string]string{"want": "fail"})))
	require.Equal(t, api.Unprocessable, p.Code)
	require.Equal(t, "rule 3: body.x is missing, [secret]", p.Detail)
	p = refused(t, errOf(w.client.Map(ctx, map[string]string{"want": "bad"})))
	require.Equal(t, []any{api.BadBody, 400, "provider"}, []any{p.Code, p.Status, p.Param})

	require.Equal(t, api.NotFound, refused(t, errOf(newWorld(t).client.Map(ctx, struct{}{}))).Code)
}
