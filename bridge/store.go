package bridge

import (
	"context"
	"errors"
	"time"
)

// Errors that callers of a store decide by.
var (
	// ErrUnavailable means that the store cannot take anything now (Redis gone, disk full,
	// closing). Nothing was accepted; an entrance answers 503 with Retry-After.
	ErrUnavailable = errors.New("store: unavailable")
	// ErrFenced means that a duty or session is no longer ours.
	ErrFenced = errors.New("store: fenced")
	// ErrReset means that the ledger is not the one that was worked with: it was wiped, or restored
	// from an older copy. Nothing is accepted and nothing may be delivered until a person resumes
	// ([Resetter]). It is also ErrUnavailable.
	ErrReset = errors.New("store: store_reset")
	// ErrNotFound means that the named event, lane or bond does not exist.
	ErrNotFound = errors.New("store: not found")
)

// A Store is the ledger: it makes events durable, decides what they mean (package documentation,
// "Accept"), keeps lanes in order and hands out leases. Every call is one round trip and one
// commit, safe to repeat, and durable when it returns. All methods are safe for concurrent use.
type Store interface {
	// Accept claims, resolves and appends each event, in order, each atomically with its claim.
	Accept(ctx context.Context, events []Event) ([]Receipt, error)
	// Settle records results (fenced by their tokens), applies what follows from them, then
	// leases the heads of due lanes for the wants. results and wants may each be empty.
	Settle(ctx context.Context, s Session, results []Result, wants []Want) (Settled, error)
	// Renew creates the session or extends it to s.Until. ErrFenced if it had expired already:
	// its leases may be somebody else's by now.
	Renew(ctx context.Context, s Session) error
	// Sweep makes time visible: leases of dead sessions become unknown, waiting events whose
	// time is over go to quarantine, old settled events shrink.
	Sweep(ctx context.Context, o SweepOptions) (Swept, error)
	// Duty takes the named duty for the session if nobody alive holds it and no person paused it;
	// ok is false otherwise.
	Duty(ctx context.Context, name string, s Session) (d Duty, ok bool, err error)
	// Wake is signalled (without blocking, possibly merged) when a lane may have become due by
	// another way than this replica's own Settle.
	Wake() <-chan struct{}

	Reader
	Operator
	Board

	Close() error
}

// A Session is one replica's presence; leases and duties belong to it and die with it.
type Session struct {
	ID    string
	Until time.Time
	// Replica names the process for people; a process has one session after the other, for a
	// moment two.
	Replica string
}

// SessionLife and SessionRenewal are how long a session lives without renewal, and how often it
// is renewed.
const (
	SessionLife    = 10 * time.Second
	SessionRenewal = 3 * time.Second
)

// OpenWait is how long events wait for their reference after the [Open] event of that reference was
// delivered: SSP has to read its mail, and somebody has to assign the new task, before SSP's first
// call makes the bond.
const OpenWait = 7 * 24 * time.Hour

// OpenHold is how long an [Open] event waits because its ticket may be one that we ordered and whose
// reference we were not told yet. After that a person decides.
const OpenHold = 4 * time.Hour

// OpenHeld is the detail of an [Open] event that waited longer than [OpenHold].
const OpenHeld = "whether this is one of the tickets that we ordered before was not known in time; if it is, assign it to its task, if not, `events retry` opens it as a new ticket"

// ClaimLife is how long repeats are recognised at least: a source must not read again what is older.
const ClaimLife = 90 * 24 * time.Hour

// A Receipt tells what became of one accepted event.
type Receipt struct {
	Status ReceiptStatus
	Event  string // the event's own id; for a duplicate with a sender's id, that of the first
	First  string // for duplicates, merged events and echoes: the event it repeats or confirms
	State  EventState
	Reason Reason
	Seq    int64
	// Task and Reference are what the store resolved them to, when known.
	Task, Reference string
}

// ReceiptStatus is the word an entrance answers with.
type ReceiptStatus string

// The receipt statuses.
const (
	Accepted    ReceiptStatus = "accepted"    // queued in its lane
	Duplicate   ReceiptStatus = "duplicate"   // accepted before, or merged
	Waiting     ReceiptStatus = "waiting"     // kept until its bond is known
	Echoed      ReceiptStatus = "echo"        // our own writing
	Late        ReceiptStatus = "late"        // its bond is over
	Conflict    ReceiptStatus = "conflict"    // same key, another content: quarantined
	Quarantined ReceiptStatus = "quarantined" // kept whole for a person
	Ignored     ReceiptStatus = "ignored"     // recorded, and left by a rule
)

// A Want asks for leases at one destination.
type Want struct {
	Dest  string
	N     int // free slots of this replica
	Limit Limit
	// WithoutReference says that the destination can take events other than submit before the
	// bond has a reference (mail can, most APIs cannot).
	WithoutReference bool
}

// A Limit holds over all replicas. Zero fields do not limit.
type Limit struct {
	InFlight int           // deliveries at once
	Rate     float64       // deliveries per second
	Burst    int           // deliveries at once after a pause; at least 1 when Rate is set
	Break    int           // failures in a row that open the breaker
	BreakFor time.Duration // how long it stays open before one probe
}

// Token is the random fencing token of one lease.
type Token string

