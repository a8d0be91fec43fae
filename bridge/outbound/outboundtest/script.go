package outboundtest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// A Script is what a peer does with one connection. The connection is closed when it returns.
type Script func(c *Conn)

// A Conn is the peer's end of one connection.
type Conn struct {
	peer   *Peer
	number int
	raw    net.Conn
	stream net.Conn // raw, or TLS over it
	reader *bufio.Reader
}

// Number returns the number of this connection at its peer, from 0.
func (c *Conn) Number() int { return c.number }

func (c *Conn) read() *bufio.Reader {
	if c.reader == nil {
		c.reader = bufio.NewReader(c.stream)
	}
	return c.reader
}

// ReadRequest reads and records one request. It reports false when the connection ended instead.
func (c *Conn) ReadRequest() (Request, bool) {
	r, err := http.ReadRequest(c.read())
	if err != nil {
		return Request{}, false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return Request{}, false
	}
	req := Request{Conn: c.number, Method: r.Method, URL: r.RequestURI, Host: r.Host, Header: r.Header, Body: body}
	c.peer.mu.Lock()
	defer c.peer.mu.Unlock()
	c.peer.requests = append(c.peer.requests, req)
	c.peer.announce()
	return req, true
}

// ReadBytes reads n bytes and reports how many came.
func (c *Conn) ReadBytes(n int) int {
	got, _ := io.CopyN(io.Discard, c.read(), int64(n))
	return int(got)
}

// Write sends s as it is.
func (c *Conn) Write(s string) bool {
	_, err := io.WriteString(c.stream, s)
	return err == nil
}

// WriteAnswer sends a complete answer with a correct length; header lines are added as given.
func (c *Conn) WriteAnswer(status int, contentType, body string, header ...string) bool {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	if contentType != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", contentType)
	}
	for _, h := range header {
		b.WriteString(h + "\r\n")
	}
	if status != http.StatusNoContent {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	return c.Write(b.String() + "\r\n" + body)
}

// Reset closes the connection with a TCP reset instead of an orderly end.
func (c *Conn) Reset() {
	if tcp, ok := c.raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.raw.Close()
}

// AwaitEnd reads until the other end closes, or the test ends.
func (c *Conn) AwaitEnd() { _, _ = io.Copy(io.Discard, c.read()) }

// Drain reads what still comes, below TLS, until the other end closes. Closing with unread bytes
// would reset the connection, and the reset could overtake what was sent last.
func (c *Conn) Drain() { _, _ = io.Copy(io.Discard, c.raw) }

// Answer answers every request on the connection with the same answer and keeps it alive.
func Answer(status int, contentType, body string, header ...string) Script {
	return func(c *Conn) {
		for {
			if _, ok := c.ReadRequest(); !ok || !c.WriteAnswer(status, contentType, body, header...) {
				return
			}
		}
	}
}

// AcceptAndClose takes the connection and closes it at once, reading nothing.
func AcceptAndClose() Script { return func(*Conn) {} }

// CloseAfter reads n bytes and closes.
func CloseAfter(n int) Script { return func(c *Conn) { c.ReadBytes(n) } }

// CloseAfterRequest reads one whole request and closes without an answer.
func CloseAfterRequest() Script { return func(c *Conn) { c.ReadRequest() } }

// ResetAfterRequest reads one whole request and resets the connection.
func ResetAfterRequest() Script {
	return func(c *Conn) {
		c.ReadRequest()
		c.Reset()
	}
}

// CloseAfterAnswers answers n requests well, reads one more and closes without an answer: what a
// keep-alive connection does when its server stops.
func CloseAfterAnswers(n int) Script {
	return func(c *Conn) {
		for range n {
			if _, ok := c.ReadRequest(); !ok || !c.WriteAnswer(200, "text/plain", "ok") {
				return
			}
		}
		c.ReadRequest()
	}
}

// Hang reads the request and never answers.
func Hang() Script {
	return func(c *Conn) {
		c.ReadRequest()
		c.AwaitEnd()
	}
}

// HangUnread reads nothing and never answers: the handshake of a TLS client hangs, a large body
// fills the buffers.
func HangUnread() Script {
	return func(c *Conn) { <-c.peer.ctx.Done() }
}

// HalfAnswer sends the header and the first half of the announced body, then closes.
func HalfAnswer(status int) Script {
	return WrongLength(status, 20, "ten bytes.")
}

// HangInAnswer sends the header and the first half of the announced body, then nothing more.
func HangInAnswer(status int) Script {
	return func(c *Conn) {
		c.ReadRequest()
		c.Write(fmt.Sprintf("HTTP/1.1 %d x\r\nContent-Length: 20\r\n\r\nten bytes.", status))
		c.AwaitEnd()
	}
}

// WrongLength announces a body of length bytes, sends body and closes.
func WrongLength(status, length int, body string) Script {
	return func(c *Conn) {
		c.ReadRequest()
		c.Write(fmt.Sprintf("HTTP/1.1 %d x\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", status, length, body))
	}
}

// Slow sends a whole answer with a pause before every piece of n bytes.
func Slow(pause time.Duration, n int, status int, body string) Script {
	return func(c *Conn) {
		if _, ok := c.ReadRequest(); !ok {
			return
		}
		all := fmt.Sprintf("HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
		for len(all) > 0 {
			select {
			case <-time.After(pause):
			case <-c.peer.ctx.Done():
				return
			}
			k := min(n, len(all))
			if !c.Write(all[:k]) {
				return
			}
			all = all[k:]
		}
		c.AwaitEnd()
	}
}

// Endless sends a body without length and without end.
func Endless(status int) Script {
	return func(c *Conn) {
		c.ReadRequest()
		ok := c.Write(fmt.Sprintf("HTTP/1.1 %d x\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n", status))
		for ok {
			ok = c.Write(strings.Repeat("x", 4096))
		}
	}
}

// Continue sends "100 Continue" as soon as a request begins, without being asked, then plays final
// on that request.
func Continue(final Script) Script {
	return func(c *Conn) {
		if _, err := c.read().Peek(1); err != nil {
			return
		}
		c.Write("HTTP/1.1 100 Continue\r\n\r\n")
		final(c)
	}
}

// Raw reads one request and sends answer exactly as given, then closes.
func Raw(answer string) Script {
	return func(c *Conn) {
		c.ReadRequest()
		c.Write(answer)
	}
}
