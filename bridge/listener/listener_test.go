package listener_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/listener"
)

// seen is what a handler behind a front sees of a request.
type seen struct {
	From, Host, Path string
	Secure           bool
}

func through(f listener.Front, target, peer string, header http.Header) (seen, *httptest.ResponseRecorder) {
	var out seen
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.RemoteAddr, r.Host = peer, "inside:8080"
	r.Header = header
	rec := httptest.NewRecorder()
	f.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		out = seen{listener.Address(r).String(), r.Host, r.URL.EscapedPath(), listener.Secure(r)}
	})).ServeHTTP(rec, r)
	return out, rec
}

func TestWhoCalls(t *testing.T) {
	f := listener.Front{Trusted: listener.Networks{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	for name, c := range map[string]struct {
		peer   string
		header http.Header
		want   seen
	}{
		"nobody in between": {"203.0.113.7:1", nil, seen{"203.0.113.7", "inside:8080", "/a", false}},
		"a stranger's headers mean nothing": {"203.0.113.7:1", http.Header{"X-Forwarded-For": {"10.1.1.1"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil"}, "X-Arr-Ssl": {"2048"}},
			seen{"203.0.113.7", "inside:8080", "/a", false}},
		"a proxy": {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"203.0.113.7"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"bridge.example.com"}},
			seen{"203.0.113.7", "bridge.example.com", "/a", true}},
		"IIS writes a port":            {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"203.0.113.7:51234"}, "X-Arr-Ssl": {"2048|256|C=DE"}}, seen{"203.0.113.7", "inside:8080", "/a", true}},
		"IPv6 with port":               {"[::1]:1", http.Header{"X-Forwarded-For": {"[2001:db8::7]:4711"}}, seen{"2001:db8::7", "inside:8080", "/a", false}},
		"IPv6 in brackets":             {"[::1]:1", http.Header{"X-Forwarded-For": {"[2001:db8::7]"}}, seen{"2001:db8::7", "inside:8080", "/a", false}},
		"two proxies, two headers":     {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"203.0.113.7", "10.0.0.2"}}, seen{"203.0.113.7", "inside:8080", "/a", false}},
		"what the caller wrote itself": {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"10.9.9.9, 203.0.113.7"}}, seen{"203.0.113.7", "inside:8080", "/a", false}},
		"only proxies":                 {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"10.0.0.3, 10.0.0.2"}}, seen{"10.0.0.3", "inside:8080", "/a", false}},
		"nonsense":                     {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"unknown"}}, seen{"10.0.0.1", "inside:8080", "/a", false}},
		"nonsense behind a proxy":      {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"unknown, 10.0.0.2"}}, seen{"10.0.0.2", "inside:8080", "/a", false}},
		"the nearest proxy's word on the protocol": {"10.0.0.1:1", http.Header{"X-Forwarded-For": {"203.0.113.7"}, "X-Forwarded-Proto": {"https, http"}, "X-Arr-Ssl": {"x"}},
			seen{"203.0.113.7", "inside:8080", "/a", false}},
		"a host that is none": {"10.0.0.1:1", http.Header{"X-Forwarded-Host": {"a/b"}}, seen{"10.0.0.1", "inside:8080", "/a", false}},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := through(f, "/a", c.peer, c.header)
			require.Equal(t, c.want, got)
		})
	}
}

func TestPrefix(t *testing.T) {
	f := listener.Front{Prefix: "/bridge"}
	for target, want := range map[string]string{
		"/bridge/ssp/acme":      "/ssp/acme",
		"/ssp/acme":             "/ssp/acme", // the proxy took it off
		"/bridge/":              "/",
		"/bridgework/x":         "/bridgework/x",
		"/bridge/tasks/a%2Fb/c": "/tasks/a%2Fb/c",
	} {
		got, _ := through(f, target, "1.2.3.4:5", nil)
		require.Equal(t, want, got.Path, target)
	}
	_, rec := through(f, "/bridge?a=b", "1.2.3.4:5", nil)
	require.Equal(t, []any{http.StatusPermanentRedirect, "/bridge/?a=b"}, []any{rec.Code, rec.Header().Get("Location")})
}

func TestOnly(t *testing.T) {
	allow := listener.Networks{netip.MustParsePrefix("10.1.0.0/16")}
	call := func(from, path string) int {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.RemoteAddr = from
		rec := httptest.NewRecorder()
		allow.Only(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "/healthz").ServeHTTP(rec, r)
		return rec.Code
	}
	require.Equal(t, 200, call("10.1.2.3:4", "/"))
	require.Equal(t, 200, call("[::ffff:10.1.2.3]:4", "/"))
	require.Equal(t, 403, call("10.2.2.3:4", "/"))
	require.Equal(t, 403, call("somewhere", "/"))
	require.Equal(t, 200, call("10.2.2.3:4", "/healthz"))
	require.True(t, listener.Networks(nil).Admit(netip.Addr{}), "without a list everybody is let in")
	require.False(t, allow.Admit(netip.Addr{}))
}

