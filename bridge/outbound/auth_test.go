package outbound

import (
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	peer "github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

func TestFixedCredentials(t *testing.T) {
	p := peer.New(t, peer.Answer(200, "", "ok"))
	for _, c := range []struct {
		name string
		auth Auth
		want http.Header
		url  string
	}{
		{"none", Auth{None: true}, http.Header{}, "/x?a=1"},
		{"basic", Auth{Basic: &BasicAuth{"user", text("pass word")}}, http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("user:pass word"))}}, "/x?a=1"},
		{"bearer", Auth{Bearer: text("tok-en-1")}, http.Header{"Authorization": {"Bearer tok-en-1"}}, "/x?a=1"},
		{"header", Auth{Header: &HeaderKey{Name: "x-api-key", Secret: text("key-1")}}, http.Header{"X-Api-Key": {"key-1"}}, "/x?a=1"},
		{"header with prefix", Auth{Header: &HeaderKey{Name: "Authorization", Secret: text("key-1"), Prefix: "Token token="}}, http.Header{"Authorization": {"Token token=key-1"}}, "/x?a=1"},
		{"query", Auth{Query: &QueryKey{"key", text("k&y=1")}}, http.Header{}, "/x?a=1&key=k%26y%3D1"},
		{"basic and header", Auth{Basic: &BasicAuth{"user", text("pass word")}, Header: &HeaderKey{Name: "X-Tenant", Secret: text("tenant-1")}},
			http.Header{"Authorization": {"Basic dXNlcjpwYXNzIHdvcmQ="}, "X-Tenant": {"tenant-1"}}, "/x?a=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := client(t, Config{Auth: c.auth}, Options{})
			before := len(p.Requests())
			_, err := post(t, k, p.URL("/x?a=1"), "body")
			require.NoError(t, err)
			got := p.AwaitRequests(before + 1)[before]
			for _, h := range []string{"Authorization", "X-Api-Key", "X-Tenant"} {
				require.Equal(t, c.want[h], got.Header[h], h)
			}
			require.Equal(t, c.url, got.URL)
		})
	}
}

func TestFixedCredentialsAreNotTriedTwice(t *testing.T) {
	p := peer.New(t, peer.Answer(401, "", "no"))
	k := client(t, Config{Auth: Auth{Bearer: text("tok-en-2")}}, Options{})
	a, err := post(t, k, p.URL("/"), "x")
	require.NoError(t, err)
	require.Equal(t, 401, a.Status)
	require.Len(t, p.Requests(), 1)
}

func TestBasicPairIsMasked(t *testing.T) {
	client(t, Config{Auth: Auth{Basic: &BasicAuth{"somebody", text("sesame-9")}}}, Options{})
	pair := base64.StdEncoding.EncodeToString([]byte("somebody:sesame-9"))
	require.Equal(t, "Basic "+secret.Shown, secret.Mask("Basic "+pair))
	require.Equal(t, secret.Shown, secret.Mask("sesame-9"))
}

func TestQueryKeyIsMaskedInErrors(t *testing.T) {
	k := client(t, Config{Auth: Auth{Query: &QueryKey{"key", text("query-key-7")}}}, Options{})
	_, err := post(t, k, "http://127.0.0.1:1/x\x00?", "x")
	require.NotContains(t, err.Error(), "query-key-7")
	require.NotContains(t, Request{URL: "http://h/?key=query-key-7", Body: []byte("query-key-7")}.Excerpt(), "query-key-7")
}

func TestStandardWebhooksSignature(t *testing.T) {
	raw := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	p := peer.New(t, peer.Answer(200, "", "ok"))
	now := time.Now()
	k := client(t, Config{Auth: Auth{StandardWebhooks: &StandardWebhooks{text("whsec_" + raw)}, Bearer: text("tok-en-3")}},
		Options{Now: func() time.Time { return now }})
	for _, id := range []string{"event-1", "event-1", ""} {
		_, err := k.Do(context.Background(), Request{Method: "POST", URL: p.URL("/"), Body: []byte(`{"a":"é"}`), ID: id})
		require.NoError(t, err)
	}
	verify, err := standardwebhooks.NewWebhook("whsec_" + raw)
	require.NoError(t, err)
	got := p.Requests()
	for _, q := range got {
		require.NoError(t, verify.Verify(q.Body, q.Header))
		require.Error(t, verify.Verify([]byte("other"), q.Header))
		require.Equal(t, "Bearer tok-en-3", q.Header.Get("Authorization"))
	}
	require.Equal(t, "event-1", got[0].Header.Get("Webhook-Id"))
	require.Equal(t, "event-1", got[1].Header.Get("Webhook-Id"), "a repeat keeps its id")
	require.NotEmpty(t, got[2].Header.Get("Webhook-Id"))

	_, err = New("acme", Config{Auth: Auth{StandardWebhooks: &StandardWebhooks{text("whsec_ not base64!")}}}, Options{})
	require.ErrorContains(t, err, "not base64")
	require.NotContains(t, err.Error(), "whsec_ not")
}

func TestWarnings(t *testing.T) {
	p := peer.New(t, peer.Answer(200, "", "ok", "Keep-Alive: timeout=2, max=100"))
	var log bytes.Buffer
	k := client(t, Config{Auth: Auth{Bearer: text("tok-en-4")}}, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 2 {
		_, err := post(t, k, p.URL("/"), "x")
		require.NoError(t, err)
	}
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("drops idle connections")))
	require.NotContains(t, log.String(), "without encryption", "loopback is not the wire")

	_, err := post(t, k, "http://no.such.name.invalid/", "x")
	require.Equal(t, bridge.NotSent, failed(t, err).Reason)
	require.Contains(t, log.String(), "without encryption")
	require.NotContains(t, log.String(), "tok-en-4")
}
