package mailin

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/mailin/dovecottest"
)

func TestNewMailIsReadAtOnce(t *testing.T) {
	s := dovecottest.Start(t, dovecottest.Options{})
	c := s.Client(t)
	var old [][]byte
	for i := range 20 {
		old = append(old, dovecottest.Mail(i, "1", 500))
	}
	dovecottest.Append(t, c, "INBOX", time.Now(), old...)
	for _, how := range []struct {
		name string
		with func(*Mailbox)
	}{
		{"implicit TLS with a private CA", func(b *Mailbox) {
			b.IMAP, b.Plain, b.TLS = "imaps://"+s.IMAPS, false, outbound.TLS{CA: config.Path(s.CA)}
		}},
		{"STARTTLS", func(b *Mailbox) { b.Plain, b.TLS = false, outbound.TLS{CA: config.Path(s.CA)} }},
		{"plain", func(*Mailbox) {}},
		{"without IDLE", func(b *Mailbox) { no := false; b.IDLE, b.Poll = &no, config.Duration(time.Second) }},
	} {
		t.Run(how.name, func(t *testing.T) {
			b := mailbox(t, s)
			how.with(b)
			b.Done = Filing{Move: "Processed", set: true}
			b.Failed = Filing{Keyword: "$Failed", set: true}
			r := run(t, b, newLedger())
			r.ledger.awaitStart(t)
			began := time.Now()
			dovecottest.Append(t, c, "INBOX", time.Now(), dovecottest.Mail(100, "4711", 2000))
			r.ledger.awaitEvents(t, 1)
			require.Less(t, time.Since(began), 2*time.Second)
			require.Equal(t, []string{"news number 100"}, r.ledger.texts(), "old mail has no effect on the first start")
			e := r.ledger.events[0]
			require.Equal(t, "4711", e.Task)
			require.Equal(t, "INBOX", e.Inbound.Header[HeaderFolder])
			require.Contains(t, string(e.Inbound.Body), "Message-ID: <test.100@acme.example>")
			stranger := []byte("From: x@stranger.example\r\nSubject: hi\r\nMessage-ID: <" + strings.ReplaceAll(how.name, " ", "") + "@x>\r\n\r\nhi")
			dovecottest.Append(t, c, "INBOX", time.Now(), stranger)
			r.ledger.awaitEvents(t, 2)
			r.stop()
			require.Positive(t, dovecottest.Count(t, c, "Processed"))
		})
	}
	require.Equal(t, 4, dovecottest.Count(t, c, "Processed"))
	_, err := c.Select("INBOX", nil).Wait()
	require.NoError(t, err)
	found, err := c.UIDSearch(&imap.SearchCriteria{Flag: []imap.Flag{"$Failed"}}, nil).Wait()
	require.NoError(t, err)
	require.Len(t, found.AllUIDs(), 4, "what went to quarantine is marked")
	seen, err := c.UIDSearch(&imap.SearchCriteria{Flag: []imap.Flag{imap.FlagSeen}}, nil).Wait()
	require.NoError(t, err)
	require.Empty(t, seen.AllUIDs(), "reading leaves no trace")
}

func TestBlackHoledConnectionIsReplacedWithinThePollInterval(t *testing.T) {
	s := dovecottest.Start(t, dovecottest.Options{})
	h := newHole(t, s.IMAP)
	b := mailbox(t, s)
	b.IMAP = "imap://" + h.addr
	b.Poll = config.Duration(4 * time.Second)
	r := run(t, b, newLedger())
	r.ledger.awaitStart(t)
	c := s.Client(t)
	dovecottest.Append(t, c, "INBOX", time.Now(), dovecottest.Mail(1, "4711", 500))
	r.ledger.awaitEvents(t, 1)
	h.silent.Store(true)
	began := time.Now()
	dovecottest.Append(t, c, "INBOX", time.Now(), dovecottest.Mail(2, "4711", 500))
	r.ledger.awaitEvents(t, 2)
	require.Less(t, time.Since(began), b.Poll.Std())
	require.EqualValues(t, 2, h.conns.Load())
}

func TestServerRestart(t *testing.T) {
	s := dovecottest.Start(t, dovecottest.Options{})
	r := run(t, mailbox(t, s), newLedger())
	r.ledger.awaitStart(t)
	s.Stop(t)
	s.Run(t)
	dovecottest.Append(t, s.Client(t), "INBOX", time.Now(), dovecottest.Mail(1, "4711", 500))
	r.ledger.awaitEvents(t, 1)
}

