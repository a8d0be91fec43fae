package outbound

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// Bounds that nobody needs to configure.
const (
	maxHeader      = 64 << 10 // of an answer
	maxAnswerLimit = 64 << 20 // highest max_answer
	maxIdle        = 256      // connections kept; the engine bounds the calls in flight
)

var errClosed = errors.New("the client is closed")

// Options are what a Client gets from the program, not from the config. The zero value is usable.
type Options struct {
	Log *slog.Logger
	Now func() time.Time
	// Public is for clients whose addresses come from messages: only public addresses and those
	// in Allow are called. See [Guard].
	Public    bool
	Allow     []netip.Prefix
	UserAgent string // "pergabridge" if empty
	// Vault keeps tokens that the other side replaces; nil: they are kept in memory only.
	Vault Vault
}

// A Vault keeps small values for all replicas and across restarts. What is put into it is encrypted by
// its callers.
type Vault interface {
	// Lock waits until nobody else works on name, or ctx ends; unlock ends it. A holder that dies is
	// forgotten after a minute.
	Lock(ctx context.Context, name string) (unlock func(), err error)
	// Load returns what was saved last under name, nil if there is nothing.
	Load(ctx context.Context, name string) ([]byte, error)
	Save(ctx context.Context, name string, value []byte) error
}

// A Client makes the calls to one destination. It is safe for concurrent use.
type Client struct {
	name      string
	config    Config
	options   Options
	transport *http.Transport
	auth      []authenticator
	ntlm      *ntlmPool // nil: calls share the transport

	life   context.Context // ends with Close
	end    context.CancelFunc
	mu     sync.Mutex // guards closed against background
	closed bool
	work   sync.WaitGroup

	warnedPlain, warnedIdle atomic.Bool
}

// New makes the client of the destination called name. Errors are mistakes of the config.
func New(name string, c Config, o Options) (*Client, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.UserAgent == "" {
		o.UserAgent = "pergabridge"
	}
	c = c.withDefaults()
	var err error
	k := &Client{name: name, config: c, options: o}
	k.life, k.end = context.WithCancel(context.Background())
	if k.transport, err = k.newTransport(nil); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if c.Auth.NTLM != nil {
		k.ntlm = newNTLM(k, *c.Auth.NTLM)
	}
	if k.auth, err = k.authenticators(c.Auth); err != nil {
		return nil, fmt.Errorf("%s: auth: %w", name, err)
	}
	return k, nil
}

// newTransport makes a pool of connections. may is asked before one is opened; nil: always.
func (c *Client) newTransport(may func() error) (*http.Transport, error) {
	secure, err := newTLS(c.config.TLS)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	proxy, err := proxyURL(c.config)
	if err != nil {
		return nil, err
	}
	// A proxy is named by the config, so it may be anywhere; its targets are checked by checkHost.
	dialer := &net.Dialer{Timeout: c.config.Timeout.Connect.Std(), Control: Guard(c.options.Public && proxy == nil, c.options.Allow...)}
	t := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if may != nil {
				if err := may(); err != nil {
					return nil, err
				}
			}
			raw, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &conn{Conn: raw}, nil
		},
		TLSClientConfig:        secure,
		TLSHandshakeTimeout:    c.config.Timeout.TLS.Std(),
		ResponseHeaderTimeout:  c.config.Timeout.FirstByte.Std(),
		IdleConnTimeout:        c.config.Timeout.Idle.Std(),
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // answers are small, and bounds are easier to mean
		OnProxyConnectResponse: proxyAnswer,
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	t.Protocols.SetHTTP2(c.config.HTTP2 && c.config.Auth.NTLM == nil)
	if proxy != nil {
		t.Proxy = func(*http.Request) (*url.URL, error) { return proxy, nil }
	}
	return t, nil
}

// Close ends what runs in the background and drops idle connections. Calls under way go on.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.end()
	c.work.Wait()
	c.transport.CloseIdleConnections()
	if c.ntlm != nil {
		c.ntlm.close()
	}
}

// background runs f until Close; it reports false when the client is closed.
func (c *Client) background(f func(ctx context.Context)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.work.Go(func() { f(c.life) })
	return true
}

// Do makes one call. The error is of type [*Error]; an answer with any status is no error, and
// redirects are answers. When the credentials can be renewed and the answer is 401, the call is
// made once more with new ones: a 401 was not acted upon.
func (c *Client) Do(ctx context.Context, r Request) (Answer, error) {
	a, err := c.do(ctx, r, c.auth)
	if err != nil {
		record(ctx, a, err)
		return a, err
	}
	record(ctx, a, nil)
	return a, nil
}

func (c *Client) do(ctx context.Context, r Request, auth []authenticator) (Answer, *Error) {
	for renewed := false; ; renewed = true {
		m, err := c.message(ctx, r, auth)
		if err != nil {
			return Answer{}, err
		}
		a, err := c.send(ctx, m, r.MaxAnswer)
		if err == nil && a.Status == http.StatusUnauthorized && !renewed && renew(ctx, auth, m) {
			continue
		}
		return a, err
	}
}

func renew(ctx context.Context, auth []authenticator, m *message) bool {
	for _, a := range auth {
		if a.renew(ctx, m) {
			return true
		}
	}
	return false
}

