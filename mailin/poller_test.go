package mailin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/outbound/mailauth"
	"github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/mailin/dovecottest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ledger is a duty that keeps what it is given and recognises keys, as the store does.
type ledger struct {
	mu      sync.Mutex
	cursor  string
	events  []bridge.Event
	keys    map[string]bool
	offered int
	fail    error
	changed chan struct{}
}

func newLedger() *ledger { return &ledger{keys: map[string]bool{}, changed: make(chan struct{}, 1000)} }

func (l *ledger) Name() string                  { return "test" }
func (l *ledger) Release(context.Context) error { return nil }
func (l *ledger) Cursor() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cursor
}

func (l *ledger) Accept(_ context.Context, events []bridge.Event, cursor string) ([]bridge.Receipt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return nil, l.fail
	}
	var out []bridge.Receipt
	for _, e := range events {
		l.offered++
		r := bridge.Receipt{Status: bridge.Accepted}
		switch {
		case l.keys[e.Key]:
			r.Status = bridge.Duplicate
		case e.Quarantine != "":
			r.Status = bridge.Quarantined
			fallthrough
		default:
			l.events = append(l.events, e)
		}
		l.keys[e.Key] = true
		out = append(out, r)
	}
	l.cursor = cursor
	select {
	case l.changed <- struct{}{}:
	default:
	}
	return out, nil
}

func (l *ledger) texts() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, e := range l.events {
		out = append(out, e.Text)
	}
	return out
}

// await waits until ok is true, looked at whenever something was accepted.
func (l *ledger) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-l.changed:
		case <-limit:
			t.Fatalf("%s did not happen; %d events: %v", what, len(l.events), l.texts())
		}
	}
}

func (l *ledger) awaitEvents(t *testing.T, n int) {
	t.Helper()
	l.await(t, fmt.Sprintf("event %d", n), func() bool { return len(l.texts()) >= n })
	require.Len(t, l.texts(), n)
}

func (l *ledger) awaitStart(t *testing.T) {
	t.Helper()
	l.await(t, "start", func() bool { return l.Cursor() != "" })
}

// rig runs one folder's source against a server.
type rig struct {
	box    *Mailbox
	ledger *ledger
	log    *syncLog
	stop   func()
}

type syncLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *syncLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *syncLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func mailbox(t testing.TB, s *dovecottest.Server) *Mailbox {
	b := box(t)
	b.IMAP = "imap://" + s.IMAP
	b.Plain = true
	b.Auth = mailauth.Config{Username: dovecottest.User, Password: config.Secret{Text: secret.New(dovecottest.Password)}}
	b.Poll = config.Duration(10 * time.Second)
	return b
}

func run(t *testing.T, b *Mailbox, l *ledger, more ...func(*PollerOptions)) *rig {
	t.Helper()
	r := NewReader(map[string]*Mailbox{"support": b}, marks(t), ReaderOptions{})
	log := &syncLog{}
	o := PollerOptions{Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, f := range more {
		f(&o)
	}
	p, err := NewPoller("support", r, o)
	require.NoError(t, err)
	sources := p.Sources()
	require.Len(t, sources, 1)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	for _, s := range sources {
		go func() { done <- s.Run(ctx, l) }()
	}
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				require.NoError(t, err)
			case <-time.After(20 * time.Second):
				t.Error("the source does not end")
			}
			p.Close()
			require.NotContains(t, log.String(), dovecottest.Password)
		})
	}
	t.Cleanup(stop)
	return &rig{b, l, log, stop}
}

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

