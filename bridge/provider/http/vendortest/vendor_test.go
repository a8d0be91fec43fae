package vendortest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// After a body that was too large the server waits half a second for the client to notice.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

func start(t *testing.T, o Options) *Vendor {
	t.Helper()
	v, err := Start(o)
	require.NoError(t, err)
	t.Cleanup(v.Close)
	return v
}

// call makes one call on a connection of its own.
func call(t *testing.T, v *Vendor, method, path, body string) (int, map[string]any) {
	t.Helper()
	status, m, err := try(t.Context(), v, method, path, body, v.Token(), "application/json")
	require.NoError(t, err)
	return status, m
}

func try(ctx context.Context, v *Vendor, method, path, body, token, media string) (int, map[string]any, error) {
	r, err := http.NewRequestWithContext(ctx, method, v.URL()+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", media)
	tr := &http.Transport{DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr}).Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	var m map[string]any
	_ = json.Unmarshal(b, &m)
	return res.StatusCode, m, err
}

func TestLifeOfATicket(t *testing.T) {
	v := start(t, Options{})
	status, m := call(t, v, "POST", "/api/tickets", `{"external_id":"x","title":"T","priority":"high","contact":{"name":"A","email":"a@example.com"}}`)
	require.Equal(t, 201, status)
	require.Equal(t, "ACME-1001", m["ticket"].(map[string]any)["number"])
	status, _ = call(t, v, "POST", "/api/tickets", `{"external_id":"x","title":"T"}`)
	require.Equal(t, 201, status, "it is not kind: the same call makes a second ticket")
	_, m = call(t, v, "GET", "/api/tickets?external_id=x", "")
	require.Len(t, m["items"], 2)

	status, m = call(t, v, "POST", "/api/tickets/ACME-1001/comments", `{"text":"hi","client_id":"k"}`)
	require.Equal(t, 201, status)
	require.Equal(t, "c-1", m["comment"].(map[string]any)["id"])
	_, m = call(t, v, "GET", "/api/tickets/ACME-1001/comments?client_id=k", "")
	require.Len(t, m["items"], 1)
	_, m = call(t, v, "GET", "/api/tickets/ACME-1001/comments?client_id=other", "")
	require.Empty(t, m["items"])

	status, m = call(t, v, "POST", "/api/tickets/ACME-1001/reopen", `{"reason":"no"}`)
	require.Equal(t, 409, status)
	require.Equal(t, "already_open", m["code"])
	require.NoError(t, v.Resolve("ACME-1001", "bob", "done"))
	status, _ = call(t, v, "POST", "/api/tickets/ACME-1001/reopen", `{"reason":"no"}`)
	require.Equal(t, 200, status)
	status, _ = call(t, v, "POST", "/api/tickets/ACME-1001/close", `{"text":"bye"}`)
	require.Equal(t, 200, status)
	status, m = call(t, v, "POST", "/api/tickets/ACME-1001/close", `{}`)
	require.Equal(t, 409, status)
	require.Equal(t, "closed", m["code"])
	_, m = call(t, v, "GET", "/api/tickets/ACME-1001", "")
	require.Equal(t, Closed, m["status"])

	var got []string
	for i, e := range v.Ledger() {
		require.Equal(t, i+1, e.Seq)
		got = append(got, e.String())
	}
	require.Equal(t, []string{
		`create ACME-1001 "T"`, `create ACME-1002 "T"`, `comment ACME-1001 "hi"`, `reopen ACME-1001 "no"`, `close ACME-1001 "bye"`,
	}, got)
	require.Equal(t, []string{"ACME-1001", "ACME-1002"}, v.Tickets())
	require.Error(t, v.CloseTicket("none", "bob"))
}

