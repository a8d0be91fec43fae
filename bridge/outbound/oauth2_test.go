package outbound

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	peer "github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// issuer is a token endpoint; token n is "token-NAME-n".
func issuer(t *testing.T, name string, expiresIn int) *peer.Peer {
	t.Helper()
	var n atomic.Int64
	return peer.New(t, func(c *peer.Conn) {
		for {
			if _, ok := c.ReadRequest(); !ok {
				return
			}
			b, _ := json.Marshal(map[string]any{"access_token": fmt.Sprintf("token-%s-%d", name, n.Add(1)), "token_type": "bearer", "expires_in": expiresIn})
			c.WriteAnswer(200, "application/json", string(b))
		}
	})
}

func grant(p *peer.Peer, style string) Auth {
	return Auth{OAuth2: &ClientCredential{TokenURL: p.URL("/token"), ClientID: "bridge", ClientSecret: text("client-secret-1"),
		Scopes: []string{"a", "b"}, Params: map[string]string{"audience": "x"}, Style: style}}
}

// clock is a time that the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func bearers(p *peer.Peer) []string {
	var out []string
	for _, r := range p.Requests() {
		out = append(out, r.Header.Get("Authorization"))
	}
	return out
}

func TestTokenIsFetchedOnceAndKept(t *testing.T) {
	for _, style := range []string{"header", "params", "auto", ""} {
		t.Run("style "+style, func(t *testing.T) {
			tokens, api := issuer(t, "kept", 3600), peer.New(t, peer.Answer(200, "", "ok"))
			k := client(t, Config{Auth: grant(tokens, style)}, Options{})
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					_, err := post(t, k, api.URL("/"), "x")
					require.NoError(t, err)
				})
			}
			all.Wait()
			asked := tokens.Requests()
			require.Len(t, asked, 1, "one fetch for everybody who waits")
			form, err := url.ParseQuery(string(asked[0].Body))
			require.NoError(t, err)
			require.Equal(t, "client_credentials", form.Get("grant_type"))
			require.Equal(t, "a b", form.Get("scope"))
			require.Equal(t, "x", form.Get("audience"))
			if style == "params" {
				require.Equal(t, "client-secret-1", form.Get("client_secret"))
				require.Empty(t, asked[0].Header.Get("Authorization"))
			} else {
				require.Equal(t, "Basic YnJpZGdlOmNsaWVudC1zZWNyZXQtMQ==", asked[0].Header.Get("Authorization"))
			}
			for _, b := range bearers(api) {
				require.Equal(t, "Bearer token-kept-1", b)
			}
			require.Equal(t, secret.Shown, secret.Mask("token-kept-1"))
		})
	}
}

func TestTokenIsRenewedEarlyInTheBackground(t *testing.T) {
	tokens, api := issuer(t, "early", 3600), peer.New(t, peer.Answer(200, "", "ok"))
	at := &clock{at: time.Now()}
	k := client(t, Config{Auth: grant(tokens, "header")}, Options{Now: at.now})
	do := func() {
		_, err := post(t, k, api.URL("/"), "x")
		require.NoError(t, err)
	}
	do()
	at.add(3600*time.Second - renewEarly - 2*time.Second)
	do()
	require.Len(t, tokens.Requests(), 1)
	at.add(3 * time.Second)
	do() // still with the old one
	tokens.AwaitRequests(2)
	k.work.Wait()
	do()
	require.Len(t, tokens.Requests(), 2)
	at.add(2 * time.Hour) // nobody called meanwhile: the old one cannot be used
	do()
	require.Equal(t, []string{"Bearer token-early-1", "Bearer token-early-1", "Bearer token-early-1", "Bearer token-early-2", "Bearer token-early-3"}, bearers(api))
}

func TestAFailedEarlyRenewalHurtsNobody(t *testing.T) {
	tokens := peer.New(t, func(c *peer.Conn) {
		c.ReadRequest()
		c.WriteAnswer(200, "application/json", `{"access_token":"token-lone","expires_in":600}`)
		for {
			if _, ok := c.ReadRequest(); !ok {
				return
			}
			c.WriteAnswer(500, "text/plain", "down")
		}
	})
	api := peer.New(t, peer.Answer(200, "", "ok"))
	at := &clock{at: time.Now()}
	k := client(t, Config{Auth: grant(tokens, "header")}, Options{Now: at.now})
	for _, step := range []time.Duration{0, 545 * time.Second, time.Second, time.Second} {
		at.add(step)
		_, err := post(t, k, api.URL("/"), "x")
		require.NoError(t, err)
		k.work.Wait()
	}
	require.Len(t, tokens.Requests(), 2, "the next try comes a little later")
	at.add(time.Hour)
	_, err := post(t, k, api.URL("/"), "x")
	e := failed(t, err)
	require.Equal(t, NotSent, e.Phase)
	require.Equal(t, bridge.NotSent, e.Reason)
	require.ErrorContains(t, err, "the token endpoint answered 500")
	require.Len(t, api.Requests(), 4)
}

