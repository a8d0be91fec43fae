package sqlite

import (
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
)

// Tallies are the numbers of the overview, changed in the same commit as what they count:
//
//	event|STATE|                       events in a state
//	bond|STATE|                        bonds in a state
//	lane|DEST|STATE                    lanes of a destination in a state people see
//	queued|DEST|                       events in the lanes of a destination
//	quarantine|PROVIDER|REASON         quarantined events

const tallySep = "\x1f"

func (t *tx) count(what, a, b string, by int64) {
	t.tally[what+tallySep+a+tallySep+b] += by
}

func (t *tx) countEvent(e *bridge.Event, by int64) {
	t.count("event", string(e.State), "", by)
	if e.State == bridge.StateQuarantined {
		t.count("quarantine", e.Provider, string(e.Reason), by)
	}
}

func splitTally(key string) (what, a, b string) {
	p := strings.SplitN(key, tallySep, 3)
	return p[0], p[1], p[2]
}
