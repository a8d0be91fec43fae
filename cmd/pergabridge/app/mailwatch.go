package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pergabridge/pergabridge/mailin"
)

// mailWatch turns what pollers of mailboxes report into metrics. It implements [mailin.Observer].
type mailWatch struct {
	sources *watchedSources
	mails   *prometheus.CounterVec
	seconds *prometheus.CounterVec
}

func newMailWatch(sources *watchedSources) *mailWatch {
	return &mailWatch{
		sources: sources,
		mails: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pergabridge_mails_total", Help: "Mails read and made durable.",
		}, []string{"mailbox"}),
		seconds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pergabridge_mail_seconds_total", Help: "Time spent on a step of reading mail: list, fetch, read, accept, file.",
		}, []string{"mailbox", "step"}),
	}
}

// Through implements [mailin.Observer].
func (w *mailWatch) Through(duty string) { w.sources.through(duty) }

// Took implements [mailin.Observer].
func (w *mailWatch) Took(mailbox string, step mailin.Step, mails int, d time.Duration) {
	if step == mailin.StepAccept {
		w.mails.WithLabelValues(mailbox).Add(float64(mails))
	}
	w.seconds.WithLabelValues(mailbox, string(step)).Add(d.Seconds())
}

// Describe implements [prometheus.Collector].
func (w *mailWatch) Describe(c chan<- *prometheus.Desc) {
	w.mails.Describe(c)
	w.seconds.Describe(c)
}

// Collect implements [prometheus.Collector].
func (w *mailWatch) Collect(c chan<- prometheus.Metric) {
	w.mails.Collect(c)
	w.seconds.Collect(c)
}
