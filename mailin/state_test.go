package mailin

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/mailin/dovecottest"
)

// states collects what is told of a folder.
type states struct {
	mu   sync.Mutex
	all  []State
	more chan struct{}
}

func (s *states) tell(duty string, x State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if duty == DutyName("support", "INBOX") {
		s.all = append(s.all, x)
	}
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// await waits for a state and returns it.
func (s *states) await(t *testing.T, what string, ok func(State) bool) State {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		for _, x := range s.all {
			if ok(x) {
				s.mu.Unlock()
				return x
			}
		}
		s.mu.Unlock()
		select {
		case <-s.more:
		case <-limit:
			t.Fatalf("never %s: %+v", what, s.all)
		}
	}
}

func TestAFolderTellsHowItsReadingGoes(t *testing.T) {
	s := startOld(t, withIdle)
	seen := &states{more: make(chan struct{}, 1)}
	l := newLedger()
	r := run(t, s.mailbox(t), l, func(o *PollerOptions) { o.Tell = seen.tell })
	x := seen.await(t, "idle", func(x State) bool { return x.Phase == PhaseIdle })
	require.Equal(t, []string{"support", "INBOX"}, []string{x.Mailbox, x.Folder})
	require.False(t, x.Connected.IsZero())
	require.False(t, x.Polled.Before(x.Connected))
	require.Empty(t, x.Error)
	l.awaitStart(t)
	dovecottest.Append(t, s.client(t), "INBOX", time.Now(), dovecottest.Mail(1, "4711", 300), []byte("From: x@stranger.example\r\nMessage-ID: <1@x>\r\n\r\nhi"))
	l.awaitEvents(t, 2)
	p, ok := ReadPosition(l.Cursor())
	require.True(t, ok)
	require.Equal(t, []int64{2, 2, 1}, []int64{int64(p.UID), p.Read, p.Failed})
	r.stop()
	x = seen.all[len(seen.all)-1]
	require.Equal(t, PhaseStopped, x.Phase)
	require.True(t, x.Connected.IsZero())

	b := s.mailbox(t)
	b.Auth.Password = config.Secret{Text: secret.New("wrong-password")}
	seen = &states{more: make(chan struct{}, 1)}
	run(t, b, newLedger(), func(o *PollerOptions) { o.Tell = seen.tell })
	x = seen.await(t, "failed", func(x State) bool { return x.Phase == PhaseFailed })
	require.Contains(t, x.Advice, "check username and password")
	require.NotEmpty(t, x.Error)
	require.True(t, x.Next.After(x.At))
	require.Equal(t, 1, x.Failures)

	_, ok = ReadPosition("")
	require.False(t, ok)
	_, ok = ReadPosition("{")
	require.False(t, ok)
}

// A look that stopped at a full quarantine is no complete look.
func TestAFullQuarantineIsNotRead(t *testing.T) {
	now := time.Unix(1e9, 0)
	tr := tracker{now: func() time.Time { return now }}
	tr.polled(PhaseIdle)
	read := now
	now = now.Add(time.Hour)
	tr.polled(PhaseFull)
	require.Equal(t, []any{PhaseFull, read, now}, []any{tr.state.Phase, tr.state.Polled, tr.state.Since})
}

func TestAdviceFitsTheFailure(t *testing.T) {
	for want, err := range map[string]error{
		"made again by itself":        nil,
		"asks for a pause":            &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeLimit},
		"refused the login":           loginError{errors.New("NO [AUTHENTICATIONFAILED]")},
		"name of the server":          fmt.Errorf("dial: %w", &net.DNSError{Err: "no such host", Name: "imap.example.com"}),
		"encrypted connection":        fmt.Errorf("dial: %w", x509.UnknownAuthorityError{}),
		"nothing listens":             errors.New("dial tcp 127.0.0.1:1: connect: connection refused"),
		"does not answer in time":     fmt.Errorf("list: %w", errSilent),
		"cannot be read safely":       errors.New("open folder INBOX: the server gives no UIDVALIDITY"),
		"check its name in folders":   fmt.Errorf("open folder Inbox2: %w", &imap.Error{Type: imap.StatusResponseTypeNo, Text: "Mailbox doesn't exist"}),
		"firewall between":            fmt.Errorf("connect: %w", context.DeadlineExceeded),
		"own store":                   fmt.Errorf("accept: %w", bridge.ErrUnavailable),
		"no token was given out":      errors.New("mailbox/support: token: 401"),
		"operator of the mail server": errors.New("list: something new"),
	} {
		require.Contains(t, advice(err), want, "%v", err)
	}
}
