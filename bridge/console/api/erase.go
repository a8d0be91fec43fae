package api

import "github.com/pergabridge/pergabridge/bridge"

// An Erase asks for the contents of events to be removed: of all events of a task, or of all that mention an
// address. Exactly one of the two must be given.
//
// One request looks at a bounded number of events; it is repeated with Next as After until Next is empty.
type Erase struct {
	Task     string `json:"task,omitempty"`
	Address  string `json:"address,omitempty"`  // a mail address, in any case
	Provider string `json:"provider,omitempty"` // only at this one
	Note     string `json:"note"`               // why; recorded with every event
	DryRun   bool   `json:"dry_run,omitempty"`  // only say what would be erased
	After    string `json:"after,omitempty"`
}

// Erased says what one request removed.
type Erased struct {
	Looked int      `json:"looked"` // events looked at
	Erased []string `json:"erased"` // events whose contents are gone, or would be
	Kept   []Kept   `json:"kept"`   // events that are not settled: they stay whole
	Next   string   `json:"next,omitempty"`
}

// A Kept event was asked to be erased, but is not settled yet.
type Kept struct {
	Event    string            `json:"event"`
	Provider string            `json:"provider"`
	Task     string            `json:"task,omitempty"`
	State    bridge.EventState `json:"state"`
}