func TestOneRenewalOn401(t *testing.T) {
	tokens := issuer(t, "revoked", 0) // does not say when it ends
	api := peer.New(t, func(c *peer.Conn) {
		for {
			r, ok := c.ReadRequest()
			if !ok {
				return
			}
			if r.Header.Get("Authorization") == "Bearer token-revoked-2" {
				c.WriteAnswer(200, "", string(r.Body))
			} else {
				c.WriteAnswer(401, "", "expired")
			}
		}
	})
	k := client(t, Config{Auth: grant(tokens, "header")}, Options{})
	a, err := post(t, k, api.URL("/"), "the body again")
	require.NoError(t, err)
	require.Equal(t, 200, a.Status)
	require.Equal(t, "the body again", string(a.Body))
	require.Len(t, tokens.Requests(), 2)

	refuses := peer.New(t, peer.Answer(401, "", "never"))
	a, err = post(t, k, refuses.URL("/"), "x")
	require.NoError(t, err)
	require.Equal(t, 401, a.Status)
	require.Len(t, refuses.Requests(), 2, "once more, and no further")
	require.Equal(t, bridge.Unauthorized, Classify(a, err, Policy{}).Reason)
}

func TestTokenFailuresAreNotSent(t *testing.T) {
	api := peer.New(t, peer.Answer(200, "", "ok"))
	for _, c := range []struct {
		name   string
		script peer.Script
		reason bridge.Reason
		words  string
	}{
		{"credentials refused", peer.Answer(401, "application/json", `{"error":"invalid_client","error_description":"no client-secret-1"}`), bridge.Unauthorized, "invalid_client no [secret]"},
		{"by the standard", peer.Answer(400, "application/json", `{"error":"invalid_client"}`), bridge.Unauthorized, "400"},
		{"error with 200", peer.Answer(200, "application/json", `{"error":"unauthorized_client"}`), bridge.Unauthorized, "unauthorized_client"},
		{"throttled", peer.Answer(429, "", ""), bridge.NotSent, "429"},
		{"down", peer.Answer(503, "text/html", "maintenance"), bridge.NotSent, "503"},
		{"no token", peer.Answer(200, "application/json", `{}`), bridge.NotSent, "missing access_token"},
		{"not JSON", peer.Answer(200, "application/json", `<html>`), bridge.NotSent, "no token"},
		{"redirect", peer.Answer(302, "", "", "Location: http://127.0.0.1:1/"), bridge.Unauthorized, "302"},
		{"gone", peer.CloseAfterRequest(), bridge.NotSent, "no token: sent: "},
		{"token with line end", peer.Answer(200, "application/json", `{"access_token":"aaaaa\r\nX: y"}`), bridge.MappingFailed, "control character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tokens := peer.New(t, c.script)
			k := client(t, Config{Auth: grant(tokens, "header")}, Options{})
			_, err := post(t, k, api.URL("/"), "x")
			e := failed(t, err)
			require.Equal(t, NotSent, e.Phase)
			require.Equal(t, c.reason, e.Reason)
			require.ErrorContains(t, err, c.words)
			require.NotContains(t, err.Error(), "client-secret-1")
			require.Len(t, tokens.Requests(), 1)
		})
	}
	require.Empty(t, api.Requests())
}

func TestWaitingForATokenEndsWithTheCall(t *testing.T) {
	tokens, api := peer.New(t, peer.Hang()), peer.New(t, peer.Answer(200, "", "ok"))
	k := client(t, Config{Auth: grant(tokens, "header")}, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		tokens.AwaitRequests(1)
		cancel()
	}()
	_, err := k.Do(ctx, Request{URL: api.URL("/")})
	e := failed(t, err)
	require.Equal(t, bridge.Canceled, e.Reason)
	require.True(t, e.Stopped)

	k.Close() // ends the fetch
	_, err = post(t, k, api.URL("/"), "x")
	e = failed(t, err)
	require.ErrorIs(t, err, errClosed)
	require.Equal(t, NotSent, e.Phase)
	require.Empty(t, api.Requests())
}

func TestBadTokenURL(t *testing.T) {
	_, err := New("acme", Config{Auth: Auth{OAuth2: &ClientCredential{TokenURL: "ftp://x"}}}, Options{})
	require.ErrorContains(t, err, "acme: auth: oauth2: token_url")
	require.Equal(t, http.MethodGet, Request{}.method())
}
