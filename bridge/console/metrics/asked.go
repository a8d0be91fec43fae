package metrics

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pergabridge/pergabridge/bridge"
)

// askTime bounds how long a scrape waits for the store.
const askTime = 5 * time.Second

// asked collects what the store knows.
type asked struct {
	store        Counter
	destinations *atomic.Pointer[[]string]
	now          func() time.Time

	up, events, bonds, quarantined, lanes, queued, oldest, paused, failures, breaker *prometheus.Desc
}

func newAsked(store Counter, destinations *atomic.Pointer[[]string], now func() time.Time) *asked {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	}
	return &asked{
		store: store, destinations: destinations, now: now,
		up:          desc("store_up", "1 if the store answered this scrape."),
		events:      desc("events", "Events in the store.", "state"),
		bonds:       desc("bonds", "Bonds in the store.", "state"),
		quarantined: desc("quarantined", "Events in quarantine.", "provider", "reason"),
		lanes:       desc("lanes", "Lanes that hold events or are stopped.", "destination", "state"),
		queued:      desc("lane_events", "Unsettled events in lanes.", "destination"),
		oldest:      desc("lane_oldest_age_seconds", "Time since the reception of the oldest event at the head of a lane; 0 if there is none.", "destination"),
		paused:      desc("destination_paused", "1 while a person has paused the destination.", "destination"),
		failures:    desc("destination_failures", "Tries in a row that failed because the destination was down.", "destination"),
		breaker:     desc("destination_breaker", "1 for the state in which the breaker of the destination is.", "destination", "state"),
	}
}

// Describe implements [prometheus.Collector].
func (a *asked) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{a.up, a.events, a.bonds, a.quarantined, a.lanes, a.queued, a.oldest, a.paused, a.failures, a.breaker} {
		c <- d
	}
}

// Collect implements [prometheus.Collector].
func (a *asked) Collect(c chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		// A label that cannot be shown loses its own series, not the scrape.
		if m, err := prometheus.NewConstMetric(d, prometheus.GaugeValue, v, labels...); err == nil {
			c <- m
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	n, err := a.store.Counts(ctx)
	if err != nil {
		gauge(a.up, 0)
		return
	}
	gauge(a.up, 1)
	for _, s := range []bridge.EventState{bridge.StateQueued, bridge.StateLeased, bridge.StateParked, bridge.StateWaiting,
		bridge.StateQuarantined, bridge.StateDone, bridge.StateEnded} {
		gauge(a.events, float64(n.Events[s]), string(s))
	}
	for _, s := range []bridge.BondState{bridge.BondPending, bridge.BondOpen, bridge.BondResolved, bridge.BondClosed, bridge.BondSuperseded} {
		gauge(a.bonds, float64(n.Bonds[s]), string(s))
	}
	for provider, reasons := range n.Quarantine {
		for r, k := range reasons {
			gauge(a.quarantined, float64(k), provider, string(r))
		}
	}
	names := map[string]bool{}
	for _, name := range *a.destinations.Load() {
		names[name] = true
	}
	for name := range n.Destination {
		names[name] = true
	}
	now := a.now()
	for name := range names {
		d := n.Destination[name]
		for _, s := range []bridge.LaneState{bridge.LaneReady, bridge.LaneLeased, bridge.LaneHeld, bridge.LaneParked, bridge.LanePaused} {
			gauge(a.lanes, float64(d.Lanes[s]), name, string(s))
		}
		gauge(a.queued, float64(d.Queued), name)
		age := 0.0
		if !d.Oldest.IsZero() {
			age = max(0, now.Sub(d.Oldest).Seconds())
		}
		gauge(a.oldest, age, name)
		gauge(a.paused, truth(d.Paused), name)
		gauge(a.failures, float64(d.Failures), name)
		for _, s := range []bridge.BreakerState{bridge.BreakerClosed, bridge.BreakerIsOpen, bridge.BreakerProbe} {
			gauge(a.breaker, truth(d.Breaker == s || d.Breaker == "" && s == bridge.BreakerClosed), name, string(s))
		}
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
