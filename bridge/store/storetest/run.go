package storetest

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// A Factory makes empty stores.
type Factory struct {
	// New opens a store on data of its own. The store asks now for the time and nothing else.
	New func(t *testing.T, now func() time.Time) Handle
}

// A Handle is one store under test and the data behind it.
type Handle interface {
	// Store returns the open store.
	Store() bridge.Store
	// Crash abandons the store without a clean close, as kill -9 would, and opens the same data
	// again: Store returns another store afterwards.
	Crash(t *testing.T)
	// Close closes the store and throws the data away. The store may have been closed already.
	Close(t *testing.T)
}

// A BackupOpener is a [Handle] that can open what [bridge.Reader].Backup wrote as a store of its
// own. The suite then looks into the copy; otherwise it only checks that there is one.
type BackupOpener interface {
	OpenBackup(t *testing.T, backup io.Reader) bridge.Store
}

// A rule is one sentence of the contract and its proof.
type rule struct {
	name  string
	prove func(h *harness)
}

// A subject is a group of rules.
type subject struct {
	name  string
	rules []rule
}

func subjects() []subject {
	return []subject{
		{"accept", acceptRules},
		{"claim", claimRules},
		{"merge", mergeRules},
		{"submit", submitRules},
		{"out", outRules},
		{"in", inRules},
		{"open", openRules},
		{"open_hold", openHoldRules},
		{"open_home", openHomeRules},
		{"bounce", bounceRules},
		{"echo", echoRules},
		{"maybe_echo", maybeEchoRules},
		{"evidence", evidenceRules},
		{"bond", bondRules},
		{"lane", laneRules},
		{"lease", leaseRules},
		{"limit", limitRules},
		{"breaker", breakerRules},
		{"spent", spentRules},
		{"settle", settleRules},
		{"superseded", supersededRules},
		{"operate_event", operateEventRules},
		{"operate_lane", operateLaneRules},
		{"operate_bond", operateBondRules},
		{"operate_quarantine", operateQuarantineRules},
		{"sweep", sweepRules},
		{"retention", retentionRules},
		{"erase", eraseRules},
		{"duty", dutyRules},
		{"replica", replicaRules},
		{"board", boardRules},
		{"crash", crashRules},
		{"reader", readerRules},
		{"backup", backupRules},
		{"move", moveRules},
		{"forged", forgedRules},
		{"regression", regressionRules},
	}
}

// Run proves every rule on stores from f.
func Run(t *testing.T, f Factory) {
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range s.rules {
				t.Run(r.name, func(t *testing.T) {
					t.Parallel()
					h := newHarness(t, t, f)
					defer h.close()
					r.prove(h)
				})
			}
		})
	}
	t.Run("property", func(t *testing.T) {
		t.Parallel()
		checkProperties(t, f)
	})
}

// RunMoves plays random lives that move between stores of a and b: what holds in one store holds
// across them.
func RunMoves(t *testing.T, a, b Factory) {
	t.Run("property", func(t *testing.T) {
		t.Parallel()
		checkProperties(t, a, b, a)
	})
	t.Run("rules", func(t *testing.T) {
		t.Parallel()
		for _, r := range slices.Concat(moveRules, forgedRules) {
			t.Run(r.name, func(t *testing.T) {
				for _, way := range [][2]Factory{{a, b}, {b, a}} {
					h := newHarness(t, t, way[0])
					h.make = way[1]
					r.prove(h)
					h.close()
				}
			})
		}
	})
}