func TestTokens(t *testing.T) {
	var fetched atomic.Int32
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/introspect") {
			ok := r.PostForm.Get("token") == "access-token-2" // the first one has been withdrawn
			_ = json.NewEncoder(w).Encode(map[string]any{"active": fmt.Sprint(ok), "username": dovecottest.User})
			return
		}
		fmt.Fprintf(w, `{"access_token":"access-token-%d","token_type":"Bearer","expires_in":3600}`, fetched.Add(1))
	}))
	defer tokens.Close()
	s := dovecottest.Start(t, dovecottest.Options{Introspect: tokens.URL + "/introspect"})
	for _, mechanism := range []string{"xoauth2", "oauthbearer"} {
		t.Run(mechanism, func(t *testing.T) {
			fetched.Store(0)
			b := mailbox(t, s)
			b.Auth = mailauth.Config{Username: dovecottest.User, OAuth2: &mailauth.OAuth2{
				Mechanism: mechanism, TokenURL: tokens.URL + "/token", ClientID: "bridge", ClientSecret: config.Secret{Text: secret.New("client-secret-x")}, Style: "params",
			}}
			r := NewReader(map[string]*Mailbox{"support": b}, marks(t), ReaderOptions{})
			p, err := NewPoller("support", r, PollerOptions{})
			require.NoError(t, err)
			defer p.Close()
			_, err = p.dial(t.Context())
			_, refused := errors.AsType[loginError](err)
			require.True(t, refused, "%v", err)
			c, err := p.dial(t.Context())
			require.NoError(t, err, "the token that was turned down is not shown again: %s", s.Log())
			c.close()
			require.EqualValues(t, 2, fetched.Load())
		})
	}
}

func TestWrongPasswordIsNotTriedFast(t *testing.T) {
	s := dovecottest.Start(t, dovecottest.Options{})
	b := mailbox(t, s)
	b.Auth.Password = config.Secret{Text: secret.New("wrong-password")}
	p, err := NewPoller("support", NewReader(map[string]*Mailbox{"support": b}, marks(t), ReaderOptions{}), PollerOptions{})
	require.NoError(t, err)
	defer p.Close()
	_, err = p.dial(t.Context())
	_, refused := errors.AsType[loginError](err)
	require.True(t, refused, "%v", err)
	f := &folder{Poller: p}
	require.GreaterOrEqual(t, f.pause(err, 0, 0), loginBackoff/2)
	require.Equal(t, time.Duration(0), f.pause(io.EOF, 0, time.Minute), "a connection that had worked is replaced at once")
	require.LessOrEqual(t, f.pause(fmt.Errorf("tls: %w", context.DeadlineExceeded), 0, 0), firstBackoff, "a server that does not answer has not asked for a pause")
	require.Equal(t, 92415*time.Millisecond, f.pause(fmt.Errorf("NO Request is throttled. Suggested Backoff Time: 92415 milliseconds"), 0, time.Minute))
	require.Equal(t, time.Minute, f.pause(&imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeLimit}, 3, 0))
}

// hole is a TCP proxy that can fall silent without closing anything.
type hole struct {
	addr   string
	silent atomic.Bool
	conns  atomic.Int32
}

func newHole(t *testing.T, to string) *hole {
	h := &hole{}
	h.addr = outboundtest.Relay(t, to, func(in, out net.Conn) {
		h.conns.Add(1)
		h.silent.Store(false) // a new connection works again
		var back sync.WaitGroup
		back.Go(func() { h.pass(in, out) })
		h.pass(out, in)
		back.Wait()
	})
	return h
}

func (h *hole) pass(dst, src net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := src.Read(buf)
		if err != nil {
			_ = dst.Close()
			return
		}
		if h.silent.Load() {
			continue
		}
		if _, err := dst.Write(buf[:n]); err != nil {
			return
		}
	}
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
	s := dovecottest.Start(t, dovecottest.Options{})
	var waiting atomic.Int64
	asked := make(chan struct{}, 100)
	waiting.Store(5)
	b := mailbox(t, s)
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
	dovecottest.Append(t, s.Client(t), "INBOX", time.Now(), dovecottest.Mail(1, "4711", 300))
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
	s := dovecottest.Start(t, dovecottest.Options{})
	l := newLedger()
	r := run(t, mailbox(t, s), l)
	l.awaitStart(t)
	l.mu.Lock()
	l.fail = bridge.ErrUnavailable
	l.mu.Unlock()
	dovecottest.Append(t, s.Client(t), "INBOX", time.Now(), dovecottest.Mail(1, "4711", 300))
	require.Eventually(t, func() bool { return strings.Contains(r.log.String(), "store: unavailable") }, 10*time.Second, 10*time.Millisecond)
	l.mu.Lock()
	l.fail = nil
	l.mu.Unlock()
	l.awaitEvents(t, 1)
}

