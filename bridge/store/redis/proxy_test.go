package redisstore_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A proxy stands between a store and its Redis and does what networks do.
type proxy struct {
	l       net.Listener
	target  string
	replies atomic.Int64 // answers that may still pass; after that they are lost with their connection
	asks    atomic.Int64 // requests that may still pass
	hold    atomic.Pointer[chan struct{}]
	away    atomic.Bool // takes connections and never answers
	mu      sync.Mutex
	conns   map[net.Conn]bool
	wg      sync.WaitGroup
}

const plenty = 1 << 40

func startProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{l: l, target: target, conns: map[net.Conn]bool{}}
	p.replies.Store(plenty)
	p.asks.Store(plenty)
	p.wg.Go(p.serve)
	t.Cleanup(func() {
		l.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) url() string { return "redis://" + p.l.Addr().String() + "/0" }

func (p *proxy) keep(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = true
}

// cut resets all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		c.Close()
		delete(p.conns, c)
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
		p.keep(c)
		p.keep(s)
		p.wg.Go(func() { p.pass(s, c, &p.asks, false) })
		p.wg.Go(func() { p.pass(c, s, &p.replies, true) })
	}
}

// pass copies until one side ends or the budget of chunks is used up.
func (p *proxy) pass(to, from net.Conn, budget *atomic.Int64, answers bool) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 1<<20)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if budget.Add(-1) < 0 {
			return
		}
		if hold := p.hold.Load(); hold != nil && answers {
			<-*hold
		}
		if p.away.Load() && answers {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// lose lets the next n answers get lost after their requests were carried out.
func (p *proxy) lose(n int64) {
	p.replies.Store(0)
	go func() {
		for p.replies.Load() > -n {
			time.Sleep(100 * time.Microsecond)
		}
		p.replies.Store(plenty)
	}()
}
