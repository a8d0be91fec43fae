package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// certificate writes a self-signed pair into the world's folder.
func (w *world) certificate(name string) {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(w.t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(w.t, err)
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * 90 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(w.t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(w.t, err)
	for file, block := range map[string]*pem.Block{name + ".key": {Type: "PRIVATE KEY", Bytes: raw}, name + ".pem": {Type: "CERTIFICATE", Bytes: der}} {
		require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, file), pem.EncodeToMemory(block), 0o600))
	}
}

// trusting returns a client that believes one certificate of the world's folder.
func (w *world) trusting(name string) *http.Client {
	w.t.Helper()
	pool := x509.NewCertPool()
	text, err := os.ReadFile(filepath.Join(w.dir, name))
	require.NoError(w.t, err)
	require.True(w.t, pool.AppendCertsFromPEM(text))
	t := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	w.t.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t, Timeout: 20 * time.Second}
}

// Both listeners speak HTTPS by themselves, HTTP/2 included; the verbs find their way; a renewed
// certificate needs no restart; networks that are not named stay outside.
func TestTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.certificate("cert")
	w.edit("server: {", "server: {tls: {cert: cert.pem, key: cert.key}, admin_tls: {cert: cert.pem, key: cert.key, min_version: \"1.3\"}, ")
	c := w.launch()
	get := func(h *http.Client, address string) (*http.Response, string, error) {
		res, err := h.Get(address)
		if err != nil {
			return nil, "", err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return res, string(body), err
	}
	h := w.trusting("cert.pem")
	w.until("it answers", func() bool {
		select {
		case <-c.ended:
			t.Fatal(c.log.String())
		default:
		}
		res, _, err := get(h, "https://"+w.public+"/healthz")
		return err == nil && res.StatusCode == 200 && res.Proto == "HTTP/2.0"
	})
	res, body, err := get(h, "https://"+w.admin+"/")
	require.NoError(t, err)
	require.Equal(t, 200, res.StatusCode, body)
	require.Equal(t, "HTTP/2.0", res.Proto)
	require.NotEmpty(t, res.Header.Get("Strict-Transport-Security"))
	_, contract, err := get(h, "https://"+w.public+"/ssp/alpha?wsdl")
	require.NoError(t, err)
	require.Contains(t, contract, `location="https://`+w.public+`/ssp/alpha"`)
	require.Contains(t, w.done("events", "list"), "no events")
	_, metrics, err := get(h, "https://"+w.admin+"/metrics")
	require.NoError(t, err)
	require.Contains(t, metrics, `pergabridge_certificate_expiry_timestamp_seconds{listener="public"} 1.`)

	w.certificate("next") // as certbot does: the files are replaced
	for _, file := range []string{".key", ".pem"} {
		require.NoError(t, os.Rename(filepath.Join(w.dir, "next"+file), filepath.Join(w.dir, "cert"+file)))
	}
	next := w.trusting("cert.pem")
	w.until("the new certificate is shown", func() bool {
		_, _, err := get(next, "https://"+w.public+"/healthz")
		return err == nil
	})
	require.Contains(t, w.done("reload"), "is in force")
	w.edit("tls: {cert: cert.pem, key: cert.key}, ", "")
	r := w.run("reload")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "server.tls: cannot change while the bridge runs")
	w.edit("server: {", "server: {tls: {cert: cert.pem, key: cert.pem}, ")
	r = w.run("check")
	require.Equal(t, 1, r.code)
	require.Regexp(t, `pergabridge\.yaml:1:\d+: server\.tls\.key: .*cert\.pem and .*cert\.pem are no pair of certificate and key`, r.err)
}

// Who may call is decided by the address of the caller, behind a proxy by what a trusted one says.
func TestNetworks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.edit("intake: {auth:", "intake: {allow: [10.1.0.0/16], auth:")
	w.edit("webhook: {", "webhook: {allow: [10.2.0.0/16], ")
	w.edit("server: {", "server: {trusted_proxies: [127.0.0.1], ")
	r := w.run("check")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "server.trusted_proxies: there is a proxy on the way, and console and API have neither token nor users")
	w.env = append(w.env, "PERGABRIDGE_ADMIN_TOKEN=admin-token-of-the-test")
	w.edit("server: {", "server: {admin_token: {env: PERGABRIDGE_ADMIN_TOKEN}, ")
	w.known("1")
	w.start()
	submit := w.call(alpha, map[string]any{"task": "1", "request_type": "Submit Request", "title": "x"})
	from := func(p post, address string) post {
		plain := p.header
		p.header = func(h http.Header) {
			plain(h)
			if address != "" {
				h.Set("X-Forwarded-For", address)
			}
		}
		return p
	}
	a := w.mustSend(from(submit, ""), http.StatusForbidden)
	require.Contains(t, a.body, `"type":"urn:pergabridge:problem:forbidden"`)
	w.mustSend(from(submit, "10.2.0.1"), http.StatusForbidden)
	w.mustSend(from(submit, "10.1.0.1"), http.StatusAccepted)
	w.mustSend(from(w.comment(alpha, "w1", "INC-1", "x"), "10.1.0.1"), http.StatusForbidden)
	w.mustSend(from(w.comment(alpha, "w1", "INC-1", "x"), "10.2.0.1:8443"), http.StatusAccepted)
	w.mustSend(from(w.comment(beta, "w1", "INC-1", "x"), ""), http.StatusAccepted)
	var kept []string
	for _, e := range w.events("--provider", alpha) {
		if e.Entrance == bridge.ByProcessCall || e.Entrance == bridge.ByWebhook {
			kept = append(kept, string(e.Entrance))
		}
	}
	require.Equal(t, []string{"process_call", "webhook"}, kept, "of what was refused nothing was kept")

	w.edit("trusted_proxies: [127.0.0.1], ", "admin_allow: 10.0.0.0/8, ")
	w.done("reload")
	res, err := w.http.Get("http://" + w.admin + "/api/v1/status")
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusForbidden, res.StatusCode)
	require.Contains(t, w.run("events", "list").err, "does not serve your network")
	w.mustSend(from(submit, "10.1.0.1"), http.StatusForbidden) // nobody is trusted any more
}

