package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
)

var (
	errSealed = errors.New("the call is over")
	errResend = errors.New("the connection was lost; the request is not sent again")
)

// step is how far a call got, for messages.
type step string

const (
	stepConnect step = "connect"
	stepName    step = "name look-up"
	stepTLS     step = "tls"
	stepWrite   step = "write"
	stepAwait   step = "await answer"
	stepRead    step = "read answer"
)

// A call is one request on its way. It knows whether any of its bytes reached a socket, and can be
// sealed: from then on none will.
type call struct {
	resend context.CancelCauseFunc

	mu     sync.Mutex
	step   step
	conns  int  // connections this call was given; more than one would be a re-send
	reused bool // the connection had carried a call before
	writes int  // writes that wrote something, or may be doing so right now
	sealed bool
}

// begin asks for the right to write. What is being written counts as written until end says
// otherwise, so that a call that is given up meanwhile is never called "not sent" by mistake.
func (c *call) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sealed {
		return false
	}
	c.writes++
	return true
}

func (c *call) end(n int) {
	if n > 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes--
}

// seal ends the writing and reports whether anything was written.
func (c *call) seal() (sent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealed = true
	return c.writes > 0
}

func (c *call) at(s step) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step = s
}

func (c *call) where() (s step, reused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.step, c.reused
}

// trace returns the hooks that net/http calls as the request goes through it. Those before gotConn
// may come late, from a connection attempt that outlives the call.
func (c *call) trace() *httptrace.ClientTrace {
	early := func(s step) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.conns == 0 {
			c.step = s
		}
	}
	return &httptrace.ClientTrace{
		GetConn:           func(string) { early(stepConnect) },
		DNSStart:          func(httptrace.DNSStartInfo) { early(stepName) },
		ConnectStart:      func(string, string) { early(stepConnect) },
		TLSHandshakeStart: func() { early(stepTLS) },
		GotConn:           c.gotConn,
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			if i.Err == nil {
				c.at(stepAwait)
			}
		},
		GotFirstResponseByte: func() { c.at(stepRead) },
	}
}

// gotConn binds the call to its connection. net/http re-sends a request on another connection when
// a kept one turns out dead; the second connection is where that shows, and where it ends.
func (c *call) gotConn(info httptrace.GotConnInfo) {
	c.mu.Lock()
	c.conns++
	again := c.conns > 1
	if again {
		c.sealed = true
	} else {
		c.step, c.reused = stepWrite, info.Reused
	}
	c.mu.Unlock()
	if again {
		c.resend(errResend)
	}
	if w := bottom(info.Conn); w != nil {
		w.current.Store(c)
		return
	}
	// One HTTP/2 connection carries many calls, so its writes cannot be told apart. To be on the
	// safe side the call counts as written.
	c.begin()
}

// bottom returns the socket under a connection, or nil if its writes are not those of one call.
func bottom(n net.Conn) *conn {
	for {
		t, ok := n.(*tls.Conn)
		if !ok {
			w, _ := n.(*conn)
			return w
		}
		if t.ConnectionState().NegotiatedProtocol == "h2" {
			return nil
		}
		n = t.NetConn() // an https proxy makes two layers
	}
}

// A conn is a connection that reports its writes to the call that it carries at the time. It stands
// below TLS: what the call did not write there never left, and handshakes are over before the call
// is bound to it.
type conn struct {
	net.Conn
	current atomic.Pointer[call]
}

// Write writes unless the current call is sealed.
func (c *conn) Write(b []byte) (int, error) {
	cur := c.current.Load()
	if cur == nil {
		return c.Conn.Write(b)
	}
	if !cur.begin() {
		return 0, errSealed
	}
	n, err := c.Conn.Write(b)
	cur.end(n)
	return n, err
}
