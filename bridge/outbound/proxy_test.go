package outbound

import (
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	peer "github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

func TestProxy(t *testing.T) {
	ca := peer.NewCA(t)
	plain := peer.New(t, peer.Answer(200, "", "plain"))
	safe := peer.NewTLS(t, ca.Server(), peer.Answer(200, "", "safe"))
	proxy := peer.NewProxy(t, "user", "proxy-pass-1")
	c := Config{Proxy: proxy.URL(""), ProxyAuth: &BasicAuth{"user", text("proxy-pass-1")}, TLS: TLS{CA: config.Path(ca.File())}}
	k := client(t, c, Options{})
	for want, p := range map[string]*peer.Peer{"plain": plain, "safe": safe} {
		a, err := post(t, k, p.URL("/x"), "body")
		require.NoError(t, err)
		require.Equal(t, want, string(a.Body))
		require.Equal(t, "body", string(p.Requests()[0].Body))
		require.Empty(t, p.Requests()[0].Header.Get("Proxy-Authorization"))
	}
	pair := base64.StdEncoding.EncodeToString([]byte("user:proxy-pass-1"))
	require.Equal(t, secret.Shown, secret.Mask(pair))
	require.ElementsMatch(t, []string{plain.Addr(), safe.Addr()}, proxy.Targets())
}

func TestProxyThatSaysNo(t *testing.T) {
	ca := peer.NewCA(t)
	safe := peer.NewTLS(t, ca.Server(), peer.Answer(200, "", "safe"))
	proxy := peer.NewProxy(t, "user", "proxy-pass-2")
	c := Config{Proxy: proxy.URL(""), TLS: TLS{CA: config.Path(ca.File())}}
	_, err := post(t, client(t, c, Options{}), safe.URL("/"), "x")
	require.Equal(t, NotSent, failed(t, err).Phase)
	require.ErrorContains(t, err, "asks for credentials (proxy_auth)")

	c.ProxyAuth = &BasicAuth{"user", text("proxy-pass-2")}
	_, err = post(t, client(t, c, Options{}), "https://127.0.0.1:1/", "x")
	require.Equal(t, NotSent, failed(t, err).Phase)
	require.ErrorContains(t, err, "answered 502")

	a, err := post(t, client(t, Config{Proxy: proxy.URL("")}, Options{}), "http://127.0.0.1:1/", "x")
	require.NoError(t, err, "for http the proxy's answer is the answer")
	require.Equal(t, http.StatusProxyAuthRequired, a.Status)
	require.Equal(t, bridge.Unauthorized, Classify(a, nil, Policy{}).Reason)

	gone := peer.New(t, peer.CloseAfter(1))
	_, err = post(t, client(t, Config{Proxy: gone.URL("")}, Options{}), safe.URL("/"), "x")
	require.Equal(t, NotSent, failed(t, err).Phase, "what went to the proxy is not the request")
	require.Empty(t, safe.Requests())
}

func TestBadProxy(t *testing.T) {
	for _, s := range []string{"proxy:3128", "socks5://h:1", "http://", "http://h/path", "http://h/?q", "http://u:p@h:1"} {
		_, err := New("acme", Config{Proxy: s}, Options{})
		require.ErrorContains(t, err, "acme: proxy: bad url", s)
	}
}

func TestProxyDoesNotGetAroundTheGuard(t *testing.T) {
	proxy := peer.NewProxy(t, "", "")
	plain := peer.New(t, peer.Answer(200, "", "plain"))
	k := client(t, Config{Proxy: proxy.URL("")}, Options{Public: true})
	for _, u := range []string{plain.URL("/"), "http://LOCALHOST./", "http://a.localhost/", "http://[::ffff:10.0.0.1]/", "http://169.254.169.254/"} {
		_, err := post(t, k, u, "x")
		require.ErrorIs(t, err, ErrDenied, u)
		require.Equal(t, NotSent, failed(t, err).Phase)
	}
	require.Empty(t, proxy.Targets())
	_, err := post(t, k, "http://no.such.name.invalid/", "x")
	require.NoError(t, err, "the proxy itself is in a private net")
	require.Equal(t, []string{"no.such.name.invalid"}, proxy.Targets())
}
