package bridge

import "time"

// A Bond is the durable link of one task with one provider.
type Bond struct {
	Provider  string    `json:"provider"`
	Task      string    `json:"task"`
	State     BondState `json:"state"`
	Reference string    `json:"reference,omitempty"` // empty until the provider told it
	RefKey    string    `json:"ref_key,omitempty"`
	// Resolves counts the solutions accepted so far; it tells a repeated text from a new one.
	Resolves int `json:"resolves,omitempty"`
	// Submit is the event that opened the bond; other submits merge into it.
	Submit string `json:"submit,omitempty"`
	// Acknowledged is set once an acknowledge for the current reference is in the lane, or SSP
	// itself told the reference.
	Acknowledged bool      `json:"acknowledged,omitempty"`
	Created      time.Time `json:"created,omitzero"`
	Changed      time.Time `json:"changed,omitzero"`
}

// BondState is where a bond stands; the package documentation tells what moves it.
type BondState string

// The bond states.
const (
	BondPending    BondState = "pending"    // submit accepted, no reference yet
	BondOpen       BondState = "open"       // both sides work on it
	BondResolved   BondState = "resolved"   // the provider delivered a solution
	BondClosed     BondState = "closed"     // SSP closed the task
	BondSuperseded BondState = "superseded" // the task was submitted to another provider
)

// Over reports whether nothing inbound is wanted any more.
func (s BondState) Over() bool { return s == BondClosed || s == BondSuperseded }
