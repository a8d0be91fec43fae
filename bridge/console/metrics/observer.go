package metrics

import (
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/engine"
)

var _ engine.Observer = (*Metrics)(nil)

// What a sweep does, as label values.
const (
	sweptExpired     = "expired"
	sweptQuarantined = "quarantined"
	sweptShrunk      = "shrunk"
	sweptForgotten   = "forgotten"
)

// Accepted implements [engine.Observer].
func (m *Metrics) Accepted(provider string, entrance bridge.Entrance, status bridge.ReceiptStatus) {
	m.accepted.WithLabelValues(provider, string(entrance), string(status)).Inc()
}

// Attempt implements [engine.Observer].
func (m *Metrics) Attempt(a engine.Attempt) {
	m.attempts.WithLabelValues(a.Dest, string(a.Outcome), string(a.Reason)).Inc()
	m.took.WithLabelValues(a.Dest).Observe(a.Took.Seconds())
	if a.Outcome == bridge.OutcomeDone {
		m.age.WithLabelValues(a.Dest).Observe(a.Age.Seconds())
	}
}

// Settled implements [engine.Observer].
func (m *Metrics) Settled(dest string, _ bridge.Kind, v bridge.Verdict) {
	if v.Fenced {
		m.settled.WithLabelValues(dest, "fenced", "").Inc()
		return
	}
	m.settled.WithLabelValues(dest, string(v.State), string(v.Reason)).Inc()
	if v.Parked {
		m.stopped.WithLabelValues(dest, string(v.Reason)).Inc()
	}
}

// Store implements [engine.Observer].
func (m *Metrics) Store(call string, took time.Duration, err error) {
	m.store.WithLabelValues(call).Observe(took.Seconds())
	if err != nil {
		m.failed.WithLabelValues(call).Inc()
	}
}

// Lag implements [engine.Observer].
func (m *Metrics) Lag(d time.Duration) { m.lag.Set(d.Seconds()) }

// Swept implements [engine.Observer].
func (m *Metrics) Swept(s bridge.Swept) {
	m.swept.WithLabelValues(sweptExpired).Add(float64(s.Expired))
	m.swept.WithLabelValues(sweptQuarantined).Add(float64(s.Quarantined))
	m.swept.WithLabelValues(sweptShrunk).Add(float64(s.Shrunk))
	m.swept.WithLabelValues(sweptForgotten).Add(float64(s.Forgotten))
}

// Duty implements [engine.Observer].
func (m *Metrics) Duty(name string, held bool) {
	v := 0.0
	if held {
		v = 1
	}
	m.duty.WithLabelValues(name).Set(v)
}