// decoded is a config with every key of this package.
type decoded struct {
	TLS    *listener.TLS     `yaml:"tls"`
	Allow  listener.Networks `yaml:"allow"`
	Prefix listener.Prefix   `yaml:"prefix"`
}

func decode(t testing.TB, dir, text string) (decoded, []string) {
	t.Helper()
	n, err := config.Parse(filepath.Join(dir, "c.yaml"), []byte(text))
	require.NoError(t, err)
	var c decoded
	config.Decode(n, &c)
	var out []string
	for _, p := range n.Problems() {
		out = append(out, p.Path+": "+p.Msg)
	}
	return c, out
}

func TestConfig(t *testing.T) {
	c, problems := decode(t, "", "allow: [10.1.2.3, 10.2.0.0/16, \"2001:db8::/32\"]\nprefix: /a/b/\n")
	require.Empty(t, problems)
	require.Equal(t, "/a/b", string(c.Prefix))
	require.Equal(t, listener.Networks{netip.MustParsePrefix("10.1.2.3/32"), netip.MustParsePrefix("10.2.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}, c.Allow)
	c, problems = decode(t, "", "allow: 10.1.2.3\n")
	require.Empty(t, problems)
	require.Len(t, c.Allow, 1)
	for text, want := range map[string]string{
		"allow: [10.1.2.3/16]":           `allow[0]: "10.1.2.3/16" has bits set behind its length; did you mean 10.1.0.0/16?`,
		"allow: [a.example.com]":         `allow[0]: "a.example.com" is neither an IP address nor a network`,
		"allow: [\"fe80::1%eth0\"]":      `allow[0]: "fe80::1%eth0" is neither an IP address nor a network`,
		"allow: [10.0.0.0/33]":           `allow[0]: "10.0.0.0/33" is neither an IP address nor a network`,
		"allow: [\"::ffff:10.0.0.0/8\"]": `allow[0]: "::ffff:10.0.0.0/8" is an IPv4 network written as IPv6; write it as IPv4`,
		"allow: []":                      `allow: names no network`,
		"prefix: bridge":                 `prefix: "bridge" is not a path of plain letters, digits, -, _, . and /`,
		"prefix: /":                      `prefix: "/" is not a path of plain letters, digits, -, _, . and /`,
		"prefix: /a/../b":                `prefix: "/a/../b" is not a path of plain letters, digits, -, _, . and /`,
		"prefix: /a b":                   `prefix: "/a b" is not a path of plain letters, digits, -, _, . and /`,
		"prefix: /a?b":                   `prefix: "/a?b" is not a path of plain letters, digits, -, _, . and /`,
	} {
		_, problems := decode(t, "", text)
		require.Equal(t, []string{want}, problems, text)
	}
}

// pair writes a self-signed certificate and its key.
func pair(t testing.TB, dir, name string, from, until time.Time) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"}, NotBefore: from, NotAfter: until},
		&x509.Certificate{Subject: pkix.Name{CommonName: name}}, &key.PublicKey, key)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600))
	return certFile, keyFile
}

func TestWhatIsWrongWithACertificateIsSaid(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	pair(t, dir, "good", now.Add(-time.Hour), now.Add(time.Hour))
	pair(t, dir, "other", now.Add(-time.Hour), now.Add(time.Hour))
	pair(t, dir, "old", now.Add(-2*time.Hour), now.Add(-time.Hour))
	pair(t, dir, "early", now.Add(time.Hour), now.Add(2*time.Hour))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "locked.key"), []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"), 0o600))
	_, problems := decode(t, dir, "tls: {cert: good.pem, key: good.key}")
	require.Empty(t, problems)
	at := func(name string) string { return filepath.Join(dir, name) }
	for text, want := range map[string]string{
		"{cert: good.pem, key: other.key}":                      "tls.key: the key in " + at("other.key") + " does not belong to the certificate in " + at("good.pem"),
		"{cert: good.key, key: good.pem}":                       "tls.cert: file " + at("good.key") + " holds no certificate in PEM form",
		"{cert: none.pem, key: good.key}":                       "tls.cert: file " + at("none.pem") + " does not exist",
		"{cert: good.pem, key: none.key}":                       "tls.key: file " + at("none.key") + " does not exist",
		"{cert: good.pem, key: locked.key}":                     "tls.key: the key in " + at("locked.key") + " has a passphrase",
		"{cert: good.pem, key: .}":                              "tls.key: " + dir + " is not a PEM file",
		"{cert: good.pem}":                                      "tls.key: is required",
		"{cert: good.pem, key: good.key, min_version: \"1.1\"}": `tls.min_version: must be one of 1.2, 1.3, not "1.1"`,
	} {
		_, problems := decode(t, dir, "tls: "+text)
		require.Len(t, problems, 1, text)
		require.Contains(t, problems[0], want)
	}
	_, problems = decode(t, dir, "tls: {cert: old.pem, key: old.key}")
	require.Len(t, problems, 1)
	require.Contains(t, problems[0], "tls.cert: the certificate in "+at("old.pem")+" expired on ")
	_, problems = decode(t, dir, "tls: {cert: early.pem, key: early.key}")
	require.Len(t, problems, 1)
	require.Contains(t, problems[0], "is not valid before ")
}

