package engine

import (
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// An Observer is told what happens, for metrics. Its methods are called from many goroutines and
// must return at once.
type Observer interface {
	// Accepted is called for every receipt.
	Accepted(provider string, entrance bridge.Entrance, status bridge.ReceiptStatus)
	// Attempt is called when a try has ended, before it is settled.
	Attempt(a Attempt)
	// Settled is called when the store has recorded a try.
	Settled(dest string, kind bridge.Kind, v bridge.Verdict)
	// Store is called after every call of the store by the engine.
	Store(call string, took time.Duration, err error)
	// Lag is called after every turn of the loop with the time its oldest signal had to wait.
	Lag(d time.Duration)
	// Swept is called after every sweep.
	Swept(s bridge.Swept)
	// Duty is called when a duty was taken and when it was given up or lost.
	Duty(name string, held bool)
}

// An Attempt is one try as metrics see it.
type Attempt struct {
	Dest     string
	Provider string
	Kind     bridge.Kind
	Outcome  bridge.OutcomeKind
	Reason   bridge.Reason
	Then     bridge.Then
	N        int
	Took     time.Duration
	// Age is the time from the reception of the event to the end of the try.
	Age time.Duration
}

// NoObserver is an [Observer] that does nothing; embed it to observe only some things.
type NoObserver struct{}

// Accepted does nothing.
func (NoObserver) Accepted(string, bridge.Entrance, bridge.ReceiptStatus) {}

// Attempt does nothing.
func (NoObserver) Attempt(Attempt) {}

// Settled does nothing.
func (NoObserver) Settled(string, bridge.Kind, bridge.Verdict) {}

// Store does nothing.
func (NoObserver) Store(string, time.Duration, error) {}

// Lag does nothing.
func (NoObserver) Lag(time.Duration) {}

// Swept does nothing.
func (NoObserver) Swept(bridge.Swept) {}

// Duty does nothing.
func (NoObserver) Duty(string, bool) {}
