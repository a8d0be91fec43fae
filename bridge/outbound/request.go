package outbound

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// A Request is one call to make.
type Request struct {
	Method string // GET if empty
	URL    string
	Header http.Header // "Host" replaces the host of the URL; headers that frame the message are ours
	Body   []byte
	// ID names what is sent, for signatures; the same event keeps its id when it is sent again.
	ID string
	// MaxAnswer replaces the config's bound when it is above zero.
	MaxAnswer int64
}

// An Answer is what came back. Its body is complete unless an error came with it.
type Answer struct {
	Status int // 0 if there was none
	Header http.Header
	Body   []byte
	// RetryAfter is the wait that the destination asked for, capped; zero if it did not.
	RetryAfter time.Duration
	Took       time.Duration
}

// Excerpt shows the request to operators: method, URL and the beginning of the body, secrets masked.
func (r Request) Excerpt() string {
	b := append([]byte(r.method()+" "+r.URL+"\n\n"), r.Body[:min(len(r.Body), excerptSource)]...)
	return Excerpt(b)
}

// Show shows the request as it would be sent, for people: its header as well, JSON with line breaks, secrets masked.
// The credentials of the client are not part of it.
func (r Request) Show() string {
	var b strings.Builder
	b.WriteString(r.method() + " " + r.URL + "\n")
	for _, n := range slices.Sorted(maps.Keys(r.Header)) {
		b.WriteString(n + ": " + r.Header.Get(n) + "\n")
	}
	if len(r.Body) > 0 {
		b.WriteByte('\n')
		if pretty := (&bytes.Buffer{}); json.Indent(pretty, r.Body, "", "  ") == nil {
			b.Write(pretty.Bytes())
		} else {
			b.Write(r.Body)
		}
		b.WriteByte('\n')
	}
	return Excerpt([]byte(b.String()))
}

func (r Request) method() string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

// ours are headers that frame the message or the connection; what a mapping says there is dropped.
var ours = []string{"Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// A message is a request on its way to become a call: credentials are put on it.
type message struct {
	method string
	url    *url.URL
	header http.Header
	body   []byte
	id     string
	token  string // the token that was put on it, to tell a stale one from its successor
}

// message builds the message and puts the credentials on it.
func (c *Client) message(ctx context.Context, r Request, auth []authenticator) (*message, *Error) {
	bad := func(err error) *Error {
		return &Error{Dest: c.name, Phase: NotSent, Reason: bridge.MappingFailed, Err: err}
	}
	u, err := parseURL(r.URL)
	if err != nil {
		return nil, bad(err)
	}
	m := &message{method: strings.ToUpper(r.method()), url: u, header: r.Header.Clone(), body: r.Body, id: r.ID}
	if m.header == nil {
		m.header = http.Header{}
	}
	host := m.header.Get("Host")
	for _, h := range ours {
		m.header.Del(h)
	}
	if m.header.Get("User-Agent") == "" {
		m.header.Set("User-Agent", c.options.UserAgent)
	}
	if len(auth) > 0 {
		c.warnPlain(u)
	}
	if c.options.Public && c.config.Proxy != "" {
		if err := c.checkHost(u.Hostname()); err != nil {
			return nil, &Error{Dest: c.name, Phase: NotSent, Reason: bridge.NotSent, Err: err}
		}
	}
	for _, a := range auth {
		if err := a.apply(ctx, m); err != nil {
			var e *Error
			if !errors.As(err, &e) {
				e = bad(err)
			}
			return nil, e
		}
	}
	if host != "" {
		if !httpguts.ValidHostHeader(host) {
			return nil, bad(errors.New("the Host header is not a host"))
		}
		m.header.Set("Host", host)
	}
	if !httpguts.ValidHeaderFieldName(m.method) { // a method is a token, as a header name is
		return nil, bad(fmt.Errorf("bad method %.40q", m.method))
	}
	for name, values := range m.header {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, bad(fmt.Errorf("bad header name %.80q", name))
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return nil, bad(fmt.Errorf("header %s holds a control character", name))
			}
		}
	}
	return m, nil
}

// request makes the request of net/http. Without GetBody it cannot be sent twice.
func (m *message) request(ctx context.Context) *http.Request {
	r := &http.Request{
		Method: m.method, URL: m.url, Host: m.url.Host, Header: m.header.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: http.NoBody, ContentLength: int64(len(m.body)),
	}
	if h := r.Header.Get("Host"); h != "" {
		r.Host = h
		r.Header.Del("Host")
	}
	if len(m.body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(m.body))
	}
	return r.WithContext(ctx)
}

// Excerpts are cut at excerptMax; more is masked first, so that no half secret stays at the cut.
const (
	excerptMax    = 4 << 10
	excerptSource = 64 << 10
)

// Excerpt returns the beginning of b for records and logs: secrets masked, valid UTF-8 without
// control characters other than line ends and tabs, at most 4 KiB.
func Excerpt(b []byte) string {
	s := secret.Mask(strings.ToValidUTF8(string(b[:min(len(b), excerptSource)]), "\uFFFD"))
	s = strings.Map(func(r rune) rune {
		if (r < ' ' && r != '\n' && r != '\t') || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if len(s) <= excerptMax && len(b) <= excerptSource {
		return s
	}
	tail := fmt.Sprintf("… (%d bytes)", len(b))
	cut := min(len(s), excerptMax-len(tail))
	return strings.ToValidUTF8(s[:cut], "") + tail
}
