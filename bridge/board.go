package bridge

import (
	"context"
	"time"
)

// A Board is where replicas pin what all of them should see and what should outlive them, but which
// decides nothing about any event: how a mailbox is, the first answer to a repeated request, how far a
// repair is, how much went through in a minute, which token replaced a configured one. It moves with the
// ledger, and a backup holds it as it is at about the end.
type Board interface {
	// Pin puts notices up, each in the place of the one with its Kind and Key. A notice whose
	// Until is over is taken down.
	Pin(ctx context.Context, notices ...Notice) error
	// PinNew puts n up unless there is one with its Kind and Key already, which is then returned
	// and left as it is. nil: n was put up.
	PinNew(ctx context.Context, n Notice) (there *Notice, err error)
	// Notices returns what is up of a kind, by Key; with a key only that one.
	Notices(ctx context.Context, kind, key string) ([]Notice, error)
}

// A Notice hangs on a [Board] until its end.
type Notice struct {
	Kind, Key string
	Value     []byte // at most [MaxNotice] bytes
	Until     time.Time
}

// MaxNotice bounds the value of a notice, in bytes.
const MaxNotice = 256 << 10