// send sends m once. With NTLM that may take several exchanges, the last of which is the call.
func (c *Client) send(ctx context.Context, m *message, bound int64) (Answer, *Error) {
	if c.ntlm != nil {
		return c.ntlm.send(ctx, m, bound)
	}
	return c.exchange(ctx, c.transport, m, bound)
}

// exchange makes exactly one HTTP exchange.
func (c *Client) exchange(ctx context.Context, t *http.Transport, m *message, bound int64) (Answer, *Error) {
	began := time.Now()
	inner, stop := context.WithTimeoutCause(ctx, c.config.Timeout.Total.Std(),
		timeoutError(fmt.Sprintf("no complete answer within %s", c.config.Timeout.Total)))
	defer stop()
	inner, cancel := context.WithCancelCause(inner)
	defer cancel(nil)
	k := &call{resend: cancel, step: stepConnect}
	res, err := t.RoundTrip(m.request(httptrace.WithClientTrace(inner, k.trace())))
	if err != nil {
		return Answer{}, c.explain(ctx, k, err, context.Cause(inner))
	}
	defer func() { _ = res.Body.Close() }()
	if bound <= 0 {
		bound = c.config.MaxAnswer.Bytes()
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, bound+1))
	a := Answer{Status: res.StatusCode, Header: res.Header, Body: body, Took: time.Since(began)}
	a.RetryAfter = RetryAfter(res.Header, c.options.Now(), c.config.MaxRetryAfter.Std())
	c.checkKeepAlive(res.Header)
	e := &Error{Dest: c.name, Phase: Answered, Reason: bridge.NoAnswer}
	switch {
	case int64(len(body)) > bound:
		a.Body = body[:bound]
		e.Reason, e.Err = bridge.TooLarge, fmt.Errorf("the answer is larger than %d bytes", bound)
	case ctx.Err() != nil && err != nil:
		e.Stopped, e.Err = true, fmt.Errorf("given up (%s): %w", stepRead, context.Cause(ctx))
	case err != nil:
		e.Err = fmt.Errorf("the answer with status %d broke off after %d bytes: %w", a.Status, len(body), c.describe(stepRead, err, context.Cause(inner)))
	default:
		return a, nil
	}
	return a, e
}

// checkKeepAlive warns once when the destination drops idle connections before we do: every so
// often a call would meet a connection that is just being closed, and be of unknown outcome.
func (c *Client) checkKeepAlive(h http.Header) {
	_, rest, ok := strings.Cut(strings.ToLower(h.Get("Keep-Alive")), "timeout=")
	if !ok {
		return
	}
	digits, _, _ := strings.Cut(rest, ",")
	s, err := strconv.Atoi(strings.TrimSpace(digits))
	if err != nil || time.Duration(s)*time.Second > c.config.Timeout.Idle.Std() || c.warnedIdle.Swap(true) {
		return
	}
	c.options.Log.Warn("the destination drops idle connections before we do; set timeout.idle below its keep-alive",
		"destination", c.name, "keep_alive_seconds", s, "idle", c.config.Timeout.Idle.String())
}

// warnPlain warns once when credentials go over the wire in the clear.
func (c *Client) warnPlain(u *url.URL) {
	if u.Scheme != "http" || c.warnedPlain.Load() {
		return
	}
	if h := u.Hostname(); h == "localhost" || net.ParseIP(h).IsLoopback() || c.warnedPlain.Swap(true) {
		return
	}
	c.options.Log.Warn("credentials are sent without encryption; use https", "destination", c.name, "host", u.Host)
}

// RoundTripper returns the client in the form that other libraries take. The rules are those of
// [Client.Do]: the answer is read whole before it is returned, req.Close is ignored, and the error
// is of type [*Error]. The caller's context should come from [WithTrace].
func (c *Client) RoundTripper() http.RoundTripper { return roundTripper{c, c.auth} }

type roundTripper struct {
	client *Client
	auth   []authenticator
}

// maxBody bounds a request that comes as a stream.
const maxBody = 64 << 20

// RoundTrip makes one call.
func (t roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	r := Request{Method: req.Method, URL: req.URL.String(), Header: req.Header.Clone()}
	if req.Host != "" && req.Host != req.URL.Host {
		if r.Header == nil {
			r.Header = http.Header{}
		}
		r.Header.Set("Host", req.Host)
	}
	if req.Body != nil {
		body, err := io.ReadAll(io.LimitReader(req.Body, maxBody+1))
		_ = req.Body.Close()
		if err == nil && len(body) > maxBody {
			err = fmt.Errorf("the request is larger than %d bytes", maxBody)
		}
		if err != nil {
			e := &Error{Dest: t.client.name, Phase: NotSent, Reason: bridge.MappingFailed, Err: err}
			record(req.Context(), Answer{}, e)
			return nil, e
		}
		r.Body = body
	}
	a, e := t.client.do(req.Context(), r, t.auth)
	if e != nil {
		record(req.Context(), a, e)
		return nil, e
	}
	record(req.Context(), a, nil)
	return &http.Response{
		Status:     strconv.Itoa(a.Status) + " " + http.StatusText(a.Status),
		StatusCode: a.Status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        a.Header,
		Body:          io.NopCloser(bytes.NewReader(a.Body)),
		ContentLength: int64(len(a.Body)),
		Request:       req,
	}, nil
}
