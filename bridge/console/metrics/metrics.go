package metrics

import (
	"context"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pergabridge/pergabridge/bridge"
)

// Counter is the part of a store that is asked at every scrape.
type Counter interface {
	Counts(ctx context.Context) (bridge.Counts, error)
}

// Options configures the metrics.
type Options struct {
	Store Counter
	// Destinations are the names of the config, SSP included; they are there from the start.
	Destinations []string
	Version      string
	Now          func() time.Time // nil: time.Now
}

// Metrics holds a registry of its own: what other packages register elsewhere does not appear.
type Metrics struct {
	registry *prometheus.Registry

	accepted *prometheus.CounterVec
	attempts *prometheus.CounterVec
	took     *prometheus.HistogramVec
	age      *prometheus.HistogramVec
	settled  *prometheus.CounterVec
	stopped  *prometheus.CounterVec
	store    *prometheus.HistogramVec
	failed   *prometheus.CounterVec
	lag      prometheus.Gauge
	swept    *prometheus.CounterVec
	duty     *prometheus.GaugeVec

	destinations atomic.Pointer[[]string]
}

// namespace is what every name begins with.
const namespace = "pergabridge"

// New returns the metrics of one bridge.
func New(o Options) *Metrics {
	if o.Now == nil {
		o.Now = time.Now
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		accepted: counter("events_accepted_total", "Events that an entrance brought, by what became of them.", "provider", "entrance", "status"),
		attempts: counter("attempts_total", "Tries at delivering an event.", "destination", "outcome", "reason"),
		took: histogram("attempt_duration_seconds", "How long tries took.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}, "destination"),
		age: histogram("delivery_age_seconds", "Time from the reception of an event to the end of the try that applied it.",
			[]float64{.01, .05, .1, .5, 1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600, 72 * 3600}, "destination"),
		settled: counter("settled_total", "Tries that the store recorded, by the state of the event after them.", "destination", "state", "reason"),
		stopped: counter("lanes_stopped_total", "Lanes that were parked.", "destination", "reason"),
		store: histogram("store_call_duration_seconds", "How long calls of the store took.",
			[]float64{.0005, .001, .0025, .005, .01, .015, .025, .05, .1, .25, .5, 1, 5}, "call"),
		failed: counter("store_errors_total", "Calls of the store that failed.", "call"),
		lag: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "loop_lag_seconds",
			Help: "How long the oldest signal waited for the last turn of the delivery loop."}),
		swept: counter("swept_total", "What sweeps did.", "what"),
		duty: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "duty_held",
			Help: "1 while this process does the duty."}, []string{"duty"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info", Help: "What is running; always 1.",
		ConstLabels: prometheus.Labels{"version": o.Version, "goversion": runtime.Version(), "revision": revision()}})
	build.Set(1)
	m.registry.MustRegister(m.accepted, m.attempts, m.took, m.age, m.settled, m.stopped, m.store, m.failed, m.lag, m.swept, m.duty, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.SetDestinations(o.Destinations)
	if o.Store != nil {
		m.registry.MustRegister(newAsked(o.Store, &m.destinations, o.Now))
	}
	return m
}

// SetDestinations names the destinations of the config, SSP included, after it has changed. What was
// counted for others stays.
func (m *Metrics) SetDestinations(names []string) {
	m.destinations.Store(&names)
	m.zero(names)
}

// zero makes the series that alerts compare with before anything has happened.
func (m *Metrics) zero(destinations []string) {
	usual := map[bridge.OutcomeKind][]bridge.Reason{
		bridge.OutcomeDone: {bridge.Delivered},
		bridge.OutcomeRetry: {bridge.NotSent, bridge.Throttled, bridge.Unavailable, bridge.ServerError, bridge.Unauthorized,
			bridge.BreakerOpen, bridge.ContractChanged, bridge.ContractUnreachable},
		bridge.OutcomeRefused: {bridge.RefusedAnswer, bridge.Fault, bridge.BadAnswer, bridge.MappingFailed, bridge.InternalError},
		bridge.OutcomeUnknown: {bridge.NoAnswer, bridge.BadGateway, bridge.LeaseExpired},
	}
	for _, d := range destinations {
		for outcome, reasons := range usual {
			for _, r := range reasons {
				m.attempts.WithLabelValues(d, string(outcome), string(r))
			}
		}
		m.settled.WithLabelValues(d, string(bridge.StateEnded), string(bridge.Skipped))
		m.took.WithLabelValues(d)
		m.age.WithLabelValues(d)
	}
	for _, what := range []string{sweptExpired, sweptQuarantined, sweptShrunk, sweptForgotten} {
		m.swept.WithLabelValues(what)
	}
}

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Registry is where other parts of the bridge add metrics of their own.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// revision is the commit that the binary was built from, if the build recorded one.
func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
