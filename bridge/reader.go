package bridge

import (
	"context"
	"io"
	"time"
)

// A Reader answers the questions of people: console, API, verbs, metrics.
type Reader interface {
	Events(ctx context.Context, f EventFilter) ([]Event, error)
	// Event returns an event with its attempts, oldest first. ErrNotFound.
	Event(ctx context.Context, id string) (Event, []Attempt, error)
	Bonds(ctx context.Context, f BondFilter) ([]Bond, error)
	// Bond returns the bond of a task at a provider. ErrNotFound.
	Bond(ctx context.Context, provider, task string) (Bond, error)
	// Lanes returns lanes that hold events, or are paused.
	Lanes(ctx context.Context, f LaneFilter) ([]Lane, error)
	// Counts is cheap enough to be asked every few seconds.
	Counts(ctx context.Context) (Counts, error)
	// Backup writes a consistent copy of the whole state while the store works.
	Backup(ctx context.Context, w io.Writer) error
	// Activities returns what people did, newest first.
	Activities(ctx context.Context, limit int) ([]Activity, error)
	// Duties returns every duty that was ever taken or paused, by name.
	Duties(ctx context.Context) ([]DutyState, error)
	// Replicas returns the sessions that are alive, oldest first.
	Replicas(ctx context.Context) ([]Replica, error)
}

// EventFilter selects events; empty fields do not filter.
type EventFilter struct {
	Provider string
	Task     string
	Dir      Dir
	Kind     Kind
	States   []EventState
	Reason   Reason
	RefKey   string
	Search   string    // words in the texts
	Since    time.Time // received at or after
	// After continues behind the event with this Seq; Newest reverses the order.
	After  int64
	Newest bool
	Limit  int // zero: 100
}

// BondFilter selects bonds; empty fields do not filter.
type BondFilter struct {
	Provider string
	Task     string
	RefKey   string
	// Prefix selects bonds whose task, or one of whose references as they are compared, begins with
	// it. Such a list is not paged: a store may look at the first thousand of each only.
	Prefix   string
	States   []BondState
	AfterKey string // "provider/task" of the last bond seen
	Limit    int    // zero: 100
}

// LaneFilter selects lanes; empty fields do not filter.
type LaneFilter struct {
	Dest     string
	Provider string
	Task     string
	States   []LaneState
	// After continues behind the lane with this place; lanes come by destination, then by what
	// is at their head. A lane that moved on meanwhile may come again.
	After LanePlace
	Limit int // zero: 100
}

// A LanePlace is where a lane stands in a list. The zero value is before the first.
type LanePlace struct {
	Head int64 // Seq of the event at the head, zero if there is none
	Lane LaneID
}

// Place returns where l stands in a list.
func (l *Lane) Place() LanePlace { return LanePlace{l.HeadSeq, l.ID} }

// A Lane is the ordered queue of one direction of one task at one provider, as people see it.
type Lane struct {
	ID       LaneID    `json:"id"`
	State    LaneState `json:"state"`
	Reason   Reason    `json:"reason,omitempty"`
	Head     string    `json:"head,omitempty"` // id of the event at the head: what blocks the rest
	HeadSeq  int64     `json:"head_seq,omitempty"`
	HeadKind Kind      `json:"head_kind,omitempty"`
	Queued   int       `json:"queued"` // events in the lane, head included
	Due      time.Time `json:"due,omitzero"`
	Attempt  int       `json:"attempt,omitempty"`
	Unknown  bool      `json:"unknown,omitempty"`
	Oldest   time.Time `json:"oldest,omitzero"` // when the head was received
	Detail   string    `json:"detail,omitempty"`
}

// LaneState is where a lane stands.
type LaneState string

// The lane states.
const (
	LaneIdle   LaneState = "idle"   // empty
	LaneReady  LaneState = "ready"  // its head is due, now or later
	LaneLeased LaneState = "leased" // its head is being delivered
	LaneHeld   LaneState = "held"   // its head needs a reference that is not known yet
	LaneParked LaneState = "parked" // stopped until a person acts
	LanePaused LaneState = "paused" // an operator paused it
)

// An Attempt is the record of one try.
type Attempt struct {
	Event   string      `json:"event"`
	N       int         `json:"n"`
	Started time.Time   `json:"started"`
	Ended   time.Time   `json:"ended"`
	Outcome OutcomeKind `json:"outcome"`
	Reason  Reason      `json:"reason"`
	Then    Then        `json:"then"`
	Detail  string      `json:"detail,omitempty"`
	Request string      `json:"request,omitempty"`
	Answer  string      `json:"answer,omitempty"`
	Status  int         `json:"status,omitempty"`
	Session string      `json:"session,omitempty"`
	Config  string      `json:"config,omitempty"`
}

// Counts is the state of everything in numbers.
type Counts struct {
	Events      map[EventState]int64         `json:"events"`
	Bonds       map[BondState]int64          `json:"bonds"`
	Destination map[string]DestinationCounts `json:"destinations"`
	Quarantine  map[string]map[Reason]int64  `json:"quarantine,omitempty"` // by provider
}

// DestinationCounts is the state of one destination.
type DestinationCounts struct {
	Lanes    map[LaneState]int64 `json:"lanes"`
	Queued   int64               `json:"queued"`          // events in its lanes
	Oldest   time.Time           `json:"oldest,omitzero"` // when the oldest of them was received
	Paused   bool                `json:"paused,omitempty"`
	Breaker  BreakerState        `json:"breaker"`
	Failures int                 `json:"failures,omitempty"` // in a row
	OpenTo   time.Time           `json:"open_to,omitzero"`
}

// BreakerState is where the breaker of a destination stands.
type BreakerState string

// The breaker states.
const (
	BreakerClosed BreakerState = "closed"
	BreakerIsOpen BreakerState = "open"
	BreakerProbe  BreakerState = "probe" // one delivery tries whether it is back
)

// A DutyState is how a duty stands.
type DutyState struct {
	Name string `json:"name"`
	// Session is that of the replica that has it; empty while nobody alive has it.
	Session string `json:"session,omitempty"`
	Paused  bool   `json:"paused,omitempty"` // a person paused it
	Cursor  string `json:"cursor,omitempty"` // the position saved last
}

// A Replica is one session that is alive. A process has one after the other, for a moment two.
type Replica struct {
	Name    string    `json:"name,omitempty"` // what its process is called: [Session].Replica
	Session string    `json:"session"`
	Since   time.Time `json:"since,omitzero"`   // when the session was made
	Until   time.Time `json:"until"`            // when it ends unless it is renewed
	Leases  int       `json:"leases"`           // deliveries under way
	Duties  []string  `json:"duties,omitempty"` // by name
}

// An Activity is one thing a person did.
type Activity struct {
	At     time.Time `json:"at"`
	Person string    `json:"person"`
	Verb   string    `json:"verb"`
	Target string    `json:"target"`
	Note   string    `json:"note,omitempty"`
}
