package outbound

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// PasswordGrant obtains tokens with a user's name and password (RFC 6749, 4.3).
type PasswordGrant struct {
	TokenURL     string          `yaml:"token_url" doc:"token endpoint"`
	ClientID     string          `yaml:"client_id" required:"true" doc:"client id"`
	ClientSecret config.Secret   `yaml:"client_secret" required:"true" doc:"client secret"`
	Username     string          `yaml:"username" required:"true" doc:"API user"`
	Password     config.Secret   `yaml:"password" required:"true" doc:"password of the API user"`
	RedirectURI  string          `yaml:"redirect_uri" doc:"sent when the token endpoint lists it"`
	Scopes       []string        `yaml:"scopes" doc:"scopes to ask for"`
	Method       string          `yaml:"method" enum:"POST|GET" default:"POST" doc:"GET puts the password into the address; use it only if POST is not taken"`
	Style        string          `yaml:"style" enum:"header|params" default:"header" doc:"where client id and secret go: Basic header or parameters"`
	FallbackTTL  config.Duration `yaml:"fallback_ttl" default:"10m" doc:"life of a token whose answer names none"`
}

// CodeGrant uses tokens that a person allowed in a browser (RFC 6749, 4.1).
type CodeGrant struct {
	AuthorizeURL string          `yaml:"authorize_url" doc:"where the person is sent"`
	TokenURL     string          `yaml:"token_url" doc:"token endpoint"`
	ClientID     string          `yaml:"client_id" required:"true" doc:"client id"`
	ClientSecret config.Secret   `yaml:"client_secret" required:"true" doc:"client secret"`
	RedirectURI  string          `yaml:"redirect_uri" doc:"where the browser is sent with the code"`
	Scopes       []string        `yaml:"scopes" doc:"scopes to ask for"`
	TokenFile    config.Path     `yaml:"token_file" required:"true" doc:"file that keeps the tokens; written by the bridge, readable by it alone"`
	Method       string          `yaml:"method" enum:"POST|GET" default:"POST" doc:"of the token request"`
	Style        string          `yaml:"style" enum:"header|params" default:"header" doc:"where client id and secret go: Basic header or parameters"`
	FallbackTTL  config.Duration `yaml:"fallback_ttl" default:"10m" doc:"life of a token whose answer names none"`
}

// ServiceAccount obtains tokens for assertions signed with the account's own key (RFC 7523).
type ServiceAccount struct {
	// Account is the JSON that the account was handed out as; it holds the private key.
	Account  config.Secret   `yaml:"account" required:"true" doc:"the service account's JSON file: private_key_id, private_key, client_email, token_uri"`
	TokenURL string          `yaml:"token_url" doc:"token endpoint; default: token_uri of the file"`
	Audience string          `yaml:"audience" doc:"aud of the assertion; default: the token endpoint"`
	Scope    string          `yaml:"scope" doc:"scope of the assertion"`
	Skew     config.Duration `yaml:"skew" default:"30s" doc:"how far the assertion's time of issue is set back, against clocks"`
	Life     config.Duration `yaml:"life" default:"10m" doc:"life of the assertion, at most an hour"`
}

// accountFile is what is read of a service account.
type accountFile struct {
	KeyID    string `json:"private_key_id"`
	Key      string `json:"private_key"`
	Email    string `json:"client_email"`
	TokenURI string `json:"token_uri"`
}

// read parses the account. Its errors never repeat what is in it.
func (s ServiceAccount) read() (accountFile, *rsa.PrivateKey, error) {
	var f accountFile
	if err := json.Unmarshal([]byte(s.Account.Reveal()), &f); err != nil {
		return f, nil, errors.New("the service account is not JSON")
	}
	if f.Email == "" || f.Key == "" || f.KeyID == "" {
		return f, nil, errors.New("the service account needs private_key_id, private_key and client_email")
	}
	if s.TokenURL != "" {
		f.TokenURI = s.TokenURL
	}
	if _, err := parseURL(f.TokenURI); err != nil {
		return f, nil, fmt.Errorf("token endpoint of the service account: %w", err)
	}
	secret.Register(f.Key)
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(f.Key))
	if err != nil {
		return f, nil, errors.New("private_key of the service account is not an RSA key in PEM")
	}
	return f, key, nil
}

// ValidateConfig reads the account, so that a wrong file is found before the first call.
func (s ServiceAccount) ValidateConfig(n *config.Node) {
	if s.Life <= 0 || s.Life > config.Duration(time.Hour) {
		n.Key("life").Problemf("life: 10m", "must be longer than nothing and at most 1h")
	}
	if s.Skew < 0 || s.Skew >= s.Life {
		n.Key("skew").Problemf("skew: 30s", "must not be negative and shorter than life")
	}
	if s.Account.Empty() || n.StandIns() {
		return
	}
	if _, _, err := s.read(); err != nil {
		n.Key("account").Problemf("account: {file: service-account.json}", "%v", err)
	}
}

