// Package mailauth holds the credentials for mail servers, the same for IMAP and SMTP: a password
// (PLAIN or LOGIN), or an OAuth 2.0 token (XOAUTH2, OAUTHBEARER) obtained by client credentials or
// by a refresh token, as Microsoft 365 and Google want it.
//
// Tokens are fetched by the bridge's HTTP client with its rules, kept until shortly before they end,
// and registered as secrets. A token that a server turned down is dropped ([Source.Drop]); the next
// call fetches another.
//
// Token endpoints may replace the refresh token at every use, and void the one before. The newest is kept
// in the [outbound.Vault], with the access token, so that it survives a restart and all replicas use the
// same: sealed (AES-256-GCM) with a key made of the refresh token and the client secret of the config. So
// whoever has the store alone cannot read it, and a refresh token that is replaced in the config makes
// what was kept void. One replica at a time asks for a token.
package mailauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Config is the part of a mail server's section that says who we are; sections inline it.
type Config struct {
	Username string        `yaml:"username" doc:"user name, mostly the address of the mailbox"`
	Password config.Secret `yaml:"password" doc:"password, or app password"`
	OAuth2   *OAuth2       `yaml:"oauth2" doc:"OAuth 2.0 instead of a password"`
}

// OAuth2 says how tokens are obtained.
type OAuth2 struct {
	Mechanism    string              `yaml:"mechanism" enum:"xoauth2|oauthbearer" default:"xoauth2" doc:"how the token is shown to the server"`
	TokenURL     string              `yaml:"token_url" required:"true" doc:"token endpoint, for instance https://login.microsoftonline.com/TENANT/oauth2/v2.0/token"`
	ClientID     string              `yaml:"client_id" required:"true" doc:"client id"`
	ClientSecret config.Secret       `yaml:"client_secret" doc:"client secret"`
	RefreshToken config.Secret       `yaml:"refresh_token" doc:"refresh token; without it, client credentials are used. Where the endpoint replaces it, the newest is kept in the store, encrypted"`
	Scopes       []string            `yaml:"scopes" doc:"scopes to ask for, for instance https://outlook.office365.com/.default"`
	Params       map[string]string   `yaml:"params" doc:"further parameters of the token request"`
	Style        string              `yaml:"style" enum:"auto|header|params" default:"auto" doc:"where client id and secret go: Basic header or body"`
	TLS          outbound.TLS        `yaml:"tls" doc:"private CA of the token endpoint"`
	Proxy        string              `yaml:"proxy" doc:"forward proxy to the token endpoint, http://host:port or https://host:port"`
	ProxyAuth    *outbound.BasicAuth `yaml:"proxy_auth" doc:"credentials for the proxy"`
}

// outbound is how the token endpoint is called.
func (o *OAuth2) outbound() outbound.Config {
	return outbound.Config{TLS: o.TLS, Proxy: o.Proxy, ProxyAuth: o.ProxyAuth}
}

// ValidateConfig checks the proxy.
func (o *OAuth2) ValidateConfig(n *config.Node) { o.outbound().ValidateConfig(n) }

// ValidateConfig checks how the credentials go together.
func (c *Config) ValidateConfig(n *config.Node) {
	password := n.Key("password").Exists()
	switch {
	case c.OAuth2 != nil && password:
		n.Key("password").Problemf("keep one of them", "password together with oauth2")
	case (c.OAuth2 != nil || password) && c.Username == "" && !n.Key("username").Exists():
		n.Key("username").Problemf("username: support@example.com", "is needed with password or oauth2")
	case c.Username != "" && c.OAuth2 == nil && !password:
		n.Key("password").Problemf("password: {env: MAIL_PASSWORD}, or oauth2", "a user name without password or oauth2")
	}
	if o := c.OAuth2; o != nil {
		if u, err := url.Parse(o.TokenURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			n.Key("oauth2").Key("token_url").Problemf("", "must be an http or https address")
		}
		if o.RefreshToken.Empty() && o.ClientSecret.Empty() && !n.Key("oauth2").Key("refresh_token").Exists() && !n.Key("oauth2").Key("client_secret").Exists() {
			n.Key("oauth2").Problemf("client_secret: {env: …} for client credentials, or refresh_token", "nothing to get a token with")
		}
	}
}

// None reports whether no credentials are configured.
func (c *Config) None() bool { return c.Username == "" && c.OAuth2 == nil }

// A Login is what a server is shown.
type Login struct {
	Mechanism string // "" (none), PLAIN, XOAUTH2, OAUTHBEARER
	Username  string
	Secret    string // password or token
}

// Mechanisms.
const (
	Plain       = "PLAIN"
	XOAuth2     = "XOAUTH2"
	OAuthBearer = "OAUTHBEARER"
)

// A Source gives logins. It is safe for concurrent use.
type Source struct {
	name   string
	config Config
	client *outbound.Client
	now    func() time.Time

	mu      sync.Mutex
	token   string
	expires time.Time
	refresh string
	refused string // access token that the server turned down
	unsaved bool   // the refresh token in hand is newer than the one that is kept
	log     *slog.Logger
	kept    *safe // nil: nothing is kept
}

