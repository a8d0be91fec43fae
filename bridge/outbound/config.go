package outbound

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// Config is the part of a destination's config that says how to call it over HTTP. Destinations
// inline it. The zero Config is usable: no credentials, system CAs, default times.
type Config struct {
	Auth      Auth       `yaml:"auth" doc:"credentials for calls to this destination"`
	TLS       TLS        `yaml:"tls" doc:"private CA and client certificate"`
	Proxy     string     `yaml:"proxy" doc:"forward proxy, http://host:port or https://host:port; environment variables are not used"`
	ProxyAuth *BasicAuth `yaml:"proxy_auth" doc:"credentials for the proxy"`
	Timeout   Timeouts   `yaml:"timeout" doc:"how long each phase of a call may take"`
	// MaxAnswer bounds the body of an answer; a longer one is not read to its end.
	MaxAnswer config.Size `yaml:"max_answer" default:"4MiB" doc:"largest answer that is read"`
	// MaxRetryAfter caps what a destination can make us wait.
	MaxRetryAfter config.Duration `yaml:"max_retry_after" default:"1h" doc:"longest wait that a Retry-After header may ask for"`
	HTTP2         bool            `yaml:"http2" doc:"offer HTTP/2; with it a call counts as sent as soon as it has a connection"`
}

// Auth holds the credentials of calls to one destination. Basic, bearer, ntlm and the ways to obtain
// tokens exclude each other; header, query and standard_webhooks may be added to any of them.
type Auth struct {
	None             bool              `yaml:"none" doc:"true: the destination asks for no credentials, or they are elsewhere (client certificate, body)"`
	Basic            *BasicAuth        `yaml:"basic" doc:"HTTP Basic"`
	Bearer           config.Secret     `yaml:"bearer" doc:"fixed token, sent as Authorization: Bearer"`
	Header           *HeaderKey        `yaml:"header" doc:"key in a header"`
	NTLM             *NTLM             `yaml:"ntlm" doc:"Windows authentication (NTLM) over HTTP/1.1"`
	Negotiate        *config.Node      `yaml:"negotiate" doc:"not supported; see ntlm"`
	Query            *QueryKey         `yaml:"query" doc:"key in the query of the URL"`
	OAuth2           *ClientCredential `yaml:"oauth2" doc:"OAuth 2.0 client credentials (RFC 6749, 4.4)"`
	OAuth2Password   *PasswordGrant    `yaml:"oauth2_password" doc:"OAuth 2.0 with a user's password (RFC 6749, 4.3)"`
	OAuth2Code       *CodeGrant        `yaml:"oauth2_code" doc:"OAuth 2.0 with a person's permission (RFC 6749, 4.1)"`
	ServiceAccount   *ServiceAccount   `yaml:"service_account" doc:"tokens for assertions signed with the account's key (RFC 7523, RS256)"`
	StandardWebhooks *StandardWebhooks `yaml:"standard_webhooks" doc:"sign every body as Standard Webhooks v1 (HMAC-SHA256)"`
}

// BasicAuth is a user name and a password.
type BasicAuth struct {
	Username string        `yaml:"username" required:"true" doc:"user name"`
	Password config.Secret `yaml:"password" required:"true" doc:"password"`
}

// HeaderKey is a key that is sent in a header.
type HeaderKey struct {
	Name   string        `yaml:"name" required:"true" doc:"name of the header"`
	Secret config.Secret `yaml:"secret" required:"true" doc:"the key"`
	Prefix string        `yaml:"prefix" doc:"text before the key, for example \"Token token=\""`
}

// QueryKey is a key that is sent in the query of the URL.
type QueryKey struct {
	Name   string        `yaml:"name" required:"true" doc:"name of the query parameter"`
	Secret config.Secret `yaml:"secret" required:"true" doc:"the key"`
}

