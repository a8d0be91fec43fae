package api

import (
	"encoding/json"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// Counts is the state of everything in numbers.
type Counts = bridge.Counts

// An Activity is one thing a person did.
type Activity = bridge.Activity

// A Status says what is running.
type Status struct {
	Version string    `json:"version"`
	Config  string    `json:"config,omitempty"` // version of the config in force
	Started time.Time `json:"started"`
	Now     time.Time `json:"now"`
	Ready   bool      `json:"ready"`
	// Replica is the name of the process that answers.
	Replica string `json:"replica,omitempty"`
	// Reset is why everything stands still: the ledger was wiped or restored.
	Reset string `json:"reset,omitempty"`
	// Contract is the state of SSP's contract.
	Contract json.RawMessage `json:"contract,omitempty"`
}

// A Readiness answers /readyz.
type Readiness struct {
	Ready bool `json:"ready"`
	// Replica is the name of the process that answers.
	Replica string `json:"replica,omitempty"`
	// Checks decide Ready.
	Checks map[string]Check `json:"checks"`
	// Shown is what is wrong without making the bridge unready: destinations, the contract.
	Shown map[string]Check `json:"shown,omitempty"`
}

// A Check is how one part is.
type Check struct {
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

// A Reloaded says which config is in force after it was read anew.
type Reloaded struct {
	Config   string `json:"config"`   // version in force now
	Previous string `json:"previous"` // version before; the same if only what it refers to has changed
	// Warnings are what is allowed but deserves a second look.
	Warnings []string `json:"warnings,omitempty"`
}
