package vendorapi

import (
	"context"
	"time"
)

// Pace lets one call through at a time and keeps each place until the next call may be made. Where the
// store lets one delivery run over all replicas (limits.in_flight is 1), the calls of all deliveries are
// that far apart, whichever replica makes them.
type Pace struct {
	slot  chan struct{}
	every time.Duration
}

// NewPace returns the pace of so many calls in a time.
func NewPace(calls float64, in time.Duration) *Pace {
	return &Pace{slot: make(chan struct{}, 1), every: time.Duration(float64(in) / calls)}
}

// Enter waits for the place; it is [Client].Before.
func (p *Pace) Enter(ctx context.Context, _ *Operation) error {
	select {
	case p.slot <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Leave keeps the place for as long as the pace wants; it is [Client].After.
func (p *Pace) Leave(ctx context.Context, _ *Operation) {
	t := time.NewTimer(p.every)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	<-p.slot
}
