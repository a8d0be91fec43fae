package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pergabridge/pergabridge/mailin"
)

// mailMeters count what is read of mailboxes, over all generations.
type mailMeters struct{ mails, seconds *prometheus.CounterVec }

func newMailMeters() mailMeters {
	return mailMeters{
		mails: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pergabridge_mails_total", Help: "Mails read and made durable.",
		}, []string{"mailbox"}),
		seconds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pergabridge_mail_seconds_total", Help: "Time spent on a step of reading mail: list, fetch, read, accept, file.",
		}, []string{"mailbox", "step"}),
	}
}

// mailWatch passes on what the pollers of one generation report. It implements [mailin.Observer].
type mailWatch struct{ meters mailMeters } // set before anything runs

// Took implements [mailin.Observer].
func (w *mailWatch) Took(mailbox string, step mailin.Step, mails int, d time.Duration) {
	if step == mailin.StepAccept {
		w.meters.mails.WithLabelValues(mailbox).Add(float64(mails))
	}
	w.meters.seconds.WithLabelValues(mailbox, string(step)).Add(d.Seconds())
}
