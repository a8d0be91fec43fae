package outbound

import (
	"context"
	"encoding/base64"
	"net/url"

	"github.com/pergabridge/pergabridge/bridge/secret"
)

// An authenticator puts credentials on messages. One that is bound to a connection instead of a
// message (NTLM) is not an authenticator; see ntlmPool.
type authenticator interface {
	// apply puts the credentials on m. An error of type *Error keeps its reason.
	apply(ctx context.Context, m *message) error
	// renew is called after a 401 to m. It reports whether apply would now write others.
	renew(ctx context.Context, m *message) bool
}

// authenticators returns what config asks for; signing comes last, over the finished message.
func (c *Client) authenticators(a Auth) ([]authenticator, error) {
	var list []authenticator
	switch {
	case a.Basic != nil:
		registerBasic(*a.Basic)
		pair := a.Basic.Username + ":" + a.Basic.Password.Reveal()
		list = append(list, fixed(func(m *message) {
			m.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
		}))
	case !a.Bearer.Empty():
		list = append(list, fixed(func(m *message) { m.header.Set("Authorization", "Bearer "+a.Bearer.Reveal()) }))
	case a.OAuth2 != nil:
		t, err := c.newTokens(*a.OAuth2)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	case a.OAuth2Password != nil, a.OAuth2Code != nil, a.ServiceAccount != nil:
		t, err := c.grant(a)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	if h := a.Header; h != nil {
		list = append(list, fixed(func(m *message) { m.header.Set(h.Name, h.Prefix+h.Secret.Reveal()) }))
	}
	if q := a.Query; q != nil {
		pair := url.QueryEscape(q.Name) + "=" + url.QueryEscape(q.Secret.Reveal())
		list = append(list, fixed(func(m *message) { // appended as text: the order of the rest may be signed
			if m.url.RawQuery != "" {
				m.url.RawQuery += "&"
			}
			m.url.RawQuery += pair
		}))
	}
	if s := a.StandardWebhooks; s != nil {
		sign, err := newSigner(*s, c.options.Now)
		if err != nil {
			return nil, err
		}
		list = append(list, sign)
	}
	return list, nil
}

func (c *Client) grant(a Auth) (*tokens, error) {
	switch {
	case a.OAuth2Password != nil:
		return c.passwordGrant(*a.OAuth2Password)
	case a.OAuth2Code != nil:
		return c.codeGrant(*a.OAuth2Code)
	}
	return c.serviceAccount(*a.ServiceAccount)
}

// fixed are credentials that do not change.
type fixed func(m *message)

func (f fixed) apply(_ context.Context, m *message) error { f(m); return nil }
func (fixed) renew(_ context.Context, _ *message) bool    { return false }

// registerBasic also hides the pair as it stands in the header.
func registerBasic(b BasicAuth) {
	secret.Register(b.Password.Reveal())
	secret.Register(b.Username + ":" + b.Password.Reveal())
}
