package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/metrics"
	"github.com/pergabridge/pergabridge/bridge/engine"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

var ctx = context.Background()

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, 200, rec.Code, rec.Body)
	return rec.Body.String()
}

func TestWhatTheEngineTellsIsCounted(t *testing.T) {
	m := metrics.New(metrics.Options{Destinations: []string{"ssp", "acme"}, Version: "1.2.3"})
	zero := scrape(t, m)
	require.Contains(t, zero, `pergabridge_attempts_total{destination="acme",outcome="retry",reason="not_sent"} 0`)
	require.Contains(t, zero, `pergabridge_attempt_duration_seconds_count{destination="ssp"} 0`)
	require.Contains(t, zero, `pergabridge_swept_total{what="expired"} 0`)
	require.Contains(t, zero, `pergabridge_settled_total{destination="acme",reason="skipped",state="ended"} 0`, "the first one is an increase")
	require.NotContains(t, zero, "pergabridge_store_up", "nobody to ask")

	m.Accepted("acme", bridge.ByWebhook, bridge.Duplicate)
	m.Attempt(engine.Attempt{Dest: "acme", Outcome: bridge.OutcomeDone, Reason: bridge.Delivered, Took: 30 * time.Millisecond, Age: 2 * time.Second})
	m.Attempt(engine.Attempt{Dest: "acme", Outcome: bridge.OutcomeRetry, Reason: bridge.NotSent, Took: 3 * time.Second, Age: 4 * time.Second})
	m.Settled("acme", bridge.Submit, bridge.Verdict{State: bridge.StateParked, Reason: bridge.RefusedAnswer, Parked: true})
	m.Settled("acme", bridge.Submit, bridge.Verdict{Fenced: true})
	m.Store("accept", 2*time.Millisecond, nil)
	m.Store("accept", 2*time.Millisecond, errors.New("x"))
	m.Lag(1500 * time.Millisecond)
	m.Swept(bridge.Swept{Expired: 1, Quarantined: 2, Shrunk: 3, Forgotten: 4})
	m.Duty("poll acme", true)
	m.Duty("sweep", true)
	m.Duty("sweep", false)
	got := scrape(t, m)
	for _, want := range []string{
		`pergabridge_events_accepted_total{entrance="webhook",provider="acme",status="duplicate"} 1`,
		`pergabridge_attempts_total{destination="acme",outcome="done",reason="delivered"} 1`,
		`pergabridge_attempts_total{destination="acme",outcome="retry",reason="not_sent"} 1`,
		`pergabridge_attempt_duration_seconds_count{destination="acme"} 2`,
		`pergabridge_attempt_duration_seconds_bucket{destination="acme",le="0.05"} 1`,
		`pergabridge_delivery_age_seconds_sum{destination="acme"} 2`,
		`pergabridge_settled_total{destination="acme",reason="refused",state="parked"} 1`,
		`pergabridge_settled_total{destination="acme",reason="",state="fenced"} 1`,
		`pergabridge_lanes_stopped_total{destination="acme",reason="refused"} 1`,
		`pergabridge_store_call_duration_seconds_count{call="accept"} 2`,
		`pergabridge_store_errors_total{call="accept"} 1`,
		`pergabridge_loop_lag_seconds 1.5`,
		`pergabridge_swept_total{what="shrunk"} 3`,
		`pergabridge_duty_held{duty="poll acme"} 1`,
		`pergabridge_duty_held{duty="sweep"} 0`,
		`version="1.2.3"`, "go_goroutines", "process_resident_memory_bytes",
	} {
		require.Contains(t, got, want)
	}
}

func TestWhatTheStoreKnowsIsAskedAtTheScrape(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	s, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "a.db"), sqlite.Options{Now: clock, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer s.Close()
	m := metrics.New(metrics.Options{Store: s, Destinations: []string{"ssp", "acme"}, Now: clock})
	_, err = s.Accept(ctx, []bridge.Event{
		{ID: bridge.NewID(), Provider: "acme", Task: "1", Dir: bridge.Out, Kind: bridge.Submit, Received: now},
		{ID: bridge.NewID(), Provider: "acme", Dir: bridge.In, Quarantine: bridge.NoRule, Received: now, Inbound: &bridge.Inbound{Body: []byte("x")}},
	})
	require.NoError(t, err)
	_, err = s.Operate(ctx, bridge.Command{Verb: bridge.VerbDestPause, Dest: "acme"})
	require.NoError(t, err)
	now = now.Add(90 * time.Second)
	got := scrape(t, m)
	for _, want := range []string{
		`pergabridge_store_up 1`,
		`pergabridge_events{state="queued"} 1`, `pergabridge_events{state="done"} 0`, `pergabridge_events{state="quarantined"} 1`,
		`pergabridge_bonds{state="pending"} 1`, `pergabridge_bonds{state="open"} 0`,
		`pergabridge_quarantined{provider="acme",reason="no_rule"} 1`,
		`pergabridge_lanes{destination="acme",state="ready"} 1`, `pergabridge_lanes{destination="ssp",state="parked"} 0`,
		`pergabridge_lane_events{destination="acme"} 1`,
		`pergabridge_lane_oldest_age_seconds{destination="acme"} 90`, `pergabridge_lane_oldest_age_seconds{destination="ssp"} 0`,
		`pergabridge_destination_paused{destination="acme"} 1`, `pergabridge_destination_paused{destination="ssp"} 0`,
		`pergabridge_destination_breaker{destination="ssp",state="closed"} 1`, `pergabridge_destination_breaker{destination="ssp",state="open"} 0`,
		`pergabridge_destination_failures{destination="acme"} 0`,
	} {
		require.Contains(t, got, want)
	}
	problems, err := testutil.GatherAndLint(m.Registry())
	require.NoError(t, err)
	for _, p := range problems {
		require.False(t, strings.HasPrefix(p.Metric, "pergabridge_"), "%s: %s", p.Metric, p.Text)
	}
}

type broken struct {
	counts bridge.Counts
	err    error
}

func (b broken) Counts(context.Context) (bridge.Counts, error) { return b.counts, b.err }

func TestAStoreThatIsGoneDoesNotFailTheScrape(t *testing.T) {
	m := metrics.New(metrics.Options{Store: broken{err: bridge.ErrUnavailable}})
	got := scrape(t, m)
	require.Contains(t, got, "pergabridge_store_up 0")
	require.NotContains(t, got, "pergabridge_events{")

	m = metrics.New(metrics.Options{Store: broken{counts: bridge.Counts{Quarantine: map[string]map[bridge.Reason]int64{"\xff": {bridge.NoRule: 1}, "acme": {bridge.NoRule: 2}}}}})
	got = scrape(t, m)
	require.Contains(t, got, `pergabridge_quarantined{provider="acme",reason="no_rule"} 2`, "a damaged name loses its own series alone")
}
