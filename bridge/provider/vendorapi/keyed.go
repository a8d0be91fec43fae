package vendorapi

import (
	"context"
	"sync"
)

// Keyed lets one piece of work at a time have a key. The zero value is usable.
type Keyed struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// Lock waits until nobody else has key, or ctx ends.
func (k *Keyed) Lock(ctx context.Context, key string) (unlock func(), err error) {
	for {
		k.mu.Lock()
		if k.held == nil {
			k.held = map[string]chan struct{}{}
		}
		busy, taken := k.held[key]
		if !taken {
			mine := make(chan struct{})
			k.held[key] = mine
			k.mu.Unlock()
			return func() {
				k.mu.Lock()
				delete(k.held, key)
				k.mu.Unlock()
				close(mine)
			}, nil
		}
		k.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
