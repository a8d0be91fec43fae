// Package client talks to the admin API of a running bridge; the verbs of the binary are written
// with it.
//
// Every method is one call. A refusal of the bridge is an [*api.Problem]; an address at which
// nobody answers is an [*UnreachableError]. Nothing is repeated by itself: a command that got no
// answer may have been carried out, and all of them are safe to give again.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// maxAnswer bounds an answer other than a backup, in bytes.
const maxAnswer = 64 << 20

// Options configures a client.
type Options struct {
	// Address is the admin address: host:port, or a URL.
	Address string
	// Token is server.admin_token; empty: none is sent.
	Token secret.Text
	// Person is recorded with every command; empty: the server's default.
	Person string
	// TLS says whom to trust at an https address; nil: the authorities of the system.
	TLS *tls.Config
	// HTTP makes the calls; nil: a client with time-outs that follows no redirects.
	HTTP *http.Client
}

// A Client calls one bridge.
type Client struct {
	base   *url.URL
	token  secret.Text
	person string
	http   *http.Client
}

// An UnreachableError says that no bridge answered.
type UnreachableError struct {
	Address string
	Err     error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no bridge answers at %s (is it running? see server.admin): %v", e.Address, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// New returns a client. It makes no call yet.
func New(o Options) (*Client, error) {
	address := o.Address
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, fmt.Errorf("client: the admin address %q cannot be read: %w", o.Address, err)
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.User != nil, u.RawQuery != "", u.Fragment != "":
		return nil, fmt.Errorf("client: the admin address %q is not host:port or http(s)://host:port", o.Address)
	}
	switch u.Hostname() { // a server that listens everywhere is asked on this machine
	case "", "0.0.0.0":
		u.Host = "127.0.0.1:" + u.Port()
	case "::":
		u.Host = "[::1]:" + u.Port()
	}
	u.Host = strings.TrimSuffix(u.Host, ":")
	u.Path = strings.TrimSuffix(u.Path, "/")
	c := &Client{base: u, token: o.Token, person: o.Person, http: o.HTTP}
	if c.http == nil {
		t := &http.Transport{ // without a proxy: the token is for the bridge alone
			DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout:   5 * time.Second,
			TLSClientConfig:       o.TLS,
			ResponseHeaderTimeout: 10 * time.Minute, // a backup is copied before its first byte
			IdleConnTimeout:       30 * time.Second,
		}
		c.http = &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return c, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// path joins the segments of a path below the prefix, each escaped.
func path(segments ...string) string {
	var b strings.Builder
	b.WriteString(api.Prefix)
	for _, s := range segments {
		e := url.PathEscape(s)
		if strings.Trim(e, ".") == "" { // dots alone would be taken for a way through the tree
			e = strings.ReplaceAll(e, ".", "%2E")
		}
		b.WriteString("/" + e)
	}
	return b.String()
}

// get asks for a T.
func get[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	return call[T](ctx, c, http.MethodGet, path, query, nil)
}

// post gives a command that is answered with a T.
func post[T any](ctx context.Context, c *Client, path string, in any) (T, error) {
	return call[T](ctx, c, http.MethodPost, path, nil, in)
}

// call makes one call and decodes its answer.
func call[T any](ctx context.Context, c *Client, method, path string, query url.Values, in any) (T, error) {
	var out, none T
	res, err := c.send(ctx, method, path, query, in)
	if err != nil {
		return none, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return none, fmt.Errorf("client: %s %s: the answer broke off: %w", method, path, err)
	}
	if len(body) > maxAnswer {
		return none, fmt.Errorf("client: %s %s: the answer is larger than %d bytes", method, path, maxAnswer)
	}
	if err := json.Unmarshal(body, &out); err != nil {
		return none, fmt.Errorf("client: %s %s: the answer is not what this version expects (is the bridge of another version?): %w", method, path, err)
	}
	return out, nil
}

// send makes one call; its answer is a success. The caller closes the body.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("client: %s %s: %w", method, path, err)
		}
		body = bytes.NewReader(b)
	}
	address := c.base.String() + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fmt.Errorf("client: %s %s: %w", method, path, err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if !c.token.Empty() {
		req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	if c.person != "" {
		req.Header.Set(api.PersonHeader, c.person)
	}
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("client: %s %s: %w", method, path, ctx.Err())
		}
		var shorter *url.Error
		if errors.As(err, &shorter) {
			err = shorter.Err
		}
		return nil, &UnreachableError{Address: c.base.Host, Err: err}
	}
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	return nil, refusal(res)
}

// refusal reads a problem document. Something else than a bridge may have answered.
func refusal(res *http.Response) error {
	p := &api.Problem{Status: res.StatusCode, Title: fmt.Sprintf("HTTP status %s, which is not the answer of a bridge; is this the admin address?", res.Status)}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind != "application/problem+json" {
		return p
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return p
	}
	var told api.Problem
	if json.Unmarshal(body, &told) != nil || told.Code == "" {
		return p
	}
	told.Status = res.StatusCode
	return &told
}

// query collects the parameters that are set.
type query url.Values

func (q query) text(name, value string) {
	if value != "" {
		url.Values(q).Set(name, value)
	}
}

func (q query) number(name string, n int) {
	if n != 0 {
		q.text(name, strconv.Itoa(n))
	}
}

func (q query) flag(name string, on bool) {
	if on {
		q.text(name, "true")
	}
}

func list[T ~string](q query, name string, values []T) {
	for _, v := range values {
		url.Values(q).Add(name, string(v))
	}
}
