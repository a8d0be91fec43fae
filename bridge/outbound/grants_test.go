package outbound

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	peer "github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// newAccount makes a service account whose token endpoint is at uri.
func newAccount(t *testing.T, uri string) (*rsa.PrivateKey, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	raw, err := json.Marshal(map[string]string{"private_key_id": "k1", "client_email": "bridge@example.com", "token_uri": uri,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))})
	require.NoError(t, err)
	return key, string(raw)
}

func TestServiceAccount(t *testing.T) {
	tokens, api := issuer(t, "sa", 3600), peer.New(t, peer.Answer(200, "", "ok"))
	at := &clock{at: time.Now().Truncate(time.Second)}
	key, raw := newAccount(t, tokens.URL("/token"))
	k := client(t, Config{Auth: Auth{ServiceAccount: &ServiceAccount{Account: text(raw), Scope: "provision", Skew: config.Duration(30 * time.Second), Life: config.Duration(10 * time.Minute)}}}, Options{Now: at.now})
	do := func() {
		_, err := post(t, k, api.URL("/"), "x")
		require.NoError(t, err)
	}
	do()
	form, err := url.ParseQuery(string(tokens.Requests()[0].Body))
	require.NoError(t, err)
	require.Equal(t, "urn:ietf:params:oauth:grant-type:jwt-bearer", form.Get("grant_type"))
	claims := jwt.MapClaims{}
	got, err := jwt.ParseWithClaims(form.Get("assertion"), claims, func(*jwt.Token) (any, error) { return &key.PublicKey, nil }, jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(at.now))
	require.NoError(t, err)
	require.Equal(t, "k1", got.Header["kid"])
	require.Equal(t, "JWT", got.Header["typ"])
	require.Equal(t, jwt.MapClaims{"iss": "bridge@example.com", "aud": tokens.URL("/token"), "scope": "provision",
		"iat": float64(at.now().Add(-30 * time.Second).Unix()), "exp": float64(at.now().Add(570 * time.Second).Unix())}, claims)
	require.Equal(t, secret.Shown, secret.Mask(form.Get("assertion")), "an assertion is a credential")

	at.add(2870 * time.Second) // not yet 80 % of 3600 s
	do()
	require.Len(t, tokens.Requests(), 1)
	at.add(20 * time.Second)
	do()
	tokens.AwaitRequests(2)
	k.work.Wait()
	do()
	require.Equal(t, []string{"Bearer token-sa-1", "Bearer token-sa-1", "Bearer token-sa-1", "Bearer token-sa-2"}, bearers(api))
}

func TestServiceAccountProblems(t *testing.T) {
	_, good := newAccount(t, "https://login.example.com/token")
	for raw, want := range map[string]string{
		"no":                  "is not JSON",
		`{"client_email":""}`: "needs private_key_id",
		`{"private_key_id":"a","private_key":"b","client_email":"c","token_uri":"x"}`:         "token endpoint",
		`{"private_key_id":"a","private_key":"b","client_email":"c","token_uri":"https://x"}`: "not an RSA key",
	} {
		t.Setenv("OUTBOUND_TEST_SECRET", raw)
		_, problems := parse(t, "auth: {service_account: {account: {env: OUTBOUND_TEST_SECRET}}}")
		require.Contains(t, problems, want)
	}
	t.Setenv("OUTBOUND_TEST_SECRET", good)
	_, problems := parse(t, "auth: {service_account: {account: {env: OUTBOUND_TEST_SECRET}, life: 2h, skew: 3h}}")
	require.Contains(t, problems, "auth.service_account.life: ")
	require.Contains(t, problems, "auth.service_account.skew: ")
	_, problems = parse(t, "auth: {service_account: {account: {env: OUTBOUND_TEST_SECRET}}, bearer: {env: OUTBOUND_TEST_SECRET}}")
	require.Contains(t, problems, "both fill the Authorization header")
	_, problems = parse(t, "auth: {oauth2_password: {client_id: a, client_secret: {env: OUTBOUND_TEST_SECRET}, username: u, password: {env: OUTBOUND_TEST_SECRET}, token_url: 'ftp://x'}}")
	require.Contains(t, problems, "auth.oauth2_password.token_url: ")
}

