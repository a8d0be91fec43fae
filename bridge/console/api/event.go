package api

import (
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// An Event is an event as people see it.
type Event struct {
	ID          string            `json:"id"`
	Seq         int64             `json:"seq"`
	Provider    string            `json:"provider"`
	Task        string            `json:"task,omitempty"`
	Dir         bridge.Dir        `json:"dir"`
	Destination string            `json:"destination"`
	Lane        string            `json:"lane,omitempty"` // provider/dir/task
	Kind        bridge.Kind       `json:"kind,omitempty"`
	Mode        bridge.SubmitMode `json:"mode,omitempty"`
	Reference   string            `json:"reference,omitempty"`

	State  bridge.EventState `json:"state"`
	Reason bridge.Reason     `json:"reason,omitempty"`
	Why    string            `json:"why,omitempty"` // the reason in words
	Detail string            `json:"detail,omitempty"`
	First  string            `json:"first,omitempty"` // the event that this one repeats or was settled by
	Repeat int               `json:"repeat,omitempty"`

	Entrance bridge.Entrance `json:"entrance"`
	Received time.Time       `json:"received"`
	Ended    time.Time       `json:"ended,omitzero"`
	Key      string          `json:"key,omitempty"`
	Comment  string          `json:"comment,omitempty"`
	Echo     bridge.EchoBy   `json:"echo,omitempty"`
	Trace    string          `json:"trace,omitempty"`

	Text        string         `json:"text,omitempty"`
	Author      string         `json:"author,omitempty"`
	Ticket      string         `json:"ticket,omitempty"`
	Title       string         `json:"title,omitempty"`
	Description string         `json:"description,omitempty"`
	Priority    string         `json:"priority,omitempty"`
	Requester   bridge.Person  `json:"requester,omitzero"`
	Fields      map[string]any `json:"fields,omitempty"` // not in lists

	// Shortened is set in lists when texts were cut; the event itself has them whole.
	Shortened bool `json:"shortened,omitempty"`
}

// An EventDetail is one event with everything that is known of it.
type EventDetail struct {
	Event
	// Inbound is the input as it came.
	Inbound *Inbound `json:"inbound,omitempty"`
	// Files came with the input. GET /events/{id}/files/{n} has their bytes while the input is kept.
	Files []bridge.File `json:"files,omitempty"`
	// Attempts are the tries at delivering it, oldest first.
	Attempts []Attempt `json:"attempts"`
	// Do lists the commands that make sense now.
	Do []string `json:"do,omitempty"`
}

// Inbound is one input as a source received it, credentials removed.
type Inbound struct {
	Entrance    bridge.Entrance   `json:"entrance"`
	ContentType string            `json:"content_type,omitempty"`
	Header      map[string]string `json:"header,omitempty"`
	Query       map[string]string `json:"query,omitempty"`
	Received    time.Time         `json:"received,omitzero"`
	Delivery    string            `json:"delivery,omitempty"`
	Size        int               `json:"size"` // of the body in bytes
	// Text is the body if it is printable, else Base64 is.
	Text   string `json:"text,omitempty"`
	Base64 []byte `json:"base64,omitempty"`
}

// An Attempt is one try.
type Attempt struct {
	N       int                `json:"n"`
	Started time.Time          `json:"started"`
	Ended   time.Time          `json:"ended"`
	Outcome bridge.OutcomeKind `json:"outcome"`
	Reason  bridge.Reason      `json:"reason"`
	Why     string             `json:"why,omitempty"`
	Then    bridge.Then        `json:"then"`
	Detail  string             `json:"detail,omitempty"`
	Request string             `json:"request,omitempty"`
	Answer  string             `json:"answer,omitempty"`
	Status  int                `json:"status,omitempty"`
	Session string             `json:"session,omitempty"`
	Config  string             `json:"config,omitempty"`
}
