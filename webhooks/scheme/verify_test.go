package scheme_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

const (
	current  = "current-secret-value"
	previous = "previous-secret-value"
	body     = `{"hello":"wörld"}`
)

var now = time.Unix(1_780_000_000, 0)

func load(t testing.TB, yaml string) (scheme.Config, config.Problems) {
	t.Helper()
	n, err := config.Parse("test.yaml", []byte(yaml))
	require.NoError(t, err)
	var c scheme.Config
	config.Decode(n, &c)
	return c, n.Problems()
}

func verifier(t testing.TB, yaml string) *scheme.Verifier {
	t.Helper()
	c, ps := load(t, yaml)
	require.Empty(t, ps)
	v, err := scheme.New(c)
	require.NoError(t, err)
	return v
}

func env(t testing.TB) {
	t.Helper()
	t.Setenv("CUR", current)
	t.Setenv("PREV", previous)
}

func mac(h func() hash.Hash, key, text string) []byte {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func denied(t *testing.T, err error) *scheme.Denied {
	t.Helper()
	var d *scheme.Denied
	require.ErrorAs(t, err, &d)
	require.NotEmpty(t, d.Why)
	require.NotEmpty(t, d.Challenge)
	require.NotContains(t, d.Error(), current)
	return d
}

// Each preset takes what its sender sends, and nothing else. How a sender signs is written out
// here once more, apart from the data that the verifier uses.
func TestPresets(t *testing.T) {
	env(t)
	unix, iso := strconv.FormatInt(now.Unix(), 10), now.UTC().Format(time.RFC3339)
	for name, c := range map[string]struct {
		sign     func(key, body string) http.Header
		delivery string
	}{
		"github": {func(k, b string) http.Header {
			return header("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac(sha256.New, k, b)), "X-GitHub-Delivery", "d1")
		}, "d1"},
		"gitea": {func(k, b string) http.Header {
			return header("X-Gitea-Signature", hex.EncodeToString(mac(sha256.New, k, b)), "X-Gitea-Delivery", "d2")
		}, "d2"},
		"jira": {func(k, b string) http.Header {
			return header("X-Hub-Signature", "sha256="+hex.EncodeToString(mac(sha256.New, k, b)), "X-Atlassian-Webhook-Identifier", "d3")
		}, "d3"},
		"zammad": {func(k, b string) http.Header {
			return header("X-Hub-Signature", "sha1="+hex.EncodeToString(mac(sha1.New, k, b)), "X-Zammad-Delivery", "d4")
		}, "d4"},
		"zendesk": {func(k, b string) http.Header {
			return header("X-Zendesk-Webhook-Signature", base64.StdEncoding.EncodeToString(mac(sha256.New, k, iso+b)),
				"X-Zendesk-Webhook-Signature-Timestamp", iso, "X-Zendesk-Webhook-Invocation-Id", "d5")
		}, "d5"},
		"pagerduty": {func(k, b string) http.Header {
			return header("X-PagerDuty-Signature", "v1=00,v1="+hex.EncodeToString(mac(sha256.New, k, b)), "X-Webhook-Id", "d6")
		}, "d6"},
		"gitlab": {func(k, _ string) http.Header { return header("X-Gitlab-Token", k, "Idempotency-Key", "d7") }, "d7"},
		"hmac\nheader: X-Sig\nalgorithm: sha512\nencoding: base64url\nprefix: 'x '\nsigned: 'v0:${timestamp}:${header.X-App}:${delivery}:${body}'\ntimestamp: {header: X-At, format: unix_ms}\ndelivery: [X-None, X-Id]": {func(k, b string) http.Header {
			at := unix + "000"
			return header("X-Sig", "x "+base64.RawURLEncoding.EncodeToString(mac(sha512.New, k, "v0:"+at+":app:d8:"+b)), "X-At", at, "X-App", "app", "X-Id", "d8")
		}, "d8"},
		"hmac\nheader: Stripe-Signature\nseparator: ','\nprefix: v1=\nsigned: '${timestamp}.${body}'\ntimestamp: {header: Stripe-Signature, part: t=}": {func(k, b string) http.Header {
			return header("Stripe-Signature", "t="+unix+", v1="+hex.EncodeToString(mac(sha256.New, k, unix+"."+b)))
		}, ""},
		"header\nheader: authorization\nprefix: 'Bearer '": {func(k, _ string) http.Header { return header("Authorization", "Bearer "+k) }, ""},
		"basic\nusername: vendor": {func(k, _ string) http.Header {
			r := http.Request{Header: http.Header{}}
			r.SetBasicAuth("vendor", k)
			return r.Header
		}, ""},
	} {
		t.Run(strings.SplitN(name, "\n", 2)[0], func(t *testing.T) {
			v := verifier(t, "scheme: "+name+"\nsecret: [{env: CUR}, {env: PREV}]")
			require.False(t, v.Open())
			require.False(t, v.WantsToken())
			for _, key := range []string{current, previous} {
				h := c.sign(key, body)
				require.NoError(t, v.Early(h, ""))
				d, err := v.Verify(scheme.Request{Header: h, Body: []byte(body)}, now)
				require.NoError(t, err)
				require.Equal(t, c.delivery, d)
			}
			_, err := v.Verify(scheme.Request{Header: c.sign("some-other-secret", body), Body: []byte(body)}, now)
			denied(t, err)
			_, err = v.Verify(scheme.Request{Header: http.Header{}, Body: []byte(body)}, now)
			denied(t, err)
			if name == "gitlab" || strings.HasPrefix(name, "header") || strings.HasPrefix(name, "basic") {
				return // the secret itself is sent; the body is not signed
			}
			_, err = v.Verify(scheme.Request{Header: c.sign(current, body), Body: []byte(body + " ")}, now)
			denied(t, err)
		})
	}
}

// The reference library of the standard is the oracle, in both directions.
func TestStandardWebhooksAgreesWithTheReferenceLibrary(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	t.Setenv("SW", secret)
	t.Setenv("SW_OLD", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	v := verifier(t, "scheme: standard-webhooks\nsecret: [{env: SW_OLD}, {env: SW}]")
	lib, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	sig, err := lib.Sign("msg_1", now, []byte(body))
	require.NoError(t, err)
	at := strconv.FormatInt(now.Unix(), 10)

	d, err := v.Verify(scheme.Request{Header: header("webhook-id", "msg_1", "webhook-timestamp", at, "webhook-signature", sig), Body: []byte(body)}, now)
	require.NoError(t, err)
	require.Equal(t, "msg_1", d)

	for name, h := range map[string]http.Header{
		"another id":        header("webhook-id", "msg_2", "webhook-timestamp", at, "webhook-signature", sig),
		"no id":             header("webhook-timestamp", at, "webhook-signature", sig),
		"no time":           header("webhook-id", "msg_1", "webhook-signature", sig),
		"bad time":          header("webhook-id", "msg_1", "webhook-timestamp", "noon", "webhook-signature", sig),
		"no signature":      header("webhook-id", "msg_1", "webhook-timestamp", at),
		"other version":     header("webhook-id", "msg_1", "webhook-timestamp", at, "webhook-signature", "v2"+sig[2:]),
		"no base64":         header("webhook-id", "msg_1", "webhook-timestamp", at, "webhook-signature", "v1,***"),
		"shortened":         header("webhook-id", "msg_1", "webhook-timestamp", at, "webhook-signature", sig[:len(sig)-4]),
		"prefix of nothing": header("webhook-id", "msg_1", "webhook-timestamp", at, "webhook-signature", "v1,"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := v.Verify(scheme.Request{Header: h, Body: []byte(body)}, now)
			denied(t, err)
			require.Error(t, lib.VerifyIgnoringTimestamp([]byte(body), h), "the library agrees")
		})
	}
}

func TestOneOfSeveralSignaturesIsEnough(t *testing.T) {
	t.Setenv("SW", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	v := verifier(t, "scheme: standard-webhooks\nsecret: {env: SW}")
	lib, err := standardwebhooks.NewWebhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	require.NoError(t, err)
	sig, err := lib.Sign("m", now, []byte(body))
	require.NoError(t, err)
	for _, s := range []string{"v1a,xyz " + sig, sig + " v1,AAAA", "  " + sig + "  "} {
		_, err := v.Verify(scheme.Request{Header: header("webhook-id", "m", "webhook-timestamp", strconv.FormatInt(now.Unix(), 10), "webhook-signature", s), Body: []byte(body)}, now)
		require.NoError(t, err, s)
	}
	flood := header("webhook-id", "m", "webhook-timestamp", strconv.FormatInt(now.Unix(), 10), "webhook-signature", strings.Repeat("v1,AA== ", 16)+sig)
	_, err = v.Verify(scheme.Request{Header: flood, Body: []byte(body)}, now)
	denied(t, err)
	h := header("webhook-id", "m", "webhook-timestamp", strconv.FormatInt(now.Unix(), 10), "webhook-signature", "v1,AAAA", "webhook-signature", sig)
	_, err = v.Verify(scheme.Request{Header: h, Body: []byte(body)}, now)
	require.NoError(t, err, "in a header of its own")
}

// A captured call is worth nothing once its time is over, in either direction.
func TestZendeskTimeWindow(t *testing.T) {
	env(t)
	v := verifier(t, "scheme: zendesk\nsecret: {env: CUR}\ntimestamp: {header: X-Zendesk-Webhook-Signature-Timestamp, format: rfc3339, tolerance: 1m}")
	iso := now.UTC().Format(time.RFC3339)
	h := header("X-Zendesk-Webhook-Signature", base64.StdEncoding.EncodeToString(mac(sha256.New, current, iso+body)), "X-Zendesk-Webhook-Signature-Timestamp", iso)
	for offset, ok := range map[time.Duration]bool{
		0: true, time.Minute: true, -time.Minute: true, time.Minute + time.Second: false, -time.Minute - time.Second: false, 24 * time.Hour: false,
	} {
		_, err := v.Verify(scheme.Request{Header: h, Body: []byte(body)}, now.Add(offset))
		if ok {
			require.NoError(t, err, offset)
			continue
		}
		require.Contains(t, denied(t, err).Why, "check the clocks", offset)
	}
}

func TestTokenInThePath(t *testing.T) {
	env(t)
	v := verifier(t, "scheme: token\nsecret: [{env: CUR}, {env: PREV}]")
	require.True(t, v.WantsToken())
	for token, ok := range map[string]bool{current: true, previous: true, "": false, current + "x": false} {
		_, err := v.Verify(scheme.Request{Token: token, Body: []byte(body)}, now)
		require.Equal(t, ok, err == nil, token)
	}
}

func TestNoneLetsEverybodyIn(t *testing.T) {
	v := verifier(t, "none: true\ndelivery: [X-Id]")
	require.True(t, v.Open())
	d, err := v.Verify(scheme.Request{Header: header("X-Id", "7"), Body: []byte(body)}, now)
	require.NoError(t, err)
	require.Equal(t, "7", d)
}

func TestKeptHeadersHoldNoCredentials(t *testing.T) {
	env(t)
	v := verifier(t, "scheme: hmac\nheader: X-Shop-Proof\nsecret: {env: CUR}\nkeep_headers: [X-Shop, X-Shop-Proof, Cookie]\ndelivery: [X-Shop-Id]")
	got := v.Headers(header(
		"Content-Type", "application/json", "X-GitHub-Event", "issues", "X-Shop", "a", "X-Shop-Id", "1", "X-Event-Key", "repo:push",
		"X-Shop-Proof", "abc", "Authorization", "Bearer x", "Cookie", "a=b", "X-Auth-Event", "x", "X-Gitlab-Token", "x", "X-Hub-Signature", "x",
		"X-Forwarded-For", "1.2.3.4", "X-Api-Key", "x", "X-Long-Topic", strings.Repeat("é", 2000), "User-Agent", "me "+current,
	))
	require.Len(t, got["X-Long-Topic"], 1024)
	delete(got, "X-Long-Topic")
	require.Equal(t, map[string]string{
		"Content-Type": "application/json", "X-Github-Event": "issues", "X-Shop": "a", "X-Shop-Id": "1", "X-Event-Key": "repo:push", "User-Agent": "me [secret]",
	}, got)
}

func TestConfigProblems(t *testing.T) {
	env(t)
	t.Setenv("TINY", "x7#q2")
	t.Setenv("SPACE", "long enough secret")
	for _, c := range []struct{ name, yaml, want string }{
		{"nothing", "{}", "must have either scheme or none: true"},
		{"both", "scheme: github\nnone: true\nsecret: {env: CUR}", "must have either scheme or none: true"},
		{"none with a secret", "none: true\nsecret: {env: CUR}", "is not used with none"},
		{"unknown scheme", "scheme: githup\nsecret: {env: CUR}", "did you mean github?"},
		{"no secret", "scheme: github", "secret: is required"},
		{"short secret", "scheme: github\nsecret: {env: TINY}", "is shorter than 8 bytes"},
		{"secret not base64", "scheme: standard-webhooks\nsecret: {env: SPACE}", "secret: is not written in base64"},
		{"token not sendable", "scheme: token\nsecret: {env: SPACE}", "cannot be sent as a part of a path"},
		{"no header", "scheme: hmac\nsecret: {env: CUR}", "header: is required"},
		{"no user", "scheme: basic\nsecret: {env: CUR}", "username: is required"},
		{"user of nothing", "scheme: github\nusername: x\nsecret: {env: CUR}", "is used with scheme basic only"},
		{"body not signed", "scheme: hmac\nheader: X\nsigned: '${timestamp}'\nsecret: {env: CUR}", "signed: the signed text does not hold ${body}"},
		{"unknown variable", "scheme: hmac\nheader: X\nsigned: '${url}${body}'\nsecret: {env: CUR}", "${url} is not one of"},
		{"open brace", "scheme: hmac\nheader: X\nsigned: '${body'\nsecret: {env: CUR}", "no closing brace"},
		{"unsigned time", "scheme: hmac\nheader: X\ntimestamp: {header: Y}\nsecret: {env: CUR}", "an unsigned time proves nothing"},
		{"time without header", "scheme: hmac\nheader: X\nsigned: '${timestamp}${body}'\nsecret: {env: CUR}", "belong together"},
		{"delivery without header", "scheme: hmac\nheader: X\nsigned: '${delivery}${body}'\nsecret: {env: CUR}", "delivery: is required"},
		{"algorithm", "scheme: hmac\nheader: X\nalgorithm: md5\nsecret: {env: CUR}", "must be one of sha1, sha256, sha512"},
		{"huge body", "scheme: github\nmax_body: 1GiB\nsecret: {env: CUR}", "must be between 1kB and 64MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, ps := load(t, c.yaml)
			require.ErrorContains(t, ps, c.want)
			require.NotContains(t, ps.Error(), current)
		})
	}
}

func TestNamesAreThoseOfTheConfig(t *testing.T) {
	s := config.Schema(scheme.Config{})
	enum := s["properties"].(map[string]any)["scheme"].(map[string]any)["enum"].([]any)
	var names []string
	for _, e := range enum {
		names = append(names, e.(string))
	}
	require.ElementsMatch(t, names, scheme.Names(), "a preset that cannot be named, or a name without a preset")
}