func TestPasswordGrant(t *testing.T) {
	for _, c := range []struct{ method, style string }{{"POST", "header"}, {"POST", "params"}, {"GET", "header"}, {"GET", "params"}} {
		t.Run(c.method+" "+c.style, func(t *testing.T) {
			tokens, api := issuer(t, "pw", 0), peer.New(t, peer.Answer(200, "", "ok"))
			at := &clock{at: time.Now()}
			k := client(t, Config{Auth: Auth{OAuth2Password: &PasswordGrant{TokenURL: tokens.URL("/t"), ClientID: "id", ClientSecret: text("client-secret-9"), Username: "u", Password: text("password-9 &"),
				Scopes: []string{"a", "b"}, RedirectURI: "https://x/", Method: c.method, Style: c.style, FallbackTTL: config.Duration(10 * time.Minute)}}}, Options{Now: at.now})
			for range 2 {
				_, err := post(t, k, api.URL("/"), "x")
				require.NoError(t, err)
				at.add(11 * time.Minute) // the answer names no life: ten minutes
			}
			require.Equal(t, []string{"Bearer token-pw-1", "Bearer token-pw-2"}, bearers(api))
			asked := tokens.Requests()[0]
			raw := string(asked.Body)
			if c.method == "GET" {
				require.Empty(t, raw)
				u, err := url.Parse(asked.URL)
				require.NoError(t, err)
				raw = u.RawQuery
			}
			form, err := url.ParseQuery(raw)
			require.NoError(t, err)
			require.Equal(t, "password-9 &", form.Get("password"))
			require.Equal(t, "a b", form.Get("scope"))
			require.Equal(t, c.style == "params", form.Get("client_secret") == "client-secret-9")
			require.Equal(t, c.style == "header", asked.Header.Get("Authorization") != "")
		})
	}
}

func TestCodeGrantWithoutPermissionOrRefresh(t *testing.T) {
	tokens, api := issuer(t, "code", 3600), peer.New(t, peer.Answer(401, "", "no"))
	g := &CodeGrant{AuthorizeURL: "https://x/authorize", TokenURL: tokens.URL("/t"), ClientID: "id", ClientSecret: text("client-secret-8"), TokenFile: config.Path(filepath.Join(t.TempDir(), "t.json")), Scopes: []string{"s"}}
	k := client(t, Config{Auth: Auth{OAuth2Code: g}}, Options{})
	_, err := post(t, k, api.URL("/"), "x")
	require.ErrorContains(t, err, "nobody has allowed")
	o := Classify(Answer{}, err, Policy{})
	require.Equal(t, bridge.OutcomeRetry, o.Kind)
	require.Equal(t, bridge.Unauthorized, o.Reason)
	require.Contains(t, g.Authorize("st"), "https://x/authorize?client_id=id&response_type=code&scope=s&state=st")

	require.NoError(t, g.Redeem(t.Context(), k, "code-12345"))
	a, err := post(t, k, api.URL("/"), "x") // 401: the token is turned down and cannot be renewed
	require.NoError(t, err)
	require.Equal(t, 401, a.Status)
	require.Equal(t, []string{"Bearer token-code-1"}, bearers(api))
	require.NoError(t, os.WriteFile(string(g.TokenFile), []byte("junk"), 0o600))
	_, err = post(t, client(t, Config{Auth: Auth{OAuth2Code: g}}, Options{}), api.URL("/"), "x")
	require.ErrorContains(t, err, "holds no token")
}

// A refresh token that was replaced and cannot be written, because the disk is full for instance, is used all the
// same, and written with the next one; what a person allows meanwhile comes first.
func TestCodeGrantThatCannotBeKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tokens")
	file := filepath.Join(dir, "t.json")
	write := func(access, refresh string) {
		t.Helper()
		require.NoError(t, os.MkdirAll(dir, 0o700))
		require.NoError(t, keepTokens(file, &oauth2.Token{AccessToken: access, RefreshToken: refresh}))
	}
	write("access-0", "refresh-0")
	var shown []string
	writable := true
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown = append(shown, r.FormValue("refresh_token"))
		if !writable {
			_ = os.RemoveAll(dir)
		} else {
			_ = os.MkdirAll(dir, 0o700)
		}
		_, _ = fmt.Fprintf(w, `{"access_token":"access-%d","refresh_token":"refresh-%d","expires_in":3600}`, len(shown), len(shown))
	}))
	t.Cleanup(issuer.Close)
	log := &bytes.Buffer{}
	k := client(t, Config{}, Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	grant, err := k.codeGrant(CodeGrant{TokenURL: issuer.URL, ClientID: "id", ClientSecret: text("client-secret-7"), TokenFile: config.Path(file)})
	require.NoError(t, err)
	ask := func(want string) {
		t.Helper()
		got, err := grant.ask(t.Context(), grant.http)
		require.NoError(t, err)
		require.Equal(t, want, got.AccessToken)
	}
	ask("access-0")
	writable = false
	ask("access-1")
	require.Contains(t, log.String(), "could not be kept")
	require.NotContains(t, log.String(), "refresh-1")
	writable = true
	ask("access-2")
	ask("access-3") // from the file again
	writable = false
	ask("access-4")
	write("allowed", "refresh-again")
	ask("allowed")
	writable = true
	ask("access-5")
	require.Equal(t, []string{"refresh-0", "refresh-1", "refresh-2", "refresh-3", "refresh-again"}, shown)
	kept, err := readTokens(file)
	require.NoError(t, err)
	require.Equal(t, "refresh-5", kept.RefreshToken)
}
