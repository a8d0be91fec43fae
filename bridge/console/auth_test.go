package console_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

func noToken(o *console.Options) { o.Token = secret.Text{} }

func withMetrics(o *console.Options) {
	o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("up 1\n")) })
}

func TestEveryAddressOfTheAPINeedsTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withMetrics)
	for _, path := range readable {
		rec := w.request("GET", "/api/v1"+path, "")
		require.Equal(t, api.Unauthorized, problem(t, rec).Code, path)
		require.Contains(t, rec.Header().Get("WWW-Authenticate"), "Bearer")
	}
	for path, body := range written {
		require.Equal(t, api.Unauthorized, problem(t, w.request("POST", "/api/v1"+path, body)).Code, path)
	}
	for _, path := range []string{"/metrics", "/api/v1/nothing", "/api/"} {
		require.Equal(t, api.Unauthorized, problem(t, w.request("GET", path, "")).Code, path)
	}
	require.Equal(t, 200, w.request("GET", "/metrics", "", signed).Code)
	require.Equal(t, 200, w.request("GET", "/api/v1/counts", "", header("Authorization", "bearer "+token.Reveal())).Code)
	for _, path := range []string{"/healthz", "/readyz", "/style.css"} {
		require.Equal(t, 200, w.request("GET", path, "", from("203.0.113.9:1")).Code, path)
	}
	require.Equal(t, 200, w.request("GET", "/api/v1/counts", "", signed, from("203.0.113.9:1")).Code, "the token works from everywhere")
}

func TestMetricsCanBeOpened(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withMetrics, func(o *console.Options) { o.OpenMetrics = true })
	require.Equal(t, 200, w.request("GET", "/metrics", "", from("203.0.113.9:1")).Code)
	require.Equal(t, 401, w.request("GET", "/api/v1/counts", "", from("203.0.113.9:1")).Code)
	require.Equal(t, api.NotFound, problem(t, newWorld(t).request("GET", "/metrics", "", signed)).Code)
}

func TestWrongTokensAreSlowedDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wrong := header("Authorization", "Bearer wrong-token")
	get := func(change ...func(*http.Request)) int { return w.request("GET", "/api/v1/counts", "", change...).Code }
	for range 10 {
		require.Equal(t, 401, get(wrong))
	}
	require.Equal(t, 429, get(wrong))
	rec := w.request("GET", "/api/v1/counts", "", signed)
	p := problem(t, rec)
	require.Equal(t, []any{429, api.TooMany, 7}, []any{p.Status, p.Code, p.RetryAfter}, "what a guess is worth must not be told")
	require.Equal(t, "7", rec.Header().Get("Retry-After"))
	require.Equal(t, 200, get(signed, from("127.0.0.2:1")), "other addresses are not held up")
	require.Equal(t, 401, get(), "no token is no guess")
	w.clock.advance(6 * time.Second)
	require.Equal(t, 200, get(signed))
	require.Equal(t, 401, get(wrong))
	require.Equal(t, 429, get(signed))
	w.clock.advance(time.Minute)
	for range 10 {
		require.Equal(t, 401, get(header("Authorization", "Basic "+token.Reveal())))
	}
	require.Equal(t, 429, get(signed))
	require.Contains(t, w.log.String(), "a wrong admin token")
	require.NotContains(t, w.log.String(), "wrong-token")

	for i := range 10 { // a customer owns a /64
		require.Equal(t, 401, get(wrong, from(fmt.Sprintf("[2001:db8::%d]:1", i+1))))
	}
	require.Equal(t, 429, get(signed, from("[2001:db8::ffff]:1")))
	require.Equal(t, 200, get(signed, from("[2001:db8:0:1::1]:1")))
}

func TestWithoutATokenOnlyThisMachineIsServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, noToken, withMetrics)
	for _, path := range []string{"/api/v1/counts", "/metrics", "/", "/login"} {
		get := func(change ...func(*http.Request)) int { return w.request("GET", path, "", change...).Code }
		host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
		fine := 200
		if path == "/login" {
			fine = 303
		}
		require.Equal(t, fine, get(), path)
		require.Equal(t, fine, get(from("[::1]:1"), host("[::1]:8081")), path)
		require.Equal(t, fine, get(from("[::ffff:127.0.0.1]:1"), host("localhost")), path)
		require.Equal(t, 403, get(from("192.0.2.7:1")), path)
		require.Equal(t, 403, get(from("@")), path)
		require.Equal(t, 403, get(host("evil.example:8081")), "DNS rebinding, "+path)
		require.Equal(t, 403, get(host("127.0.0.1.evil.example")), path)
		for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-IP", "X-Forwarded-Proto", "X-Forwarded-Host", "Via", "X-ARR-LOG-ID", "X-ARR-SSL"} {
			require.Equal(t, 403, get(header(h, "192.0.2.7")), path)
		}
		require.Equal(t, 403, get(func(r *http.Request) { r.Proto, r.ProtoMinor = "HTTP/1.0", 0 }), "nginx with proxy_pass alone, "+path)
	}
	require.Equal(t, 404, w.request("POST", "/login", "token=", header("Content-Type", "application/x-www-form-urlencoded")).Code)
	w.accept(submit("1"))
	require.Equal(t, 200, w.request("POST", "/api/v1/lanes/pause", `{"lane":"acme/out/1"}`).Code)
	acts, err := w.store.Activities(ctx, 1)
	require.NoError(t, err)
	require.Equal(t, "loopback", acts[0].Person)
}

func TestCallsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, noToken)
	w.accept(submit("1"))
	for _, h := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
		rec := w.request("POST", "/api/v1/lanes/pause", `{"lane":"acme/out/1"}`, header(h[0], h[1]))
		require.Equal(t, api.Forbidden, problem(t, rec).Code, h)
	}
	require.Equal(t, 403, w.request("GET", "/api/v1/backup", "", header("Sec-Fetch-Site", "cross-site")).Code)
	require.Equal(t, 200, w.request("POST", "/api/v1/lanes/pause", `{"lane":"acme/out/1"}`, header("Sec-Fetch-Site", "same-origin")).Code)
	require.Equal(t, 403, newWorld(t).request("POST", "/login", "token=x", header("Origin", "https://evil.example")).Code)
}

func TestThePersonIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accept(submit("1"))
	person := func(change ...func(*http.Request)) string {
		t.Helper()
		require.Equal(t, 200, w.request("POST", "/api/v1/lanes/pause", `{"lane":"acme/out/1"}`, append(change, signed)...).Code)
		acts, err := w.store.Activities(ctx, 1)
		require.NoError(t, err)
		return acts[0].Person
	}
	require.Equal(t, "admin token", person())
	require.Equal(t, "Łucja", person(header(api.PersonHeader, " Łucja ")))
	require.Equal(t, "[secret]", person(header(api.PersonHeader, token.Reveal())))
}
