package redisstore_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// A proxy stands between a store and its Redis and does what networks do.
type proxy struct {
	l      net.Listener
	target string
	wg     sync.WaitGroup

	// answer decides about the n-th answer, counted from 1 over all connections: true lets it pass,
	// false loses it with its connection, after Redis has done what was asked.
	answer atomic.Pointer[func(n int64) bool]
	n      atomic.Int64
	// hold, when set, keeps requests until it is closed; they reach Redis even if their client has
	// gone meanwhile.
	hold atomic.Pointer[chan struct{}]
	held atomic.Int64
	mute atomic.Bool // answers never arrive, connections stay

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func startProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{l: l, target: target, conns: map[net.Conn]bool{}}
	p.wg.Go(p.serve)
	t.Cleanup(func() {
		l.Close()
		p.release()
		p.mu.Lock()
		for c := range p.conns {
			c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) url() string { return "redis://" + p.l.Addr().String() + "/0" }

// loses sets which answers get lost.
func (p *proxy) loses(lost func(n int64) bool) {
	pass := func(n int64) bool { return !lost(n) }
	p.n.Store(0)
	p.answer.Store(&pass)
}

// keeps holds requests from now on, until release.
func (p *proxy) keeps() {
	c := make(chan struct{})
	p.hold.Store(&c)
}

func (p *proxy) release() {
	if c := p.hold.Swap(nil); c != nil {
		close(*c)
	}
}

func (p *proxy) serve() {
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

func (p *proxy) requests(server, client net.Conn) {
	defer server.Close()
	buf := make([]byte, 1<<20)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if c := p.hold.Load(); c != nil {
			p.held.Add(1)
			<-*c
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) answers(client, server net.Conn) {
	defer client.Close()
	buf := make([]byte, 1<<20)
	for {
		n, err := server.Read(buf)
		if err != nil {
			return
		}
		if p.mute.Load() {
			_, _ = io.Copy(io.Discard, server)
			return
		}
		if f := p.answer.Load(); f != nil && !(*f)(p.n.Add(1)) {
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			_, _ = io.Copy(io.Discard, server) // what was asked is still answered, to nobody
			return
		}
	}
}