// A Lease is the right, and the recorded intent, to deliver the head of a lane once.
type Lease struct {
	Event   Event
	Bond    Bond
	Attempt int // this try, from 1
	// Unknown is set when an earlier try may have had its effect; UnknownSince is when that was
	// recorded of a real try last: turns that only waited or looked up ([Outcome.Wrote]) do not count.
	// Evidence has to be looked for before it is repeated. A person's event_retry or lane_retry
	// clears it: the person has looked.
	Unknown      bool
	UnknownSince time.Time
	// Spent is how much of the retry period is used up: the time since the first try in which
	// the destination answered other events.
	Spent time.Duration
	Token Token
	Until time.Time
}

// A Result settles one lease.
type Result struct {
	Lease   Lease
	Outcome Outcome
	Started time.Time
	Ended   time.Time
	// Then is what the engine's policy makes of the outcome.
	Then Then
	// Due is when the next try is due, for ThenRetry and ThenWait.
	Due    time.Time
	Config string // version of the config that was in force
}

// Then is what becomes of an event after a try.
type Then string

// What may follow a try. The store overrules it in two cases: evidence that arrived meanwhile
// turns retry, wait and an unknown park into done; a refusal whose bond is over is late.
const (
	ThenDone  Then = "done"  // settle, apply reference and follow-ups, go on
	ThenRetry Then = "retry" // surely not applied: try again at Due
	ThenWait  Then = "wait"  // unknown: lease again at Due, with Unknown set
	ThenPark  Then = "park"  // stop the lane here
	ThenSkip  Then = "skip"  // record, end the event, go on
)

// A Verdict tells what [Store.Settle] made of one result.
type Verdict struct {
	Fenced bool // the lease was no longer ours; nothing was recorded but the attempt
	State  EventState
	Reason Reason
	// Bonded is set when this result gave the bond a reference.
	Bonded bool
	// Parked is set when the lane stopped here.
	Parked bool
}

// Settled is the answer of [Store.Settle].
type Settled struct {
	Verdicts []Verdict // one for each result, in order
	Leases   []Lease
	// Next is when the earliest lane of the wanted destinations becomes due that was not
	// leased for lack of time, rate or breaker; zero if there is none.
	Next time.Time
}

// SweepOptions configures one sweep.
type SweepOptions struct {
	// WaitingLimit is how long an event waits for its bond; zero: 15 minutes.
	WaitingLimit time.Duration
	// Keep says per provider how long and how much of settled events is kept; "" is the default.
	Keep map[string]Keep
	// ClaimLife is how long claims live; never less than [ClaimLife] and than their event.
	ClaimLife time.Duration
	// Batch bounds the rows shrunk in one sweep; zero: 1000.
	Batch int
}

// Keep is the retention of one provider's settled events.
type Keep struct {
	What KeepWhat
	For  time.Duration // zero: 90 days
}

// KeepWhat is how much of a settled event stays after its time.
type KeepWhat string

// What stays: the record always stays; text keeps the mapped texts without the raw input, digest
// keeps hashes only.
const (
	KeepFull   KeepWhat = "full"
	KeepText   KeepWhat = "text"
	KeepDigest KeepWhat = "digest"
)

// Swept counts what a sweep did.
type Swept struct {
	Expired     int // leases of dead sessions, now unknown
	Quarantined int // waiting events whose time was over
	Shrunk      int // settled events reduced to their record
	Forgotten   int // claims dropped
}

// A Resetter is a [Store] whose data somebody else keeps, who may lose it.
type Resetter interface {
	// ResetErr returns why everything stands still, an [ErrReset], or nil.
	ResetErr() error
	// Resume goes on with what is there. It does nothing when nothing was reset.
	Resume(ctx context.Context, r Resumption) (Resumed, error)
}

// A Resumption is a person's decision to go on after a reset.
type Resumption struct {
	Person, Note string
	// Since is the date from which mailboxes and polls read again. What came before and is not in
	// the ledger any more would be taken for new.
	Since time.Time
	// Deliver lets go what is queued in a ledger that was restored. Otherwise its lanes park with
	// reason store_reset, because it may have been delivered already.
	Deliver bool
}

// ResumptionLife is how long after a [Resumption] its date counts for duties that the ledger knows nothing
// of: a ledger that was wiped does not say which there were, but what is configured later is not one of them.
const ResumptionLife = 7 * 24 * time.Hour

// Resumed is what a [Resumption] did.
type Resumed struct {
	Changed bool `json:"changed"` // false: nothing was reset
	Parked  int  `json:"parked"`  // lanes
}

// Since returns where a source begins that lost its cursor in a reset: the date of the [Resumption], but
// nothing older than [ClaimLife]. It is zero where the config decides: when there was no reset, once a cursor
// was saved after it, and for a duty that is new to the ledger [ResumptionLife] after it.
func Since(d Duty) time.Time {
	if r, ok := d.(interface{ Since() time.Time }); ok && d.Cursor() == "" {
		return r.Since()
	}
	return time.Time{}
}

// A Duty is work that exactly one replica does at a time. Its Accept is fenced: once the duty has
// passed to another session it returns [ErrFenced].
type Duty interface {
	Name() string
	// Cursor is the position saved last, "" at first.
	Cursor() string
	// Accept accepts events and saves the new cursor in the same commit. events may be empty.
	Accept(ctx context.Context, events []Event, cursor string) ([]Receipt, error)
	// Release gives the duty up.
	Release(ctx context.Context) error
}
