package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
	"github.com/pergabridge/pergabridge/bridge/engine"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

// token is the admin token of the tests.
var token = secret.New("correct-horse-battery-staple")

// hidden is a secret that has nothing to do with signing in.
const hidden = "hunter2-and-more"

func init() { secret.Register(hidden) }

// A clock that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// A world is a console over a real store and engine; deliveries are made by hand.
type world struct {
	t       testing.TB
	clock   *clock
	store   *sqlite.Store
	engine  *engine.Engine
	handler http.Handler
	client  *client.Client
	url     string
	log     *bytes.Buffer
	reader  *reader
	session bridge.Session
}

// reader is a receiver whose understanding can be mended, as an operator mends a config.
type reader struct {
	mu     sync.Mutex
	events []bridge.Event
	err    error
}

func (r *reader) Receive(context.Context, bridge.Inbound) ([]bridge.Event, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events, r.err
}

func (r *reader) learn(events ...bridge.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events, r.err = events, nil
}

// blank is a new database. Making its schema is most of what a world costs, so it is made once.
var blank = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "pergabridge-console-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "a.db")
	s, err := sqlite.Open(ctx, path, sqlite.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

type nowhere struct{}

func (nowhere) Deliver(context.Context, bridge.Lease) bridge.Outcome {
	return bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered}
}

func newWorld(t testing.TB, change ...func(*console.Options)) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, log: &bytes.Buffer{},
		reader: &reader{err: errors.New("no rule for this")}}
	db, err := blank()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "a.db")
	require.NoError(t, os.WriteFile(path, db, 0o600))
	w.store, err = sqlite.Open(ctx, path, sqlite.Options{Now: w.clock.now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.store.Close() })
	w.engine, err = engine.New(engine.Options{
		Store: w.store, Now: w.clock.now,
		Destinations: []engine.Destination{{Name: bridge.SSP, Dest: nowhere{}}, {Name: "acme", Dest: nowhere{}}, {Name: "beta", Dest: nowhere{}}},
		Receivers:    map[string]bridge.Receiver{engine.ReceiverKey("acme", bridge.ByWebhook): w.reader},
	})
	require.NoError(t, err)
	o := console.Options{
		Store: w.store, Engine: w.engine, Token: token, Now: w.clock.now, Version: "1.2.3",
		Log: slog.New(slog.NewTextHandler(&locked{w: w.log}, nil)),
		Destinations: []console.Destination{
			{Name: bridge.SSP, Kind: "ssp", Mode: "deliver", Address: "https://ssp.example.com/" + hidden},
			{Name: "acme", Kind: "http", Mode: "deliver"}, {Name: "beta", Kind: "http", Mode: "observe"},
		},
	}
	for _, f := range change {
		f(&o)
	}
	w.handler, err = console.New(o)
	require.NoError(t, err)
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	w.url = server.URL
	w.client, err = client.New(client.Options{Address: server.URL, Token: o.Token, Person: "Ada"})
	require.NoError(t, err)
	t.Cleanup(w.client.Close)
	w.session = bridge.Session{ID: "test", Until: w.clock.now().Add(100 * time.Hour)}
	require.NoError(t, w.store.Renew(ctx, w.session))
	return w
}

// locked makes a buffer safe for the goroutines of a server.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func submit(task string) bridge.Event {
	return bridge.Event{Provider: "acme", Task: task, Dir: bridge.Out, Kind: bridge.Submit, Entrance: bridge.ByProcessCall,
		Title: "printer on fire", Description: "smoke in room 4711"}
}

func inbound(body, contentType string) *bridge.Inbound {
	return &bridge.Inbound{Provider: "acme", Entrance: bridge.ByWebhook, ContentType: contentType, Body: []byte(body)}
}

// accept offers events and returns their ids.
func (w *world) accept(events ...bridge.Event) []string {
	w.t.Helper()
	receipts, err := w.engine.Accept(ctx, events)
	require.NoError(w.t, err)
	ids := make([]string, len(receipts))
	for i, r := range receipts {
		ids[i] = r.Event
	}
	return ids
}

// deliver tries the oldest lane head of dest and settles it as o.
func (w *world) deliver(dest string, o bridge.Outcome, then bridge.Then) bridge.Verdict {
	w.t.Helper()
	s, err := w.store.Settle(ctx, w.session, nil, []bridge.Want{{Dest: dest, N: 1, Limit: bridge.Limit{Break: 3, BreakFor: time.Minute}}})
	require.NoError(w.t, err)
	require.Len(w.t, s.Leases, 1, "nothing to deliver at %s", dest)
	now := w.clock.now()
	s, err = w.store.Settle(ctx, w.session, []bridge.Result{{Lease: s.Leases[0], Outcome: o, Then: then, Started: now, Ended: now, Due: now, Config: "c1"}}, nil)
	require.NoError(w.t, err)
	return s.Verdicts[0]
}

// bonded makes an open bond with this reference.
func (w *world) bonded(task, reference string) {
	w.t.Helper()
	w.accept(submit(task))
	w.deliver("acme", bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered, Reference: reference, RefKey: bridge.ReferenceKey(reference, false)}, bridge.ThenDone)
	w.deliver(bridge.SSP, bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered}, bridge.ThenDone)
}

// park stops the lane of a new submit.
func (w *world) park(task string) string {
	w.t.Helper()
	id := w.accept(submit(task))[0]
	v := w.deliver("acme", bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.RefusedAnswer, Detail: "no such queue", Status: 422, Request: "POST /tickets", Answer: "bad <queue>"}, bridge.ThenPark)
	require.True(w.t, v.Parked)
	return id
}

// request is a call of the handler itself, from the loopback unless change says otherwise.
func (w *world) request(method, target, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host, r.RemoteAddr = "127.0.0.1:8081", "127.0.0.1:5555"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, f := range change {
		f(r)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

func signed(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token.Reveal()) }

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func from(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address }
}

// problem reads the problem document of an answer.
func problem(t testing.TB, rec *httptest.ResponseRecorder) api.Problem {
	t.Helper()
	require.Equal(t, "application/problem+json", rec.Header().Get("Content-Type"), rec.Body)
	var p api.Problem
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &p))
	require.Equal(t, rec.Code, p.Status)
	require.Equal(t, api.TypePrefix+string(p.Code), p.Type)
	require.NotEmpty(t, p.Title)
	return p
}

// refused returns the problem that a method of the client failed with.
func refused(t testing.TB, err error) *api.Problem {
	t.Helper()
	var p *api.Problem
	require.ErrorAs(t, err, &p)
	return p
}
