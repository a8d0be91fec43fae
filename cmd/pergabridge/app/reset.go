package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/notify"
)

// resetLook is how often it is asked whether the ledger was reset.
const resetLook = time.Second

// watchReset tells people outside that everything stands still. The watcher of troubles cannot: it is a
// duty, and a ledger that was reset gives none. Every replica tells.
func (a *App) watchReset(ctx context.Context) {
	store, ok := a.store.(bridge.Resetter)
	if !ok {
		return
	}
	t := time.NewTicker(resetLook)
	defer t.Stop()
	var since time.Time
	for {
		err := store.ResetErr()
		switch {
		case err != nil && since.IsZero():
			since = a.o.Now()
			a.tellReset(ctx, notify.Begins, since, err.Error())
		case err == nil && !since.IsZero():
			a.tellReset(ctx, notify.Ended, since, "the ledger was resumed")
			since = time.Time{}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

func (a *App) tellReset(ctx context.Context, phase notify.Phase, since time.Time, text string) {
	g := a.current.Load()
	if g.sender == nil {
		return
	}
	m := notify.Message{ID: bridge.NewID(), Type: "pergabridge." + string(notify.StoreReset), At: a.o.Now(), Data: notify.Data{
		Kind: notify.StoreReset, Phase: phase, Subject: a.replica, Text: text, Since: since, Console: g.config.Notify.Console,
	}}
	if err := g.sender.Send(ctx, m); err != nil && ctx.Err() == nil {
		a.o.Log.Warn("nobody could be told that the ledger was reset", "error", err)
	}
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
