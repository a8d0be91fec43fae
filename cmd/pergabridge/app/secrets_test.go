package app_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
	"github.com/pergabridge/pergabridge/soap/workflow"
)

// seeds are the secrets of the test: by the place of the config that names them.
type seeds struct {
	t   *testing.T
	dir string
	// by holds what is looked for; used are the places that the config really names.
	by   map[string]string
	used []string
}

// name makes a secret for a place and returns how the config names it. Odd characters are in it, so
// that encoders change it.
func (s *seeds) name(place string) string { return s.value(place, "seed&"+place+"+<é>/="+rawText()) }

// plain is [seeds.name] without odd characters, for places that take none.
func (s *seeds) plain(place string) string {
	return s.value(place, "seed-"+strings.NewReplacer(".", "-", "_", "-").Replace(place)+"-"+rawText())
}

// whsec is [seeds.name] for Standard Webhooks.
func (s *seeds) whsec(place string) string {
	return s.value(place, "whsec_"+base64.StdEncoding.EncodeToString([]byte("seed of "+place+rawText())))
}

func (s *seeds) value(place, value string) string {
	s.used = append(s.used, place)
	for s.by[place] != "" {
		place += "'"
	}
	s.by[place] = value
	env := fmt.Sprintf("SEED_%d", len(s.by))
	s.t.Setenv(env, value)
	return "{env: " + env + "}"
}

func (s *seeds) secret(place string) string { return s.by[place] }

func rawText() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// forms are how a secret may look after somebody encoded it.
func forms(v string) []string {
	j, _ := json.Marshal(v) // a string always marshals
	return []string{v, url.QueryEscape(v), url.PathEscape(v), html.EscapeString(v), strings.Trim(string(j), `"`),
		base64.StdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v))}
}

// leaks returns the places whose secrets stand in a text.
func (s *seeds) leaks(text string) []string {
	var out []string
	for _, place := range slices.Sorted(maps.Keys(s.by)) {
		for _, f := range forms(s.by[place]) {
			if strings.Contains(text, f) {
				out = append(out, place+" as "+f)
				break
			}
		}
	}
	return out
}

// secretPlaces lists every place in which the config can name a secret, as its last two keys.
func secretPlaces(schema any, path []string, out map[string]bool) {
	switch x := schema.(type) {
	case map[string]any:
		if one, ok := x["oneOf"].([]any); ok && len(one) == 2 && strings.Contains(fmt.Sprint(one[0]), "environment variable that holds the secret") {
			out[strings.Join(path[max(0, len(path)-2):], ".")] = true
			return
		}
		if props, ok := x["properties"].(map[string]any); ok {
			for name, sub := range props {
				secretPlaces(sub, append(slices.Clone(path), name), out)
			}
		}
		for _, key := range []string{"anyOf", "oneOf", "allOf", "additionalProperties", "items", "$defs"} {
			secretPlaces(x[key], path, out)
		}
	case []any:
		for _, sub := range x {
			secretPlaces(sub, path, out)
		}
	}
}

// A parrot is a vendor, an SSP, a token endpoint, a proxy and a pager that says everything it heard.
type parrot struct {
	*httptest.Server
	obtained string
	mu       sync.Mutex
	hooks    []string
}

func newParrot(t *testing.T) *parrot {
	p := &parrot{obtained: "obtained-token-" + rawText()}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what came is what is said
		heard := fmt.Sprintf("%s %s\n%v\n%s", r.Method, r.URL, r.Header, body)
		if user, password, ok := r.BasicAuth(); ok {
			heard += user + " " + password
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"access_token": %q, "token_type": "Bearer", "expires_in": 3600}`, p.obtained)
		case strings.HasSuffix(r.URL.Path, "/hook"):
			p.mu.Lock()
			p.hooks = append(p.hooks, string(body))
			p.mu.Unlock()
		case strings.HasSuffix(r.URL.Path, ".asmx"):
			w.Header().Set("Content-Type", "text/xml; charset=utf-8")
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault><faultcode>soap:Server</faultcode><faultstring>%s</faultstring></soap:Fault></soap:Body></soap:Envelope>`,
				html.EscapeString(heard))
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Heard", strings.ReplaceAll(url.PathEscape(heard), "\n", " ")[:min(2000, len(url.PathEscape(heard)))])
			w.WriteHeader(http.StatusUnprocessableEntity)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": heard, "base64": base64.StdEncoding.EncodeToString([]byte(r.Header.Get("Authorization")))})
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *parrot) told() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.hooks)
}

