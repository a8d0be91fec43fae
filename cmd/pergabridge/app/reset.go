package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/notify"
)

// watchReset tells people outside that everything stands still. The watcher of troubles cannot: it is a
// duty, and a ledger that was reset gives none. Every replica tells, by what the config in force says.
func (a *App) watchReset(ctx context.Context) {
	store, ok := a.store.(bridge.Resetter)
	if !ok {
		return
	}
	w := notify.New(notify.Options{
		Reset: store.ResetErr, Replica: a.replica, Log: a.o.Log, Now: a.o.Now,
		Repeat: func() time.Duration {
			if c := a.current.Load().config.Notify; c != nil {
				return c.Repeat.Std()
			}
			return 0
		},
		Sender: notify.SenderFunc(func(ctx context.Context, m notify.Message) error {
			g := a.current.Load()
			if g.sender == nil {
				return nil // nobody is to be told
			}
			m.Data.Console = g.config.Notify.Console
			return g.sender.Send(ctx, m)
		}),
	})
	_ = w.Watch(ctx) // it has no duty to lose: it ends with ctx alone
}

// showReset adds whether everything stands still to the metrics.
func (x *observer) showReset(store bridge.Store) {
	r, ok := store.(bridge.Resetter)
	x.Registry().MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pergabridge_store_reset", Help: "1 while everything stands still because Redis was wiped or restored.",
	}, func() float64 {
		if ok && r.ResetErr() != nil {
			return 1
		}
		return 0
	}))
}
