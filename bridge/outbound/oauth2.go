package outbound

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Tokens are renewed this long before they end, or a fifth of their life if that is shorter; they
// are not used in their last seconds, which the way to the destination may take; and after a
// failed early renewal the next is tried a little later.
const (
	renewEarly = time.Minute
	lastUse    = 5 * time.Second
	renewPause = 10 * time.Second
)

// Tokens keep the token of one destination: fetched once for everybody who waits, renewed in the
// background while the old one still holds.
type tokens struct {
	client *Client
	ask    func(ctx context.Context, h *http.Client) (*oauth2.Token, error)
	http   *http.Client
	// share, if above zero, is the part of a token's life before whose last one it is renewed;
	// fallback is the life of a token that names none.
	share    int64
	fallback time.Duration

	mu      sync.Mutex
	current token
	renewAt time.Time
	flight  *flight
}

type token struct {
	header  string    // value of Authorization
	expires time.Time // zero: it does not say
}

// usable reports whether the token may be sent.
func (t token) usable(now time.Time) bool {
	return t.header != "" && (t.expires.IsZero() || now.Before(t.expires))
}

// A flight is one fetch under way; token and err are set when done is closed.
type flight struct {
	done  chan struct{}
	token token
	err   error
}

func (c *Client) newTokens(o ClientCredential) (*tokens, error) {
	if _, err := parseURL(o.TokenURL); err != nil {
		return nil, fmt.Errorf("oauth2: token_url: %w", err)
	}
	styles := map[string]oauth2.AuthStyle{"header": oauth2.AuthStyleInHeader, "params": oauth2.AuthStyleInParams}
	params := url.Values{}
	for k, v := range o.Params {
		params.Set(k, v)
	}
	registerBasic(BasicAuth{url.QueryEscape(o.ClientID), o.ClientSecret})
	conf := clientcredentials.Config{
		ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(), TokenURL: o.TokenURL,
		Scopes: o.Scopes, EndpointParams: params, AuthStyle: styles[o.Style],
	}
	return c.tokensOf(func(ctx context.Context, h *http.Client) (*oauth2.Token, error) {
		return conf.Token(context.WithValue(ctx, oauth2.HTTPClient, h))
	}), nil
}

// tokensOf keeps the tokens that ask obtains; ask is never called twice at once.
func (c *Client) tokensOf(ask func(context.Context, *http.Client) (*oauth2.Token, error)) *tokens {
	return &tokens{
		client: c,
		ask:    ask,
		http: &http.Client{
			Transport:     roundTripper{c, nil}, // same rules, no credentials
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (t *tokens) apply(ctx context.Context, m *message) error {
	header, err := t.get(ctx)
	if err != nil {
		return err
	}
	m.token = header
	m.header.Set("Authorization", header)
	return nil
}

// renew drops the token that was turned down, unless another call has renewed it meanwhile.
func (t *tokens) renew(ctx context.Context, m *message) bool {
	t.mu.Lock()
	if t.current.header == m.token {
		t.current = token{}
	}
	t.mu.Unlock()
	header, err := t.get(ctx)
	if err != nil {
		t.client.options.Log.Warn("token renewal failed", "destination", t.client.name, "error", err)
		return false
	}
	return header != m.token
}

func (t *tokens) get(ctx context.Context) (string, error) {
	now := t.client.options.Now()
	t.mu.Lock()
	usable := t.current.usable(now)
	if usable && (t.renewAt.IsZero() || now.Before(t.renewAt)) {
		defer t.mu.Unlock()
		return t.current.header, nil
	}
	f, err := t.fly()
	header := t.current.header
	t.mu.Unlock()
	if usable {
		return header, nil
	}
	if err != nil {
		return "", err
	}
	select {
	case <-f.done:
		return f.token.header, f.err
	case <-ctx.Done():
		return "", &Error{Dest: t.client.name, Phase: NotSent, Reason: bridge.Canceled, Stopped: true,
			Err: fmt.Errorf("given up waiting for a token: %w", context.Cause(ctx))}
	}
}

// fly returns the fetch under way, or starts one; t.mu is held. It runs for everybody who waits,
// so it does not end with the call that started it, but with the client.
func (t *tokens) fly() (*flight, error) {
	if t.flight != nil {
		return t.flight, nil
	}
	f := &flight{done: make(chan struct{})}
	if !t.client.background(func(ctx context.Context) { t.fetch(ctx, f) }) {
		return nil, &Error{Dest: t.client.name, Phase: NotSent, Reason: bridge.Canceled, Stopped: true, Err: errClosed}
	}
	t.flight = f
	return f, nil
}

func (t *tokens) fetch(ctx context.Context, f *flight) {
	before := time.Now()
	got, err := t.ask(ctx, t.http)
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.client.options.Now()
	t.flight = nil
	if err != nil {
		f.err = t.failed(err)
		t.renewAt = now.Add(renewPause)
	} else {
		secret.Register(got.AccessToken)
		f.token = token{header: got.Type() + " " + got.AccessToken}
		t.renewAt = time.Time{}
		if got.Expiry.IsZero() && t.fallback > 0 {
			got.Expiry = before.Add(t.fallback)
		}
		if !got.Expiry.IsZero() {
			life := got.Expiry.Sub(before) // computed by the real clock
			early := min(renewEarly, life/5)
			if t.share > 0 {
				early = life / time.Duration(t.share)
			}
			f.token.expires = now.Add(life - min(lastUse, life/5))
			t.renewAt = now.Add(life - early)
		}
		t.current = f.token
	}
	close(f.done)
}

// failed says what the token endpoint said. Nothing of the request itself has been sent.
func (t *tokens) failed(err error) *Error {
	e := &Error{Dest: t.client.name, Phase: NotSent, Reason: bridge.NotSent}
	var inner *Error
	var said *oauth2.RetrieveError
	switch {
	case errors.As(err, &inner):
		e.Stopped = inner.Stopped
		if inner.Reason == bridge.Canceled {
			e.Reason = bridge.Canceled
		}
		e.Err = fmt.Errorf("no token: %s: %w", inner.Phase, inner.Err)
	case errors.As(err, &said) && said.Response != nil:
		if s := said.Response.StatusCode; s < 500 && s != http.StatusTooManyRequests && s != http.StatusRequestTimeout {
			e.Reason = bridge.Unauthorized
		}
		what := said.ErrorCode + " " + said.ErrorDescription
		if said.ErrorCode == "" {
			what = Excerpt(said.Body[:min(len(said.Body), 200)])
		}
		e.Err = fmt.Errorf("no token: the token endpoint answered %s: %.300s", said.Response.Status, what)
	default:
		e.Err = fmt.Errorf("no token: %w", err)
	}
	return e
}
