package api

import "github.com/pergabridge/pergabridge/bridge"

// An Act is the body of a command on an event. Every field is optional; so is the body.
type Act struct {
	Note string `json:"note,omitempty"`
	// Reference is the provider's ticket number, when a submit is settled.
	Reference string `json:"reference,omitempty"`
}

// A Note is the body of a command that needs nothing else. It is optional.
type Note struct {
	Note string `json:"note,omitempty"`
}

// An Assign gives a kept event its task or reference.
type Assign struct {
	Task      string `json:"task,omitempty"`
	Reference string `json:"reference,omitempty"`
	Note      string `json:"note,omitempty"`
}

// A LaneAct is a command on a lane.
type LaneAct struct {
	Lane string `json:"lane"` // provider/dir/task
	Note string `json:"note,omitempty"`
}

// A BondAct is a command on a bond.
type BondAct struct {
	Provider  string `json:"provider"`
	Task      string `json:"task"`
	Reference string `json:"reference,omitempty"` // not for unlink
	Note      string `json:"note,omitempty"`
}

// A StoreResume lets the bridge go on after its ledger was wiped or restored.
type StoreResume struct {
	// Since is the date (2026-01-31) or time from which mailboxes and polls read again, at most 90
	// days back.
	Since string `json:"since"`
	// Deliver lets go what is queued; otherwise it parks.
	Deliver bool   `json:"deliver,omitempty"`
	Note    string `json:"note,omitempty"`
}

// A StoreResumed is what that did.
type StoreResumed = bridge.Resumed

// A Done says what a command did.
type Done struct {
	// Changed is false when everything already was as asked.
	Changed bool     `json:"changed"`
	Events  []string `json:"events,omitempty"` // the events that moved
	Detail  string   `json:"detail,omitempty"`
	// Receipts say what became of the events that a second reading made.
	Receipts []Receipt `json:"receipts,omitempty"`
}

// A Receipt tells what became of one accepted event.
type Receipt struct {
	Event     string               `json:"event"`
	Status    bridge.ReceiptStatus `json:"status"`
	First     string               `json:"first,omitempty"`
	State     bridge.EventState    `json:"state"`
	Reason    bridge.Reason        `json:"reason,omitempty"`
	Task      string               `json:"task,omitempty"`
	Reference string               `json:"reference,omitempty"`
}