func TestManyOldMailsDoNotDelayANewOne(t *testing.T) {
	s := dovecottest.Start(t, dovecottest.Options{})
	c := s.Client(t)
	dovecottest.Append(t, c, "INBOX", time.Now(), dovecottest.Mail(0, "1", 300))
	// 10,000 more straight into the maildir.
	dir := filepath.Join(s.Dir, "mail", dovecottest.User, "cur")
	for i := range 10000 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.M%dP1.host:2,S", 1700000000+i, i)), dovecottest.Mail(i, "1", 100), 0o666))
	}
	b := mailbox(t, s)
	b.Poll = config.Duration(time.Minute)
	r := run(t, b, newLedger())
	r.ledger.awaitStart(t)
	dovecottest.Append(t, c, "INBOX", time.Now(), dovecottest.Mail(20000, "4711", 300)) // the server itself is slow at this
	began := time.Now()
	r.ledger.awaitEvents(t, 1)
	require.Less(t, time.Since(began), b.Poll.Std()/2, "by push, not by the next look: %s", r.log.String())
	require.Equal(t, []string{"news number 20000"}, r.ledger.texts())
}

func TestMoveRefusedStillOneEffect(t *testing.T) {
	s := dovecottest.Start(t, dovecottest.Options{})
	c := s.Client(t)
	require.NoError(t, c.Create("Locked", nil).Wait())
	for _, d := range []string{"tmp", "new", "cur", ""} {
		require.NoError(t, os.Chmod(filepath.Join(s.Dir, "mail", dovecottest.User, ".Locked", d), 0o555))
	}
	b := mailbox(t, s)
	b.Done = Filing{Move: "Locked", set: true}
	l := newLedger()
	r := run(t, b, l)
	l.awaitStart(t)
	dovecottest.Append(t, c, "INBOX", time.Now(), dovecottest.Mail(1, "4711", 300))
	l.awaitEvents(t, 1)
	dovecottest.Append(t, c, "INBOX", time.Now(), dovecottest.Mail(2, "4711", 300))
	l.awaitEvents(t, 2)
	r.stop()
	require.Contains(t, r.log.String(), "could not be filed")
	require.Equal(t, 2, dovecottest.Count(t, c, "INBOX"))
	for _, d := range []string{"", "tmp", "new", "cur"} {
		require.NoError(t, os.Chmod(filepath.Join(s.Dir, "mail", dovecottest.User, ".Locked", d), 0o777))
	}
	// The next start files what is left, and reads nothing again.
	r = run(t, b, l)
	dovecottest.Append(t, c, "INBOX", time.Now(), dovecottest.Mail(3, "4711", 300))
	l.awaitEvents(t, 3)
	require.Eventually(t, func() bool { return dovecottest.Count(t, c, "Locked") == 3 }, 10*time.Second, 10*time.Millisecond)
	l.await(t, "that nothing is left to be moved", func() bool { p, _ := ReadPosition(l.Cursor()); return p.Unfiled == 0 })
	r.stop()
	require.Equal(t, 3, l.offered)
}

func TestRenumberedFolderIsReadAgainWithoutASecondEffect(t *testing.T) {
	s := dovecottest.Start(t, dovecottest.Options{})
	c := s.Client(t)
	require.NoError(t, c.Create("Work", nil).Wait())
	ancient := time.Now().Add(-90 * 24 * time.Hour)
	dovecottest.Append(t, c, "Work", ancient, dovecottest.Mail(1, "1", 300))
	b := mailbox(t, s)
	b.Folders = []string{"Work"}
	b.Brake = Brake{Messages: 3, Per: config.Duration(time.Hour)}
	l := newLedger()
	r := run(t, b, l)
	l.awaitStart(t)
	dovecottest.Append(t, c, "Work", time.Now(), dovecottest.Mail(2, "4711", 300), dovecottest.Mail(3, "4711", 300))
	l.awaitEvents(t, 2)
	r.stop()
	// The folder is made anew, as after a restore: other numbers, the same mail, and one that came meanwhile. While
	// Dovecot runs, a process of it that still has the old folder may break the new one.
	s.Stop(t)
	require.NoError(t, os.RemoveAll(filepath.Join(s.Dir, "mail", dovecottest.User, ".Work")))
	s.Run(t)
	c = s.Client(t)
	require.NoError(t, c.Create("Work", nil).Wait())
	dovecottest.Append(t, c, "Work", ancient, dovecottest.Mail(1, "1", 300))
	l.mu.Lock()
	came := l.events[1].Received
	l.mu.Unlock()
	dovecottest.Append(t, c, "Work", came, dovecottest.Mail(2, "4711", 300), dovecottest.Mail(3, "4711", 300), dovecottest.Mail(4, "4711", 300))
	r = run(t, b, l)
	l.awaitEvents(t, 3)
	dovecottest.Append(t, c, "Work", ancient, dovecottest.Mail(5, "4711", 300)) // moved in by a person: an old date, a new number
	l.awaitEvents(t, 4)
	r.stop()
	require.Equal(t, []string{"news number 2", "news number 3", "news number 4", "news number 5"}, l.texts())
	for _, e := range l.events {
		require.Empty(t, e.Quarantine, "the brake does not count again what is read again")
	}
	require.Contains(t, r.log.String(), "UIDVALIDITY")
}

