package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Kind is what a message is about.
type Kind string

// The kinds of trouble.
const (
	LaneParked      Kind = "lane_parked"
	DestinationDown Kind = "destination_down"
	ContractChanged Kind = "contract_changed"
	CheckFailed     Kind = "check_failed" // a mailbox, for example
	StoreReset      Kind = "store_reset"  // Redis was wiped or restored; every replica tells it
)

// Phase says how a trouble goes.
type Phase string

// The phases.
const (
	Begins Phase = "begins"
	Lasts  Phase = "lasts"
	Ended  Phase = "ended"
)

// A Message is what is told, in the form of Standard Webhooks.
type Message struct {
	// ID is the same at every try.
	ID   string    `json:"-"`
	Type string    `json:"type"` // pergabridge. and the kind
	At   time.Time `json:"timestamp"`
	Data Data      `json:"data"`
}

// Data is the body of a message.
type Data struct {
	Kind    Kind      `json:"kind"`
	Phase   Phase     `json:"phase"`
	Subject string    `json:"subject,omitempty"` // the destination or check
	Text    string    `json:"text"`              // in words, secrets masked
	Since   time.Time `json:"since"`
	Count   int64     `json:"count,omitempty"` // parked lanes
	Console string    `json:"console,omitempty"`
}

// trouble is something that is wrong now.
type trouble struct {
	Kind    Kind
	Subject string
	Text    string
	Count   int64
}

func (t trouble) key() string { return string(t.Kind) + ":" + t.Subject }

// told is what was told of a trouble; it is kept in the cursor.
type told struct {
	Kind    Kind      `json:"kind"`
	Subject string    `json:"subject,omitempty"`
	Since   time.Time `json:"since"`
	Last    time.Time `json:"last,omitzero"` // when it was told last; zero: not yet
	N       int       `json:"n"`             // messages so far
}

// message makes the next message of a trouble.
func (x *told) message(phase Phase, now time.Time, text string, count int64, console string) Message {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%d", x.Kind, x.Subject, x.Since.UnixNano(), x.N))
	return Message{
		ID: "msg_" + hex.EncodeToString(sum[:16]), Type: "pergabridge." + string(x.Kind), At: now.UTC(),
		Data: Data{Kind: x.Kind, Phase: phase, Subject: x.Subject, Text: text, Since: x.Since.UTC(), Count: count, Console: console},
	}
}