var addresses = regexp.MustCompile(` (?:href|action|src|data-live)="([^"]*)"`)

// throughProxy signs in to the console and follows every link, all through a proxy at base.
func (w *world) throughProxy(base string) {
	t := w.t
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	res, err := browser.PostForm(base+"/desk/login", url.Values{"token": {"admin-token-of-the-test"}, "next": {"/tasks"}})
	require.NoError(t, err)
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode, string(page))
	require.Equal(t, "/desk/tasks", res.Request.URL.Path)
	at, err := url.Parse(base + "/desk/")
	require.NoError(t, err)
	require.Len(t, jar.Cookies(at), 1)
	at.Path = "/other"
	require.Empty(t, jar.Cookies(at), "other things on the same host do not get the cookie")

	seen, todo := map[string]bool{}, []string{"/desk/"}
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		res, err := browser.Get(base + path)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode, path)
		for _, m := range addresses.FindAllStringSubmatch(string(body), -1) {
			to := strings.ReplaceAll(m[1], "&amp;", "&")
			if strings.HasPrefix(to, "#") || seen[to] {
				continue
			}
			seen[to] = true
			require.True(t, strings.HasPrefix(to, "/desk/"), "%s leads out of the prefix: %s", path, to)
			if !strings.Contains(m[0], "action=") && !strings.HasPrefix(to, "/desk/live?") && strings.HasPrefix(m[0], " href") {
				todo = append(todo, to)
			}
		}
	}
	require.Greater(t, len(seen), 10)
	live, err := browser.Get(base + "/desk/live?at=%2Ftasks")
	require.NoError(t, err)
	defer live.Body.Close()
	piece := make([]byte, 4096)
	var got strings.Builder
	for !strings.Contains(got.String(), "href=\"/desk/") {
		n, err := live.Body.Read(piece)
		require.NoError(t, err)
		got.Write(piece[:n])
	}
}

// behindProxy makes a bridge that a proxy publishes under two paths.
func behindProxy(t *testing.T) *world {
	w := newWorld(t, options{})
	w.env = append(w.env, "PERGABRIDGE_ADMIN_TOKEN=admin-token-of-the-test")
	w.edit("server: {", "server: {trusted_proxies: [127.0.0.1], path_prefix: /bridge, admin_path_prefix: /desk/, admin_token: {env: PERGABRIDGE_ADMIN_TOKEN}, ")
	w.known("1")
	w.start()
	w.mustSend(w.call(alpha, map[string]any{"task": "1", "request_type": "Submit Request", "title": "x"}), http.StatusAccepted)
	w.until("the task is there", func() bool { return strings.Contains(w.done("events", "list"), "done") })
	require.Equal(t, 401, func() int {
		res, err := w.http.Get("http://" + w.admin + "/metrics")
		require.NoError(t, err)
		defer res.Body.Close()
		return res.StatusCode
	}(), "behind a proxy the loopback address proves nothing")
	return w
}

// A proxy that leaves the path as it is.
func TestBehindAProxyThatKeepsThePath(t *testing.T) {
	t.Parallel()
	w := behindProxy(t)
	to := func(address string) *httputil.ReverseProxy {
		u := &url.URL{Scheme: "http", Host: address}
		return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u); r.SetXForwarded() }}
	}
	mux := http.NewServeMux()
	mux.Handle("/bridge/", to(w.public))
	mux.Handle("/desk/", to(w.admin))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = s.Serve(l) }() // ends with Close
	defer s.Close()
	base := "http://" + l.Addr().String()
	w.throughProxy(base)
	res, err := w.http.Get(base + "/bridge/ssp/alpha?wsdl")
	require.NoError(t, err)
	defer res.Body.Close()
	contract, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Contains(t, string(contract), `location="`+base+`/bridge/ssp/alpha"`)
}

// nginx, as docs/proxies.md configures it, takes the path off.
func TestBehindNginx(t *testing.T) {
	t.Attr("peer", "nginx")
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin") // where users often do not look
	nginx, err := exec.LookPath("nginx")
	require.NoError(t, err, "install what .ci/peers lists")
	w := behindProxy(t)
	address := freeAddress(t)
	doc, err := os.ReadFile("../../docs/proxies.md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(doc), "```nginx\n")
	require.True(t, ok)
	locations, _, _ := strings.Cut(rest, "```")
	locations = strings.NewReplacer("127.0.0.1:8080", w.public, "127.0.0.1:8081", w.admin).Replace(locations)
	conf := "daemon off;\nmaster_process off;\npid " + w.dir + "/nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		conf += kind + "_temp_path " + w.dir + "/" + kind + ";\n"
	}
	conf += "server {\nlisten " + address + ";\n" + locations + "}\n}\n"
	file := filepath.Join(w.dir, "nginx.conf")
	require.NoError(t, os.WriteFile(file, []byte(conf), 0o600))
	cmd := exec.Command(nginx, "-c", file, "-p", w.dir)
	var out log
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	w.until("nginx answers", func() bool {
		res, err := w.http.Get("http://" + address + "/bridge/healthz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == 200
	})
	w.throughProxy("http://" + address)
}
