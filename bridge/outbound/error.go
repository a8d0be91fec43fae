package outbound

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Phase is how far a call got.
type Phase int

// The phases.
const (
	NotSent  Phase = iota // no byte of the request was written to a socket, and none will be
	Sent                  // at least one byte was written, and no status came back
	Answered              // a status came back
)

// String returns "not sent", "sent" or "answered".
func (p Phase) String() string {
	switch p {
	case NotSent:
		return "not sent"
	case Sent:
		return "sent"
	case Answered:
		return "answered"
	}
	return fmt.Sprintf("phase %d", int(p))
}

// An Error is a call without a complete answer.
type Error struct {
	Dest   string // name of the destination
	Phase  Phase
	Reason bridge.Reason
	// Stopped is set when we gave the call up ourselves (its context ended): that says nothing
	// about the destination.
	Stopped bool
	Err     error
}

// Error returns "destination: phase: what happened", secrets masked.
func (e *Error) Error() string {
	return secret.Mask(fmt.Sprintf("%s: %s: %v", e.Dest, e.Phase, e.Err))
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// A timeoutError says which of our own times ran out.
type timeoutError string

func (e timeoutError) Error() string { return string(e) }
func (timeoutError) Timeout() bool   { return true }

// explain makes the error of a call that got no status. ctx is the caller's; cause is what ended
// the call's own context, if anything did.
func (c *Client) explain(ctx context.Context, k *call, err, cause error) *Error {
	sent := k.seal()
	at, reused := k.where()
	e := &Error{Dest: c.name, Phase: NotSent, Reason: bridge.NotSent, Err: c.describe(at, err, cause)}
	if sent {
		e.Phase, e.Reason = Sent, bridge.NoAnswer
	}
	switch {
	case ctx.Err() != nil:
		e.Stopped = true
		e.Err = fmt.Errorf("given up (%s): %w", at, context.Cause(ctx))
		if !sent {
			e.Reason = bridge.Canceled
		}
	case !reused && certRejected(err):
		// With TLS 1.3 a client sends its first request before it learns that its certificate was
		// turned down. The alert proves that the server's TLS let nothing through.
		e.Phase, e.Reason = NotSent, bridge.Unauthorized
		e.Err = fmt.Errorf("tls: the client certificate was turned down: %w", err)
	case sent && strings.Contains(err.Error(), "response headers exceeded"):
		e.Reason = bridge.TooLarge
	case sent && at == stepRead && !connectionLost(err):
		e.Reason = bridge.BadAnswer
	}
	return e
}

// describe says what happened at which step, and what helps.
func (c *Client) describe(at step, err, cause error) error {
	if errors.As(cause, new(timeoutError)) || errors.Is(cause, errResend) {
		return fmt.Errorf("%s: %w", at, cause)
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%s: %w (if the destination has a private authority, name it under tls.ca)", at, err)
	}
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		switch at {
		case stepConnect, stepName:
			return fmt.Errorf("%s: no connection within %s: %w", at, c.config.Timeout.Connect, err)
		case stepTLS:
			return fmt.Errorf("%s: no handshake within %s: %w", at, c.config.Timeout.TLS, err)
		case stepAwait:
			return fmt.Errorf("%s: nothing within %s: %w", at, c.config.Timeout.FirstByte, err)
		}
	}
	return fmt.Errorf("%s: %w", at, err)
}

// connectionLost tells a connection that ended from an answer that makes no sense.
func connectionLost(err error) bool {
	var ne net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &ne)
}

// certRejected reports whether err is a TLS alert about our own certificate.
func certRejected(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return false
	}
	switch strings.TrimPrefix(op.Err.Error(), "tls: ") {
	case "certificate required", "bad certificate", "unsupported certificate", "revoked certificate", "expired certificate",
		"unknown certificate", "unknown certificate authority", "access denied":
		return true
	}
	return false
}
