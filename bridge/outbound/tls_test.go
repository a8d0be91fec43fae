package outbound

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	peer "github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
)

func TestPrivateCA(t *testing.T) {
	ca := peer.NewCA(t)
	p := peer.NewTLS(t, ca.Server(), peer.Answer(200, "", "ok"))

	_, err := post(t, client(t, Config{}, Options{}), p.URL("/"), "x")
	e := failed(t, err)
	require.Equal(t, NotSent, e.Phase)
	require.ErrorContains(t, err, "name it under tls.ca")

	a, err := post(t, client(t, Config{TLS: TLS{CA: config.Path(ca.File())}}, Options{}), p.URL("/"), "x")
	require.NoError(t, err)
	require.Equal(t, 200, a.Status)
}

func TestServerName(t *testing.T) {
	ca := peer.NewCA(t)
	p := peer.NewTLS(t, ca.Server("ssp.example.com"), peer.Answer(200, "", "ok"))
	_, err := post(t, client(t, Config{TLS: TLS{CA: config.Path(ca.File())}}, Options{}), p.URL("/"), "x")
	require.Equal(t, NotSent, failed(t, err).Phase)
	_, err = post(t, client(t, Config{TLS: TLS{CA: config.Path(ca.File()), ServerName: "ssp.example.com"}}, Options{}), p.URL("/"), "x")
	require.NoError(t, err)
}

func TestLowestTLSVersion(t *testing.T) {
	ca := peer.NewCA(t)
	old := ca.Server()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	p := peer.NewTLS(t, old, peer.Answer(200, "", "ok"))
	_, err := post(t, client(t, Config{TLS: TLS{CA: config.Path(ca.File())}}, Options{}), p.URL("/"), "x")
	require.Equal(t, NotSent, failed(t, err).Phase)
	require.ErrorContains(t, err, "protocol version")

	middle := ca.Server()
	middle.MaxVersion = tls.VersionTLS12
	p = peer.NewTLS(t, middle, peer.Answer(200, "", "ok"))
	_, err = post(t, client(t, Config{TLS: TLS{CA: config.Path(ca.File())}}, Options{}), p.URL("/"), "x")
	require.NoError(t, err)
	_, err = post(t, client(t, Config{TLS: TLS{CA: config.Path(ca.File()), MinVersion: "1.3"}}, Options{}), p.URL("/"), "x")
	require.Equal(t, NotSent, failed(t, err).Phase)
}

func TestClientCertificate(t *testing.T) {
	ca, other := peer.NewCA(t), peer.NewCA(t)
	for version, v := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		server := ca.MutualServer()
		server.MinVersion, server.MaxVersion = v, v
		p := peer.NewTLS(t, server, func(c *peer.Conn) {
			for {
				if _, ok := c.ReadRequest(); !ok {
					c.Drain()
					return
				}
				c.WriteAnswer(200, "", "ok")
			}
		})
		with := func(a *peer.CA) Config {
			cert, key := a.ClientFiles("bridge")
			return Config{TLS: TLS{CA: config.Path(ca.File()), Cert: config.Path(cert), Key: file(t, key)}}
		}
		_, err := post(t, client(t, with(ca), Options{}), p.URL("/"), "x")
		require.NoError(t, err, version)

		for name, c := range map[string]Config{"none": {TLS: TLS{CA: config.Path(ca.File())}}, "of another authority": with(other)} {
			k := client(t, c, Options{})
			_, err := k.Do(context.Background(), Request{Method: "POST", URL: p.URL("/"), Body: []byte("x")})
			e := failed(t, err)
			require.Equal(t, NotSent, e.Phase, "%s %s: %v", version, name, err)
			if version+name != "1.2none" { // there the alert is a general one
				require.Equal(t, bridge.Unauthorized, e.Reason, "%s %s: %v", version, name, err)
			}
		}
		require.Len(t, p.Requests(), 1, version)
	}
}

func TestHTTP2CountsAsSentWithAConnection(t *testing.T) {
	ca := peer.NewCA(t)
	server := ca.Server()
	server.NextProtos = []string{"h2"}
	p := peer.NewTLS(t, server, peer.CloseAfter(30))
	k := client(t, Config{TLS: TLS{CA: config.Path(ca.File())}, HTTP2: true}, Options{})
	_, err := post(t, k, p.URL("/"), "x")
	require.Equal(t, Sent, failed(t, err).Phase)

	server.NextProtos = []string{"http/1.1"} // offered, not taken
	p = peer.NewTLS(t, server, peer.Answer(200, "", "ok"))
	_, err = post(t, k, p.URL("/"), "x")
	require.NoError(t, err)
}

func TestHTTP2(t *testing.T) {
	ca := peer.NewCA(t)
	var calls atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.URL.Path == "/gone" {
			panic(http.ErrAbortHandler) // resets the stream
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", r.Proto, r.Method, body)
	}))
	s.TLS, s.EnableHTTP2 = ca.Server(), true
	s.StartTLS()
	t.Cleanup(s.Close)
	for want, on := range map[string]bool{"HTTP/2.0": true, "HTTP/1.1": false} {
		k := client(t, Config{TLS: TLS{CA: config.Path(ca.File())}, HTTP2: on}, Options{})
		for _, r := range []Request{{Method: "POST", Body: []byte("body")}, {Method: "GET"}} {
			r.URL = s.URL + "/"
			a, err := k.Do(context.Background(), r)
			require.NoError(t, err)
			require.Equal(t, want+" "+r.Method+" "+string(r.Body), string(a.Body))

			before := calls.Load()
			r.URL = s.URL + "/gone"
			_, err = k.Do(context.Background(), r)
			require.Equal(t, Sent, failed(t, err).Phase)
			require.Equal(t, before+1, calls.Load())
		}
		k.Close()
	}
}

func TestBadCertificateFiles(t *testing.T) {
	ca := peer.NewCA(t)
	cert, _ := ca.ClientFiles("a")
	_, key := ca.ClientFiles("b")
	junk := filepath.Join(t.TempDir(), "junk.pem")
	require.NoError(t, os.WriteFile(junk, []byte("junk"), 0o600))
	for name, c := range map[string]TLS{
		"no file":       {CA: config.Path(junk + ".not")},
		"folder":        {CA: config.Path(filepath.Dir(junk))},
		"junk":          {CA: config.Path(junk)},
		"cert only":     {Cert: config.Path(cert)},
		"key only":      {Key: file(t, key)},
		"not a pair":    {Cert: config.Path(cert), Key: file(t, key)},
		"cert is junk":  {Cert: config.Path(junk), Key: file(t, key)},
		"no cert there": {Cert: config.Path(junk + ".not"), Key: file(t, key)},
	} {
		_, err := New("acme", Config{TLS: c}, Options{})
		require.ErrorContains(t, err, "acme: tls: ", name)
	}
}
