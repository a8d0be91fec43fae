package soap

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

func TestTheThreeCalls(t *testing.T) { everyWay(t, testTheThreeCalls) }

func testTheThreeCalls(t *testing.T, w way) {
	s := startSSP(t, ssptest.Options{})
	task := assignedTask(t, s)
	d := newDestination(t, w.of(Config{URL: s.URL()}))

	for _, l := range []bridge.Lease{
		{Event: bridge.Event{Kind: bridge.Acknowledge, Task: task, Reference: "EXT <&> 1"}},
		lease(bridge.Update, task, awkward),
		lease(bridge.Update, task, ""),
		lease(bridge.Resolve, task, awkward),
	} {
		o := d.Deliver(t.Context(), l)
		require.Equal(t, bridge.OutcomeDone, o.Kind, "%+v", o)
		require.Equal(t, bridge.Delivered, o.Reason)
		require.Equal(t, http.StatusOK, o.Status)
		require.Equal(t, `SSP took it and answered "OK"`, o.Detail)
		require.Contains(t, o.Request, "<processInstanceTaskId>"+task+"</processInstanceTaskId>")
		require.Contains(t, o.Answer, "Response xmlns=")
	}

	type effect struct {
		op   ssptest.Operation
		args map[string]string
	}
	var got []effect
	for _, e := range s.Effects() {
		got = append(got, effect{e.Operation, e.Args})
	}
	require.Equal(t, []effect{
		{ssptest.Acknowledgement, map[string]string{"processInstanceTaskId": task, "externalReference": "EXT <&> 1"}},
		{ssptest.UpdateMessage, map[string]string{"processInstanceTaskId": task, "message": awkwardArrived}},
		{ssptest.UpdateMessage, map[string]string{"processInstanceTaskId": task, "message": ""}},
		{ssptest.Reassignment, map[string]string{"processInstanceTaskId": task, "solution": awkwardArrived}},
	}, got)
	for _, c := range s.Calls() {
		if w.version == "1.2" {
			require.Equal(t, "1.2", c.Version)
			continue
		}
		require.Equal(t, `"http://tempuri.org/`+string(c.Operation)+`"`, c.Action, "SOAPAction must be quoted")
		require.Equal(t, "1.1", c.Version)
	}
}

func TestTheBondFillsWhatTheEventLacks(t *testing.T) { everyWay(t, testTheBondFillsWhatTheEventLacks) }

func testTheBondFillsWhatTheEventLacks(t *testing.T, w way) {
	s := startSSP(t, ssptest.Options{})
	task := assignedTask(t, s)
	d := newDestination(t, w.of(Config{URL: s.URL()}))
	o := d.Deliver(t.Context(), bridge.Lease{
		Event: bridge.Event{Kind: bridge.Acknowledge},
		Bond:  bridge.Bond{Task: task, Reference: "EXT-9"},
	})
	require.Equal(t, bridge.OutcomeDone, o.Kind)
	state, _ := s.Task(task)
	require.Equal(t, "EXT-9", state.Reference)
}

func TestWhatCannotBeACall(t *testing.T) { everyWay(t, testWhatCannotBeACall) }

func testWhatCannotBeACall(t *testing.T, w way) {
	d := newDestination(t, w.of(Config{URL: "http://127.0.0.1:1/", Contract: Assumed}))
	o := d.Deliver(t.Context(), bridge.Lease{Event: bridge.Event{Kind: bridge.Acknowledge, Task: "1"}})
	require.Equal(t, bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.NoReference, Detail: "the provider's reference is not known"}, o)
	o = d.Deliver(t.Context(), lease(bridge.Submit, "1", ""))
	require.Equal(t, bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.MappingFailed, Detail: `SSP has no operation for an event of kind "submit"`}, o)
	_, err := d.Render(lease(bridge.Submit, "1", ""))
	require.EqualError(t, err, `ssp: SSP has no operation for an event of kind "submit"`)
}

func TestRenderShowsWhatDeliverSends(t *testing.T) { everyWay(t, testRenderShowsWhatDeliverSends) }

func testRenderShowsWhatDeliverSends(t *testing.T, w way) {
	s := startSSP(t, ssptest.Options{KeepBodies: true})
	task := assignedTask(t, s)
	d := newDestination(t, w.of(Config{URL: s.URL()}))
	l := lease(bridge.Update, task, "x\r\n<y>")
	if w != (way{}) {
		shown, err := d.Render(l)
		require.NoError(t, err)
		require.Contains(t, shown, "(SSP's contract was not read yet: ")
	}
	_, err := d.CheckContract(t.Context())
	require.NoError(t, err)
	shown, err := d.Render(l)
	require.NoError(t, err)
	require.Empty(t, s.Calls(), "Render must not send")
	require.Equal(t, bridge.OutcomeDone, d.Deliver(t.Context(), l).Kind)
	sent := s.Calls()[0]
	head := "SOAPAction: " + sent.Action
	if w.version == "1.2" {
		head = `Content-Type: application/soap+xml; action="http://tempuri.org/` + string(sent.Operation) + `"; charset=utf-8`
	}
	require.Equal(t, "POST "+s.URL()+"\n"+head+"\n\n"+string(sent.Body), shown)
	require.Regexp(t, "<message>x&#xD;(&#xA;|\n)&lt;y&gt;</message>", shown)
}

// gowsdl marks every request to close its connection; with that, 50 calls need 50 connections.
func TestConnectionsAreKept(t *testing.T) { everyWay(t, testConnectionsAreKept) }

