package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

func ready(t *testing.T, w *world, status int, change ...func(*http.Request)) api.Readiness {
	t.Helper()
	rec := w.request("GET", "/readyz", "", change...)
	require.Equal(t, status, rec.Code, rec.Body)
	var v api.Readiness
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &v))
	require.Equal(t, status == 200, v.Ready)
	return v
}

func TestReadinessIsAboutStoreAndEngineAlone(t *testing.T) {
	t.Parallel()
	var engine atomic.Pointer[error]
	w := newWorld(t, func(o *console.Options) {
		o.Checks = map[string]func(context.Context) error{"engine": func(context.Context) error {
			if p := engine.Load(); p != nil {
				return *p
			}
			return nil
		}}
		o.Shown = map[string]func(context.Context) error{"mailbox support": func(context.Context) error { return errors.New("login failed with " + hidden) }}
		o.Contract = func() any { return contract{} }
	})
	w.accept(submit("1"))
	down := bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.NotSent, Down: true}
	for range 3 {
		w.deliver("acme", down, bridge.ThenRetry)
	}
	v := ready(t, w, 200, signed)
	require.Equal(t, api.Check{OK: true}, v.Checks["engine"])
	require.Equal(t, api.Check{OK: true}, v.Checks["store"])
	require.False(t, v.Shown["destination acme"].OK)
	require.Contains(t, v.Shown["destination acme"].Reason, "3 tries in a row failed")
	require.True(t, v.Shown["destination beta"].OK)
	require.Equal(t, api.Check{Reason: "contract changed: no argument solution"}, v.Shown["contract"])
	require.Equal(t, api.Check{Reason: "login failed with [secret]"}, v.Shown["mailbox support"])

	v = ready(t, w, 200)
	require.Equal(t, api.Check{}, v.Shown["mailbox support"], "reasons only for those who may see more")

	stuck := errors.New("the loop stopped")
	engine.Store(&stuck)
	ready(t, w, 200)
	w.clock.advance(time.Second)
	v = ready(t, w, 503, signed)
	require.Equal(t, "the loop stopped", v.Checks["engine"].Reason)
	require.Contains(t, w.request("GET", "/", "", signed).Body.String(), "the loop stopped")

	engine.Store(nil)
	w.clock.advance(time.Second)
	ready(t, w, 200)
	require.NoError(t, w.store.Close())
	w.clock.advance(time.Second)
	require.False(t, ready(t, w, 503).Checks["store"].OK)
	require.Equal(t, 200, w.request("GET", "/healthz", "").Code, "the process is up")
}

func TestAnswersOfChecksAreSharedForAMoment(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	w := newWorld(t, func(o *console.Options) {
		o.Checks = map[string]func(context.Context) error{"engine": func(context.Context) error { asked.Add(1); return nil }}
	})
	for range 5 {
		ready(t, w, 200)
	}
	require.EqualValues(t, 1, asked.Load())
}

func TestAChecksHangAndPanicAreFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, err := console.New(console.Options{
			Store: failing{err: errors.New("no")}, Engine: nobody{},
			Checks: map[string]func(context.Context) error{
				"hangs":  func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Minute); return nil },
				"panics": func(context.Context) error { panic("oh") },
			},
		})
		require.NoError(t, err)
		w := &world{t: t, handler: h}
		start := time.Now()
		v := ready(t, w, 503)
		require.Equal(t, 2*time.Second, time.Since(start))
		require.Equal(t, "no answer within 2s", v.Checks["hangs"].Reason)
		require.Equal(t, "the check panicked: oh", v.Checks["panics"].Reason)
		time.Sleep(time.Minute) // the hanging check ends
	})
}

type nobody struct{ console.Engine }
