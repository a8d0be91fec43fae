package providertest

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider"
)

// A Fixture is a provider and the fake it talks to.
type Fixture struct {
	Provider *provider.Provider
	Peer     Peer
	// Secrets are the values that must not show anywhere.
	Secrets []string
	// Inputs are what the system sends, by the kind of event each must become.
	Inputs map[bridge.Kind]bridge.Inbound
	// Private is a text that is not for the user; nil if the system sends none.
	Private *bridge.Inbound
	// Unknown is an input in the system's format that no rule fits; Unreadable is one in no format.
	Unknown, Unreadable bridge.Inbound
	// Log is where the provider was told to log; see [NewLog].
	Log *Log
}

// A Peer is the fake system, as the suite sees and breaks it.
type Peer interface {
	// Effects returns what was written, in order.
	Effects() []Effect
	// Calls returns how often the fake was called at all.
	Calls() int
	// Fail makes the next call fail. It returns false if this cannot happen to this kind of system.
	Fail(f Failure) bool
	// Down makes the system unreachable, Up reachable again.
	Down(t testing.TB)
	Up(t testing.TB)
	// Resolve solves a ticket, as a precondition of declining its solution.
	Resolve(t testing.TB, reference string)
}

// An Effect is one thing that was written to the fake.
type Effect struct {
	Kind      bridge.Kind
	Reference string
	Text      string // without the fake's own decoration; compared by its hash
}

// A Failure is a way for one call to fail.
type Failure string

// The failures.
const (
	Refuse      Failure = "refuse"       // the system says no; nothing is done
	Throttle    Failure = "throttle"     // it asks to come back later; nothing is done
	ServerError Failure = "server_error" // it fails for its own reasons; nothing is done
	Drop        Failure = "drop"         // it does it, but the answer is lost
	Hang        Failure = "hang"         // it does it, but never answers
)

// A Log keeps what was logged, for the search for secrets.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// NewLog returns an empty log and the logger that fills it.
func NewLog() (*Log, *slog.Logger) {
	l := &Log{}
	return l, slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Write appends to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns what was logged so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