func testConnectionsAreKept(t *testing.T, w way) {
	remotes := map[string]bool{}
	var mu sync.Mutex
	s := startSSP(t, ssptest.Options{Authorize: func(r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		remotes[r.RemoteAddr] = true
		return !r.Close
	}})
	task := assignedTask(t, s)
	d := newDestination(t, w.of(Config{URL: s.URL()}))
	for range 50 {
		require.Equal(t, bridge.OutcomeDone, d.Deliver(t.Context(), lease(bridge.Update, task, "x")).Kind)
	}
	require.Len(t, remotes, 1)
}

func TestConcurrentCalls(t *testing.T) { everyWay(t, testConcurrentCalls) }

func testConcurrentCalls(t *testing.T, w way) {
	s := startSSP(t, ssptest.Options{})
	d := newDestination(t, w.of(Config{URL: s.URL()}))
	var tasks []string
	for range 8 {
		tasks = append(tasks, assignedTask(t, s))
	}
	var wg sync.WaitGroup
	for _, task := range tasks {
		wg.Go(func() {
			for _, text := range []string{"one", "two", "three"} {
				if o := d.Deliver(t.Context(), lease(bridge.Update, task, task+" "+text)); o.Kind != bridge.OutcomeDone {
					t.Errorf("%+v", o)
				}
			}
		})
	}
	wg.Wait()
	for _, task := range tasks {
		var texts []string
		for _, e := range s.Effects(task) {
			texts = append(texts, e.Text)
		}
		require.Equal(t, []string{task + " one", task + " two", task + " three"}, texts)
	}
}

func TestTransportTroubles(t *testing.T) { everyWay(t, testTransportTroubles) }

func testTransportTroubles(t *testing.T, w way) {
	s := startSSP(t, ssptest.Options{})
	task := assignedTask(t, s)
	d := newDestination(t, w.of(Config{URL: s.URL(), Outbound: outbound.Config{Timeout: outbound.Timeouts{Total: config.Duration(150 * time.Millisecond)}}}))
	require.Equal(t, bridge.OutcomeDone, d.Deliver(t.Context(), lease(bridge.Update, task, "first")).Kind)

	for _, c := range []struct {
		trouble ssptest.TroubleKind
		applied bool
	}{{ssptest.Drop, false}, {ssptest.DropAfter, true}, {ssptest.Hang, false}, {ssptest.HangAfter, true}} {
		before := len(s.Effects(task))
		s.Script(ssptest.Times(1, ssptest.Trouble{Kind: c.trouble}))
		o := d.Deliver(t.Context(), lease(bridge.Update, task, string(c.trouble)))
		require.Equal(t, bridge.OutcomeUnknown, o.Kind, "%s: %+v", c.trouble, o)
		require.Equal(t, bridge.NoAnswer, o.Reason)
		require.Contains(t, o.Request, string(c.trouble))
		want := before
		if c.applied {
			want++
		}
		require.Len(t, s.Effects(task), want, "%s: nothing may be sent a second time", c.trouble)
	}

	s.Down()
	o := d.Deliver(t.Context(), lease(bridge.Update, task, "down"))
	require.Equal(t, bridge.OutcomeRetry, o.Kind, "%+v", o)
	require.Equal(t, bridge.NotSent, o.Reason)
	require.True(t, o.Down)
	require.NoError(t, s.Up())
	require.Equal(t, bridge.OutcomeDone, d.Deliver(t.Context(), lease(bridge.Update, task, "up")).Kind)
}

func TestDeliverStopsWithItsContext(t *testing.T) { everyWay(t, testDeliverStopsWithItsContext) }

func testDeliverStopsWithItsContext(t *testing.T, w way) {
	s := startSSP(t, ssptest.Options{})
	task := assignedTask(t, s)
	d := newDestination(t, w.of(Config{URL: s.URL()}))
	_, err := d.CheckContract(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	s.Script(func(ssptest.Call) *ssptest.Trouble {
		cancel()
		return &ssptest.Trouble{Kind: ssptest.Hang}
	})
	o := d.Deliver(ctx, lease(bridge.Update, task, "x"))
	require.Equal(t, bridge.OutcomeUnknown, o.Kind)
	require.False(t, o.Down, "that we stopped says nothing about SSP")
}

func TestNoSecretGetsOut(t *testing.T) { everyWay(t, testNoSecretGetsOut) }

func testNoSecretGetsOut(t *testing.T, w way) {
	key := secret.New("very-secret-key-0815")
	s := startSSP(t, ssptest.Options{Authorize: func(r *http.Request) bool { return r.Header.Get("X-Key") == key.Reveal() }})
	task := assignedTask(t, s)
	var log strings.Builder
	c := w.of(Config{URL: s.URL()})
	c.Outbound.Auth.Header = &outbound.HeaderKey{Name: "X-Key", Secret: config.Secret{Text: key}}
	d, err := New(c, Deps{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	o := d.Deliver(t.Context(), lease(bridge.Update, task, "the key is "+key.Reveal()))
	require.Equal(t, bridge.OutcomeDone, o.Kind, "%+v", o)
	shown, err := d.Render(lease(bridge.Update, task, "the key is "+key.Reveal()))
	require.NoError(t, err)
	s.Script(ssptest.Always(ssptest.Trouble{Kind: ssptest.ServerFault, Text: "bad key " + key.Reveal()}))
	f := d.Deliver(t.Context(), lease(bridge.Update, task, "x"))
	require.Equal(t, bridge.Fault, f.Reason)
	for _, text := range []string{o.Request, o.Answer, o.Detail, shown, f.Detail, f.Answer, f.Request, log.String()} {
		require.NotContains(t, text, key.Reveal())
	}
	require.Contains(t, f.Detail, secret.Shown)
	require.Contains(t, log.String(), "contract bound", "the log was looked at")
}
