package mailin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"

	"github.com/pergabridge/pergabridge/bridge/outbound/mailauth"
)

// A conn is one connection with one folder open. go-imap knows no context: what takes too long, or is
// not wanted any more, ends by closing the connection.
type conn struct {
	client *imapclient.Client
	raw    *activeConn
	limit  time.Duration
	news   chan struct{} // signalled when the server says that there is mail
}

// activeConn notes when something came last, so that a long answer is not a missing one.
type activeConn struct {
	net.Conn
	last atomic.Int64
}

func (c *activeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.last.Store(time.Now().UnixNano())
	}
	return n, err
}

var errSilent = errors.New("the server does not answer")

// do runs a command; it fails when nothing comes for the limit, or ctx ends.
func (c *conn) do(ctx context.Context, run func() error) error {
	c.raw.last.Store(time.Now().UnixNano())
	done := make(chan struct{})
	silent := make(chan error, 1)
	go func() {
		t := time.NewTimer(c.limit)
		defer t.Stop()
		for {
			select {
			case <-done:
				silent <- nil
				return
			case <-ctx.Done():
				_ = c.raw.Close() // ends the command
				silent <- ctx.Err()
				return
			case <-t.C:
				quiet := time.Since(time.Unix(0, c.raw.last.Load()))
				if quiet >= c.limit {
					_ = c.raw.Close() // ends the command
					silent <- errSilent
					return
				}
				t.Reset(c.limit - quiet)
			}
		}
	}()
	err := run()
	close(done)
	if why := <-silent; why != nil && err != nil {
		return why
	}
	return err
}

// dial connects and logs in.
func (p *Poller) dial(ctx context.Context) (_ *conn, err error) {
	address, host, implicit, _ := p.box.address()
	timeout, cancel := context.WithTimeout(ctx, p.box.Timeout.Std())
	defer cancel()
	raw, err := (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(timeout, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	c := &conn{raw: &activeConn{Conn: raw}, limit: p.box.Timeout.Std(), news: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	secure := p.tls.Clone()
	if secure.ServerName == "" {
		secure.ServerName = host
	}
	o := &imapclient.Options{TLSConfig: secure, UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(d *imapclient.UnilateralDataMailbox) {
			if d.NumMessages != nil {
				select {
				case c.news <- struct{}{}:
				default:
				}
			}
		},
	}}
	switch {
	case implicit:
		t := tls.Client(c.raw, secure)
		if err := t.HandshakeContext(timeout); err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		c.client = imapclient.New(t, o)
	case p.box.Plain:
		c.client = imapclient.New(c.raw, o)
	default:
		if err := c.do(ctx, func() (err error) { c.client, err = imapclient.NewStartTLS(c.raw, o); return err }); err != nil {
			return nil, fmt.Errorf("starttls: %w", err)
		}
	}
	if err := c.do(ctx, c.client.WaitGreeting); err != nil {
		return nil, fmt.Errorf("greeting: %w", err)
	}
	return c, p.login(ctx, c, host)
}

// loginError is a refused login: repeating it soon may lock the account.
type loginError struct{ error }

func (e loginError) Unwrap() error { return e.error }

func (p *Poller) login(ctx context.Context, c *conn, host string) error {
	l, err := p.auth.Login(ctx)
	if err != nil {
		return err
	}
	if l.Mechanism == "" {
		return nil
	}
	err = c.do(ctx, func() error {
		caps := c.client.Caps()
		if l.Mechanism == mailauth.Plain && !caps.Has(imap.AuthCap("PLAIN")) {
			return c.client.Login(l.Username, l.Secret).Wait()
		}
		_, port, _ := net.SplitHostPort(c.raw.RemoteAddr().String())
		n, _ := strconv.Atoi(port) // it was parsed from a number
		return c.client.Authenticate(l.Client(host, n))
	})
	if err != nil {
		p.auth.Drop(l)
		err = fmt.Errorf("login as %s: %w", l.Username, err)
		_, said := errors.AsType[*imap.Error](err)
		_, bearer := errors.AsType[*sasl.OAuthBearerError](err)
		if said || bearer {
			return loginError{err}
		}
		return err
	}
	return nil
}

func (c *conn) close() {
	if c.client != nil {
		_ = c.client.Close() // whatever it says, the connection is gone
	}
	_ = c.raw.Close()
}

// bye says good-bye, if the server still listens.
func (c *conn) bye(ctx context.Context) {
	short := *c
	short.limit = min(c.limit, 2*time.Second)
	_ = short.do(context.WithoutCancel(ctx), func() error { return c.client.Logout().Wait() }) // a courtesy
}

// idle waits for news by IDLE, at most for the given time.
func (c *conn) idle(ctx context.Context, most time.Duration) error {
	var cmd *imapclient.IdleCommand
	err := c.do(ctx, func() (err error) { cmd, err = c.client.Idle(); return err })
	if err != nil {
		return fmt.Errorf("idle: %w", err)
	}
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-c.news:
	case <-t.C:
	case <-c.client.Closed():
	}
	err = c.do(ctx, func() error {
		if err := cmd.Close(); err != nil {
			return err
		}
		return cmd.Wait()
	})
	if err != nil {
		return fmt.Errorf("idle: %w", err)
	}
	return nil
}

var backoffHint = regexp.MustCompile(`(?i)backoff time:?\s*(\d{1,9})`)

// throttled reads in an error how long a server wants to be left alone; 0 if it does not say so.
func throttled(err error) time.Duration {
	text := err.Error()
	if m := backoffHint.FindStringSubmatch(text); m != nil { // Exchange, in milliseconds
		if ms, err := strconv.Atoi(m[1]); err == nil {
			return min(time.Duration(ms)*time.Millisecond, time.Hour)
		}
	}
	e, said := errors.AsType[*imap.Error](err)
	if !said {
		return 0 // "deadline exceeded" and "too many open files" are our own words
	}
	switch e.Code {
	case imap.ResponseCodeLimit, imap.ResponseCodeInUse, "THROTTLED":
		return time.Minute
	case imap.ResponseCodeUnavailable:
		return 15 * time.Second
	}
	for _, say := range []string{"throttled", "too many", "rate limit", "exceeded"} {
		if strings.Contains(strings.ToLower(text), say) {
			return time.Minute
		}
	}
	return 0
}
