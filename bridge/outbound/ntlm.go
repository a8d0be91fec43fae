package outbound

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/Azure/go-ntlmssp"

	"github.com/pergabridge/pergabridge/bridge"
)

// NTLM authenticates a connection, not a message: the handshake (negotiate, challenge, authenticate)
// has to happen on the very connection that carries the call, and what comes later on it needs no
// credentials. So calls do not share one pool of connections: each call takes a slot, a transport of
// its own with at most one connection, and gives it back with that connection kept. Nobody else ever
// sees the connection, and there are never more of them than calls at the same time.
//
// The first step of a handshake carries no body, so a connection lost there leaves the call not sent.
// A call without credentials is made on an authenticated connection only: while one is expected, the
// slot cannot open another.
type ntlmPool struct {
	client  *Client
	account NTLM
	asked   atomic.Bool  // the server is known to ask for NTLM: begin the handshake unasked
	again   atomic.Int32 // times in a row that an authenticated connection was asked again
	mu      sync.Mutex
	free    []*ntlmSlot
	closed  bool
}

// askedAgain is the number of repeated questions from which on every call is authenticated at once,
// as IIS wants it with authPersistSingleRequest.
const askedAgain = 2

// handshakes bounds how often a handshake is begun for one call.
const handshakes = 3

var errNoConnection = errors.New("the connection is gone")

// A ntlmSlot is a transport with at most one connection, used by one call at a time.
type ntlmSlot struct {
	transport *http.Transport
	keep      atomic.Bool // do not open another connection
	server    string      // that the connection is authenticated with; empty: with none
}

func newNTLM(c *Client, account NTLM) *ntlmPool {
	p := &ntlmPool{client: c, account: account}
	p.asked.Store(account.Proactive)
	return p
}

