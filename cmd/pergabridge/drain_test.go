package main_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// A gate stands before a vendor and holds the calls that open tickets until it is opened.
type gate struct {
	arrived chan struct{} // one for each call that waits
	open    chan struct{}
}

func newGate(t *testing.T, w *world, provider string) *gate {
	t.Helper()
	behind, err := url.Parse(w.vendor[provider].URL())
	require.NoError(t, err)
	g := &gate{arrived: make(chan struct{}, 10), open: make(chan struct{})}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind) }, Transport: &http.Transport{DisableKeepAlives: true}}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/tickets") {
			g.arrived <- struct{}{}
			select {
			case <-g.open:
			case <-r.Context().Done():
				return
			}
		}
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(s.Close)
	w.edit("base: "+w.vendor[provider].URL(), "base: "+s.URL)
	return g
}

func (g *gate) await(t *testing.T) {
	t.Helper()
	select {
	case <-g.arrived:
	case <-time.After(patience):
		t.Fatal("no call arrived at the vendor")
	}
}

// SIGTERM: nothing new comes in, who waits is answered, what is on its way arrives, exit code 0.
func TestDrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.known("1")
	g := newGate(t, w, alpha)
	c := w.start()
	submit := w.call(alpha, map[string]any{"task": "1", "request_type": "Submit Request", "title": "drain me"})
	submit.url += "?wait=30s"
	answered := make(chan answer, 1)
	go func() {
		a, _ := w.send(t.Context(), submit) // an error leaves the answer empty
		answered <- a
	}()
	g.await(t)
	c.terminate(t)
	select {
	case a := <-answered:
		require.Equal(t, http.StatusAccepted, a.code, a.body)
	case <-time.After(20 * time.Second):
		t.Fatal("the call that waited for its reference was not answered")
	}
	w.until("the entrance is closed", func() bool {
		conn, err := net.Dial("tcp", w.public)
		if err == nil {
			_ = conn.Close() // only asked whether there is one
		}
		return err != nil
	})
	select {
	case <-c.ended:
		t.Fatal("it ended before the delivery did")
	default:
	}
	close(g.open)
	require.Equal(t, 0, c.exit(t), c.log.String())

	w.start()
	w.settled()
	w.nothingStuck()
	require.Len(t, w.vendor[alpha].Tickets(), 1)
	events := w.events("--kind", "submit")
	require.Len(t, events, 1)
	require.Equal(t, bridge.Delivered, events[0].Reason)
	require.Len(t, w.event(events[0].ID).Attempts, 1, "it was not interrupted")
}

// A call with ?wait= is answered with the reference as soon as that is known, else after the time.
func TestWaitForReference(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.known("1", "2")
	w.start()
	submit := func(task, wait string) post {
		p := w.call(alpha, map[string]any{"task": task, "request_type": "Submit Request", "title": "now, please"})
		p.url += "?wait=" + wait
		return p
	}
	a := w.mustSend(submit("1", "10s"), http.StatusOK)
	require.Equal(t, "bonded", string(a.Status))
	require.Equal(t, "ALPHA-1001", a.Reference)

	w.vendor[alpha].Down()
	began := time.Now()
	a = w.mustSend(submit("2", "700ms"), http.StatusAccepted)
	require.Equal(t, "accepted", string(a.Status))
	require.Empty(t, a.Reference)
	require.GreaterOrEqual(t, time.Since(began), 700*time.Millisecond)

	again := make(chan answer, 1)
	go func() {
		a, _ := w.send(context.WithoutCancel(t.Context()), submit("2", "30s"))
		again <- a
	}()
	require.NoError(t, w.vendor[alpha].Up())
	late := <-again
	require.Equal(t, http.StatusOK, late.code, late.body)
	require.Equal(t, a.Event, late.Event, "a repeat names the first")
	require.Equal(t, "ALPHA-1002", late.Reference)
}
