package redistest

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A Proxy stands between a store and its Redis and does what networks do.
type Proxy struct {
	l      net.Listener
	target string
	wg     sync.WaitGroup

	// answer decides about the n-th answer, counted from 1 over all connections: true lets it pass,
	// false loses it with its connection, after Redis has done what was asked.
	answer atomic.Pointer[func(n int64) bool]
	n      atomic.Int64
	// slow says how long the n-th answer is kept back.
	slow atomic.Pointer[func(n int64) time.Duration]
	// Hold, when set, keeps requests until it is closed; they reach Redis even if their client has
	// gone meanwhile.
	Hold atomic.Pointer[chan struct{}]
	// Held counts them.
	Held atomic.Int64
	// Mute lets answers never arrive; connections stay.
	Mute atomic.Bool

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// StartProxy starts a proxy in front of a server.
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &Proxy{l: l, target: target, conns: map[net.Conn]bool{}}
	p.wg.Go(p.serve)
	t.Cleanup(func() {
		l.Close()
		p.Release()
		p.mu.Lock()
		for c := range p.conns {
			c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

// URL is the address of the proxy as the config writes it.
func (p *Proxy) URL() string { return "redis://" + p.l.Addr().String() + "/0" }

// Loses sets which answers get lost.
func (p *Proxy) Loses(lost func(n int64) bool) {
	pass := func(n int64) bool { return !lost(n) }
	p.n.Store(0)
	p.answer.Store(&pass)
}

// Slows sets how long answers are kept back.
func (p *Proxy) Slows(by func(n int64) time.Duration) { p.slow.Store(&by) }

// Keeps holds requests from now on, until Release.
func (p *Proxy) Keeps() {
	c := make(chan struct{})
	p.Hold.Store(&c)
}

// Release lets the requests go that are held.
func (p *Proxy) Release() {
	if c := p.Hold.Swap(nil); c != nil {
		close(*c)
	}
}

func (p *Proxy) serve() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		s, err := net.Dial("tcp", p.target)
		if err != nil {
			c.Close()
			continue
		}
		p.mu.Lock()
		p.conns[c], p.conns[s] = true, true
		p.mu.Unlock()
		p.wg.Go(func() { p.requests(s, c) })
		p.wg.Go(func() { p.answers(c, s) })
	}
}

func (p *Proxy) requests(server, client net.Conn) {
	defer server.Close()
	buf := make([]byte, 1<<20)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if c := p.Hold.Load(); c != nil {
			p.Held.Add(1)
			<-*c
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) answers(client, server net.Conn) {
	defer client.Close()
	buf := make([]byte, 1<<20)
	for {
		n, err := server.Read(buf)
		if err != nil {
			return
		}
		if p.Mute.Load() {
			_, _ = io.Copy(io.Discard, server)
			return
		}
		n64 := p.n.Add(1)
		if f := p.slow.Load(); f != nil {
			time.Sleep((*f)(n64))
		}
		if f := p.answer.Load(); f != nil && !(*f)(n64) {
			if c, ok := client.(*net.TCPConn); ok && n64%2 == 0 {
				_ = c.SetLinger(0) // every second time it is a reset
			}
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			_, _ = io.Copy(io.Discard, server) // what was asked is still answered, to nobody
			return
		}
	}
}
