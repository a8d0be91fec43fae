package mailin

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
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