func TestStrictness(t *testing.T) {
	v := start(t, Options{})
	call(t, v, "POST", "/api/tickets", `{"title":"T"}`)
	for _, c := range []struct {
		method, path, body, token, media string
		want                             int
	}{
		{"POST", "/api/tickets", `{"title":"T"}`, "wrong", "application/json", 401},
		{"POST", "/api/tickets", `{"title":"T"}`, "", "text/plain", 415},
		{"POST", "/api/tickets", `{"title":"T","colour":"red"}`, "", "application/json", 422},
		{"POST", "/api/tickets", `{"title":" "}`, "", "application/json", 422},
		{"POST", "/api/tickets", `{"title":"T","priority":"1"}`, "", "application/json", 422},
		{"POST", "/api/tickets", `{"title":"T","previous":"none"}`, "", "application/json", 422},
		{"POST", "/api/tickets", `{"title":"T"} {}`, "", "application/json", 422},
		{"POST", "/api/tickets", `{"title":`, "", "application/json", 422},
		{"PUT", "/api/tickets", `{"title":"T"}`, "", "application/json", 405},
		{"DELETE", "/api/tickets/ACME-1001", ``, "", "application/json", 405},
		{"POST", "/api/tickets/ACME-1001/comments", `{"reason":"x"}`, "", "application/json", 422},
		{"POST", "/api/tickets/ACME-1001/reopen", `{"text":"x"}`, "", "application/json", 422},
		{"POST", "/api/tickets/ACME-1001/close", `{"reason":"x"}`, "", "application/json", 422},
		{"POST", "/api/tickets/ACME-1001/burn", `{}`, "", "application/json", 404},
		{"GET", "/api/tickets/ACME-9", ``, "", "application/json", 404},
		{"GET", "/api/tickets/a/b/c", ``, "", "application/json", 404},
		{"GET", "/other", ``, "", "application/json", 404},
		{"GET", "/api/tickets", ``, "", "application/json", 400},
		{"GET", "/api/changes?since=x", ``, "", "application/json", 400},
		{"GET", "/api/changes?page=0", ``, "", "application/json", 400},
		{"POST", "/api/changes", ``, "", "application/json", 405},
		{"POST", "/api/tickets", strings.Repeat("x", 1<<20+1), "", "application/json", 413},
	} {
		if c.token == "" {
			c.token = v.Token()
		}
		status, _, err := try(t.Context(), v, c.method, c.path, c.body, c.token, c.media)
		require.NoError(t, err)
		require.Equal(t, c.want, status, "%s %s %.40s", c.method, c.path, c.body)
	}
	require.Len(t, v.Ledger(), 1)
}

// sink takes webhooks and verifies them with the reference library.
type sink struct {
	*httptest.Server
	mu     sync.Mutex
	got    []Change
	refuse int
}

func newSink(t *testing.T, v func() *Vendor) *sink {
	s := &sink{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		wh, err := standardwebhooks.NewWebhook(v().Secret())
		s.mu.Lock()
		defer s.mu.Unlock()
		var c Change
		if err != nil || wh.Verify(body, r.Header) != nil || json.Unmarshal(body, &c) != nil || c.ID != r.Header.Get("webhook-id") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if s.refuse > 0 {
			s.refuse--
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s.got = append(s.got, c)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) types() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, c := range s.got {
		out = append(out, c.Type)
	}
	return out
}

func TestWebhooksAreSignedOrderedAndRepeated(t *testing.T) {
	var v *Vendor
	s := newSink(t, func() *Vendor { return v })
	s.refuse = 2
	v = start(t, Options{Webhook: s.URL, HookRetry: time.Millisecond})
	call(t, v, "POST", "/api/tickets", `{"title":"T"}`)
	_, err := v.Reply("ACME-1001", "bob", "hi", true, Attachment{Name: "a", URL: "https://v.example/a"})
	require.NoError(t, err)
	v.Mute(true)
	require.NoError(t, v.Resolve("ACME-1001", "bob", "done"))
	v.Mute(false)
	require.NoError(t, v.CloseTicket("ACME-1001", "robot"))
	v.Resend()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, v.Idle(ctx))
	require.Equal(t, []string{"ticket.created", "comment.created", "ticket.closed", "ticket.closed"}, s.types())
	require.Equal(t, s.got[2].ID, s.got[3].ID)
	require.Equal(t, APIUser, s.got[0].Actor)
	require.Equal(t, "a", s.got[1].Comment.Attachments[0].Name)

	v.SetWebhook("")
	_, err = v.Reply("ACME-1001", "bob", "unheard", true)
	require.NoError(t, err)
	require.NoError(t, v.Idle(ctx))
	require.Len(t, s.types(), 4)
}

