package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/metrics"
	"github.com/pergabridge/pergabridge/webhooks"
)

// observer turns what the rooms report into metrics.
type observer struct {
	*metrics.Metrics
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

func newObserver(c *Config, o Options, store bridge.Store) *observer {
	x := &observer{
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