// handshake returns the name of the certificate that a listener shows.
func handshake(t testing.TB, addr string, c *tls.Config) (*tls.ConnectionState, error) {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, c)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	s := conn.ConnectionState()
	return &s, nil
}

func TestACertificateFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	certFile, keyFile := pair(t, dir, "first", now.Add(-time.Hour), now.Add(24*365*time.Hour))
	var past atomic.Int64 // seconds, read by the listener
	clock := func() time.Time { return now.Add(time.Duration(past.Load()) * time.Second) }
	var log bytes.Buffer
	config := listener.TLS{Cert: config.Path(certFile), Key: config.Path(keyFile), MinVersion: "1.3"}
	c, err := listener.NewCertificate(config, clock, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := tls.NewListener(raw, c.Server())
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).Handshake() // one that fails is what a test wants
			_ = conn.Close()
		}
	}()
	shown := func() string {
		past.Add(2)
		s, err := handshake(t, raw.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}) //nolint:gosec // only looked at
		require.NoError(t, err)
		require.Equal(t, "h2", s.NegotiatedProtocol)
		return s.PeerCertificates[0].Subject.CommonName
	}
	require.Equal(t, "first", shown())
	require.NoError(t, c.Err())
	_, err = handshake(t, raw.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}) //nolint:gosec // it is refused
	require.Error(t, err)

	// A program beside it trusts this certificate alone.
	trust, err := config.Client()
	require.NoError(t, err)
	_, err = handshake(t, raw.Addr().String(), trust)
	require.NoError(t, err)

	secondCert, secondKey := pair(t, dir, "second", now.Add(-time.Hour), now.Add(10*24*time.Hour))
	move := func(from, to string) {
		require.NoError(t, os.Rename(from, to))
		require.NoError(t, os.Chtimes(to, clock(), clock().Add(time.Minute)))
	}
	move(secondCert, certFile)
	require.Equal(t, "first", shown(), "only one of the two files is new: they are no pair")
	require.ErrorContains(t, c.Err(), "the renewed certificate is not used: the key in "+keyFile+" does not belong to the certificate in "+certFile)
	require.Equal(t, "first", shown())
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("cannot be used")), "said once")
	_, err = handshake(t, raw.Addr().String(), mustClient(t, config))
	require.ErrorContains(t, err, "shows another certificate")
	move(secondKey, keyFile)
	require.Equal(t, "second", shown())
	require.ErrorContains(t, c.Err(), "ends on", "ten days are little")
	require.WithinDuration(t, now.Add(10*24*time.Hour), c.Expires(), 2*time.Second)

	// A third one that has expired is not taken.
	oldCert, oldKey := pair(t, dir, "third", now.Add(-2*time.Hour), now.Add(-time.Hour))
	move(oldCert, certFile)
	move(oldKey, keyFile)
	require.Equal(t, "second", shown())
	require.ErrorContains(t, c.Err(), "expired on")
}

func mustClient(t testing.TB, c listener.TLS) *tls.Config {
	t.Helper()
	out, err := c.Client()
	require.NoError(t, err)
	return out
}

func FuzzForwardedFor(f *testing.F) {
	for _, s := range []string{"", "1.2.3.4", "1.2.3.4:5, 10.0.0.1", "[::1]:2", ",,,", "unknown", "::ffff:1.2.3.4%eth0"} {
		f.Add(s)
	}
	front := listener.Front{Trusted: listener.Networks{netip.MustParsePrefix("10.0.0.0/8")}, Prefix: "/p"}
	f.Fuzz(func(t *testing.T, header string) {
		got, _ := through(front, "/p/x", "10.0.0.1:1", http.Header{"X-Forwarded-For": {header}, "X-Forwarded-Host": {header}, "X-Forwarded-Proto": {header}})
		a, err := netip.ParseAddr(got.From)
		require.NoError(t, err, "there is always an address")
		require.Empty(t, a.Zone())
		require.Equal(t, "/x", got.Path)
		stranger, _ := through(front, "/p/x", "192.0.2.1:1", http.Header{"X-Forwarded-For": {header}})
		require.Equal(t, "192.0.2.1", stranger.From)
	})
}
