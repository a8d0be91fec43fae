package webhooks_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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

const submit = `{"task":"4711","request_type":"Submit Request","direction":"Out","message_id":"m1"}`

func TestProcessCallIsAcceptedAndItsRepeatNamesTheFirst(t *testing.T) {
	r := start(t)
	require.Equal(t, map[string]any{"event": "event-1", "status": "accepted"}, answer(t, r.call("/ssp/acme", "application/json", submit), 202))
	require.Equal(t, map[string]any{"event": "event-1", "status": "duplicate"}, answer(t, r.call("/ssp/acme", "application/json", submit), 200))
	e := r.all()
	require.Len(t, e, 1)
	require.Equal(t, bridge.Submit, e[0].Kind)
	require.Equal(t, bridge.ByProcessCall, e[0].Entrance)
	require.Equal(t, noon, e[0].Received)
	require.Equal(t, submit, string(e[0].Inbound.Body))
	require.Equal(t, webhooks.Served{Route: "/ssp/:provider", Provider: "acme", Status: 200, Result: "duplicate"}, r.last())
}

func TestStatusOfTheAnswer(t *testing.T) {
	r := start(t)
	for status, want := range map[bridge.ReceiptStatus]int{
		bridge.Accepted: 202, bridge.Waiting: 202, bridge.Late: 202, bridge.Conflict: 202, bridge.Quarantined: 202, bridge.Duplicate: 200, bridge.Echoed: 200,
	} {
		r.status = func(bridge.Event) bridge.Receipt { return bridge.Receipt{Status: status, Event: "e", Reference: "R"} }
		require.Equal(t, map[string]any{"event": "e", "status": string(status), "reference": "R"}, answer(t, r.call("/ssp/acme", "application/json", submit), want))
	}
	r.status = nil
	require.Equal(t, "echo", answer(t, r.call("/ssp/acme", "application/json", `{"task":"1","request_type":"Update","direction":"In"}`), 200)["status"])
	require.Equal(t, "quarantined", answer(t, r.call("/ssp/acme", "application/json", `{"task":"1","request_type":"Hm"}`), 202)["status"])
}

