package console

import (
	"net/netip"
	"sync"
	"time"
)

// Bounds of the brake: an address may fail brakeBurst times at once, and once more every
// brakeRefill; at most brakeMemory addresses are remembered.
const (
	brakeBurst  = 10
	brakeRefill = 6 * time.Second
	brakeMemory = 4096
	brakeSample = 32
)

// A brake slows down who fails again and again. An address is remembered as the time at which its
// bucket will be full again; forgetting one that is full soon costs the least.
type brake struct {
	now func() time.Time

	mu   sync.Mutex
	full map[netip.Prefix]time.Time
}

func newBrake(now func() time.Time) *brake {
	return &brake{now: now, full: map[netip.Prefix]time.Time{}}
}

// network is what counts as one address: providers give a whole /64 to one customer.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil { // no address at all: these callers share a bucket
		return netip.Prefix{}
	}
	return p
}

// blocked returns how long the address must wait, zero if it need not.
func (b *brake) blocked(a netip.Addr) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, known := b.full[network(a)]
	if !known {
		return 0
	}
	return max(0, at.Sub(b.now())-(brakeBurst-1)*brakeRefill)
}

// failed records a failure.
func (b *brake) failed(a netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, key := b.now(), network(a)
	at, known := b.full[key]
	if !known && len(b.full) >= brakeMemory {
		b.forget(now)
	}
	if at.Before(now) {
		at = now
	}
	b.full[key] = at.Add(brakeRefill)
}

// forget makes room: it looks at some addresses (a map gives them in random order), drops those
// that are full again, and the one that is full soonest if there are none. Looking at all would be
// work that strangers can order.
func (b *brake) forget(now time.Time) {
	var first netip.Prefix
	var soonest time.Time
	looked := 0
	for key, at := range b.full {
		if !at.After(now) {
			delete(b.full, key)
		} else if soonest.IsZero() || at.Before(soonest) {
			first, soonest = key, at
		}
		if looked++; looked == brakeSample {
			break
		}
	}
	if len(b.full) >= brakeMemory {
		delete(b.full, first)
	}
}
