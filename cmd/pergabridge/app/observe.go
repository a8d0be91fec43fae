package app

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/metrics"
	"github.com/pergabridge/pergabridge/bridge/engine"
	"github.com/pergabridge/pergabridge/webhooks"
)

// askTime bounds how long a scrape waits for the store.
const askTime = 5 * time.Second

// observer turns what the rooms report into metrics.
type observer struct {
	*metrics.Metrics
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	rates    *rates
	reloads  *prometheus.CounterVec
	broken   prometheus.Gauge
	mail     mailMeters
}

func newObserver(c *Config, o Options, store bridge.Store) *observer {
	x := &observer{
		rates: newRates(store, o.Now),
		Metrics: metrics.New(metrics.Options{
			Store: store, Destinations: append([]string{bridge.SSP}, c.names()...), Version: o.Version, Now: o.Now,
		}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pergabridge_requests_total", Help: "Requests answered by the public listener.",
		}, []string{"route", "provider", "result"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "pergabridge_request_duration_seconds", Help: "Time to answer a request on the public listener.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"route"}),
	}
	x.reloads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "pergabridge_config_reloads_total", Help: "Configs that were read anew while running: done, or broken and not put in force (each counted once).",
	}, []string{"result"})
	x.broken = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "pergabridge_config_broken", Help: "1 while the config file, as it was read last, is broken and an older one is in force.",
	})
	for _, result := range []string{reloadDone, reloadBroken} {
		x.reloads.WithLabelValues(result)
	}
	x.mail = newMailMeters()
	x.Registry().MustRegister(x.requests, x.took, x.reloads, x.broken, x.mail.mails, x.mail.seconds)
	return x
}

// Served implements [webhooks.Observer].
func (x *observer) Served(s webhooks.Served) {
	x.requests.WithLabelValues(s.Route, s.Provider, s.Result).Inc()
	x.took.WithLabelValues(s.Route).Observe(s.Took.Seconds())
}

// Accepted implements [engine.Observer]: what comes in is counted for the side it comes from.
func (x *observer) Accepted(provider string, entrance bridge.Entrance, status bridge.ReceiptStatus) {
	x.Metrics.Accepted(provider, entrance, status)
	if entrance == bridge.ByProcessCall {
		provider = bridge.SSP
	}
	x.rates.In(provider)
}

// Attempt implements [engine.Observer]: what was applied is counted for the side it went to.
func (x *observer) Attempt(a engine.Attempt) {
	x.Metrics.Attempt(a)
	if a.Outcome == bridge.OutcomeDone {
		x.rates.Out(a.Dest)
	}
}

// What a reload ends as, in the metrics.
const (
	reloadDone   = "done"
	reloadBroken = "broken"
)

// reloaded counts a config that was read anew.
func (x *observer) reloaded(done bool) {
	if done {
		x.reloads.WithLabelValues(reloadDone).Inc()
		x.broken.Set(0)
		return
	}
	x.reloads.WithLabelValues(reloadBroken).Inc()
	x.broken.Set(1)
}

// watch adds what the parts in force tell of themselves.
func (x *observer) watch(a *App) {
	me := prometheus.NewGauge(prometheus.GaugeOpts{Name: "pergabridge_replica_info", Help: "The name of this process; always 1.", ConstLabels: prometheus.Labels{"replica": a.replica}})
	me.Set(1)
	x.Registry().MustRegister(me, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pergabridge_replicas", Help: "Processes that work on the store now; NaN if it did not answer.",
	}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), askTime)
		defer cancel()
		all, err := a.store.Replicas(ctx)
		if err != nil {
			return math.NaN()
		}
		names := map[string]bool{}
		for _, r := range all {
			names[r.Name] = true
		}
		return float64(len(names))
	}))
	x.Registry().MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pergabridge_contract_open", Help: "1 while SSP's contract lets calls through.",
	}, func() float64 {
		if a.current.Load().parts.ssp.Contract().Open() {
			return 1
		}
		return 0
	}), sourcesInForce{a}, certificatesInForce{a})
}

// sourcesInForce shows the sources of the generation in force.
type sourcesInForce struct{ a *App }

// Describe implements [prometheus.Collector].
func (sourcesInForce) Describe(c chan<- *prometheus.Desc) { c <- sourceAge }

// Collect implements [prometheus.Collector].
func (s sourcesInForce) Collect(c chan<- prometheus.Metric) {
	s.a.current.Load().parts.watched.collect(c)
}
