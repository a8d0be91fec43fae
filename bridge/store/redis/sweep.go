package redisstore

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

const (
	defaultWaiting = 15 * time.Minute
	defaultKeep    = 90 * 24 * time.Hour
	sweepBatch     = 1000
)

// Sweep implements [bridge.Store].
func (s *Store) Sweep(ctx context.Context, o bridge.SweepOptions) (bridge.Swept, error) {
	if o.WaitingLimit <= 0 {
		o.WaitingLimit = defaultWaiting
	}
	if o.Batch <= 0 {
		o.Batch = sweepBatch
	}
	keep := map[string]bridge.Keep{"": {}}
	for provider, k := range o.Keep {
		keep[provider] = k
	}
	args := append(newCall(7+3*len(keep)), o.WaitingLimit.Microseconds(), bridge.OpenWait.Microseconds(),
		bridge.OpenHold.Microseconds(), bridge.OpenHeld, max(o.ClaimLife, bridge.ClaimLife).Microseconds(), o.Batch, len(keep))
	for provider, k := range keep {
		if k.What == "" {
			k.What = bridge.KeepText
		}
		if k.For <= 0 {
			k.For = defaultKeep
		}
		args = append(args, provider, string(k.What), k.For.Microseconds())
	}
	r, err := s.write(ctx, sweepScript, rand.Text(), args)
	if err != nil {
		return bridge.Swept{}, err
	}
	return bridge.Swept{Expired: int(r.num(2)), Quarantined: int(r.num(3)), Shrunk: int(r.num(4)), Forgotten: int(r.num(5))}, nil
}
