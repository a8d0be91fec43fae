package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

const (
	sweepDuty   = "sweep"
	sweepEvery  = time.Second // leases of dead sessions, waiting events
	retainEvery = time.Hour   // retention; between, a sweep shrinks next to nothing
	retainBatch = 1000        // rows of one retention sweep
	sweepLimit  = 30 * time.Second
	retainPause = 20 * time.Millisecond
)

// sweep makes time visible: it is the work of the duty "sweep".
func (e *Engine) sweep(ctx context.Context, _ bridge.Duty) error {
	retain := time.Now() // at once: the process may never live for an hour
	for {
		full := !time.Now().Before(retain)
		swept, err := e.sweepOnce(ctx, full)
		if err != nil {
			return err
		}
		pause := sweepEvery
		switch {
		case full && swept.Shrunk+swept.Forgotten >= retainBatch:
			pause = retainPause // there is more
		case full:
			retain = time.Now().Add(retainEvery)
		}
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}

func (e *Engine) sweepOnce(ctx context.Context, full bool) (swept bridge.Swept, err error) {
	o := bridge.SweepOptions{WaitingLimit: e.o.WaitingLimit, Keep: e.o.Keep, ClaimLife: e.o.ClaimLife, Batch: 1}
	if full {
		o.Batch = retainBatch
	}
	err = e.observed("sweep", func() (err error) {
		call, cancel := context.WithTimeout(ctx, sweepLimit)
		defer cancel()
		swept, err = e.o.Store.Sweep(call, o)
		return err
	})
	if err != nil {
		return swept, err
	}
	e.o.Observer.Swept(swept)
	if swept.Expired > 0 {
		e.o.Log.Warn("leases of a dead session are unknown now", slog.Int(LogCount, swept.Expired))
		e.lag.signal()
		e.ring()
	}
	if swept.Quarantined > 0 {
		e.o.Log.Warn("events waited too long for their bond and went to quarantine", slog.Int(LogCount, swept.Quarantined))
	}
	return swept, nil
}