// New makes a source. It calls nobody.
func New(name string, c Config, o outbound.Options) (*Source, error) {
	s := &Source{name: name, config: c, now: o.Now, log: o.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if c.OAuth2 == nil {
		return s, nil
	}
	client, err := outbound.New(name+"/token", c.OAuth2.outbound(), o)
	if err != nil {
		return nil, err
	}
	s.client = client
	if s.refresh = c.OAuth2.RefreshToken.Reveal(); s.refresh != "" && o.Vault != nil {
		if s.kept, err = newSafe(o.Vault, c.OAuth2); err != nil {
			client.Close()
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return s, nil
}

// Close drops idle connections.
func (s *Source) Close() {
	if s.client != nil {
		s.client.Close()
	}
}

// early is how long before its end a token is renewed.
const early = time.Minute

// Login returns what to show to the server, with a fresh token if that is what it wants. An error
// means that no token could be had; nothing was sent to the mail server.
func (s *Source) Login(ctx context.Context) (Login, error) {
	c := &s.config
	if c.None() {
		return Login{}, nil
	}
	if c.OAuth2 == nil {
		return Login{Plain, c.Username, c.Password.Reveal()}, nil
	}
	mechanism := XOAuth2
	if c.OAuth2.Mechanism == "oauthbearer" {
		mechanism = OAuthBearer
	}
	s.mu.Lock() // held during the fetch: everybody waits for the same token
	defer s.mu.Unlock()
	if s.token == "" || !s.expires.IsZero() && !s.now().Before(s.expires) {
		if err := s.renew(ctx); err != nil {
			return Login{}, fmt.Errorf("%s: no token: %w", s.name, err)
		}
	}
	return Login{mechanism, c.Username, s.token}, nil
}

// Drop forgets a token that was turned down.
func (s *Source) Drop(l Login) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == l.Secret {
		s.token, s.refused = "", l.Secret
	}
}

// renew gets a token: the one that another replica has got meanwhile, else a new one. What cannot be
// kept is used all the same, and kept the next time.
func (s *Source) renew(ctx context.Context) error {
	if s.kept == nil {
		return s.fetch(ctx)
	}
	unlock, err := s.kept.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	kept, err := s.kept.load(ctx)
	if err != nil {
		return err
	}
	if kept == nil || s.unsaved {
		kept = &tokens{}
	} else {
		s.refresh = kept.Refresh
	}
	scope := strings.Join(s.config.OAuth2.Scopes, " ")
	if got := kept.Access[scope]; got.Token != s.refused && s.now().Before(got.Expires) {
		s.token, s.expires = got.Token, got.Expires
		return nil
	}
	if err := s.fetch(ctx); err != nil {
		return err
	}
	if kept.Access == nil {
		kept.Access = map[string]access{}
	}
	kept.Refresh, kept.Access[scope] = s.refresh, access{s.token, s.expires}
	err = s.kept.save(ctx, *kept)
	if s.unsaved = err != nil; s.unsaved {
		s.log.Warn("a token that was replaced could not be kept; if the bridge ends now, the old one may be void", "name", s.name, "error", secret.Mask(err.Error()))
	}
	return nil
}

func (s *Source) fetch(ctx context.Context) error {
	o := s.config.OAuth2
	ctx, _ = outbound.WithTrace(ctx)
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{
		Transport:     s.client.RoundTripper(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	style := map[string]oauth2.AuthStyle{"header": oauth2.AuthStyleInHeader, "params": oauth2.AuthStyleInParams}[o.Style]
	asked := time.Now()
	var got *oauth2.Token
	var err error
	if s.refresh != "" {
		c := oauth2.Config{ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(), Scopes: o.Scopes,
			Endpoint: oauth2.Endpoint{TokenURL: o.TokenURL, AuthStyle: style}}
		got, err = c.TokenSource(ctx, &oauth2.Token{RefreshToken: s.refresh}).Token()
	} else {
		params := url.Values{}
		for k, v := range o.Params {
			params.Set(k, v)
		}
		c := clientcredentials.Config{ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(), TokenURL: o.TokenURL,
			Scopes: o.Scopes, EndpointParams: params, AuthStyle: style}
		got, err = c.Token(ctx)
	}
	if err != nil {
		if said, ok := errors.AsType[*oauth2.RetrieveError](err); ok && said.Response != nil {
			return fmt.Errorf("the token endpoint answered %s: %s %.300s", said.Response.Status, said.ErrorCode, secret.Mask(said.ErrorDescription))
		}
		return errors.New(secret.Mask(err.Error()))
	}
	secret.Register(got.AccessToken)
	if got.RefreshToken != "" && got.RefreshToken != s.refresh { // it may be replaced at every use
		secret.Register(got.RefreshToken)
		s.refresh = got.RefreshToken
	}
	s.token, s.expires = got.AccessToken, time.Time{}
	if !got.Expiry.IsZero() {
		life := got.Expiry.Sub(asked)
		s.expires = s.now().Add(life - min(early, life/5))
	}
	return nil
}

// Client returns the SASL client of a login.
func (l Login) Client(host string, port int) sasl.Client {
	switch l.Mechanism {
	case XOAuth2:
		return &xoauth2{l}
	case OAuthBearer:
		return sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{Username: l.Username, Token: l.Secret, Host: host, Port: port})
	}
	return sasl.NewPlainClient("", l.Username, l.Secret)
}

// xoauth2 is the mechanism that Google and Microsoft made before OAUTHBEARER was standard.
type xoauth2 struct{ Login }

func (x *xoauth2) Start() (string, []byte, error) {
	return XOAuth2, []byte("user=" + x.Username + "\x01auth=Bearer " + x.Secret + "\x01\x01"), nil
}

// Next answers the server's explanation of a failure with nothing, after which it fails.
func (x *xoauth2) Next([]byte) ([]byte, error) { return []byte{}, nil }
