package tesseron

import (
	"context"
	"time"

	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// gate lets one call through at a time and keeps each place until the next call may be made. Since the
// store lets one delivery run over all replicas, the calls of all deliveries are that far apart.
type gate struct {
	slot  chan struct{}
	every time.Duration
}

func newGate(perMinute float64) *gate {
	return &gate{slot: make(chan struct{}, 1), every: time.Duration(float64(time.Minute) / perMinute)}
}

// enter waits for the place.
func (g *gate) enter(ctx context.Context, _ *vendorapi.Operation) error {
	select {
	case g.slot <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// leave keeps the place for as long as the rate wants, also when the call was given up: it counted.
func (g *gate) leave(ctx context.Context, _ *vendorapi.Operation) {
	t := time.NewTimer(g.every)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	<-g.slot
}