// ValidateConfig checks the token endpoint.
func (g PasswordGrant) ValidateConfig(n *config.Node) { checkEndpoint(n.Key("token_url"), g.TokenURL) }

// ValidateConfig checks the endpoints.
func (g CodeGrant) ValidateConfig(n *config.Node) {
	checkEndpoint(n.Key("token_url"), g.TokenURL)
	checkEndpoint(n.Key("authorize_url"), g.AuthorizeURL)
}

func checkEndpoint(n *config.Node, address string) {
	if address == "" {
		return // the kind of provider may know it
	}
	if _, err := parseURL(address); err != nil {
		n.Problemf("write the whole address, https://…", "%v", err)
	}
}

// jwtBearer is the grant type of RFC 7523.
const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"

func (c *Client) serviceAccount(s ServiceAccount) (*tokens, error) {
	file, key, err := s.read()
	if err != nil {
		return nil, err
	}
	audience := s.Audience
	if audience == "" {
		audience = file.TokenURI
	}
	life, skew := s.Life.Std(), s.Skew.Std()
	if life <= 0 {
		life = 10 * time.Minute
	}
	t := c.tokensOf(func(ctx context.Context, h *http.Client) (*oauth2.Token, error) {
		now := c.options.Now()
		claims := jwt.MapClaims{"iss": file.Email, "aud": audience, "iat": now.Add(-skew).Unix(), "exp": now.Add(life - skew).Unix()}
		if s.Scope != "" {
			claims["scope"] = s.Scope
		}
		j := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
		j.Header["kid"] = file.KeyID
		assertion, err := j.SignedString(key)
		if err != nil {
			return nil, fmt.Errorf("the assertion cannot be signed: %w", err)
		}
		secret.Register(assertion)
		return askToken(ctx, h, tokenRequest{url: file.TokenURI, form: url.Values{"grant_type": {jwtBearer}, "assertion": {assertion}}})
	})
	t.share = 5 // renewed at 80 % of their life
	return t, nil
}

func (c *Client) passwordGrant(g PasswordGrant) (*tokens, error) {
	if _, err := parseURL(g.TokenURL); err != nil {
		return nil, fmt.Errorf("oauth2_password: token_url: %w", err)
	}
	registerBasic(BasicAuth{url.QueryEscape(g.ClientID), g.ClientSecret})
	t := c.tokensOf(func(ctx context.Context, h *http.Client) (*oauth2.Token, error) {
		form := url.Values{"grant_type": {"password"}, "username": {g.Username}, "password": {g.Password.Reveal()}}
		if len(g.Scopes) > 0 {
			form.Set("scope", strings.Join(g.Scopes, " "))
		}
		if g.RedirectURI != "" {
			form.Set("redirect_uri", g.RedirectURI)
		}
		return askToken(ctx, h, tokenRequest{g.TokenURL, g.Method, g.Style, g.ClientID, g.ClientSecret.Reveal(), form})
	})
	t.fallback = g.FallbackTTL.Std()
	return t, nil
}

func (c *Client) codeGrant(g CodeGrant) (*tokens, error) {
	if _, err := parseURL(g.TokenURL); err != nil {
		return nil, fmt.Errorf("oauth2_code: token_url: %w", err)
	}
	registerBasic(BasicAuth{url.QueryEscape(g.ClientID), g.ClientSecret})
	used := ""
	var unsaved *oauth2.Token // what replaced the tokens of the file and could not be written there
	replaced := ""            // the access token that stood there then
	t := c.tokensOf(func(ctx context.Context, h *http.Client) (*oauth2.Token, error) {
		kept, err := readTokens(string(g.TokenFile))
		inFile := ""
		if err == nil {
			inFile = kept.AccessToken
		}
		if unsaved != nil && (err != nil || inFile == replaced) {
			kept, err = unsaved, nil
		}
		if err != nil {
			return nil, err
		}
		// What the file holds is used once; when it is asked for again, it was turned down or ran out.
		if kept.AccessToken != used && (kept.Expiry.IsZero() || c.options.Now().Before(kept.Expiry)) {
			used = kept.AccessToken
			return kept, nil
		}
		if kept.RefreshToken == "" {
			return nil, &oauth2.RetrieveError{Response: &http.Response{StatusCode: http.StatusUnauthorized, Status: "no answer (not asked)"},
				ErrorCode: "the permission has run out and cannot be renewed; a person has to allow it again (provider check NAME --code …)"}
		}
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {kept.RefreshToken}}
		got, err := askToken(ctx, h, tokenRequest{g.TokenURL, g.Method, g.Style, g.ClientID, g.ClientSecret.Reveal(), form})
		if err != nil {
			return nil, err
		}
		if got.RefreshToken == "" {
			got.RefreshToken = kept.RefreshToken
		}
		used = got.AccessToken
		if err := keepTokens(string(g.TokenFile), got); err != nil { // the old refresh token may be void by now
			unsaved, replaced = got, inFile
			c.options.Log.Error("a token that was replaced could not be kept; if the bridge ends now, a person has to allow it again",
				"destination", c.name, "error", secret.Mask(err.Error()))
		} else {
			unsaved = nil
		}
		return got, nil
	})
	t.fallback = g.FallbackTTL.Std()
	return t, nil
}

