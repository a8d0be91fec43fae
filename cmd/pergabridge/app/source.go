package app

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pergabridge/pergabridge/bridge"
)

// watchedSources knows when each source last got through: a poll that asks and is not answered, or a
// mailbox that cannot be opened, shows as an age that grows.
type watchedSources struct {
	now func() time.Time

	mu   sync.Mutex
	last map[string]time.Time
}

func newWatchedSources(now func() time.Time) *watchedSources {
	return &watchedSources{now: now, last: map[string]time.Time{}}
}

var sourceAge = prometheus.NewDesc("pergabridge_source_age_seconds", "Time since a poll or mailbox of this process last got through.", []string{"source"}, nil)

// watch wraps a source.
func (w *watchedSources) watch(name string, s bridge.Source) bridge.Source {
	return watchedSource{s, name, w}
}

func (w *watchedSources) through(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last[name] = w.now()
}

// mailbox notes when a mailbox was read to its end; reads is false when this replica does not read it.
func (w *watchedSources) mailbox(name string, at time.Time, reads bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !reads:
		delete(w.last, name)
	case at.After(w.last[name]):
		w.last[name] = at
	case w.last[name].IsZero():
		w.last[name] = w.now() // from when it was begun
	}
}

func (w *watchedSources) forget(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.last, name)
}

func (w *watchedSources) collect(c chan<- prometheus.Metric) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, at := range w.last {
		c <- prometheus.MustNewConstMetric(sourceAge, prometheus.GaugeValue, w.now().Sub(at).Seconds(), name)
	}
}

type watchedSource struct {
	bridge.Source
	name string
	w    *watchedSources
}

// Run runs the source; its age begins with the duty and ends with it.
func (s watchedSource) Run(ctx context.Context, d bridge.Duty) error {
	s.w.through(s.name)
	defer s.w.forget(s.name)
	return s.Source.Run(ctx, watchedDuty{d, s})
}

type watchedDuty struct {
	bridge.Duty
	s watchedSource
}

// Accept is called by a source whenever it got through, also with nothing.
func (d watchedDuty) Accept(ctx context.Context, events []bridge.Event, cursor string) ([]bridge.Receipt, error) {
	receipts, err := d.Duty.Accept(ctx, events, cursor)
	if err == nil {
		d.s.w.through(d.s.name)
	}
	return receipts, err
}
