package webhooks_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/webhooks"
)

func TestWaitForTheReference(t *testing.T) {
	r := start(t)
	r.await = func(_ context.Context, task string) (string, error) { return "EXT-" + task, nil }
	require.Equal(t, map[string]any{"event": "event-1", "status": "bonded", "reference": "EXT-4711"}, answer(t, r.call("/ssp/acme?wait=10s", "application/json", submit), 200))
	require.Equal(t, map[string]any{"event": "event-1", "status": "bonded", "reference": "EXT-4711"}, answer(t, r.call("/ssp/acme?wait=5", "application/json", submit), 200), "a repeat is told as well")
	require.Equal(t, "echo", answer(t, r.call("/ssp/acme?wait=10s", "application/json", `{"task":"1","direction":"In"}`), 200)["status"])
	r.await = func(context.Context, string) (string, error) { return "", errors.New("closing") }
	require.Equal(t, "duplicate", answer(t, r.call("/ssp/acme?wait=10s", "application/json", submit), 200)["status"])
	r.status = func(bridge.Event) bridge.Receipt {
		return bridge.Receipt{Status: bridge.Accepted, Event: "e", Reference: "KNOWN"}
	}
	require.Equal(t, map[string]any{"event": "e", "status": "bonded", "reference": "KNOWN"}, answer(t, r.call("/ssp/acme?wait=10s", "application/json", submit), 200))
}

func TestWaitEndsInTime(t *testing.T) {
	r := start(t)
	synctest.Test(t, func(t *testing.T) {
		for target, want := range map[string]time.Duration{"/ssp/acme?wait=10s": 10 * time.Second, "/ssp/acme?wait=500ms": 500 * time.Millisecond, "/ssp/acme?wait=1h": 20 * time.Second} {
			before := time.Now()
			w := r.call(target, "application/json", `{"task":"1","request_type":"Submit Request"}`)
			require.Equal(t, "accepted", answer(t, w, 202)["status"])
			require.Equal(t, want, time.Since(before))
		}
	})
}

func TestDrainingEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, drain := context.WithCancel(t.Context())
		r := start(t, func(o *webhooks.Options) { o.Draining = ctx })
		done := make(chan *httptest.ResponseRecorder)
		go func() { done <- r.call("/ssp/acme?wait=20s", "application/json", submit) }()
		synctest.Wait()
		before := time.Now()
		drain()
		require.Equal(t, "accepted", answer(t, <-done, 202)["status"])
		require.Equal(t, before, time.Now())
	})
}

func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(o *webhooks.Options) { o.MaxRequests, o.MaxWaiting = 1, 1 })
		done := make(chan *httptest.ResponseRecorder)
		go func() { done <- r.call("/ssp/acme?wait=10s", "application/json", submit) }()
		synctest.Wait()
		require.Equal(t, 202, r.signed("{}").Code, "who waits for a reference holds no slot")
		before := time.Now()
		require.Equal(t, 200, r.call("/ssp/acme?wait=10s", "application/json", submit).Code)
		require.Equal(t, before, time.Now(), "beyond the bound nobody waits")
		require.Equal(t, 202, (<-done).Code)

		block := make(chan struct{})
		r.status = func(bridge.Event) bridge.Receipt { <-block; return bridge.Receipt{Status: bridge.Accepted} }
		go func() { done <- r.signed("{}") }()
		synctest.Wait()
		w := r.do("POST", "/ssp/acme", "application/json", submit)
		problem(t, w, 503, "unavailable")
		require.NotEmpty(t, w.Header().Get("Retry-After"))
		require.Equal(t, 200, r.do("GET", "/healthz", "", "").Code, "a busy bridge is alive")
		close(block)
		require.Equal(t, 202, (<-done).Code)
	})
}

// On a real connection: a body that never ends is cut off, and the deadline for reading does not
// cut off a caller that waits for its answer afterwards.
func TestDeadlinesOnARealConnection(t *testing.T) {
	r := start(t, func(o *webhooks.Options) { o.Timeout = 150 * time.Millisecond })
	r.await = func(ctx context.Context, _ string) (string, error) {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(500 * time.Millisecond): // longer than every deadline for reading
			return "EXT-1", nil
		}
	}
	srv := httptest.NewUnstartedServer(r.handler)
	srv.Config.ReadTimeout = 300 * time.Millisecond
	srv.Start()
	defer srv.Close()

	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /ssp/acme HTTP/1.1\r\nHost: x\r\nX-Bridge-Key: "+key+"\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(got), "HTTP/1.1 408 "), string(got))
	require.Contains(t, string(got), "urn:pergabridge:problem:incomplete")
	require.Empty(t, r.all())

	req, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/ssp/acme?wait=5s", strings.NewReader(submit))
	require.NoError(t, err)
	req.Header.Set("X-Bridge-Key", key)
	resp, err := srv.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode, string(body))
	require.Contains(t, string(body), "EXT-1")
}

func TestStrangersWhoSendSlowlyKeepNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(o *webhooks.Options) { o.MaxRequests = 4 })
		slow, end := io.Pipe()
		answers := make(chan int, 3)
		for range 3 { // hmac: nothing is proven before the body is there; two may try at once
			go func() {
				req := httptest.NewRequest(http.MethodPost, "/webhooks/acme", slow)
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("00", sha256.Size))
				rec := httptest.NewRecorder()
				r.handler.ServeHTTP(rec, req)
				answers <- rec.Code
			}()
		}
		synctest.Wait()
		require.Equal(t, http.StatusServiceUnavailable, <-answers)
		require.Equal(t, http.StatusAccepted, r.call("/ssp/acme", "application/json", submit).Code)
		end.Close()
		require.Equal(t, http.StatusUnauthorized, <-answers)
		require.Equal(t, http.StatusUnauthorized, <-answers)
	})
}