func TestDutyLostEndsTheSource(t *testing.T) {
	s := dovecottest.Start(t, dovecottest.Options{})
	l := newLedger()
	l.fail = bridge.ErrFenced
	p, err := NewPoller("support", NewReader(map[string]*Mailbox{"support": mailbox(t, s)}, marks(t), ReaderOptions{}), PollerOptions{})
	require.NoError(t, err)
	defer p.Close()
	for _, src := range p.Sources() {
		require.ErrorIs(t, src.Run(t.Context(), l), bridge.ErrFenced)
	}
}

func TestBrake(t *testing.T) {
	b := Brake{Messages: 2, Per: config.Duration(time.Hour)}
	now := time.Unix(1e9, 0)
	pulls := func(c *cursor, thread string, after time.Duration) bool {
		return c.Threads.pulls(b, thread, now.Add(after))
	}
	c := &cursor{Threads: threads{}}
	require.False(t, pulls(c, "a", 0))
	require.False(t, pulls(c, "a", time.Minute))
	before := c.String()
	require.True(t, pulls(c, "a", 2*time.Minute))

	c, err := readCursor(before) // another replica, or the next start, goes on counting
	require.NoError(t, err)
	require.True(t, pulls(c, "a", 2*time.Minute))
	require.False(t, pulls(c, "b", 2*time.Minute))
	require.False(t, pulls(c, "a", time.Hour+3*time.Minute), "they are an hour old")
	require.False(t, pulls(c, "a", time.Hour+4*time.Minute))
	require.True(t, pulls(c, "a", time.Hour+5*time.Minute))
	moved, _ := c.match(8, 1, now, time.Time{})
	require.True(t, pulls(moved, "a", time.Hour+5*time.Minute), "a renumbered folder is the same")
}

// The brake's memory is bounded whatever comes, and never forgets the thread that is busy.
func TestBrakeIsBounded(t *testing.T) {
	b := Brake{Messages: 3, Per: config.Duration(time.Hour)}
	now := time.Unix(1e9, 0)
	c := &cursor{Threads: threads{}}
	for i := range 5 * maxThreads {
		c.Threads.pulls(b, fmt.Sprint("thread ", i), now.Add(time.Duration(i)*time.Second/2))
		c.Threads.pulls(b, "busy", now.Add(time.Duration(i)*time.Second/2))
	}
	require.LessOrEqual(t, len(c.Threads), maxThreads)
	require.True(t, c.Threads.pulls(b, "busy", now.Add(5*maxThreads*time.Second/2)))
	require.Less(t, len(c.String()), 100<<10)
}

func TestQuota(t *testing.T) {
	var q quota
	now := time.Unix(1e9, 0).Truncate(time.Hour)
	for i := range maxIgnored {
		room, last := q.take(now)
		require.True(t, room)
		require.Equal(t, i == maxIgnored-1, last)
	}
	room, _ := q.take(now.Add(59 * time.Minute))
	require.False(t, room)
	room, _ = q.take(now.Add(time.Hour))
	require.True(t, room)
}

func TestCursor(t *testing.T) {
	now := time.Unix(1e9, 0).UTC()
	var none *cursor
	c, why := none.match(7, 42, now, time.Time{})
	require.NotEmpty(t, why)
	require.EqualValues(t, 41, c.UID)
	back, err := readCursor(c.String())
	require.NoError(t, err)
	require.Equal(t, c, back)
	same, why := back.match(7, 50, now, time.Time{})
	require.Empty(t, why)
	require.Same(t, back, same)
	back.pass(49, now.Add(48*time.Hour))
	next, why := back.match(8, 10, now.Add(72*time.Hour), time.Time{})
	require.NotEmpty(t, why)
	require.Equal(t, now.Add(24*time.Hour), next.From, "the last mail less a day")
	require.True(t, next.wants(3, next.From))
	require.False(t, next.wants(3, next.From.Add(-time.Second)))
	require.True(t, next.wants(10, next.From.Add(-time.Hour)), "what came after the change is new, whatever its date")
	next.pass(9, now)
	require.True(t, next.From.IsZero())
	_, err = readCursor("{")
	require.Error(t, err)
}
