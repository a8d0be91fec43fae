package httpprovider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider/http/vendortest"
)

// duty records what a source accepts.
type duty struct {
	cursor string
	events []bridge.Event
	saved  []string
	fail   error
	got    chan struct{}
}

func (d *duty) Name() string   { return PollDuty }
func (d *duty) Cursor() string { return d.cursor }
func (d *duty) Accept(_ context.Context, events []bridge.Event, cursor string) ([]bridge.Receipt, error) {
	if d.fail != nil {
		return nil, d.fail
	}
	d.events, d.cursor, d.saved = append(d.events, events...), cursor, append(d.saved, cursor)
	if d.got != nil && len(events) > 0 {
		d.got <- struct{}{}
	}
	return make([]bridge.Receipt, len(events)), nil
}
func (d *duty) Release(context.Context) error { return nil }

// fakeAPI answers polls in memory, so that they can run in virtual time.
type fakeAPI struct {
	asked   []string
	answers func(url string) (outbound.Answer, error)
}

func (f *fakeAPI) Do(_ context.Context, r outbound.Request) (outbound.Answer, error) {
	f.asked = append(f.asked, r.Method+" "+strings.TrimPrefix(r.URL, "http://127.0.0.1:1"))
	return f.answers(r.URL)
}

func good(v any) (outbound.Answer, error) {
	b, err := json.Marshal(v)
	return outbound.Answer{Status: 200, Body: b, Header: http.Header{"Content-Type": {"application/json"}}}, err
}

const pollRules = minimal + `
inbound:
  visibility: all
  rules: [{kind: update, id: body.id, reference: body.no, text: body.text}]
`

// source builds the poll of a config, with api instead of a network.
func source(t *testing.T, poll string, api *fakeAPI) *pollSource {
	t.Helper()
	c, problems := parse(t, pollRules+poll)
	require.Empty(t, problems)
	p, err := New("acme", c, depsNow(time.Now))
	require.NoError(t, err)
	p.Close()
	s := p.Sources[PollDuty].(*pollSource)
	s.client = api
	return s
}

func item(id int) map[string]any {
	return map[string]any{"id": id, "no": "A-1", "text": fmt.Sprint("t", id)}
}

func TestPollByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time begins at 2000-01-01T00:00:00Z
		api := &fakeAPI{answers: func(string) (outbound.Answer, error) { return good([]any{item(1)}) }}
		s := source(t, `poll: {url: /c, query: {since: "${cursor}"}, items: answer, every: 1m, overlap: 10s}`, api)
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		d := &duty{}
		require.NoError(t, s.Run(ctx, d))
		require.Equal(t, []string{
			"GET /c?since=1999-12-31T23%3A59%3A50Z", "GET /c?since=1999-12-31T23%3A59%3A50Z", "GET /c?since=2000-01-01T00%3A00%3A50Z",
		}, api.asked, "the first start begins now; then from the time of the last question")
		require.Equal(t, []string{"2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z", "2000-01-01T00:01:00Z", "2000-01-01T00:02:00Z"}, d.saved)
		require.Len(t, d.events, 3)
		e := d.events[0]
		require.Equal(t, "update:1", e.Key)
		require.Equal(t, bridge.ByPoll, e.Entrance)
		require.JSONEq(t, `{"id":1,"no":"A-1","text":"t1"}`, string(e.Inbound.Body))
	})
}

func TestPollWithCursorAndPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.answers = func(url string) (outbound.Answer, error) {
			switch {
			case strings.HasSuffix(url, "p=2"):
				return good(map[string]any{"list": []any{item(3)}, "cur": "c9"})
			case strings.HasSuffix(url, "s=c9"):
				return good(map[string]any{"list": []any{}, "cur": nil})
			}
			return good(map[string]any{"list": []any{item(1), item(2)}, "cur": "c5", "next": "/c?p=2"})
		}
		s := source(t, `poll: {url: "/c?s=${cursor}", items: answer.list, cursor: answer.cur, next: answer.next, since: c1, every: 1m}`, api)
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		d := &duty{}
		require.NoError(t, s.Run(ctx, d))
		require.Equal(t, []string{"GET /c?s=c1", "GET /c?p=2", "GET /c?s=c9"}, api.asked)
		require.Equal(t, []string{"c1", "c1", "c9", "c9"}, d.saved, "the cursor moves with the last page only")
		require.Len(t, d.events, 3)
	})
}

func TestPollGoesOnWhereItStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{answers: func(string) (outbound.Answer, error) { return good([]any{}) }}
		s := source(t, `poll: {url: "/c?s=${cursor}", items: answer, cursor: "'x'", since: never}`, api)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, s.Run(ctx, &duty{cursor: "old"}))
		require.Equal(t, []string{"GET /c?s=old"}, api.asked)
	})
}

func TestPollPageNumbersAndItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		api.answers = func(url string) (outbound.Answer, error) {
			return good(map[string]any{"list": []any{map[string]any{"k": url[len(url)-1:]}}, "more": strings.HasSuffix(url, "p=1")})
		}
		s := source(t, `
poll:
  url: "/c?s=${cursor}&p=${page}"
  items: answer.list
  item: {id: "${item.k}", no: "A-1", text: "page ${page}"}
  next: answer.more
  overlap: 0s
`, api)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		d := &duty{}
		require.NoError(t, s.Run(ctx, d))
		require.Len(t, d.events, 2)
		require.Equal(t, "page 2", d.events[1].Text)
		require.Equal(t, "update:2", d.events[1].Key)
	})
}

func TestPollBacksOffAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, n := time.Now(), 0
		var at []time.Duration
		api := &fakeAPI{}
		api.answers = func(string) (outbound.Answer, error) {
			at = append(at, time.Since(start))
			switch n++; n {
			case 1:
				return outbound.Answer{}, errors.New("no way there")
			case 2:
				return outbound.Answer{Status: 429, RetryAfter: 10 * time.Minute}, nil
			case 3:
				return good(map[string]any{"list": 5})
			}
			return good(map[string]any{"list": []any{item(1)}})
		}
		s := source(t, `poll: {url: "/c?s=${cursor}", items: answer.list, every: 1m}`, api)
		ctx, cancel := context.WithTimeout(t.Context(), 16*time.Minute+time.Second)
		defer cancel()
		d := &duty{}
		require.NoError(t, s.Run(ctx, d))
		require.Equal(t, []time.Duration{0, time.Minute, 11 * time.Minute, 15 * time.Minute, 16 * time.Minute}, at)
		require.Len(t, d.events, 2)
	})
}

func TestPollEndsWithItsDuty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{answers: func(string) (outbound.Answer, error) { return good([]any{}) }}
		s := source(t, `poll: {url: "/c?s=${cursor}", items: answer}`, api)
		require.ErrorIs(t, s.Run(t.Context(), &duty{cursor: "2000-01-01T00:00:00Z", fail: bridge.ErrFenced}), bridge.ErrFenced)
		require.Error(t, s.Run(t.Context(), &duty{fail: bridge.ErrUnavailable}), "nothing began, so the caller tries again")

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		d := &duty{cursor: "2000-01-01T00:00:00Z", fail: bridge.ErrUnavailable}
		require.NoError(t, s.Run(ctx, d), "a store that is away is waited for in place")
	})
}

func TestPollGuards(t *testing.T) {
	round := func(poll string, answer any) error {
		api := &fakeAPI{answers: func(string) (outbound.Answer, error) { return good(answer) }}
		_, err := source(t, poll, api).round(t.Context(), &duty{}, "2026-01-01T00:00:00Z")
		return err
	}
	next := func(n string) map[string]any { return map[string]any{"l": []any{}, "n": n} }
	const p = `poll: {url: "/c?s=${cursor}", items: answer.l, next: answer.n, max_pages: 3`
	require.ErrorContains(t, round(p+"}", next("https://evil.example/c")), "another host")
	require.ErrorContains(t, round(p+"}", next("http://127.0.0.1:2/c")), "another host")
	require.ErrorContains(t, round(p+"}", next("/c?again")), "max_pages")
	require.NoError(t, round(p+", cursor: answer.n}", next("/c?again")), "with a cursor it goes on next time")
	require.ErrorContains(t, round(p+", cursor: \"'abc'\", overlap: 1m, item: {a: '${item.x.y}'}}", map[string]any{"l": []any{map[string]any{}}}), "item 1")

	api := &fakeAPI{answers: func(string) (outbound.Answer, error) { return good(next("")) }}
	_, err := source(t, p+", overlap: 1m, cursor: answer.n}", api).round(t.Context(), &duty{}, "abc")
	require.ErrorContains(t, err, "needs a cursor that is a time")
}

func TestPollOfARealVendor(t *testing.T) {
	const poll = `
poll:
  every: 1s
  url: /changes
  query: {since: "${cursor}", page: "${page}"}
  items: answer.changes
  cursor: answer.cursor
  next: answer.next
  since: "0"
`
	v, p := vendor(t, vendortest.Options{PageSize: 2}, poll)
	ref := p.Destination.Deliver(t.Context(), out(bridge.Submit, bridge.ModeNew, "", "")).Reference
	for i := range 3 {
		_, err := v.Reply(ref, "bob", fmt.Sprint("reply ", i), i != 1)
		require.NoError(t, err)
	}
	require.NoError(t, v.Resolve(ref, "bob", "done"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := &duty{got: make(chan struct{}, 10)}
	done := make(chan error, 1)
	go func() { done <- p.Sources[PollDuty].Run(ctx, d) }()
	for range 3 {
		<-d.got
	}
	cancel()
	require.NoError(t, <-done)
	var got []string
	for _, e := range d.events {
		got = append(got, string(e.Kind)+" "+e.Text+string(e.Ignore))
	}
	require.Equal(t, []string{"acknowledge ", "update reply 0", " not_public", "update reply 2", "resolve done"}, got)
	require.Equal(t, "5", d.cursor)
}
