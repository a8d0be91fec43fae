package webhooks_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/webhooks"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

const (
	key    = "intake-key-0123456789"
	token  = "path-token-0123456789"
	shared = "vendor-secret-0123456789"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func decode[T any](t testing.TB, yaml string) T {
	t.Helper()
	n, err := config.Parse("test.yaml", []byte(yaml))
	require.NoError(t, err)
	var c T
	config.Decode(n, &c)
	require.Empty(t, n.Problems())
	return c
}

func reader(t testing.TB, yaml string) *processcall.Reader {
	return processcall.New("acme", decode[processcall.Config](t, yaml))
}

func verifier(t testing.TB, yaml string) *scheme.Verifier {
	v, err := scheme.New(decode[scheme.Config](t, yaml))
	require.NoError(t, err)
	return v
}

// rules is a receiver that is told what to answer.
type rules func(in bridge.Inbound) ([]bridge.Event, error)

func (r rules) Receive(_ context.Context, in bridge.Inbound) ([]bridge.Event, error) { return r(in) }

func oneUpdate(in bridge.Inbound) ([]bridge.Event, error) {
	return []bridge.Event{{Dir: bridge.In, Kind: bridge.Update, Reference: "R1", Text: "hi", Key: in.Delivery}}, nil
}

type rig struct {
	*acceptor
	handler http.Handler
	log     *bytes.Buffer
}

// start builds a listener with one provider for each way in.
func start(t testing.TB, change ...func(*webhooks.Options)) *rig {
	t.Helper()
	t.Setenv("KEY", key)
	t.Setenv("TOKEN", token)
	t.Setenv("SHARED", shared)
	r := &rig{acceptor: &acceptor{}, log: &bytes.Buffer{}}
	o := webhooks.Options{
		Acceptor: r.acceptor, Observer: r.acceptor, Now: func() time.Time { return noon },
		Log: slog.New(slog.NewTextHandler(&lockedWriter{w: r.log}, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Providers: map[string]webhooks.Intake{
			"acme": {
				Call:    reader(t, "auth: {header: {name: X-Bridge-Key, secret: {env: KEY}}}\nlimits: {body: 4kB, wait: 20s}"),
				Webhook: verifier(t, "scheme: github\nsecret: {env: SHARED}\nmax_body: 4kB"), Receiver: rules(oneUpdate),
			},
			"tok": {
				Call:    reader(t, "auth: {token: {secret: {env: TOKEN}}}"),
				Webhook: verifier(t, "scheme: token\nsecret: {env: TOKEN}"), Receiver: rules(oneUpdate),
			},
			"field": {Call: reader(t, "auth: {field: {field: apikey, secret: {env: KEY}}}")},
			"open":  {Call: reader(t, "auth: {none: true}"), Webhook: verifier(t, "none: true"), Receiver: rules(oneUpdate)},
			"empty": {},
		},
	}
	for _, f := range change {
		f(&o)
	}
	r.handler = webhooks.New(o)
	return r
}

// lockedWriter lets the handlers of parallel requests write one log.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func (r *rig) do(method, target, contentType, body string, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	return w
}

// call makes a process call that proves itself.
func (r *rig) call(target, contentType, body string, header ...string) *httptest.ResponseRecorder {
	return r.do("POST", target, contentType, body, append([]string{"X-Bridge-Key", key}, header...)...)
}

// signed makes a webhook with a GitHub signature.
func (r *rig) signed(body string, header ...string) *httptest.ResponseRecorder {
	m := hmac.New(sha256.New, []byte(shared))
	m.Write([]byte(body))
	return r.do("POST", "/webhooks/acme", "application/json", body,
		append([]string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(m.Sum(nil))}, header...)...)
}

type problemDoc struct {
	Type, Title, Detail, Event, Field, Reason string
	Status                                    int
}

func problem(t *testing.T, w *httptest.ResponseRecorder, status int, word string) problemDoc {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body.String())
	require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	var p problemDoc
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p))
	require.Equal(t, webhooks.ProblemType+word, p.Type)
	require.Equal(t, status, p.Status)
	require.NotEmpty(t, p.Title)
	require.NotEmpty(t, p.Detail)
	return p
}

func answer(t *testing.T, w *httptest.ResponseRecorder, status int) map[string]any {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body.String())
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	var m map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &m))
	return m
}

