package bridge

import (
	"context"
	"time"
)

// A Destination applies events to one outside system: SSP, or one provider.
type Destination interface {
	// Deliver applies the leased event. It never returns an error: whatever happens is an
	// [Outcome]. ctx ends when the lease can no longer be renewed; Deliver must then stop.
	Deliver(ctx context.Context, l Lease) Outcome
}

// A Finder can tell whether an attempt of unknown outcome had its effect.
type Finder interface {
	// Find looks the event up at the destination. It writes nothing there.
	Find(ctx context.Context, l Lease) (Found, error)
}

// Found is the answer of a [Finder].
type Found struct {
	Answer    FoundAnswer
	Reference string // for a submit that is there
}

// FoundAnswer is what a look-up can say.
type FoundAnswer string

// The look-up answers. The zero value is "cannot tell".
const (
	CannotTell FoundAnswer = ""
	IsThere    FoundAnswer = "yes"
	NotThere   FoundAnswer = "no"
)

// A Renderer shows what Deliver would send, without sending: for mode observe and for previews.
type Renderer interface {
	Render(l Lease) (string, error)
}

// A Receiver turns one input into events. It does no I/O. An input that means nothing gives no
// events and no error; one that cannot be understood gives an event with Quarantine set.
type Receiver interface {
	Receive(ctx context.Context, in Inbound) ([]Event, error)
}

// A Source brings events by itself: a mailbox, a poll. Run works until ctx or the duty ends; an
// error makes the caller try again later with back-off.
type Source interface {
	Run(ctx context.Context, d Duty) error
}

// Acceptor is what every source calls: the one way in.
type Acceptor interface {
	// Accept makes events durable and decides what becomes of them. It returns one receipt for
	// each event, in order, only after everything is on disk. An error means that nothing was
	// accepted and the caller must not confirm.
	Accept(ctx context.Context, events []Event) ([]Receipt, error)
	// AwaitReference waits until the bond of task at provider has a reference, or ctx ends.
	AwaitReference(ctx context.Context, provider, task string) (reference string, err error)
}

// OutcomeKind classifies how a delivery went.
type OutcomeKind string

// The outcomes. Unknown means it may or may not have happened.
const (
	OutcomeDone    OutcomeKind = "done"
	OutcomeRetry   OutcomeKind = "retry"
	OutcomeRefused OutcomeKind = "refused"
	OutcomeUnknown OutcomeKind = "unknown"
)

// An Outcome is what came of one try at delivering one event.
type Outcome struct {
	Kind   OutcomeKind
	Reason Reason
	// Detail says in words what happened, secrets masked; operators read it.
	Detail string
	// After is the time the other side asked us to wait (Retry-After); zero if it did not.
	After time.Duration
	// Down is set when the failure says something about the whole destination (not reachable,
	// 503, throttled), not about this event.
	Down bool
	// Untried is set when this turn did not even try: it waited for evidence.
	Untried bool
	// Reference is the provider's ticket number, when the answer carries it.
	Reference string
	// RefKey is Reference as it is compared; the engine sets it. Empty: the store derives it
	// case-blind.
	RefKey string
	// Comment is the id the other side gave to the text we wrote; it recognises the echo.
	Comment string
	// Follow holds events that the answer itself brings (a provider that resolves at once).
	Follow []Event
	// Request and Answer are excerpts of what was sent and answered, secrets masked.
	Request, Answer string
	Status          int // HTTP status, 0 if none
}

// Contact reports whether the destination was really called, so that the outcome says something
// about it; what failed on our side or was only waited for does not.
func (o *Outcome) Contact() bool {
	if o.Untried {
		return false
	}
	switch o.Reason {
	case Canceled, MappingFailed, NoReference, Observed, InternalError, LeaseExpired:
		return false
	}
	return true
}

// Wrote reports whether this try may have written something at the destination. One that surely did not,
// that only looked up, or that only showed what would be sent, leaves nothing that could come back as an
// echo.
func (o *Outcome) Wrote() bool {
	if o.Untried || o.Kind == OutcomeRetry || o.Kind == OutcomeRefused {
		return false
	}
	switch o.Reason {
	case LookupFailed, ByEvidence, Observed:
		return false
	}
	return true
}
