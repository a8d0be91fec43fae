package transfer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/pergabridge/pergabridge/bridge"
)

// A Record is one line of the stream between header and end: a pointer to one of the types below.
type Record interface{ kind() string }

// Ledger is the first record.
type Ledger struct {
	Epoch   string `json:"epoch"`
	Counter int64  `json:"counter"` // highest number given out to an event or a place in a lane
	// Since is the date of the last [bridge.Resumption], Resumed when it was, Before the epochs of the
	// ledgers that this one goes on for.
	Since   int64    `json:"since,omitempty"`
	Resumed int64    `json:"resumed,omitempty"`
	Before  []string `json:"before,omitempty"`
}

// Bond is a [bridge.Bond].
type Bond struct {
	Provider     string           `json:"provider"`
	Task         string           `json:"task"`
	State        bridge.BondState `json:"state"`
	Reference    string           `json:"reference,omitempty"`
	RefKey       string           `json:"ref_key,omitempty"`
	Resolves     int              `json:"resolves,omitempty"`
	Submit       string           `json:"submit,omitempty"`
	Acknowledged bool             `json:"acknowledged,omitempty"`
	Created      int64            `json:"created,omitempty"`
	Changed      int64            `json:"changed,omitempty"`
}

// Reference is a key by which the bond before it is found.
type Reference struct {
	Provider string `json:"provider"`
	RefKey   string `json:"ref_key"`
	Task     string `json:"task"`
}

// Event is a [bridge.Event]. Its state is queued while it stands in a lane.
type Event struct {
	Seq       int64             `json:"seq"`
	ID        string            `json:"id"`
	Provider  string            `json:"provider"`
	Task      string            `json:"task,omitempty"`
	Dir       bridge.Dir        `json:"dir"`
	Kind      bridge.Kind       `json:"kind,omitempty"`
	Reference string            `json:"reference,omitempty"`
	RefKey    string            `json:"ref_key,omitempty"`
	Mode      bridge.SubmitMode `json:"mode,omitempty"`
	Entrance  bridge.Entrance   `json:"entrance"`
	State     bridge.EventState `json:"state"`
	Reason    bridge.Reason     `json:"reason,omitempty"`
	Detail    string            `json:"detail,omitempty"`
	First     string            `json:"first,omitempty"`
	Repeat    int               `json:"repeat,omitempty"`
	Received  int64             `json:"received"`
	Ended     int64             `json:"ended,omitempty"`
	Shrunk    bool              `json:"shrunk,omitempty"` // reduced by its retention
	Body      json.RawMessage   `json:"body"`             // what it says, as the store keeps it
}

// Claim is a key under which the event before it is known.
type Claim struct {
	Seq      int64      `json:"seq"`
	Provider string     `json:"provider"`
	Dir      bridge.Dir `json:"dir"`
	Key      string     `json:"key"`
	Hash     string     `json:"hash,omitempty"`
	At       int64      `json:"at"`
}

// Attempt is a [bridge.Attempt] at the event before it.
type Attempt struct {
	Seq   int64  `json:"seq"`
	Token string `json:"token"`
	Try
}

// Try is what an [Attempt] was, in the form in which the Redis keeps it as well.
type Try struct {
	N       int                `json:"n"`
	Started Micros             `json:"started"`
	Ended   Micros             `json:"ended"`
	Outcome bridge.OutcomeKind `json:"outcome"`
	Reason  bridge.Reason      `json:"reason,omitempty"`
	Then    bridge.Then        `json:"then"`
	Detail  string             `json:"detail,omitempty"`
	Request string             `json:"request,omitempty"`
	Answer  string             `json:"answer,omitempty"`
	Status  int                `json:"status,omitempty"`
	Session string             `json:"session,omitempty"`
	Config  string             `json:"config,omitempty"`
}

// Micros is a time in microseconds. It is read from a number and from text: Lua's JSON keeps 14 digits.
type Micros int64

// UnmarshalJSON implements [json.Unmarshaler].
func (m *Micros) UnmarshalJSON(b []byte) error {
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		b = b[1 : len(b)-1]
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return fmt.Errorf("a time is not a number: %w", err)
	}
	*m = Micros(n)
	return nil
}

// Lane is the state of a lane; its events follow as [Queue].
type Lane struct {
	Provider    string           `json:"provider"`
	Task        string           `json:"task"`
	Dir         bridge.Dir       `json:"dir"`
	State       bridge.LaneState `json:"state"`
	Paused      bool             `json:"paused,omitempty"`
	Reason      bridge.Reason    `json:"reason,omitempty"`
	Detail      string           `json:"detail,omitempty"`
	Events      int              `json:"events"` // how many the queue has
	Due         int64            `json:"due,omitempty"`
	Attempt     int              `json:"attempt,omitempty"`
	Token       string           `json:"token,omitempty"`
	Session     string           `json:"session,omitempty"`
	LeasedAt    int64            `json:"leased_at,omitempty"`
	Unknown     bool             `json:"unknown,omitempty"`
	UnknownAt   int64            `json:"unknown_at,omitempty"`
	Evidence    bool             `json:"evidence,omitempty"`
	EvidenceRef string           `json:"evidence_ref,omitempty"`
	EvidenceKey string           `json:"evidence_key,omitempty"`
	UpAtFirst   int64            `json:"up_at_first,omitempty"`
	Echoes      int              `json:"echoes,omitempty"`
}