// Authorize returns the address at which a person allows the bridge to act; state comes back with
// the code.
func (g CodeGrant) Authorize(state string) string {
	q := url.Values{"client_id": {g.ClientID}, "response_type": {"code"}, "state": {state}}
	if g.RedirectURI != "" {
		q.Set("redirect_uri", g.RedirectURI)
	}
	if len(g.Scopes) > 0 {
		q.Set("scope", strings.Join(g.Scopes, " "))
	}
	return g.AuthorizeURL + "?" + q.Encode()
}

// Redeem exchanges a code for tokens and keeps them in the token file.
func (g CodeGrant) Redeem(ctx context.Context, c *Client, code string) error {
	secret.Register(code)
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}}
	if g.RedirectURI != "" {
		form.Set("redirect_uri", g.RedirectURI)
	}
	h := &http.Client{Transport: roundTripper{c, nil}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	got, err := askToken(ctx, h, tokenRequest{g.TokenURL, g.Method, g.Style, g.ClientID, g.ClientSecret.Reveal(), form})
	if err != nil {
		return errors.New(secret.Mask(fmt.Sprintf("%s: the code was not taken: %v", c.name, err)))
	}
	return keepTokens(string(g.TokenFile), got)
}

func readTokens(file string) (*oauth2.Token, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, &oauth2.RetrieveError{Response: &http.Response{StatusCode: http.StatusUnauthorized, Status: "no answer (not asked)"},
			ErrorCode: "nobody has allowed the bridge to act yet: " + err.Error() + " (provider check NAME shows where)"}
	}
	t := &oauth2.Token{}
	if err := json.Unmarshal(raw, t); err != nil || t.AccessToken == "" {
		return nil, fmt.Errorf("the token file %s holds no token", file)
	}
	secret.Register(t.AccessToken)
	secret.Register(t.RefreshToken)
	return t, nil
}

// keepTokens writes the file in one step, so that a crash leaves the old or the new one.
func keepTokens(file string, t *oauth2.Token) error {
	secret.Register(t.RefreshToken)
	raw, err := json.Marshal(t)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".token-*") // mode 0600
	if err != nil {
		return fmt.Errorf("tokens cannot be kept: %w", err)
	}
	_, err = tmp.Write(raw)
	if err == nil {
		err = tmp.Sync()
	}
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("tokens cannot be kept: %w", err)
	}
	return nil
}

// tokenRequest is one call of a token endpoint.
type tokenRequest struct {
	url, method, style string
	id, secret         string
	form               url.Values
}

// askToken makes the call. Its errors are those of package oauth2, so that all grants fail alike.
func askToken(ctx context.Context, h *http.Client, q tokenRequest) (*oauth2.Token, error) {
	if q.style == "params" {
		q.form.Set("client_id", q.id)
		q.form.Set("client_secret", q.secret)
	}
	method, address, body := http.MethodPost, q.url, strings.NewReader(q.form.Encode())
	if q.method == http.MethodGet {
		method, body = http.MethodGet, strings.NewReader("")
		address += map[bool]string{true: "&", false: "?"}[strings.Contains(address, "?")] + q.form.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if q.style != "params" && q.id != "" {
		r.SetBasicAuth(url.QueryEscape(q.id), url.QueryEscape(q.secret))
	}
	res, err := h.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	var got struct {
		AccessToken  string      `json:"access_token"`
		TokenType    string      `json:"token_type"`
		RefreshToken string      `json:"refresh_token"`
		ExpiresIn    json.Number `json:"expires_in"`
		Error        string      `json:"error"`
		Description  string      `json:"error_description"`
	}
	bad := json.Unmarshal(raw, &got)
	if res.StatusCode/100 != 2 || bad != nil || got.Error != "" || got.AccessToken == "" {
		return nil, &oauth2.RetrieveError{Response: res, Body: raw, ErrorCode: got.Error, ErrorDescription: got.Description}
	}
	t := &oauth2.Token{AccessToken: got.AccessToken, TokenType: got.TokenType, RefreshToken: got.RefreshToken}
	if s, err := got.ExpiresIn.Int64(); err == nil && s > 0 {
		t.Expiry = time.Now().Add(time.Duration(min(s, 10*365*24*3600)) * time.Second)
	}
	return t, nil
}