func TestEchoFirst(t *testing.T) {
	var v *Vendor
	s := newSink(t, func() *Vendor { return v })
	v = start(t, Options{Webhook: s.URL, EchoFirst: true})
	call(t, v, "POST", "/api/tickets", `{"title":"T"}`)
	require.Equal(t, []string{"ticket.created"}, s.types(), "the webhook was there before the answer")
}

func TestFeed(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	v := start(t, Options{PageSize: 2, Now: func() time.Time { now = now.Add(time.Second); return now }})
	call(t, v, "POST", "/api/tickets", `{"title":"T"}`)
	for range 4 {
		_, err := v.Reply("ACME-1001", "bob", "x", true)
		require.NoError(t, err)
	}
	_, m := call(t, v, "GET", "/api/changes?since=1", "")
	require.Len(t, m["changes"], 2)
	require.Equal(t, "3", m["cursor"])
	require.Equal(t, "/api/changes?page=2&since=1", m["next"])
	_, m = call(t, v, "GET", m["next"].(string), "")
	require.Len(t, m["changes"], 2)
	require.Nil(t, m["next"])
	_, m = call(t, v, "GET", "/api/changes?since=5", "")
	require.Empty(t, m["changes"])
	require.Equal(t, "5", m["cursor"])
	_, m = call(t, v, "GET", "/api/changes?since=2026-01-01T00:00:05Z", "")
	require.Len(t, m["changes"], 1)
	require.Equal(t, "5", m["cursor"])
}

func TestFaults(t *testing.T) {
	v := start(t, Options{})
	for _, c := range []struct {
		kind   FaultKind
		status int
		done   int
	}{
		{ServerError, 500, 0}, {Unavailable, 503, 0}, {Throttle, 429, 0}, {Refuse, 422, 0}, {Login, 200, 0}, {Reset, 0, 0},
		{Garbage, 200, 1}, {Drop, 0, 1},
	} {
		before := len(v.Ledger())
		met := make(chan struct{}, 1)
		v.Fail(Fault{Kind: c.kind, Method: "POST", Path: "/tickets", Times: 1, Met: met})
		_, _, err := try(t.Context(), v, "GET", "/api/tickets?external_id=x", "", v.Token(), "")
		require.NoError(t, err, "other calls go on")
		status, _, err := try(t.Context(), v, "POST", "/api/tickets", `{"title":"T"}`, v.Token(), "application/json")
		require.Equal(t, c.status, status, c.kind)
		require.Equal(t, c.status == 0, err != nil, c.kind)
		require.Len(t, v.Ledger(), before+c.done, c.kind)
		require.Len(t, met, 1)
	}
	before := len(v.Ledger())
	ctx, cancel := context.WithCancel(t.Context())
	met := make(chan struct{}, 1)
	v.Fail(Fault{Kind: Hang, Met: met})
	done := make(chan error, 1)
	go func() {
		_, _, err := try(ctx, v, "POST", "/api/tickets", `{"title":"T"}`, v.Token(), "application/json")
		done <- err
	}()
	<-met
	require.Len(t, v.Ledger(), before+1)
	cancel()
	require.Error(t, <-done)
	v.Heal()
	status, _ := call(t, v, "GET", "/api/tickets/ACME-1001", "")
	require.Equal(t, 200, status)

	v.Down()
	_, _, err := try(t.Context(), v, "GET", "/api/changes", "", v.Token(), "")
	require.Error(t, err)
	v.Down()
	require.NoError(t, v.Up())
	require.NoError(t, v.Up())
	status, _ = call(t, v, "GET", "/api/changes", "")
	require.Equal(t, 200, status)
}

func TestConfigText(t *testing.T) {
	s := Config("http://h:1", "\nmode: observe\n")
	require.Contains(t, s, "base: http://h:1/api\n")
	require.True(t, strings.HasSuffix(s, "\nmode: observe\n"))
	require.Equal(t, "  a\n\n  b\n", Indented("a\n\nb\n", 2))
	_, err := Start(Options{Secret: "whsec_!"})
	require.Error(t, err)
}
