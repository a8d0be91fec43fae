package flowtest

import (
	"context"

	"github.com/pergabridge/pergabridge/bridge"
)

// Moody is a duty whose store is away as long as Fail is set. It keeps the cursor of the last Accept that went
// well and nothing else.
type Moody struct {
	bridge.Duty
	Fail  error
	Saved string
}

// Accept implements [bridge.Duty].
func (d *Moody) Accept(_ context.Context, _ []bridge.Event, cursor string) ([]bridge.Receipt, error) {
	if d.Fail == nil {
		d.Saved = cursor
	}
	return nil, d.Fail
}