func (p *ntlmPool) take() (*ntlmSlot, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 { // the one used last: its connection is most likely alive
		s := p.free[n-1]
		p.free = p.free[:n-1]
		return s, nil
	}
	s := &ntlmSlot{}
	t, err := p.client.newTransport(func() error {
		if s.keep.Load() {
			return errNoConnection
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.MaxConnsPerHost, t.MaxIdleConns, t.MaxIdleConnsPerHost = 1, 1, 1
	s.transport = t
	return s, nil
}

func (p *ntlmPool) give(s *ntlmSlot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.free) >= maxIdle {
		s.transport.CloseIdleConnections()
		return
	}
	p.free = append(p.free, s)
}

// close drops the idle connections; those in use follow when they are given back.
func (p *ntlmPool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, s := range p.free {
		s.transport.CloseIdleConnections()
	}
	p.free = nil
}

// drop makes the slot begin anew.
func (s *ntlmSlot) drop() {
	s.server = ""
	s.transport.CloseIdleConnections()
}

// send makes one call on an authenticated connection.
func (p *ntlmPool) send(ctx context.Context, m *message, bound int64) (Answer, *Error) {
	s, err := p.take()
	if err != nil {
		return Answer{}, &Error{Dest: p.client.name, Phase: NotSent, Reason: bridge.NotSent, Err: err}
	}
	defer p.give(s)
	server := m.url.Scheme + "://" + m.url.Host
	repeated := false
	switch {
	case s.server == server && p.again.Load() < askedAgain:
		a, err := p.onKept(ctx, s, m, bound)
		switch {
		case err == nil && a.Status != http.StatusUnauthorized:
			p.again.Store(0)
			return a, nil
		case err == nil:
			repeated = true
		case err.Phase != NotSent || err.Stopped:
			s.drop()
			return a, err
		default: // the connection had ended, and nothing was sent
			s.drop()
		}
	case s.server != server && !p.asked.Load():
		s.drop()
		a, err := p.client.exchange(ctx, s.transport, m, bound)
		if err != nil || a.Status != http.StatusUnauthorized || !offersNTLM(a.Header) {
			return a, err
		}
		p.asked.Store(true)
	}
	a, e := p.handshake(ctx, s, m, bound)
	if s.server = ""; e == nil && a.Status != http.StatusUnauthorized {
		s.server = server
		if repeated {
			p.again.Add(1)
		}
	} else {
		s.drop()
	}
	return a, e
}

// onKept makes the call on the connection that the slot has, or not at all.
func (p *ntlmPool) onKept(ctx context.Context, s *ntlmSlot, m *message, bound int64) (Answer, *Error) {
	s.keep.Store(true)
	defer s.keep.Store(false)
	return p.client.exchange(ctx, s.transport, m, bound)
}

// handshake authenticates the slot's connection, the last step of which is the call itself.
func (p *ntlmPool) handshake(ctx context.Context, s *ntlmSlot, m *message, bound int64) (Answer, *Error) {
	hello, err := ntlmssp.NewNegotiateMessage("", p.account.Workstation)
	if err != nil {
		return Answer{}, p.failed(err)
	}
	for try := 1; ; try++ {
		a, e := p.client.exchange(ctx, s.transport, m.step(hello, false), 0)
		if e != nil {
			kept := s.server != "" // it may have ended meanwhile
			s.drop()
			if kept && !e.Stopped {
				continue
			}
			return Answer{}, begun(e)
		}
		challenge := ntlmChallenge(a.Header)
		switch {
		case a.Status != http.StatusUnauthorized && unprotected(a.Status):
			return p.client.exchange(ctx, s.transport, m, bound)
		case a.Status != http.StatusUnauthorized || challenge == nil:
			return a, nil
		}
		reply, err := p.reply(challenge)
		if err != nil {
			return Answer{}, p.failed(fmt.Errorf("the server's challenge cannot be answered: %w", err))
		}
		a, e = p.onKept(ctx, s, m.step(reply, true), bound)
		if e == nil || !errors.Is(e, errNoConnection) {
			return a, e
		}
		s.drop()
		if try >= handshakes {
			return Answer{}, p.failed(errors.New("the connection is closed in the middle of the handshake; NTLM needs a server, and proxies on the way, that keep connections"))
		}
	}
}

// reply answers a challenge. The library reads what the server sent; no answer of a server may end
// the bridge.
func (p *ntlmPool) reply(challenge []byte) (reply []byte, err error) {
	defer func() {
		if x := recover(); x != nil {
			reply, err = nil, fmt.Errorf("it breaks the parser: %v", x)
		}
	}()
	return ntlmssp.NewAuthenticateMessage(challenge, p.account.account(), p.account.Password.Reveal(),
		&ntlmssp.AuthenticateMessageOptions{WorkstationName: p.account.Workstation})
}

// unprotected reports whether the status of an answer to the first step means that the service itself
// looked at it: nobody asked for credentials. Any other status is what the call would meet as well.
func unprotected(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusLengthRequired, http.StatusUnsupportedMediaType, http.StatusInternalServerError:
		return true
	}
	return status/100 == 2
}

func (p *ntlmPool) failed(err error) *Error {
	return &Error{Dest: p.client.name, Phase: NotSent, Reason: bridge.Unauthorized, Err: fmt.Errorf("ntlm: %w", err)}
}

// begun turns the error of the first step of a handshake into that of the call: nothing of it was sent.
func begun(e *Error) *Error {
	if e.Phase == NotSent {
		return e
	}
	out := &Error{Dest: e.Dest, Phase: NotSent, Reason: bridge.NotSent, Stopped: e.Stopped, Err: fmt.Errorf("ntlm handshake: %w", e.Err)}
	if e.Stopped {
		out.Reason = bridge.Canceled
	}
	return out
}

// step returns m with a token, and without its body unless whole.
func (m *message) step(token []byte, whole bool) *message {
	n := *m
	n.header = m.header.Clone()
	n.header.Set("Authorization", "NTLM "+base64.StdEncoding.EncodeToString(token))
	if !whole {
		n.body = nil
	}
	return &n
}

func ntlmValues(h http.Header) []string {
	var out []string
	for _, v := range h.Values("Www-Authenticate") {
		if scheme, rest, _ := strings.Cut(strings.TrimSpace(v), " "); strings.EqualFold(scheme, "NTLM") {
			out = append(out, strings.TrimSpace(rest))
		}
	}
	return out
}

func offersNTLM(h http.Header) bool { return len(ntlmValues(h)) > 0 }

// ntlmChallenge returns the server's challenge, nil if there is none.
func ntlmChallenge(h http.Header) []byte {
	for _, v := range ntlmValues(h) {
		if b, err := base64.StdEncoding.DecodeString(v); err == nil && len(b) > 0 {
			return b
		}
	}
	return nil
}
