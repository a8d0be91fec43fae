package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// A caller is one connection that sends webhooks: little more than the bytes, so that measuring takes
// little of the machine that is measured.
type caller struct {
	conn net.Conn
	in   *bufio.Reader
	head string
	buf  []byte
}

const (
	marker  = "bench-event-" // with the number of the event, in its text
	padding = 700            // bytes of a webhook that nobody reads
)

func newCaller(ctx context.Context, listen, key string) (*caller, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() }) // lets go of a read that waits
	return &caller{conn: conn, in: bufio.NewReader(conn),
		head: "POST /webhooks/acme HTTP/1.1\r\nHost: " + listen + "\r\nContent-Type: application/json\r\nX-Key: " + key + "\r\nContent-Length: "}, nil
}

func (c *caller) close() { _ = c.conn.Close() }

var pad = strings.Repeat("x", padding)

// post sends the webhook of event n about a task, and fails on any answer but 202.
func (c *caller) post(n, task int) error {
	body := fmt.Sprintf(`{"id":"d-%d","ticket":"INC%d","text":"We have looked at the printer and ordered a new fuser unit, expected on Thursday. %s%d.","more":"%s"}`, n, task, marker, n, pad)
	c.buf = append(c.buf[:0], c.head...)
	c.buf = strconv.AppendInt(c.buf, int64(len(body)), 10)
	c.buf = append(c.buf, "\r\n\r\n"...)
	c.buf = append(c.buf, body...)
	if _, err := c.conn.Write(c.buf); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	status, err := c.in.ReadString('\n')
	if err != nil {
		return fmt.Errorf("bench: no answer: %w", err)
	}
	length := 0
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("bench: no answer: %w", err)
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		if name, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return fmt.Errorf("bench: the answer: %w", err)
			}
		}
	}
	answer := make([]byte, min(length, 4096))
	if _, err := io.ReadFull(c.in, answer); err != nil {
		return fmt.Errorf("bench: no answer: %w", err)
	}
	if !strings.HasPrefix(status, "HTTP/1.1 202") {
		return fmt.Errorf("bench: event %d was answered %s: %s", n, strings.TrimSpace(status), answer)
	}
	return nil
}