// ClientCredential obtains tokens by OAuth 2.0 client credentials.
type ClientCredential struct {
	TokenURL     string            `yaml:"token_url" required:"true" doc:"token endpoint"`
	ClientID     string            `yaml:"client_id" required:"true" doc:"client id"`
	ClientSecret config.Secret     `yaml:"client_secret" required:"true" doc:"client secret"`
	Scopes       []string          `yaml:"scopes" doc:"scopes to ask for"`
	Params       map[string]string `yaml:"params" doc:"further parameters of the token request, for example audience or resource"`
	Style        string            `yaml:"style" enum:"auto|header|params" default:"auto" doc:"where the client id and secret go: Basic header or body; auto tries the header first"`
}

// StandardWebhooks signs what is sent.
type StandardWebhooks struct {
	Secret config.Secret `yaml:"secret" required:"true" doc:"the shared secret, whsec_ and base64"`
}

// TLS says whom we trust and who we are.
type TLS struct {
	CA         config.Path   `yaml:"ca" doc:"PEM file of the authorities trusted for this destination, instead of the system's"`
	Cert       config.Path   `yaml:"cert" doc:"PEM file of the client certificate, with its chain"`
	Key        config.Secret `yaml:"key" doc:"PEM of the client certificate's private key"`
	ServerName string        `yaml:"server_name" doc:"name expected in the server's certificate, if it is not the host of the URL"`
	MinVersion string        `yaml:"min_version" enum:"1.2|1.3" default:"1.2" doc:"lowest TLS version"`
}

// Timeouts bound the phases of a call.
type Timeouts struct {
	Connect   config.Duration `yaml:"connect" default:"10s" doc:"name look-up and TCP connection"`
	TLS       config.Duration `yaml:"tls" default:"10s" doc:"TLS handshake"`
	FirstByte config.Duration `yaml:"first_byte" default:"30s" doc:"from the last byte sent to the header of the answer"`
	Total     config.Duration `yaml:"total" default:"60s" doc:"the whole call, with the body of the answer"`
	Idle      config.Duration `yaml:"idle" default:"3s" doc:"how long an unused connection is kept; must be shorter than the destination's keep-alive (often 5s)"`
}

// withDefaults fills what a Config made in Go left out.
func (c Config) withDefaults() Config {
	fill := func(d *config.Duration, v time.Duration) {
		if *d <= 0 {
			*d = config.Duration(v)
		}
	}
	fill(&c.Timeout.Connect, 10*time.Second)
	fill(&c.Timeout.TLS, 10*time.Second)
	fill(&c.Timeout.FirstByte, 30*time.Second)
	fill(&c.Timeout.Total, 60*time.Second)
	fill(&c.Timeout.Idle, 3*time.Second)
	fill(&c.MaxRetryAfter, time.Hour)
	if c.MaxAnswer <= 0 {
		c.MaxAnswer = 4 << 20
	}
	return c
}

// ValidateConfig checks what the tags cannot say.
func (c Config) ValidateConfig(n *config.Node) {
	if c.Proxy != "" {
		if _, err := proxyURL(c); err != nil {
			n.Key("proxy").Problemf("write http://host:port, and the credentials under proxy_auth", "%v", err)
		}
	} else if c.ProxyAuth != nil {
		n.Key("proxy_auth").Problemf("add proxy, or remove proxy_auth", "credentials for a proxy without a proxy")
	}
	if c.HTTP2 && c.Auth.NTLM != nil {
		n.Key("http2").Problemf("remove it", "NTLM authenticates a connection, and HTTP/2 shares it between calls")
	}
	if n.Key("max_answer").Exists() && (c.MaxAnswer < 1 || c.MaxAnswer > maxAnswerLimit) {
		n.Key("max_answer").Problemf("", "must be between 1 byte and %s", config.Size(maxAnswerLimit))
	}
}