// mailParrot is a mail server that refuses every login and says what it heard, decoded as well.
func mailParrot(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			serving.Go(func() { repeatLogin(c) })
		}
	})
	return l.Addr().String()
}

// repeatLogin speaks as much IMAP as a login needs.
func repeatLogin(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(c)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(c, format+"\r\n", args...) }
	say("* OK ready")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		tag, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		words := strings.Fields(rest)
		switch {
		case len(words) > 0 && strings.EqualFold(words[0], "CAPABILITY"):
			say("* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2")
			say("%s OK done", tag)
		case len(words) > 0 && strings.EqualFold(words[0], "AUTHENTICATE"):
			said := words[len(words)-1]
			if len(words) == 2 {
				say("+ ")
				if said, err = in.ReadString('\n'); err != nil {
					return
				}
			}
			said = strings.TrimSpace(said)
			raw, _ := base64.StdEncoding.DecodeString(said) // what is no base64 is said as it is
			say("%s NO heard %s %s", tag, said, strings.Map(func(r rune) rune {
				if r < ' ' {
					return ' '
				}
				return r
			}, string(raw)))
		default:
			say("%s NO heard %s", tag, rest)
		}
	}
}

// safe is a buffer for many goroutines.
type safe struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safe) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// certificate makes a client certificate; its key is a secret of the config.
func (s *seeds) certificate() (cert, key string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(s.t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bridge"}, NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(s.t, err)
	cert = filepath.Join(s.dir, "client.pem")
	require.NoError(s.t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600))
	der, err := x509.MarshalECPrivateKey(private)
	require.NoError(s.t, err)
	return cert, s.value("tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})))
}

// account makes the JSON file of a service account; all of it is a secret of the config.
func (s *seeds) account(tokens string) string {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(s.t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(s.t, err)
	text, err := json.Marshal(map[string]string{
		"private_key_id": "k1", "private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": "bridge@example.com", "token_uri": tokens,
	})
	require.NoError(s.t, err)
	return s.value("service_account.account", string(text))
}

// contract writes a description of SSP whose acknowledgement takes secrets as arguments.
func (s *seeds) contract() string {
	const last = `name="externalReference" nillable="true" type="s:string" />`
	text := string(workflow.WSDL(""))
	require.Contains(s.t, text, last)
	more := ""
	for _, name := range []string{"password", "proof"} {
		more += `<s:element minOccurs="0" maxOccurs="1" name="` + name + `" type="s:string"/>`
	}
	path := filepath.Join(s.dir, "service.wsdl")
	require.NoError(s.t, os.WriteFile(path, []byte(strings.Replace(text, last, last+more, 1)), 0o600))
	return path
}

// provider is one section; each has another kind of credentials.
func (s *seeds) provider(name, base, auth, intake, webhook string) string {
	return fmt.Sprintf(`  %s:
    kind: http
    base: %s/%s
    auth: %s
    intake: {auth: %s}
    webhook: %s
    retry: {first: 50ms, max: 50ms, period: 60s}
    send:
      submit: {url: /tickets, body: {text: "${event.text}"}, reference: answer.number}
      update: {url: "/tickets/${bond.reference}", body: {text: "${event.text}"}}
      reject_solution: {url: "/tickets/${bond.reference}", body: {text: "${event.text}"}}
      close: {url: "/tickets/${bond.reference}"}
    inbound: {rules: [{name: comment, when: "body.type == 'comment'", public: "true", kind: update, id: body.id, reference: body.ticket, text: body.text}]}
`, name, base, name, auth, intake, webhook)
}

// TestNoSecretGetsOut seeds a secret in every place in which the config can name one, and a token
// that is obtained; lets everybody outside repeat them; and looks for them in everything that people
// and programs can see.
func TestNoSecretGetsOut(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		noSecretGetsOut(t, func(s *seeds) (config, files string) {
			s.used = append(s.used, "store.password", "store.sentinel_password") // it has none
			return "sqlite:" + filepath.Join(s.dir, "x.db"), filepath.Join(s.dir, "x.db*")
		})
	})
	t.Run("redis", func(t *testing.T) {
		noSecretGetsOut(t, func(s *seeds) (config, files string) {
			password, sentinel := s.name("store.password"), s.name("store.sentinel_password")
			r := redistest.StartSentinels(t, redistest.SentinelOptions{Down: time.Minute, Alone: true, Password: s.secret("store.password"), SentinelPassword: s.secret("store.sentinel_password")})
			return fmt.Sprintf("{url: %q, namespace: seeded, password: %s, sentinel_password: %s}", r.URL, password, sentinel), filepath.Join(r.Master.Dir, "appendonlydir", "*")
		})
	})
}