func TestRefusedCallsLeaveNothing(t *testing.T) {
	for _, c := range []struct {
		name, method, target, contentType, body string
		header                                  []string
		status                                  int
		word, more                              string // header of the answer
	}{
		{"nowhere", "GET", "/", "", "", nil, 404, "not_found", ""},
		{"unknown provider", "POST", "/ssp/other", "application/json", submit, nil, 404, "not_found", ""},
		{"no entrance", "POST", "/ssp/empty", "application/json", submit, nil, 404, "not_found", ""},
		{"no webhook", "POST", "/webhooks/field", "application/json", "{}", nil, 404, "not_found", ""},
		{"token where none is", "POST", "/ssp/acme/" + key, "application/json", submit, []string{"X-Bridge-Key", key}, 404, "not_found", ""},
		{"webhook token where none is", "POST", "/webhooks/acme/" + key, "application/json", "{}", nil, 404, "not_found", ""},
		{"get", "GET", "/ssp/acme", "", "", nil, 405, "method_not_allowed", "Allow"},
		{"put", "PUT", "/webhooks/acme", "", "", nil, 405, "method_not_allowed", "Allow"},
		{"no key", "POST", "/ssp/acme", "application/json", submit, nil, 401, "unauthorized", "WWW-Authenticate"},
		{"wrong key", "POST", "/ssp/acme", "application/json", submit, []string{"X-Bridge-Key", "wrong"}, 401, "unauthorized", "WWW-Authenticate"},
		{"wrong token", "POST", "/ssp/tok/wrong-token", "application/json", submit, nil, 401, "unauthorized", "WWW-Authenticate"},
		{"no token", "POST", "/ssp/tok", "application/json", submit, nil, 401, "unauthorized", "WWW-Authenticate"},
		{"wrong field", "POST", "/ssp/field", "application/json", `{"task":"1","apikey":"x"}`, nil, 401, "unauthorized", "WWW-Authenticate"},
		{"unproven and unreadable", "POST", "/ssp/field", "application/json", `{"task": T}`, nil, 422, "unreadable", ""},
		{"no signature", "POST", "/webhooks/acme", "application/json", "{}", nil, 401, "unauthorized", "WWW-Authenticate"},
		{"wrong signature", "POST", "/webhooks/acme", "application/json", "{}", []string{"X-Hub-Signature-256", "sha256=00"}, 401, "unauthorized", "WWW-Authenticate"},
		{"webhook without token", "POST", "/webhooks/tok", "application/json", "{}", nil, 401, "unauthorized", "WWW-Authenticate"},
		{"large", "POST", "/ssp/acme", "application/json", `{"text":"` + strings.Repeat("a", 4000) + `"}`, []string{"X-Bridge-Key", key}, 413, "too_large", ""},
		{"large webhook", "POST", "/webhooks/acme", "application/json", strings.Repeat("a", 4001), []string{"X-Hub-Signature-256", "x"}, 413, "too_large", ""},
		{"multipart", "POST", "/ssp/acme", "multipart/form-data; boundary=x", "--x--", []string{"X-Bridge-Key", key}, 415, "unsupported_type", "Accept"},
		{"compressed", "POST", "/ssp/acme", "application/json", "x", []string{"X-Bridge-Key", key, "Content-Encoding", "gzip"}, 415, "unsupported_encoding", "Accept-Encoding"},
		{"bad wait", "POST", "/ssp/acme?wait=soon", "application/json", submit, []string{"X-Bridge-Key", key}, 400, "bad_query", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t)
			w := r.do(c.method, c.target, c.contentType, c.body, c.header...)
			problem(t, w, c.status, c.word)
			if c.more != "" {
				require.NotEmpty(t, w.Header().Get(c.more))
			}
			require.Empty(t, r.all())
			require.Equal(t, c.word, r.last().Result)
			require.NotContains(t, r.log.String(), "wrong-token")
			require.NotContains(t, r.log.String(), key)
		})
	}
}

func TestBodyWithoutLengthIsBoundedToo(t *testing.T) {
	r := start(t)
	req := httptest.NewRequest("POST", "/ssp/acme", io.MultiReader(strings.NewReader(strings.Repeat(" ", 4001))))
	req.ContentLength = -1
	req.Header.Set("X-Bridge-Key", key)
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	problem(t, w, 413, "too_large")
}

