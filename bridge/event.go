package bridge

import "time"

// An Event is one thing that happened on one side and must be applied to the other.
//
// A source fills the upper part; [Store.Accept] fills the part below "set by the store" and
// decides what becomes of it.
type Event struct {
	// ID identifies the event for people and programs: a UUIDv7. Empty: the engine makes one.
	ID       string `json:"id"`
	Provider string `json:"provider"`
	// Task is the SSP task id. It may be empty on an [In] event that names only a reference.
	Task string `json:"task,omitempty"`
	Dir  Dir    `json:"dir"`
	// Kind is empty only on events that are quarantined because nobody could tell. An echo by
	// direction has the kind of what it echoes, which travels the other way, or none.
	Kind Kind `json:"kind,omitempty"`
	// Reference is the provider's ticket number as it was written by the sender.
	Reference string `json:"reference,omitempty"`
	// RefKey is Reference in the form in which references are compared; see [ReferenceKey].
	// Empty: the store derives it case-blind.
	RefKey string `json:"ref_key,omitempty"`

	// Else is what an [Open] event is where its ticket is known already or on its way to SSP:
	// [Update] or [Resolve] for what somebody wrote. Empty: nothing but an acknowledgement.
	Else Kind `json:"else,omitempty"`

	// Key is the sender's own id of what happened, the same at every repetition and at every
	// entrance (webhook, poll, mailbox); it is scoped by provider and direction. Empty: see
	// the package documentation, "De-duplication".
	Key string `json:"key,omitempty"`
	// Window is how long a repeat without a Key counts as the same event, from the first
	// acceptance on. Zero: [DefaultWindow].
	Window time.Duration `json:"-"`
	// Echo says how this event may be recognised as our own writing come back.
	Echo EchoBy `json:"echo,omitempty"`
	// Comment is the sender's id of the text (comment, note, position), for [EchoByComment].
	Comment string `json:"comment,omitempty"`

	Entrance Entrance  `json:"entrance"`
	Received time.Time `json:"received,omitzero"`
	// Trace is the W3C traceparent header of the call that brought the event.
	Trace string `json:"trace,omitempty"`

	Text        string         `json:"text,omitempty"`
	Author      string         `json:"author,omitempty"`
	Ticket      string         `json:"ticket,omitempty"`
	Title       string         `json:"title,omitempty"`
	Description string         `json:"description,omitempty"`
	Priority    string         `json:"priority,omitempty"`
	Requester   Person         `json:"requester,omitzero"`
	Fields      map[string]any `json:"fields,omitempty"`

	// Inbound is the input as it came, secrets masked: what quarantine keeps and re-reads.
	Inbound *Inbound `json:"inbound,omitempty"`

	// Quarantine, when set by a source, keeps the event in quarantine for this reason instead
	// of queueing it; Detail says in words what is wrong and what to do.
	Quarantine Reason `json:"-"`
	Detail     string `json:"detail,omitempty"`
	// Ignore, when set by a source, only records that something came in and why it is left: the
	// event is stored as ended with this reason, and needs neither kind nor task.
	Ignore Reason `json:"-"`
	// Bounced, beside Ignore, is the id of an event of the same provider that was delivered by mail:
	// this input is the report that the mail did not arrive.
	Bounced string `json:"bounced,omitempty"`
	// BouncedAt is when that mail was written, by its own Date, in UTC and whole seconds; zero if the report does
	// not tell.
	BouncedAt time.Time `json:"bounced_at,omitzero"`

	// Set by the store.

	Seq    int64      `json:"seq,omitempty"` // order of acceptance
	State  EventState `json:"-"`
	Reason Reason     `json:"-"`
	Mode   SubmitMode `json:"mode,omitempty"` // what a submit means for its bond
	First  string     `json:"-"`              // the event that this one repeats or was settled by
	Repeat int        `json:"-"`              // how often the same event was offered again
	Ended  time.Time  `json:"-"`
}

// DefaultWindow is how long an event without a sender's id is merged with an equal one.
const DefaultWindow = 10 * time.Minute

// A Person is somebody named in a ticket.
type Person struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
}

// Entrance is the way an event came in.
type Entrance string

// The entrances.
const (
	ByProcessCall Entrance = "process_call" // SSP called POST /ssp/{provider}
	ByWebhook     Entrance = "webhook"      // a provider called POST /webhooks/{provider}
	ByPoll        Entrance = "poll"         // found by asking the provider
	ByMailbox     Entrance = "mailbox"      // read from a mailbox
	ByFollowUp    Entrance = "follow_up"    // made by settling another event
	ByOperator    Entrance = "operator"     // made by a person
)

// EchoBy says by what an event may be recognised as an echo.
type EchoBy string

// Ways to recognise an echo. By direction and by author the sender has already decided; by
// comment and by text the store compares with what was written.
const (
	EchoUnknown     EchoBy = ""          // cannot be an echo
	EchoByDirection EchoBy = "direction" // SSP says direction In
	EchoByAuthor    EchoBy = "author"    // written by our own API user
	EchoByComment   EchoBy = "comment"   // compare Comment with ids the destination gave us
	EchoByText      EchoBy = "text"      // compare the normalised text with what was written
)

// SubmitMode says what a submit (or a declined solution) means for its bond.
type SubmitMode string

// The submit modes.
const (
	ModeNew      SubmitMode = "new"      // the provider has no ticket yet
	ModeContinue SubmitMode = "continue" // the provider's open ticket goes on
	ModeReopen   SubmitMode = "reopen"   // the provider's ticket had been resolved, closed or superseded
)

// EventState is where an event stands; the package documentation tells what moves it.
type EventState string

// The event states. Done, ended and discarded are final.
const (
	StateQueued      EventState = "queued"      // in its lane, not yet at the head or due later
	StateLeased      EventState = "leased"      // a replica holds the right to deliver it
	StateParked      EventState = "parked"      // at the head of a stopped lane
	StateWaiting     EventState = "waiting"     // its bond or reference is not known yet
	StateQuarantined EventState = "quarantined" // fits no bond and no rule; kept whole
	StateDone        EventState = "done"        // applied to the other side
	StateEnded       EventState = "ended"       // ended without delivery; Reason says why
)

// Final reports whether an event in state s will never be delivered again by itself.
func (s EventState) Final() bool { return s == StateDone || s == StateEnded }

// Lane returns the lane the event belongs to.
func (e *Event) Lane() LaneID { return LaneID{Provider: e.Provider, Task: e.Task, Dir: e.Dir} }

// Inbound is one input as a source received it, before anybody understood it.
type Inbound struct {
	Provider    string            `json:"provider"`
	Entrance    Entrance          `json:"entrance"`
	ContentType string            `json:"content_type,omitempty"`
	Header      map[string]string `json:"header,omitempty"` // canonical names; credentials removed
	Query       map[string]string `json:"query,omitempty"`  // credentials removed
	Body        []byte            `json:"body,omitempty"`
	// Item says that Body is one item of a larger input, which is not split again.
	Item     bool      `json:"item,omitempty"`
	Received time.Time `json:"received,omitzero"`
	// Delivery is the sender's id of this delivery, if its scheme has one.
	Delivery string `json:"delivery,omitempty"`
}
