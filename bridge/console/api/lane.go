package api

import (
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// A Lane is the ordered queue of one direction of one task at one provider.
type Lane struct {
	Lane        string           `json:"lane"` // provider/dir/task
	Provider    string           `json:"provider"`
	Dir         bridge.Dir       `json:"dir"`
	Task        string           `json:"task"`
	Destination string           `json:"destination"`
	State       bridge.LaneState `json:"state"`
	Reason      bridge.Reason    `json:"reason,omitempty"`
	Why         string           `json:"why,omitempty"`
	Detail      string           `json:"detail,omitempty"`
	Head        string           `json:"head,omitempty"` // the event that the others wait for
	HeadKind    bridge.Kind      `json:"head_kind,omitempty"`
	Queued      int              `json:"queued"` // head included
	Due         time.Time        `json:"due,omitzero"`
	Attempt     int              `json:"attempt,omitempty"`
	Unknown     bool             `json:"unknown,omitempty"` // an earlier try may have had its effect
	Oldest      time.Time        `json:"oldest,omitzero"`
	// Do lists the commands that make sense now.
	Do []string `json:"do,omitempty"`
}

// A Destination is anything events are delivered to: what the config says of it, and how it is.
type Destination struct {
	Name string `json:"name"`
	// Kind is the provider's kind, "ssp" for the portal; empty if the config does not name the
	// destination any more.
	Kind    string `json:"kind,omitempty"`
	Mode    string `json:"mode,omitempty"`    // deliver or observe
	Address string `json:"address,omitempty"` // where it is
	Note    string `json:"note,omitempty"`    // anything else that people should know

	Health   Health                     `json:"health"`
	Why      string                     `json:"why,omitempty"`
	Paused   bool                       `json:"paused,omitempty"`
	Breaker  bridge.BreakerState        `json:"breaker"`
	Failures int                        `json:"failures,omitempty"` // in a row
	OpenTo   time.Time                  `json:"open_to,omitzero"`   // when the breaker lets one delivery probe
	Lanes    map[bridge.LaneState]int64 `json:"lanes"`
	Queued   int64                      `json:"queued"` // events in its lanes
	Oldest   time.Time                  `json:"oldest,omitzero"`
	// Do lists the commands that make sense now.
	Do []string `json:"do,omitempty"`
}

// Health is how a destination is, in one word.
type Health string

// The healths, best first.
const (
	Fine    Health = "fine"
	Parked  Health = "parked"  // it answers, but lanes are stopped until a person acts
	Failing Health = "failing" // the last tries failed; the breaker is still closed
	Paused  Health = "paused"  // a person paused it
	Down    Health = "down"    // its breaker is open, or one delivery probes
)

// Tested says how a test call went.
type Tested struct {
	OK     bool   `json:"ok"`
	Answer string `json:"answer,omitempty"`
}