// ID returns the lane's name.
func (l *Lane) ID() bridge.LaneID {
	return bridge.LaneID{Provider: l.Provider, Task: l.Task, Dir: l.Dir}
}

// HeadState returns how the event at the head of the lane stands, which its own record leaves to the
// lane.
func (l *Lane) HeadState() (bridge.EventState, bridge.Reason) {
	switch l.State {
	case bridge.LaneLeased:
		return bridge.StateLeased, ""
	case bridge.LaneParked:
		return bridge.StateParked, l.Reason
	case bridge.LaneHeld:
		return bridge.StateQueued, ""
	}
	return bridge.StateQueued, l.Reason
}

// Queue is a piece of the queue of the lane before it, at most [QueuePiece] numbers.
type Queue struct {
	Seqs []int64 `json:"seqs"`
}

// QueuePiece bounds one [Queue].
const QueuePiece = 1000

// Wrote is one thing that was written to the other side: a text, known by its hash, or a comment,
// known by the id it got there.
type Wrote struct {
	Provider string     `json:"provider"`
	Task     string     `json:"task"`
	Dir      bridge.Dir `json:"dir"`
	Text     string     `json:"text,omitempty"`
	Comment  string     `json:"comment,omitempty"`
	Seq      int64      `json:"seq"`
	Token    string     `json:"token,omitempty"`
	At       int64      `json:"at"`
}

// Destination is what is known of a destination.
type Destination struct {
	Name     string `json:"name"`
	Paused   bool   `json:"paused,omitempty"`
	Failures int    `json:"failures,omitempty"`
	OpenTo   int64  `json:"open_to,omitempty"`
	OpenFor  int64  `json:"open_for,omitempty"` // microseconds
	Probe    string `json:"probe,omitempty"`
	Up       int64  `json:"up,omitempty"` // answered time so far, microseconds
	Answered int64  `json:"answered,omitempty"`
}

// Duty is a duty that somebody had.
type Duty struct {
	Name   string `json:"name"`
	Epoch  int64  `json:"epoch"`
	Cursor string `json:"cursor,omitempty"`
	Paused bool   `json:"paused,omitempty"` // by a person
	Since  int64  `json:"since,omitempty"`  // where it begins; see [bridge.Since]
}

// Activity is a [bridge.Activity].
type Activity struct {
	At     int64  `json:"at"`
	Person string `json:"person"`
	Verb   string `json:"verb"`
	Target string `json:"target"`
	Note   string `json:"note,omitempty"`
}

// Notice is a [bridge.Notice].
type Notice struct {
	Kind  string `json:"kind"`
	Key   string `json:"key"`
	Value []byte `json:"value,omitempty"`
	Until int64  `json:"until"`
}

func (*Ledger) kind() string      { return "ledger" }
func (*Bond) kind() string        { return "bond" }
func (*Reference) kind() string   { return "reference" }
func (*Event) kind() string       { return "event" }
func (*Claim) kind() string       { return "claim" }
func (*Attempt) kind() string     { return "attempt" }
func (*Lane) kind() string        { return "lane" }
func (*Queue) kind() string       { return "queue" }
func (*Wrote) kind() string       { return "wrote" }
func (*Destination) kind() string { return "destination" }
func (*Duty) kind() string        { return "duty" }
func (*Activity) kind() string    { return "activity" }
func (*Notice) kind() string      { return "notice" }

// Kinds are the kinds of records, in the order in which they first appear.
func Kinds() []string { return slices.Clone(kinds) }

var kinds = []string{"ledger", "bond", "reference", "event", "claim", "attempt", "lane", "queue", "wrote", "destination", "duty", "activity", "notice"}

// optional are the kinds that exports of before do not name.
var optional = map[string]bool{"notice": true}

// leader names the kind that a kind follows; records of both may alternate.
var leader = map[string]string{"reference": "bond", "claim": "event", "attempt": "event", "queue": "lane"}

func newRecord(kind string) Record {
	switch kind {
	case "ledger":
		return &Ledger{}
	case "bond":
		return &Bond{}
	case "reference":
		return &Reference{}
	case "event":
		return &Event{}
	case "claim":
		return &Claim{}
	case "attempt":
		return &Attempt{}
	case "lane":
		return &Lane{}
	case "queue":
		return &Queue{}
	case "wrote":
		return &Wrote{}
	case "destination":
		return &Destination{}
	case "duty":
		return &Duty{}
	case "activity":
		return &Activity{}
	case "notice":
		return &Notice{}
	}
	return nil
}
