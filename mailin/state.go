package mailin

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Phase is what the reader of a folder is doing.
type Phase string

// The phases.
const (
	PhaseConnecting Phase = "connecting"
	PhaseReading    Phase = "reading" // lists and takes mail
	PhaseIdle       Phase = "idle"    // waits for the server to tell (IDLE)
	PhasePolling    Phase = "polling" // waits for the next look
	PhaseFull       Phase = "full"    // leaves mail on the server until the quarantine has room
	PhaseFailed     Phase = "failed"  // waits before the next try
	PhaseThrottled  Phase = "throttled"
	PhaseStopped    Phase = "stopped"
)

// A State is how the reading of one folder goes.
type State struct {
	Mailbox string `json:"mailbox"`
	Folder  string `json:"folder"`
	Phase   Phase  `json:"phase"`
	// Since is when the phase began; Connected when the connection in use was made, zero without one.
	Since     time.Time `json:"since,omitzero"`
	Connected time.Time `json:"connected,omitzero"`
	// Polled is when everything new had been read last; Next when the next try is due after a failure.
	Polled time.Time `json:"polled,omitzero"`
	Next   time.Time `json:"next,omitzero"`
	// Error is the last failure, secrets masked, At is when and Advice says what to do about it. It
	// stays until the folder has been read again.
	Error    string    `json:"error,omitempty"`
	At       time.Time `json:"at,omitzero"`
	Advice   string    `json:"advice,omitempty"`
	Failures int       `json:"failures,omitempty"` // in a row
}

// A Position is how far a folder has been read, and how much that was.
type Position struct {
	UIDValidity uint32    // numbering of the folder
	UID         uint32    // the highest that was accepted
	Start       time.Time // when the folder was read first
	Last        time.Time // when the newest accepted mail came into the folder
	Read        int64     // mails taken since Start
	Failed      int64     // of them in quarantine at the first reading
	Unfiled     int       // mails that are accepted but perhaps not moved or marked yet
}

// ReadPosition reads the cursor of a folder's duty; ok is false for one that was never read.
func ReadPosition(saved string) (p Position, ok bool) {
	var c cursor
	if saved == "" || json.Unmarshal([]byte(saved), &c) != nil {
		return p, false
	}
	return Position{c.Validity, c.UID, c.Start, c.Last, c.Read, c.Failed, len(c.Unfiled)}, true
}

// DutyName is the name of the duty of a folder.
func DutyName(mailbox, folder string) string { return "mailbox/" + mailbox + "/" + folder }

// tracker keeps the state of one folder and tells it on.
type tracker struct {
	mu    sync.Mutex
	state State
	now   func() time.Time
	tell  func(State) // may be nil; must not wait
}

func (t *tracker) change(f func(*State)) {
	t.mu.Lock()
	was := t.state.Phase
	f(&t.state)
	if t.state.Phase != was {
		t.state.Since = t.now()
	}
	s := t.state
	t.mu.Unlock()
	if t.tell != nil {
		t.tell(s)
	}
}

func (t *tracker) phase(p Phase) { t.change(func(s *State) { s.Phase = p }) }

// connected notes a connection with the folder open.
func (t *tracker) connected() {
	t.change(func(s *State) { s.Phase, s.Connected, s.Next = PhaseReading, t.now(), time.Time{} })
}

// polled notes that everything new was read, as far as there was room, and what is waited for now.
func (t *tracker) polled(waits Phase) {
	t.change(func(s *State) {
		if waits != PhaseFull {
			s.Polled = t.now()
		}
		s.Phase, s.Failures = waits, 0
		s.Error, s.Advice, s.At = "", "", time.Time{}
	})
}

// failed notes why the connection ended. One that had worked and is made again at once is no failure.
func (t *tracker) failed(err error, failures int, wait time.Duration) {
	t.change(func(s *State) {
		s.Phase, s.Connected, s.Next = PhaseFailed, time.Time{}, t.now().Add(wait)
		if wait == 0 {
			s.Phase, s.Next = PhaseConnecting, time.Time{}
			return
		}
		if err != nil && throttled(err) > 0 {
			s.Phase = PhaseThrottled
		}
		s.Failures, s.Error, s.At, s.Advice = failures, secret.Mask(errText(err)), t.now(), advice(err)
	})
}

// stopped notes that this replica does not read the folder any more.
func (t *tracker) stopped() {
	t.change(func(s *State) { s.Phase, s.Connected, s.Next = PhaseStopped, time.Time{}, time.Time{} })
}

// advice says in words what a person can do about a failure.
func advice(err error) string {
	if err == nil {
		return "the server ended the connection; it is made again by itself"
	}
	text := strings.ToLower(err.Error())
	_, refused := errors.AsType[loginError](err)
	_, unknown := errors.AsType[*net.DNSError](err)
	said, answered := errors.AsType[*imap.Error](err)
	switch {
	case throttled(err) > 0:
		return "the server asks for a pause and gets it; if this lasts, look whether something else reads the same mailbox"
	case refused:
		return "the server refused the login: check username and password or token, and whether IMAP is allowed for this mailbox"
	case strings.Contains(text, "token"):
		return "no token was given out: check token_url, client id, secret and scope"
	case unknown:
		return "the name of the server is not known: check the host in imap, and DNS"
	case strings.Contains(text, "x509") || strings.Contains(text, "tls:") || strings.Contains(text, "certificate"):
		return "the encrypted connection failed: check the host name and tls.ca, or whether the port speaks TLS at once (imaps) or STARTTLS (imap)"
	case strings.Contains(text, "connection refused"):
		return "nothing listens there: check host and port in imap, and whether the server runs"
	case errors.Is(err, errSilent) || errors.Is(err, context.DeadlineExceeded) || strings.Contains(text, "timeout"):
		return "the server does not answer in time: check the network and the firewall between here and there, and whether this port speaks TLS at once (imaps)"
	case strings.Contains(text, "uidvalidity"):
		return "this server cannot be read safely; ask its operator for UIDVALIDITY"
	case answered && strings.Contains(text, "open folder"):
		return "the folder cannot be opened: check its name in folders (it is case-bound and may need a prefix such as INBOX.)"
	case errors.Is(err, bridge.ErrUnavailable):
		return "the bridge's own store does not take anything; mail stays on the server until it does"
	case answered && said.Type == imap.StatusResponseTypeBye:
		return "the server ended the connection; it is made again by itself"
	}
	return "it is tried again by itself; if it lasts, ask the operator of the mail server"
}