func TestStartDate(t *testing.T) {
	s := dovecottest.Start(t, dovecottest.Options{})
	c := s.Client(t)
	day := time.Now().UTC().Truncate(24 * time.Hour)
	dovecottest.Append(t, c, "INBOX", day.Add(-72*time.Hour), dovecottest.Mail(1, "1", 300))
	dovecottest.Append(t, c, "INBOX", day.Add(-time.Hour), dovecottest.Mail(2, "1", 300))
	b := mailbox(t, s)
	b.Start = day.Add(-48 * time.Hour).Format(time.DateOnly)
	l := newLedger()
	run(t, b, l)
	l.awaitEvents(t, 1)
	dovecottest.Append(t, c, "INBOX", time.Now(), dovecottest.Mail(3, "1", 300))
	l.awaitEvents(t, 2)
	require.Equal(t, []string{"news number 2", "news number 3"}, l.texts())
}

func TestFullQuarantineStopsReading(t *testing.T) {
	s := startOld(t, withIdle)
	var waiting atomic.Int64
	asked := make(chan struct{}, 100)
	waiting.Store(5)
	b := s.mailbox(t)
	b.Quarantine, b.Poll = 5, config.Duration(time.Second)
	l := newLedger()
	run(t, b, l, func(o *PollerOptions) {
		o.Quarantined = func(_ context.Context, names []string) (int64, error) {
			require.Equal(t, []string{"acme", "machine", "strict"}, names)
			asked <- struct{}{}
			return waiting.Load(), nil
		}
	})
	l.awaitStart(t)
	dovecottest.Append(t, s.client(t), "INBOX", time.Now(), dovecottest.Mail(1, "4711", 300))
	<-asked
	<-asked
	require.Empty(t, l.texts())
	waiting.Store(4)
	l.awaitEvents(t, 1)
}

func TestTooLargeMailGoesToQuarantine(t *testing.T) {
	s := dovecottest.Start(t, dovecottest.Options{})
	b := mailbox(t, s)
	b.MaxMessage = 4 << 10
	l := newLedger()
	run(t, b, l)
	l.awaitStart(t)
	dovecottest.Append(t, s.Client(t), "INBOX", time.Now(), dovecottest.Mail(1, "4711", 100<<10), dovecottest.Mail(2, "4711", 300))
	l.awaitEvents(t, 2)
	require.Equal(t, bridge.TooLarge, l.events[0].Quarantine)
	require.Len(t, l.events[0].Inbound.Body, 4<<10)
	require.Empty(t, l.events[1].Quarantine)
}

func TestStoreThatFailsLosesNothing(t *testing.T) {
	s := startOld(t, withIdle)
	l := newLedger()
	r := run(t, s.mailbox(t), l)
	l.awaitStart(t)
	l.mu.Lock()
	l.fail = bridge.ErrUnavailable
	l.mu.Unlock()
	dovecottest.Append(t, s.client(t), "INBOX", time.Now(), dovecottest.Mail(1, "4711", 300))
	require.Eventually(t, func() bool { return strings.Contains(r.log.String(), "store: unavailable") }, 10*time.Second, 10*time.Millisecond)
	l.mu.Lock()
	l.fail = nil
	l.mu.Unlock()
	l.awaitEvents(t, 1)
}

func TestDutyLostEndsTheSource(t *testing.T) {
	s := startOld(t, withIdle)
	l := newLedger()
	l.fail = bridge.ErrFenced
	p, err := NewPoller("support", NewReader(map[string]*Mailbox{"support": s.mailbox(t)}, marks(t), ReaderOptions{}), PollerOptions{})
	require.NoError(t, err)
	defer p.Close()
	for _, src := range p.Sources() {
		require.ErrorIs(t, src.Run(t.Context(), l), bridge.ErrFenced)
	}
}
