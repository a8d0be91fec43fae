package engine

import (
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// A dest is one destination at work.
type dest struct {
	Destination
	finder   bridge.Finder   // nil: it cannot be asked
	renderer bridge.Renderer // nil: it cannot show what it would send
	slots    int
	busy     int // deliveries that run; the loop's
	log      streak
	waits    waits
}

func newDest(d Destination) *dest {
	x := &dest{Destination: d, slots: d.Limit.InFlight}
	x.finder, _ = d.Dest.(bridge.Finder)
	x.renderer, _ = d.Dest.(bridge.Renderer)
	if x.slots <= 0 {
		x.slots = DefaultSlots
	}
	return x
}

// want asks for the free slots.
func (d *dest) want() (bridge.Want, bool) {
	free := d.slots - d.busy
	return bridge.Want{
		Dest: d.Name, N: free, Limit: d.Limit,
		// What is only shown needs no reference, and none will come.
		WithoutReference: d.WithoutReference || d.Observe,
	}, free > 0
}

// canFind reports whether an unknown try of kind k is looked up.
func (d *dest) canFind(k bridge.Kind) bool {
	return d.finder != nil && d.Policy.Unknown[k].Lookup
}

// waits remembers until when events are held for evidence, so that one that was held once is not
// held again, whatever the store says about when it became unknown.
type waits struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// waitsKept is how many are remembered.
const waitsKept = 1024

// hold returns the time until which the event waits, and whether that is still to come.
func (w *waits) hold(event string, until, now time.Time) (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t, held := w.until[event]; held {
		until = t
	}
	if !now.Before(until) {
		delete(w.until, event)
		return until, false
	}
	if len(w.until) >= waitsKept {
		for id, t := range w.until {
			if now.After(t.Add(time.Minute)) { // settled by evidence meanwhile
				delete(w.until, id)
			}
		}
	}
	if w.until == nil {
		w.until = map[string]time.Time{}
	}
	if len(w.until) < waitsKept {
		w.until[event] = until
	}
	return until, true
}
