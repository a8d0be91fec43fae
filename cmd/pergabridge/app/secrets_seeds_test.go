package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"maps"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

// config names every secret there is. All that it calls is p, mail and the store.
func (s *seeds) config(p *parrot, mail, storeConfig string) string {
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
	return fmt.Sprintf(`server:
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
}