func TestTokensInPathsAreShownNowhere(t *testing.T) {
	r := start(t)
	require.Equal(t, 202, r.do("POST", "/ssp/tok/"+token, "application/json", submit).Code)
	require.Equal(t, 202, r.do("POST", "/webhooks/tok/"+token, "application/json", "{}").Code)
	require.Equal(t, 404, r.do("POST", "/elsewhere/"+token, "application/json", "{}").Code)
	require.Equal(t, 401, r.do("POST", "/ssp/tok/mistyped-token", "application/json", "{}").Code)
	for _, e := range r.all() {
		stored, err := json.Marshal(e)
		require.NoError(t, err)
		require.NotContains(t, string(stored), token)
	}
	require.Contains(t, r.log.String(), "route=/ssp/:provider/:token")
	require.NotContains(t, r.log.String(), token)
	require.NotContains(t, r.log.String(), "mistyped-token")
}

func TestWhatIsStoredOfACall(t *testing.T) {
	r := start(t)
	r.call("/ssp/acme?a=1&apikey=x&wait=0s", "application/json", `{"task":"1","request_type":"Submit Request","text":"`+key+`"}`,
		"Authorization", "Basic abc", "Cookie", "a=b", "X-Forwarded-For", "1.2.3.4", "User-Agent", "SSP",
		"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	e := r.all()[0]
	require.Equal(t, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", e.Trace)
	require.Equal(t, map[string]string{"a": "1"}, e.Inbound.Query)
	require.Equal(t, map[string]string{"Content-Type": "application/json", "User-Agent": "SSP", "Traceparent": e.Trace}, e.Inbound.Header)
	require.Equal(t, "[secret]", e.Text)
	require.NotContains(t, string(e.Inbound.Body), key)
}

func TestNothingIsConfirmedThatWasNotAccepted(t *testing.T) {
	r := start(t)
	r.err = errors.Join(errors.New("disk full"), bridge.ErrUnavailable)
	for _, w := range []*httptest.ResponseRecorder{r.call("/ssp/acme", "application/json", submit), r.signed("{}")} {
		problem(t, w, 503, "unavailable")
		require.Equal(t, "5", w.Header().Get("Retry-After"))
	}
	r.err = errors.New("a bug")
	problem(t, r.call("/ssp/acme", "application/json", submit), 500, "internal_error")
	require.NotContains(t, r.call("/ssp/acme", "application/json", submit).Body.String(), "a bug")
}

func TestAPanicIsAnsweredAndTheListenerGoesOn(t *testing.T) {
	r := start(t)
	r.status = func(bridge.Event) bridge.Receipt { panic("bug with " + key) }
	p := problem(t, r.call("/ssp/acme", "application/json", submit), 500, "internal_error")
	require.NotContains(t, p.Detail, "bug")
	require.Contains(t, r.log.String(), "panic=")
	require.NotContains(t, r.log.String(), key)
}

func TestHealth(t *testing.T) {
	r := start(t)
	w := r.do("GET", "/healthz", "", "")
	require.Equal(t, 200, w.Code)
	require.Equal(t, "ok\n", w.Body.String())
	require.Equal(t, 200, r.do("HEAD", "/healthz", "", "").Code)
}

func TestOpenEntrancesAreWarnedAbout(t *testing.T) {
	r := start(t)
	require.Contains(t, r.log.String(), `level=WARN msg="process calls are not authenticated (auth: {none: true})" route=/ssp/open`)
	require.Contains(t, r.log.String(), `level=WARN msg="webhooks are not authenticated (none: true)" route=/webhooks/open`)
	require.NotContains(t, r.log.String(), "/ssp/acme")
}

func TestServerBounds(t *testing.T) {
	s := webhooks.NewServer("127.0.0.1:0", http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	require.Positive(t, s.ReadHeaderTimeout)
	require.Positive(t, s.ReadTimeout)
	require.Positive(t, s.IdleTimeout)
	require.Greater(t, s.WriteTimeout, processcall.MaxWait, "the longest wait has to fit")
	require.LessOrEqual(t, s.MaxHeaderBytes, 64<<10)
}

// Of what is refused nothing is kept, so the log has to say what was wrong with it.
func TestTheLogSaysWhyABodyWasNotRead(t *testing.T) {
	r := start(t)
	require.Equal(t, 415, r.call("/ssp/acme", "multipart/form-data; boundary="+strings.Repeat("x", 200), "--x--").Code)
	require.Contains(t, r.log.String(), `content_type="multipart/form-data; boundary=xxxxx`)
	require.NotContains(t, r.log.String(), strings.Repeat("x", 80))
	require.Equal(t, 422, r.do("POST", "/ssp/field", "application/json", `{"task": T-1, "apikey": "`+key+`"}`).Code)
	require.Contains(t, r.log.String(), "why=\"the body is not valid JSON at line 1, column 10")
	require.NotContains(t, r.log.String(), key)
	require.Empty(t, r.all())
}
