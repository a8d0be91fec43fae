package engine

import (
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