func TestAnswerComesInTheCallersFormat(t *testing.T) {
	const fields = "<task>1</task><request_type>Update</request_type><direction>Out</direction>"
	envelope := func(space string) string {
		return `<e:Envelope xmlns:e="` + space + `"><e:Body><x>` + fields + `</x></e:Body></e:Envelope>`
	}
	for _, c := range []struct{ name, contentType, body, accept, wantType, want string }{
		{"json", "application/json", `{"task":"1","request_type":"Update","direction":"Out"}`, "", "application/json", `{"event":"event-1","status":"accepted"}`},
		{"form", "application/x-www-form-urlencoded", "task=1&request_type=Update&direction=Out", "*/*", "application/json", `{"event":"event-1","status":"accepted"}`},
		{"text", "application/x-www-form-urlencoded", "task=1&request_type=Update&direction=Out", "text/plain", "text/plain; charset=utf-8", "event=event-1\nstatus=accepted\n"},
		{"xml", "application/xml", "<x>" + fields + "</x>", "", "application/xml; charset=utf-8", xml.Header + "<answer><event>event-1</event><status>accepted</status></answer>"},
		{"soap 1.1", "text/xml", envelope(processcall.NamespaceSOAP11), "", "text/xml; charset=utf-8", xml.Header + `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><ProcessCallResponse xmlns="urn:pergabridge:intake"><event>event-1</event><status>accepted</status></ProcessCallResponse></soap:Body></soap:Envelope>`},
		{"soap 1.2", "application/soap+xml", envelope(processcall.NamespaceSOAP12), "", "application/soap+xml; charset=utf-8", xml.Header + `<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body><ProcessCallResponse xmlns="urn:pergabridge:intake"><event>event-1</event><status>accepted</status></ProcessCallResponse></soap:Body></soap:Envelope>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t).call("/ssp/acme", c.contentType, c.body, "Accept", c.accept)
			require.Equal(t, 202, w.Code)
			require.Equal(t, c.wantType, w.Header().Get("Content-Type"))
			require.Equal(t, c.want, w.Body.String())
		})
	}
}

func TestUnusableCallsAreNamedAndKept(t *testing.T) {
	for _, c := range []struct {
		name, body, field string
		reason            bridge.Reason
	}{
		{"placeholder", `{"task":"1","request_type":"#REPLACE-EXTAPPFIELD-A-B#"}`, "request_type", bridge.Unreplaced},
		{"no task", `{"request_type":"Update"}`, "task", bridge.MissingField},
		{"unreadable", `{"task": T-1}`, "", bridge.Unreadable},
		{"empty", ``, "", bridge.Unreadable},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t)
			p := problem(t, r.call("/ssp/acme", "application/json", c.body), 422, string(c.reason))
			require.Equal(t, c.field, p.Field)
			require.Equal(t, "event-1", p.Event)
			require.Equal(t, string(c.reason), p.Reason)
			require.Contains(t, p.Detail, c.field)
			e := r.all()
			require.Len(t, e, 1)
			require.Equal(t, c.reason, e[0].Quarantine)
			require.Equal(t, c.body, string(e[0].Inbound.Body))
		})
	}
	t.Run("in xml for xml", func(t *testing.T) {
		w := start(t).call("/ssp/acme", "text/xml", "<c><request_type>Update</request_type></c>")
		require.Equal(t, 422, w.Code)
		require.Equal(t, "application/problem+xml; charset=utf-8", w.Header().Get("Content-Type"))
		var p struct {
			XMLName xml.Name `xml:"urn:ietf:rfc:7807 problem"`
			Status  int      `xml:"status"`
			Field   string   `xml:"field"`
		}
		require.NoError(t, xml.Unmarshal(w.Body.Bytes(), &p))
		require.Equal(t, 422, p.Status)
		require.Equal(t, "task", p.Field)
	})
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

func TestContractIsPublished(t *testing.T) {
	r := start(t)
	for _, target := range []string{"/ssp/acme?wsdl", "/ssp/acme?WSDL", "/ssp/acme?wsdl=1"} {
		w := r.do("GET", "http://bridge.local:8080"+target, "", "")
		require.Equal(t, 200, w.Code)
		require.Equal(t, "text/xml; charset=utf-8", w.Header().Get("Content-Type"))
		require.Contains(t, w.Body.String(), `location="http://bridge.local:8080/ssp/acme"`)
	}
	r = start(t, func(o *webhooks.Options) { o.PublicURL = "https://bridge.example.com/" })
	require.Contains(t, r.do("GET", "/ssp/acme?wsdl", "", "", "X-Forwarded-Host", "evil").Body.String(), `location="https://bridge.example.com/ssp/acme"`)
	problem(t, r.do("GET", "/ssp/empty?wsdl", "", ""), 404, "not_found")
}

func TestOpenEntrancesAreWarnedAbout(t *testing.T) {
	r := start(t)
	require.Contains(t, r.log.String(), `level=WARN msg="process calls are not authenticated (auth: {none: true})" route=/ssp/open`)
	require.Contains(t, r.log.String(), `level=WARN msg="webhooks are not authenticated (none: true)" route=/webhooks/open`)
	require.NotContains(t, r.log.String(), "/ssp/acme")
}

func TestWebhook(t *testing.T) {
	r := start(t)
	const body = `{"a":1}`
	require.Equal(t, map[string]any{"event": "event-1", "status": "accepted"}, answer(t, r.signed(body, "X-GitHub-Delivery", "d1", "X-GitHub-Event", "issues"), 202))
	require.Equal(t, map[string]any{"event": "event-1", "status": "duplicate"}, answer(t, r.signed(body, "X-GitHub-Delivery", "d1"), 200))
	e := r.all()
	require.Len(t, e, 1)
	require.Equal(t, "acme", e[0].Provider)
	require.Equal(t, bridge.ByWebhook, e[0].Entrance)
	require.Equal(t, noon, e[0].Received)
	require.Equal(t, &bridge.Inbound{
		Provider: "acme", Entrance: bridge.ByWebhook, ContentType: "application/json", Body: []byte(body), Received: noon, Delivery: "d1",
		Header: map[string]string{"Content-Type": "application/json", "X-Github-Delivery": "d1", "X-Github-Event": "issues"},
	}, e[0].Inbound)
}

func TestWebhookWithSeveralEvents(t *testing.T) {
	r := start(t, withRules(func(bridge.Inbound) ([]bridge.Event, error) {
		return []bridge.Event{{Dir: bridge.In, Kind: bridge.Update, Key: "a"}, {Dir: bridge.In, Kind: bridge.Resolve, Key: "b"}}, nil
	}))
	got := answer(t, r.signed("{}"), 202)
	require.Equal(t, map[string]any{"status": "accepted", "events": []any{
		map[string]any{"event": "event-1", "status": "accepted"}, map[string]any{"event": "event-2", "status": "accepted"},
	}}, got)
	require.Equal(t, "duplicate", answer(t, r.signed("{}"), 200)["status"])
}

func withRules(f rules) func(*webhooks.Options) {
	return func(o *webhooks.Options) {
		in := o.Providers["acme"]
		in.Receiver = f
		o.Providers["acme"] = in
	}
}

func TestWebhookThatMeansNothingLeavesARecord(t *testing.T) {
	r := start(t, withRules(func(bridge.Inbound) ([]bridge.Event, error) { return nil, nil }))
	require.Equal(t, map[string]any{"status": "ignored"}, answer(t, r.signed("{}", "X-GitHub-Delivery", "d9"), 202))
	require.Equal(t, "ignored", r.last().Result)
	require.Contains(t, r.log.String(), "level=INFO")
	require.Contains(t, r.log.String(), "delivery=d9")
}

func TestWebhookThatCannotBeMappedIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		f      rules
		reason bridge.Reason
		detail string
	}{
		"quarantined by the rules": {func(bridge.Inbound) ([]bridge.Event, error) {
			return []bridge.Event{{Dir: bridge.In, Quarantine: bridge.NoRule, Detail: "no rule fits"}}, nil
		}, bridge.NoRule, "no rule fits"},
		"error": {func(bridge.Inbound) ([]bridge.Event, error) { return nil, errors.New("bad rule " + shared) }, bridge.RuleFailed, "bad rule [secret]"},
		"panic": {func(bridge.Inbound) ([]bridge.Event, error) { panic("bug") }, bridge.InternalError, "the bridge failed while it read this input; its log says more"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, withRules(c.f))
			require.Equal(t, map[string]any{"event": "event-1", "status": "quarantined"}, answer(t, r.signed(`{"x":1}`), 202))
			e := r.all()
			require.Len(t, e, 1)
			require.Equal(t, c.reason, e[0].Quarantine)
			require.Equal(t, c.detail, e[0].Detail)
			require.Equal(t, `{"x":1}`, string(e[0].Inbound.Body))
			require.Equal(t, bridge.In, e[0].Dir)
		})
	}
}

func TestHundredCopiesAtOnce(t *testing.T) {
	r := start(t)
	var wg sync.WaitGroup
	codes := make([]int, 100)
	for i := range codes {
		wg.Go(func() { codes[i] = r.signed("{}", "X-GitHub-Delivery", "d1").Code })
	}
	wg.Wait()
	count := map[int]int{}
	for _, c := range codes {
		count[c]++
	}
	require.Equal(t, map[int]int{202: 1, 200: 99}, count)
	require.Len(t, r.all(), 1)
}

func TestWaitForTheReference(t *testing.T) {
	r := start(t)
	r.await = func(_ context.Context, task string) (string, error) { return "EXT-" + task, nil }
	require.Equal(t, map[string]any{"event": "event-1", "status": "bonded", "reference": "EXT-4711"}, answer(t, r.call("/ssp/acme?wait=10s", "application/json", submit), 200))
	require.Equal(t, map[string]any{"event": "event-1", "status": "bonded", "reference": "EXT-4711"}, answer(t, r.call("/ssp/acme?wait=5", "application/json", submit), 200), "a repeat is told as well")
	require.Equal(t, "echo", answer(t, r.call("/ssp/acme?wait=10s", "application/json", `{"task":"1","direction":"In"}`), 200)["status"])
	r.await = func(context.Context, string) (string, error) { return "", errors.New("closing") }
	require.Equal(t, "duplicate", answer(t, r.call("/ssp/acme?wait=10s", "application/json", submit), 200)["status"])
	r.status = func(bridge.Event) bridge.Receipt {
		return bridge.Receipt{Status: bridge.Accepted, Event: "e", Reference: "KNOWN"}
	}
	require.Equal(t, map[string]any{"event": "e", "status": "bonded", "reference": "KNOWN"}, answer(t, r.call("/ssp/acme?wait=10s", "application/json", submit), 200))
}

func TestWaitEndsInTime(t *testing.T) {
	r := start(t)
	synctest.Test(t, func(t *testing.T) {
		for target, want := range map[string]time.Duration{"/ssp/acme?wait=10s": 10 * time.Second, "/ssp/acme?wait=500ms": 500 * time.Millisecond, "/ssp/acme?wait=1h": 20 * time.Second} {
			before := time.Now()
			w := r.call(target, "application/json", `{"task":"1","request_type":"Submit Request"}`)
			require.Equal(t, "accepted", answer(t, w, 202)["status"])
			require.Equal(t, want, time.Since(before))
		}
	})
}

func TestDrainingEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, drain := context.WithCancel(t.Context())
		r := start(t, func(o *webhooks.Options) { o.Draining = ctx })
		done := make(chan *httptest.ResponseRecorder)
		go func() { done <- r.call("/ssp/acme?wait=20s", "application/json", submit) }()
		synctest.Wait()
		before := time.Now()
		drain()
		require.Equal(t, "accepted", answer(t, <-done, 202)["status"])
		require.Equal(t, before, time.Now())
	})
}

func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(o *webhooks.Options) { o.MaxRequests, o.MaxWaiting = 1, 1 })
		done := make(chan *httptest.ResponseRecorder)
		go func() { done <- r.call("/ssp/acme?wait=10s", "application/json", submit) }()
		synctest.Wait()
		require.Equal(t, 202, r.signed("{}").Code, "who waits for a reference holds no slot")
		before := time.Now()
		require.Equal(t, 200, r.call("/ssp/acme?wait=10s", "application/json", submit).Code)
		require.Equal(t, before, time.Now(), "beyond the bound nobody waits")
		require.Equal(t, 202, (<-done).Code)

		block := make(chan struct{})
		r.status = func(bridge.Event) bridge.Receipt { <-block; return bridge.Receipt{Status: bridge.Accepted} }
		go func() { done <- r.signed("{}") }()
		synctest.Wait()
		w := r.do("POST", "/ssp/acme", "application/json", submit)
		problem(t, w, 503, "unavailable")
		require.NotEmpty(t, w.Header().Get("Retry-After"))
		require.Equal(t, 200, r.do("GET", "/healthz", "", "").Code, "a busy bridge is alive")
		close(block)
		require.Equal(t, 202, (<-done).Code)
	})
}

// On a real connection: a body that never ends is cut off, and the deadline for reading does not
// cut off a caller that waits for its answer afterwards.
func TestDeadlinesOnARealConnection(t *testing.T) {
	r := start(t, func(o *webhooks.Options) { o.Timeout = 150 * time.Millisecond })
	r.await = func(ctx context.Context, _ string) (string, error) {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(500 * time.Millisecond): // longer than every deadline for reading
			return "EXT-1", nil
		}
	}
	srv := httptest.NewUnstartedServer(r.handler)
	srv.Config.ReadTimeout = 300 * time.Millisecond
	srv.Start()
	defer srv.Close()

	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /ssp/acme HTTP/1.1\r\nHost: x\r\nX-Bridge-Key: "+key+"\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(got), "HTTP/1.1 408 "), string(got))
	require.Contains(t, string(got), "urn:pergabridge:problem:incomplete")
	require.Empty(t, r.all())

	req, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/ssp/acme?wait=5s", strings.NewReader(submit))
	require.NoError(t, err)
	req.Header.Set("X-Bridge-Key", key)
	resp, err := srv.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode, string(body))
	require.Contains(t, string(body), "EXT-1")
}

func TestServerBounds(t *testing.T) {
	s := webhooks.NewServer("127.0.0.1:0", http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	require.Positive(t, s.ReadHeaderTimeout)
	require.Positive(t, s.ReadTimeout)
	require.Positive(t, s.IdleTimeout)
	require.Greater(t, s.WriteTimeout, processcall.MaxWait, "the longest wait has to fit")
	require.LessOrEqual(t, s.MaxHeaderBytes, 64<<10)
}

func TestStrangersWhoSendSlowlyKeepNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, func(o *webhooks.Options) { o.MaxRequests = 4 })
		slow, end := io.Pipe()
		answers := make(chan int, 3)
		for range 3 { // hmac: nothing is proven before the body is there; two may try at once
			go func() {
				req := httptest.NewRequest(http.MethodPost, "/webhooks/acme", slow)
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("00", sha256.Size))
				rec := httptest.NewRecorder()
				r.handler.ServeHTTP(rec, req)
				answers <- rec.Code
			}()
		}
		synctest.Wait()
		require.Equal(t, http.StatusServiceUnavailable, <-answers)
		require.Equal(t, http.StatusAccepted, r.call("/ssp/acme", "application/json", submit).Code)
		end.Close()
		require.Equal(t, http.StatusUnauthorized, <-answers)
		require.Equal(t, http.StatusUnauthorized, <-answers)
	})
}
