package api

import (
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// RepairOf says what a repair is about.
type RepairOf string

// What can be repaired in bulk.
const (
	RepairParked     RepairOf = "parked"     // the heads of parked lanes
	RepairQuarantine RepairOf = "quarantine" // quarantined events
)

// A RepairRequest asks for one thing to be done to many. Provider or Reason must be given.
type RepairRequest struct {
	Of       RepairOf      `json:"of"`
	Provider string        `json:"provider,omitempty"`
	Reason   bridge.Reason `json:"reason,omitempty"`
	Verb     string        `json:"verb"` // parked: retry, settle, ignore; quarantine: retry, discard
	Note     string        `json:"note,omitempty"`
}

// A Repair is bulk work under way or ended. It is remembered until the process ends.
type Repair struct {
	RepairRequest
	ID      string    `json:"id"`
	Person  string    `json:"person"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Total   int       `json:"total"`
	Done    int       `json:"done"`
	Failed  int       `json:"failed"` // stay as they were
	// Problems say why, for the first of them.
	Problems []string `json:"problems,omitempty"`
	// Stopped says why it ended before its end.
	Stopped string `json:"stopped,omitempty"`
}