func noSecretGetsOut(t *testing.T, store func(*seeds) (config, files string)) {
	p, mail := newParrot(t), mailParrot(t)
	s := &seeds{t: t, dir: t.TempDir(), by: map[string]string{"(obtained)": p.obtained}}
	storeConfig, storeFiles := store(s)
	cert, key := s.certificate()
	const hash = "$2a$04$0tKyVgQ0bHhdYpYJQk3eWe2x4cCkL6GZT1VdY3m1fQ0mJw1WQd0zK"
	s.by["(password hash)"] = hash

	providers := s.provider("p1", p.URL, "{bearer: "+s.name("auth.bearer")+"}", "{header: {name: X-Key, secret: "+s.name("header.secret")+"}}",
		"{scheme: standard-webhooks, secret: "+s.whsec("webhook.secret")+"}")
	providers += s.provider("p2", p.URL, "{basic: {username: bridge, password: "+s.name("basic.password")+"}}", "{basic: {username: ssp, password: "+s.name("basic.password")+"}}",
		"{scheme: header, header: X-Hook, secret: "+s.name("webhook.secret")+"}")
	providers += s.provider("p3", p.URL, "{header: {name: X-Vendor, secret: "+s.plain("header.secret")+"}}", "{token: {secret: "+s.plain("token.secret")+"}}",
		"{scheme: token, secret: "+s.plain("webhook.secret")+"}")
	providers += s.provider("p4", p.URL, "{query: {name: key, secret: "+s.name("query.secret")+"}}", "{field: {field: password, secret: "+s.name("field.secret")+"}}",
		"{scheme: basic, username: vendor, secret: "+s.name("webhook.secret")+"}")
	providers += s.provider("p5", p.URL, "{oauth2: {token_url: "+p.URL+"/token, client_id: me, client_secret: "+s.name("oauth2.client_secret")+"}}",
		"{hash: {field: check, fields: [task, text], secret: "+s.name("hash.secret")+"}}", "{scheme: github, secret: "+s.name("webhook.secret")+"}")
	providers += s.provider("p6", p.URL, "{standard_webhooks: {secret: "+s.whsec("standard_webhooks.secret")+"}}\n    proxy: "+p.URL+
		"\n    proxy_auth: {username: me, password: "+s.name("proxy_auth.password")+"}\n    tls: {cert: "+cert+", key: "+key+"}", "{header: {name: X-Key, secret: "+s.name("header.secret")+"}}", "{none: true}")
	providers += s.provider("p7", p.URL, "{ntlm: {username: bridge, password: "+s.name("ntlm.password")+"}}", "{header: {name: X-Key, secret: "+s.name("header.secret")+"}}", "{none: true}")
	providers += s.provider("p8", p.URL, "{oauth2_password: {token_url: "+p.URL+"/token, client_id: me, client_secret: "+s.name("oauth2_password.client_secret")+
		", username: api, password: "+s.name("oauth2_password.password")+"}}", "{none: true}", "{none: true}")
	providers += s.provider("p9", p.URL, "{oauth2_code: {token_url: "+p.URL+"/token, client_id: me, client_secret: "+s.name("oauth2_code.client_secret")+
		", token_file: tokens.json}}", "{none: true}", "{none: true}")
	providers += s.provider("p10", p.URL, "{service_account: {account: "+s.account(p.URL+"/token")+"}}", "{none: true}", "{none: true}")
	providers += "  p11: {kind: mail, smtp: \"smtps://127.0.0.1:1\", username: bridge@example.com, password: " + s.name("providers.password") +
		", from: bridge@example.com, to: [desk@example.com]}\n"
	providers += "  p12: {kind: tesseron, base: \"" + p.URL + "\", keys: {basic_data: " + s.name("keys.basic_data") + ", ticket: " + s.name("keys.ticket") +
		"}, enterprise: {id: 1}, contact: {id: 1}, ticket: {areaId: 3, entranceType: 2, urgencyType: 1}}\n"
	providers += "mail: {domain: bridge.example.com, secret: " + s.name("mail.secret") + "}\nmailboxes:\n" +
		"  a: {imap: \"imap://" + mail + "\", unencrypted: true, username: a@example.com, password: " + s.name("mailboxes.password") + ", providers: {p1: {senders: [acme.example]}}}\n" +
		"  b: {imap: \"imap://" + mail + "\", unencrypted: true, username: b@example.com, oauth2: {token_url: \"" + p.URL + "/token\", client_id: me, client_secret: " +
		s.name("oauth2.client_secret") + ", refresh_token: " + s.name("oauth2.refresh_token") + "}, providers: {p2: {senders: [acme.example]}}}\n"
	providers += "files: {links: {secret: " + s.name("links.secret") + "}}\n"
	file := filepath.Join(s.dir, "pergabridge.yaml")
	config := fmt.Sprintf(`server:
  listen: "127.0.0.1:0"
  admin: "127.0.0.1:0"
  public_url: http://127.0.0.1
  admin_token: %s
  users: {ada: {role: admin, password: '%s'}}
store: %s
ssp:
  url: %s/WorkflowService.asmx
  wsdl: %s
  operations:
    acknowledge:
      arguments:
        processInstanceTaskId: task
        externalReference: reference
        password: {secret: %s}
        proof: {hash: {algorithm: sha256, over: [secret, processInstanceTaskId], secret: %s}}
    update: {arguments: {processInstanceTaskId: task, message: message}}
    resolve: {arguments: {processInstanceTaskId: task, solution: solution}}
  auth: {basic: {username: bridge, password: %s}}
  intake: {auth: {header: {name: X-Key, secret: %s}}}
notify: {webhook: {url: "%s/hook", secret: %s}}
providers:
%s`, s.plain("server.admin_token"), hash, storeConfig, p.URL, s.contract(), s.name("arguments.secret"), s.name("hash.secret"), s.name("basic.password"), s.name("header.secret"), p.URL, s.whsec("webhook.secret"), providers)

	places := map[string]bool{}
	secretPlaces(app.Schema(), nil, places)
	for place := range places {
		require.Contains(t, s.used, place, "the config can name a secret here; seed one, and let it be repeated")
	}
	c, err := app.Parse(file, []byte(config))
	require.NoError(t, err)
	log := &safe{}
	a, err := app.New(t.Context(), c, app.Options{Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	running := true
	t.Cleanup(func() {
		if running {
			stop()
			<-ended
		}
	})
	public, admin := "http://"+a.PublicAddr(), "http://"+a.AdminAddr()

	// Everything at once, as somebody might paste it into a ticket.
	var all strings.Builder
	for _, place := range slices.Sorted(maps.Keys(s.by)) {
		for _, f := range forms(s.by[place])[:5] {
			all.WriteString(f + "\n")
		}
	}
	said := all.String()
	post := func(path, body string, header ...string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, public+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Empty(t, s.leaks(fmt.Sprint(res.Header)+string(answer)), "the answer to %s", path)
	}
	basic := func(user, place string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+s.secret(place)))
	}
	call := func(task string, more ...string) string {
		f := map[string]string{"task": task, "request_type": "Submit Request", "text": said, "title": said, "unknown": said}
		for i := 0; i < len(more); i += 2 {
			f[more[i]] = more[i+1]
		}
		b, err := json.Marshal(f)
		require.NoError(t, err)
		return string(b)
	}
	// A token can be hidden once it was obtained: that comes first.
	sum := sha256.Sum256([]byte(s.secret("hash.secret") + "|5|first"))
	post("/ssp/p5", call("5", "text", "first", "title", "first", "unknown", "first", "check", hex.EncodeToString(sum[:])))
	require.Eventually(t, func() bool { return strings.Contains(log.String(), `"provider":"p5","kind":"submit"`) }, 20*time.Second, 10*time.Millisecond)
	post("/ssp/p1", call("1"), "X-Key", s.secret("header.secret"))
	post("/ssp/p2", call("2"), "Authorization", basic("ssp", "basic.password'"))
	post("/ssp/p3/"+s.secret("token.secret"), call("3"))
	post("/ssp/p4", call("4", "password", s.secret("field.secret")))
	post("/ssp/p6", call("6"), "X-Key", s.secret("header.secret''"))
	post("/ssp/p7", call("10"), "X-Key", s.secret("header.secret'''"))
	// What is not let in, and what nobody understands.
	post("/ssp/p1", call("7"), "X-Key", s.secret("auth.bearer"))
	post("/ssp/p3/"+s.secret("auth.bearer"), call("7"))
	post("/webhooks/p3/wrong-"+s.secret("token.secret"), said)
	post("/ssp/p1", call("8", "request_type", "Mystery "+said), "X-Key", s.secret("header.secret"))
	post("/ssp/p1", `{"broken": "`+s.secret("auth.bearer"), "X-Key", s.secret("header.secret"))
	for _, hook := range []string{said, call("9", "type", "mystery")} {
		post("/webhooks/p2", hook, "X-Hook", s.secret("webhook.secret'"))
		post("/webhooks/p6?key="+url.QueryEscape(s.secret("query.secret")), hook, "Authorization", basic("vendor", "basic.password"))
		post("/webhooks/p1", hook)
	}
	// An answer for SSP, whose fault repeats our credentials: the bond is made by hand.
	token := s.secret("server.admin_token")
	ask := func(method, path, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, admin+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("X-Pergabridge-Person", "Eve")
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Idempotency-Key", "once") // so that the answer is remembered
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, fmt.Sprint(res.Header) + string(answer)
	}
	note, err := json.Marshal(map[string]string{"provider": "p2", "task": "2", "reference": "R-2", "note": said[:400]})
	require.NoError(t, err)
	status, answer := ask("POST", "/api/v1/bonds/link", string(note))
	require.Equal(t, 200, status, answer)
	hook, err := json.Marshal(map[string]string{"type": "comment", "id": "1", "ticket": "R-2", "text": said})
	require.NoError(t, err)
	post("/webhooks/p2", string(hook), "X-Hook", s.secret("webhook.secret'"))

	counted := func() (parked, quarantined int) {
		_, text := ask("GET", "/metrics", "")
		for _, m := range regexp.MustCompile(`(?m)^pergabridge_events\{state="(parked|quarantined)"\} (\d+)$`).FindAllStringSubmatch(text, -1) {
			n := 0
			_, err := fmt.Sscan(m[2], &n)
			require.NoError(t, err)
			if m[1] == "parked" {
				parked = n
			} else {
				quarantined = n
			}
		}
		return parked, quarantined
	}
	require.Eventually(t, func() bool {
		parked, quarantined := counted()
		return parked >= 5 && quarantined >= 3 && len(p.told()) > 0
	}, 60*time.Second, 100*time.Millisecond, "all but the linked ticket are parked, and somebody is told: %v", log)

	require.Eventually(t, func() bool {
		_, text := ask("GET", "/api/v1/mailboxes", "")
		return strings.Count(text, "heard") >= 2
	}, 30*time.Second, 50*time.Millisecond, "both mailboxes say what their server repeats")

	// Everything that can be seen.
	type sight struct{ where, text string }
	var sights []sight
	seen := map[string]bool{}
	queue := []string{"/", "/login", "/metrics", "/readyz", "/healthz", "/api/v1/openapi.json", "/api/v1/counts", "/api/v1/status", "/api/v1/events?limit=1000",
		"/api/v1/lanes", "/api/v1/bonds", "/api/v1/destinations", "/api/v1/quarantine?waiting=true", "/api/v1/activity", "/api/v1/mailboxes", "/api/v1/backup", "/tasks?q=seed"}
	link := regexp.MustCompile(`href="(/[^"#]*)`)
	ids := regexp.MustCompile(`"id":"([0-9a-f-]{36})"`)
	for len(queue) > 0 {
		path := html.UnescapeString(queue[0])
		queue = queue[1:]
		if seen[path] || len(seen) > 400 {
			continue
		}
		seen[path] = true
		status, text := ask("GET", path, "")
		require.Less(t, status, 500, path)
		sights = append(sights, sight{path, text})
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			queue = append(queue, m[1])
		}
		if strings.HasPrefix(path, "/api/v1/events?") {
			for _, m := range ids.FindAllStringSubmatch(text, -1) {
				queue = append(queue, "/api/v1/events/"+m[1])
			}
		}
	}
	require.Greater(t, len(seen), 60, "the pages were walked through")
	for i, m := range p.told() {
		sights = append(sights, sight{fmt.Sprintf("notification %d", i), m})
	}
	// The board: answers that are remembered, how mailboxes do, replicas, repairs.
	for _, kind := range []string{"answer", "mailbox", api.NoticeReplica, "repair"} {
		notices, err := a.Store().Notices(t.Context(), kind, "")
		require.NoError(t, err)
		for _, n := range notices {
			sights = append(sights, sight{"notice " + kind + " " + n.Key, n.Key + string(n.Value) + unfolded(n.Value)})
		}
		if kind != "repair" {
			require.NotEmpty(t, notices, kind)
		}
	}
	stop()
	require.NoError(t, <-ended)
	running = false
	sights = append(sights, sight{"the log", log.String()})
	files, err := filepath.Glob(storeFiles)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		raw, err := os.ReadFile(f)
		require.NoError(t, err)
		sights = append(sights, sight{f, string(raw)})
	}
	masked := 0
	for _, x := range sights {
		require.Empty(t, s.leaks(x.text), x.where)
		masked += strings.Count(x.text, "[secret]")
	}
	require.Greater(t, masked, 200, "the secrets were really there")
}

// unfolded returns every string of a JSON value that is base64 of a text, decoded: the bodies of
// remembered answers are kept so.
func unfolded(raw []byte) string {
	var out strings.Builder
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			if b, err := base64.StdEncoding.DecodeString(v); err == nil {
				out.WriteString("\n" + string(b))
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	var v any
	if json.Unmarshal(raw, &v) == nil {
		walk(v)
	}
	return out.String()
}