// ValidateConfig checks how the kinds of credentials go together.
func (a Auth) ValidateConfig(n *config.Node) {
	var kinds, all []string
	add := func(given bool, name string, exclusive bool) {
		if given {
			all = append(all, name)
			if exclusive {
				kinds = append(kinds, name)
			}
		}
	}
	add(a.Basic != nil, "basic", true)
	add(n.Key("bearer").Exists(), "bearer", true)
	add(a.OAuth2 != nil, "oauth2", true)
	add(a.OAuth2Password != nil, "oauth2_password", true)
	add(a.OAuth2Code != nil, "oauth2_code", true)
	add(a.ServiceAccount != nil, "service_account", true)
	add(a.NTLM != nil, "ntlm", true)
	add(a.Header != nil, "header", a.Header != nil && strings.EqualFold(a.Header.Name, "Authorization"))
	add(a.Query != nil, "query", false)
	add(a.StandardWebhooks != nil, "standard_webhooks", false)
	if a.Negotiate.Exists() {
		n.Key("negotiate").ProblemAtKey("write ntlm: {username: …, password: {env: …}}; the server has to offer NTLM, too (IIS: Windows Authentication, Providers)",
			"Negotiate (Kerberos) is not supported")
	}
	if len(kinds) > 1 {
		n.Key(kinds[1]).Problemf("keep one of them", "%s both fill the Authorization header", strings.Join(kinds, " and "))
	}
	if a.None && len(all) > 0 {
		n.Key("none").Problemf("remove none, or the others", "none together with %s", strings.Join(all, ", "))
	}
	if n.Key("none").Exists() && !a.None {
		n.Key("none").Problemf("write none: true, or leave it out", "none can only be true")
	}
}

// ValidateConfig checks the user name.
func (b BasicAuth) ValidateConfig(n *config.Node) {
	if strings.Contains(b.Username, ":") {
		n.Key("username").Problemf("", "a user name for HTTP Basic must not contain a colon")
	}
}

// notForKeys are headers that a key must not replace, because they frame the message.
var notForKeys = []string{"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Te", "Trailer", "Upgrade", "Expect"}

// ValidateConfig checks the name of the header.
func (h HeaderKey) ValidateConfig(n *config.Node) {
	if h.Name == "" {
		return
	}
	if !httpguts.ValidHeaderFieldName(h.Name) || slices.Contains(notForKeys, http.CanonicalHeaderKey(h.Name)) {
		n.Key("name").Problemf("for example X-Api-Key", "%q cannot carry a key", h.Name)
	}
	if !httpguts.ValidHeaderFieldValue(h.Prefix) {
		n.Key("prefix").Problemf("", "must not contain control characters")
	}
}

// ValidateConfig checks the token endpoint.
func (o ClientCredential) ValidateConfig(n *config.Node) {
	if o.TokenURL == "" {
		return
	}
	if _, err := parseURL(o.TokenURL); err != nil {
		n.Key("token_url").Problemf("write the whole address, https://…", "%v", err)
	}
}

// ValidateConfig checks the secret.
func (s StandardWebhooks) ValidateConfig(n *config.Node) {
	if s.Secret.Empty() {
		return
	}
	if _, err := newSigner(s, nil); err != nil {
		n.Key("secret").Problemf("it is shown as whsec_… where it was made", "the secret is not base64")
	}
}

// ValidateConfig loads the certificates, so that a wrong file is found before the first call.
func (t TLS) ValidateConfig(n *config.Node) {
	if t.CA != "" {
		if _, err := loadCA(t); err != nil {
			n.Key("ca").Problemf("", "%v", err)
		}
	}
	cert, key := n.Key("cert").Exists(), n.Key("key").Exists()
	switch {
	case cert && !key:
		n.Problemf("add key: {file: …}", "a client certificate needs its key")
	case key && !cert:
		n.Problemf("add cert: FILE", "a key needs its certificate")
	case cert && t.Cert != "" && !t.Key.Empty():
		if _, err := loadClientCert(t); err != nil {
			n.Key("cert").Problemf("", "%v", err)
		}
	}
}

// parseURL reads an absolute http or https URL. Its errors never repeat the URL, which may hold a
// secret.
func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errBadURL("it cannot be read")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errBadURL("it does not begin with http:// or https://")
	case u.Hostname() == "":
		return nil, errBadURL("it has no host")
	case u.User != nil:
		return nil, errBadURL("it holds a user or password; put them under auth")
	}
	return u, nil
}

type errBadURL string

func (e errBadURL) Error() string { return "bad url: " + string(e) }
