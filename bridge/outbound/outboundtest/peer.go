package outboundtest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait of a test on its peer; it only runs out when the test fails.
const patience = 10 * time.Second

// A Peer is a TCP server that plays scripts.
type Peer struct {
	t        testing.TB
	listener net.Listener
	scheme   string
	scripts  []Script

	mu       sync.Mutex
	conns    []*Conn
	requests []Request
	changed  chan struct{} // closed and replaced whenever conns or requests grow
	ctx      context.Context
	running  sync.WaitGroup
}

// A Request is one request that a peer has read completely.
type Request struct {
	Conn   int // number of its connection, from 0
	Method string
	URL    string // as in the request line
	Host   string
	Header http.Header
	Body   []byte
}

// New starts a peer that plays scripts, one per connection in order of arrival, the last one for
// all further connections.
func New(t testing.TB, scripts ...Script) *Peer {
	t.Helper()
	return start(t, nil, scripts)
}

// NewTLS is [New] over TLS with the given server config, for example that of [CA.Server].
func NewTLS(t testing.TB, c *tls.Config, scripts ...Script) *Peer {
	t.Helper()
	return start(t, c, scripts)
}

func start(t testing.TB, c *tls.Config, scripts []Script) *Peer {
	t.Helper()
	if len(scripts) == 0 {
		t.Fatal("outboundtest: a peer needs a script")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("outboundtest: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &Peer{t: t, listener: l, scheme: "http", scripts: scripts, changed: make(chan struct{}), ctx: ctx}
	if c != nil {
		p.scheme = "https"
	}
	p.running.Go(func() { p.accept(c) })
	t.Cleanup(func() {
		cancel()
		_ = l.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			_ = c.raw.Close()
		}
		p.mu.Unlock()
		p.running.Wait()
	})
	return p
}

func (p *Peer) accept(c *tls.Config) {
	for {
		raw, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		if p.ctx.Err() != nil { // the test is over
			p.mu.Unlock()
			_ = raw.Close()
			return
		}
		n := len(p.conns)
		conn := &Conn{peer: p, number: n, raw: raw, stream: raw}
		if c != nil {
			conn.stream = tls.Server(raw, c)
		}
		p.conns = append(p.conns, conn)
		p.announce()
		p.mu.Unlock()
		p.running.Go(func() {
			defer func() { _ = raw.Close() }()
			p.scripts[min(n, len(p.scripts)-1)](conn)
		})
	}
}

// announce wakes everybody who waits for conns or requests to grow; p.mu is held.
func (p *Peer) announce() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// Addr returns the host and port of the peer.
func (p *Peer) Addr() string { return p.listener.Addr().String() }

// URL returns the address of the peer followed by path.
func (p *Peer) URL(path string) string { return p.scheme + "://" + p.Addr() + path }

// Requests returns the requests read so far.
func (p *Peer) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Request(nil), p.requests...)
}

// Conns returns how many connections the peer has accepted.
func (p *Peer) Conns() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

// AwaitRequests waits until the peer has read n requests and returns them.
func (p *Peer) AwaitRequests(n int) []Request {
	p.t.Helper()
	p.await(func() bool { return len(p.requests) >= n })
	return p.Requests()
}

// AwaitConns waits until the peer has accepted n connections.
func (p *Peer) AwaitConns(n int) {
	p.t.Helper()
	p.await(func() bool { return len(p.conns) >= n })
}

func (p *Peer) await(ok func() bool) {
	p.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		p.mu.Lock()
		done, changed := ok(), p.changed
		p.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-late.C:
			p.t.Fatalf("outboundtest: peer waited in vain; %d connections, %d requests", p.Conns(), len(p.Requests()))
		}
	}
}
