package mailauth

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

func text(s string) config.Secret { return config.Secret{Text: secret.New(s)} }

func TestTokens(t *testing.T) {
	var asked atomic.Int32
	var form atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		form.Store(r.PostForm)
		n := asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		if r.PostForm.Get("refresh_token") == "revoked-token" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"revoked"}`)
			return
		}
		fmt.Fprintf(w, `{"access_token":"token-number-%d","token_type":"Bearer","expires_in":600,"refresh_token":"next-refresh-%d"}`, n, n)
	}))
	defer server.Close()
	now := time.Now()
	o := outbound.Options{Now: func() time.Time { return now }}
	c := Config{Username: "u@example.com", OAuth2: &OAuth2{TokenURL: server.URL, ClientID: "id", ClientSecret: text("the-client-secret"), Style: "params", Scopes: []string{"s"}}}
	s, err := New("box", c, o)
	require.NoError(t, err)
	defer s.Close()
	l, err := s.Login(t.Context())
	require.NoError(t, err)
	require.Equal(t, Login{XOAuth2, "u@example.com", "token-number-1"}, l)
	require.Equal(t, "client_credentials", form.Load().(interface{ Get(string) string }).Get("grant_type"))
	l, err = s.Login(t.Context())
	require.NoError(t, err)
	require.Equal(t, "token-number-1", l.Secret, "kept while it holds")
	now = now.Add(10 * time.Minute)
	l, _ = s.Login(t.Context())
	require.Equal(t, "token-number-2", l.Secret)
	s.Drop(l)
	l, _ = s.Login(t.Context())
	require.Equal(t, "token-number-3", l.Secret)
	require.Equal(t, secret.Shown, secret.Mask("token-number-3"))

	c.OAuth2.RefreshToken, c.OAuth2.Mechanism = text("first-refresh"), "oauthbearer"
	r, err := New("box", c, o)
	require.NoError(t, err)
	defer r.Close()
	l, err = r.Login(t.Context())
	require.NoError(t, err)
	require.Equal(t, OAuthBearer, l.Mechanism)
	require.Equal(t, "first-refresh", form.Load().(interface{ Get(string) string }).Get("refresh_token"))
	r.Drop(l)
	_, err = r.Login(t.Context())
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(form.Load().(interface{ Get(string) string }).Get("refresh_token"), "next-refresh-"), "the replaced token is used")

	c.OAuth2.RefreshToken = text("revoked-token")
	bad, err := New("box", c, o)
	require.NoError(t, err)
	defer bad.Close()
	_, err = bad.Login(t.Context())
	require.ErrorContains(t, err, "invalid_grant")
	require.NotContains(t, err.Error(), "revoked-token")
}

func TestClients(t *testing.T) {
	name, first, err := Login{XOAuth2, "u", "tok"}.Client("h", 993).Start()
	require.NoError(t, err)
	require.Equal(t, "XOAUTH2", name)
	require.Equal(t, "user=u\x01auth=Bearer tok\x01\x01", string(first))
	name, _, _ = Login{Plain, "u", "p"}.Client("h", 1).Start()
	require.Equal(t, "PLAIN", name)
	name, _, _ = Login{OAuthBearer, "u", "p"}.Client("h", 1).Start()
	require.Equal(t, "OAUTHBEARER", name)
	s, err := New("x", Config{}, outbound.Options{})
	require.NoError(t, err)
	l, err := s.Login(t.Context())
	require.NoError(t, err)
	require.Equal(t, Login{}, l)
}

func TestConfig(t *testing.T) {
	t.Setenv("PW", "a-password")
	for src, want := range map[string]string{
		"username: u\npassword: {env: PW}": "",
		"username: u":                      "password",
		"password: {env: PW}":              "username",
		"username: u\npassword: {env: PW}\noauth2: {token_url: 'https://x.example', client_id: i, client_secret: {env: PW}}": "password",
		"username: u\noauth2: {token_url: 'https://x.example', client_id: i}":                                                "oauth2",
		"username: u\noauth2: {token_url: 'x', client_id: i, client_secret: {env: PW}}":                                      "oauth2.token_url",
	} {
		n, err := config.Parse("c.yaml", []byte(src))
		require.NoError(t, err)
		c := &Config{}
		config.Decode(n, c)
		p := n.Problems()
		if want == "" {
			require.Empty(t, p)
			continue
		}
		require.Len(t, p, 1, "%s: %v", src, p)
		require.Equal(t, want, p[0].Path)
	}
}
