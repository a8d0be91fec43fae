package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

const (
	sweepDuty  = "sweep"
	sweepEvery = time.Second
	sweepLimit = 30 * time.Second // the longest time one sweep may take
)

// sweep makes time visible (dead sessions, waiting events, retention): the work of the duty "sweep".
func (e *Engine) sweep(ctx context.Context, _ bridge.Duty) error {
	for {
		if err := e.sweepOnce(ctx); err != nil {
			return err
		}
		if !sleep(ctx, sweepEvery) {
			return ctx.Err()
		}
	}
}

func (e *Engine) sweepOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sweepLimit)
	defer cancel()
	var swept bridge.Swept
	err := e.observed("sweep", func() (err error) {
		swept, err = e.o.Store.Sweep(ctx, bridge.SweepOptions{WaitingLimit: e.o.WaitingLimit, Keep: e.o.Keep, ClaimLife: e.o.ClaimLife})
		return err
	})
	if err != nil {
		return err
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
	return nil
}
