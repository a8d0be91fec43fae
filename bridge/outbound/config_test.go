package outbound

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
	peer "github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
)

func TestConfigIsRead(t *testing.T) {
	ca := peer.NewCA(t)
	cert, key := ca.ClientFiles("bridge")
	t.Setenv("OUTBOUND_TEST_SECRET", "c2VjcmV0LWZyb20tdGhlLWVudg==")
	c, problems := parse(t,
		"auth:",
		"  oauth2: {token_url: 'https://login.example.com/token', client_id: bridge, client_secret: {env: OUTBOUND_TEST_SECRET}, scopes: [a], params: {audience: x}}",
		"  header: {name: X-Tenant, secret: {env: OUTBOUND_TEST_SECRET}}",
		"  standard_webhooks: {secret: {env: OUTBOUND_TEST_SECRET}}",
		"tls: {ca: '"+ca.File()+"', cert: '"+cert+"', key: {file: '"+key+"'}, server_name: ssp, min_version: '1.3'}",
		"proxy: http://proxy:3128",
		"proxy_auth: {username: u, password: {env: OUTBOUND_TEST_SECRET}}",
		"timeout: {connect: 1s, idle: 500ms}",
		"max_answer: 1MiB",
		"http2: true",
	)
	require.Empty(t, problems)
	require.Equal(t, "auto", c.Auth.OAuth2.Style)
	require.Equal(t, time.Second, c.Timeout.Connect.Std())
	require.Equal(t, 60*time.Second, c.Timeout.Total.Std())
	require.EqualValues(t, 1<<20, c.MaxAnswer)
	client(t, c, Options{})

	c, problems = parse(t, "{}")
	require.Empty(t, problems)
	require.Equal(t, Config{}.withDefaults().Timeout, c.Timeout, "the defaults of tags and code agree")
	require.Equal(t, Config{}.withDefaults().MaxAnswer, c.MaxAnswer)
	require.Equal(t, Config{}.withDefaults().MaxRetryAfter, c.MaxRetryAfter)
	client(t, c, Options{})
}

func TestConfigProblems(t *testing.T) {
	t.Setenv("OUTBOUND_TEST_SECRET", "not base64 at all!")
	junk := filepath.Join(t.TempDir(), "junk.pem")
	require.NoError(t, os.WriteFile(junk, []byte("junk"), 0o600))
	const s = "{env: OUTBOUND_TEST_SECRET}"
	for _, c := range []struct{ yaml, want string }{
		{"auth: {basic: {username: u, password: " + s + "}, bearer: " + s + "}", "auth.bearer: basic and bearer both fill the Authorization header (keep one of them)"},
		{"auth: {bearer: " + s + ", header: {name: authorization, secret: " + s + "}}", "bearer and header both fill"},
		{"auth: {none: true, query: {name: k, secret: " + s + "}}", "auth.none: none together with query"},
		{"auth: {none: false}", "auth.none: none can only be true"},
		{"auth: {basic: {username: 'a:b', password: " + s + "}}", "auth.basic.username: a user name for HTTP Basic must not contain a colon"},
		{"auth: {basic: {username: u}}", "auth.basic"},
		{"auth: {bearer: literal-token}", "auth.bearer: a secret must not be written into this file"},
		{"auth: {header: {name: 'X Key', secret: " + s + "}}", `"X Key" cannot carry a key`},
		{"auth: {header: {name: content-length, secret: " + s + "}}", `"content-length" cannot carry a key`},
		{"auth: {header: {name: X-K, prefix: \"a\\nb\", secret: " + s + "}}", "must not contain control characters"},
		{"auth: {standard_webhooks: {secret: " + s + "}}", "auth.standard_webhooks.secret: the secret is not base64"},
		{"auth: {oauth2: {token_url: /token, client_id: a, client_secret: " + s + "}}", "auth.oauth2.token_url: bad url"},
		{"auth: {oauth2: {token_url: 'https://h/', client_id: a, client_secret: " + s + ", style: body}}", "style"},
		{"auth: {ntml: true}", "unknown key"},
		{"tls: {ca: " + junk + "}", "tls.ca: file " + junk + " holds no certificate"},
		{"tls: {ca: " + junk + ".not}", "no such file"},
		{"tls: {cert: " + junk + "}", "a client certificate needs its key"},
		{"tls: {key: " + s + "}", "a key needs its certificate"},
		{"tls: {cert: " + junk + ", key: " + s + "}", "tls.cert: client certificate"},
		{"tls: {min_version: '1.1'}", "tls.min_version"},
		{"proxy: 'http://u:pw-in-url@h:1'", "proxy: proxy: bad url: it holds a user"},
		{"proxy_auth: {username: u, password: " + s + "}", "credentials for a proxy without a proxy"},
		{"max_answer: 1GiB", "must be between 1 byte and 64MiB"},
		{"timeout: {total: 60}", "timeout.total"},
	} {
		_, got := parse(t, c.yaml)
		require.Contains(t, got, c.want, c.yaml)
		require.True(t, strings.HasPrefix(got, "c.yaml:1:"), got)
		require.NotContains(t, got, "pw-in-url")
		require.NotContains(t, got, "not base64 at all!")
		require.NotContains(t, got, "literal-token")
	}
}

// Destinations inline the section; its checks must run and its keys must be in their schema.
func TestConfigInlined(t *testing.T) {
	type section struct {
		URL    string `yaml:"url" required:"true" doc:"address"`
		Config `yaml:",inline"`
		Status Policy `yaml:"status"`
	}
	n, err := config.Parse("c.yaml", []byte("url: https://x\nproxy: nonsense\nauth: {none: false}\nstatus: {done: [1]}\n"))
	require.NoError(t, err)
	var s section
	config.Decode(n, &s)
	require.Len(t, n.Problems(), 3, "%v", n.Problems())
	require.EqualValues(t, 4<<20, s.MaxAnswer)
	schema := asJSON(t, config.Schema(section{}))
	for _, key := range []string{"url", "auth", "tls", "proxy", "timeout", "max_answer", "oauth2", "standard_webhooks", "first_byte"} {
		require.Contains(t, schema, `"`+key+`"`)
	}
}
