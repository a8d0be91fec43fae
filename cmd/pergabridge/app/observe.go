package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/metrics"
	"github.com/pergabridge/pergabridge/bridge/console/rate"
	"github.com/pergabridge/pergabridge/bridge/engine"
	"github.com/pergabridge/pergabridge/webhooks"
)

// observer turns what the rooms report into metrics.
type observer struct {
	*metrics.Metrics
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	rates    *rate.Recorder
}

func newObserver(c *Config, o Options, store bridge.Store) *observer {
	x := &observer{
		rates: rate.New(o.Now),
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
	x.Registry().MustRegister(x.requests, x.took)
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

// watch adds what the parts of a bridge tell of themselves.
func (x *observer) watch(p *parts) {
	x.Registry().MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pergabridge_contract_open", Help: "1 while SSP's contract lets calls through.",
	}, func() float64 {
		if p.ssp.Contract().Open() {
			return 1
		}
		return 0
	}))
	x.Registry().MustRegister(p.watched, p.mailWatch)
}
