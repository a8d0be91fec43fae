package outbound

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

const loginHTML = `<!DOCTYPE html><html><form><input name=u><input id="p" TYPE='password'></form></html>`

func status(s int, header ...string) Answer {
	a := Answer{Status: s, Header: http.Header{}, Body: []byte("body")}
	for i := 0; i < len(header); i += 2 {
		a.Header.Set(header[i], header[i+1])
	}
	return a
}

// rows are the table of the package documentation: left column → examples.
var rows = map[string][]struct {
	answer Answer
	err    error
}{
	"not sent":                               {{err: &Error{Phase: NotSent, Reason: bridge.NotSent, Err: errors.New("x")}}},
	"not sent, address denied by the guard":  {{err: &Error{Phase: NotSent, Reason: bridge.NotSent, Err: fmt.Errorf("x: %w", ErrDenied)}}},
	"not sent, we stopped":                   {{err: &Error{Phase: NotSent, Reason: bridge.Canceled, Stopped: true, Err: errors.New("x")}}},
	"not sent, token or certificate refused": {{err: &Error{Phase: NotSent, Reason: bridge.Unauthorized, Err: errors.New("x")}}},
	"not sent, URL or header cannot be sent": {{err: &Error{Phase: NotSent, Reason: bridge.MappingFailed, Err: errors.New("x")}}},
	"sent, connection lost or time over": {
		{err: &Error{Phase: Sent, Reason: bridge.NoAnswer, Err: errors.New("x")}},
		{err: fmt.Errorf("wrapped: %w", &Error{Phase: Sent, Reason: bridge.NoAnswer, Err: errors.New("x")})},
	},
	"sent, we stopped":                     {{err: &Error{Phase: Sent, Reason: bridge.NoAnswer, Stopped: true, Err: errors.New("x")}}},
	"sent, the answer is not HTTP":         {{err: &Error{Phase: Sent, Reason: bridge.BadAnswer, Err: errors.New("x")}}},
	"sent, header of the answer too large": {{err: &Error{Phase: Sent, Reason: bridge.TooLarge, Err: errors.New("x")}}},
	"any status, body broken off or too slow": {
		{status(200), &Error{Phase: Answered, Reason: bridge.NoAnswer, Err: errors.New("x")}},
		{status(400), &Error{Phase: Answered, Reason: bridge.NoAnswer, Err: errors.New("x")}},
		{status(503), &Error{Phase: Answered, Reason: bridge.NoAnswer, Err: errors.New("x")}},
	},
	"2xx, body too large": {{status(200), &Error{Phase: Answered, Reason: bridge.TooLarge, Err: errors.New("x")}}},
	"2xx":                 {{answer: status(200)}, {answer: status(201)}, {answer: status(202)}, {answer: status(204)}, {answer: status(299)}},
	"2xx, an HTML page asking for a password": {{answer: Answer{Status: 200, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, Body: []byte(loginHTML)}}},
	"301 307 308 (the address is wrong)":      {{answer: status(301, "Location", "https://elsewhere/")}, {answer: status(307)}, {answer: status(308, "Location", "/v2/tickets")}},
	"302 303":                                 {{answer: status(302, "Location", "/tickets/17")}, {answer: status(303, "Location", "/author/1")}, {answer: status(302)}},
	"301 302 303 307 308 to a login page": {
		{answer: status(301, "Location", "/login")}, {answer: status(302, "Location", "https://sso.example.com/x")},
		{answer: status(303, "Location", "/Account/Login?ReturnUrl=%2f")}, {answer: status(307, "Location", "/saml2/redirect")},
		{answer: status(308, "Location", "https://login.example.com/")},
	},
	"other 1xx, 3xx, 6xx and above": {{answer: status(101)}, {answer: status(300)}, {answer: status(304)}, {answer: status(999)}},
	"401 403 407 511":               {{answer: status(401)}, {answer: status(403)}, {answer: status(407)}, {answer: status(511)}},
	"408 421 425":                   {{answer: status(408)}, {answer: status(421)}, {answer: status(425)}},
	"429":                           {{answer: status(429)}},
	"400 404 405 409 410 422, other 4xx, 501": {{answer: status(400)}, {answer: status(404)}, {answer: status(405)}, {answer: status(409)},
		{answer: status(410)}, {answer: status(422)}, {answer: status(402)}, {answer: status(418)}, {answer: status(499)}, {answer: status(501)}},
	"502 504 520 522 524 598 599": {{answer: status(502)}, {answer: status(504)}, {answer: status(520)}, {answer: status(522)}, {answer: status(524)},
		{answer: status(598)}, {answer: status(599)}},
	"503 521 523 525 526 530": {{answer: status(503)}, {answer: status(521)}, {answer: status(523)}, {answer: status(525)}, {answer: status(526)}, {answer: status(530)}},
	"500, other 5xx":          {{answer: status(500)}, {answer: status(505)}, {answer: status(507)}},
}

// The documentation is the table; this reads it and holds Classify to every row.
func TestClassifyKeepsTheDocumentedTable(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	_, table, ok := strings.Cut(string(doc), "what came back")
	require.True(t, ok)
	row := regexp.MustCompile(`^//\t(\S.*?)\s{2,}(done|retry|refused|unknown)\s+(\w+)\s+(yes|no)$`)
	seen := 0
	for _, line := range strings.Split(table, "\n") {
		m := row.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		seen++
		examples := rows[m[1]]
		require.NotEmpty(t, examples, "no example of the row %q", m[1])
		for i, x := range examples {
			o := Classify(x.answer, x.err, Policy{})
			name := fmt.Sprintf("%s, example %d, status %d", m[1], i, x.answer.Status)
			require.Equal(t, m[2], string(o.Kind), name)
			require.Equal(t, m[3], string(o.Reason), name)
			require.Equal(t, m[4] == "yes", o.Down, name)
			require.Equal(t, x.answer.Status, o.Status, name)
			require.Contains(t, bridge.Reasons(), o.Reason, name)
			require.NotEmpty(t, o.Detail, name)
		}
	}
	require.Equal(t, len(rows), seen, "every example belongs to a row, every row has one")

	for _, s := range []int{302, 404, 429, 500, 503} { // the one row without an outcome of its own
		e := &Error{Phase: Answered, Reason: bridge.TooLarge, Err: errors.New("x")}
		long, short := Classify(status(s), e, Policy{}), Classify(status(s), nil, Policy{})
		require.Equal(t, []any{short.Kind, short.Reason, short.Down}, []any{long.Kind, long.Reason, long.Down}, strconv.Itoa(s))
	}
}

func TestClassifyOfAForeignErrorIsUnknown(t *testing.T) {
	o := Classify(Answer{}, errors.New("decoding failed"), Policy{})
	require.Equal(t, bridge.OutcomeUnknown, o.Kind)
	require.Equal(t, "decoding failed", o.Detail)
}

func TestPolicyMovesStatuses(t *testing.T) {
	p := Policy{Done: []int{409, 302}, Retry: []int{404, 200}, Refused: []int{500, 403}, Unknown: []int{503, 201}}
	for s, want := range map[int]bridge.OutcomeKind{
		409: bridge.OutcomeDone, 302: bridge.OutcomeDone, 404: bridge.OutcomeRetry, 200: bridge.OutcomeRetry, 500: bridge.OutcomeRefused,
		403: bridge.OutcomeRefused, 503: bridge.OutcomeUnknown, 201: bridge.OutcomeUnknown, 202: bridge.OutcomeDone, 400: bridge.OutcomeRefused,
	} {
		o := Classify(status(s), nil, p)
		require.Equal(t, want, o.Kind, s)
		require.False(t, o.Down, s)
	}
}

func TestRetryAfterGoesWithRetriesOnly(t *testing.T) {
	for s, want := range map[int]time.Duration{429: time.Minute, 503: time.Minute, 500: time.Minute, 200: 0, 400: 0, 502: 0} {
		a := status(s)
		a.RetryAfter = time.Minute
		require.Equal(t, want, Classify(a, nil, Policy{}).After, s)
	}
}

func TestClassifyMasks(t *testing.T) {
	secret.Register("classify-secret")
	a := status(302, "Location", "/login?key=classify-secret")
	a.Body = []byte("you sent classify-secret")
	o := Classify(a, nil, Policy{})
	require.NotContains(t, o.Detail+o.Answer, "classify-secret")
	require.Equal(t, "you sent [secret]", o.Answer)
	o = Classify(Answer{}, &Error{Phase: Sent, Reason: bridge.NoAnswer, Err: errors.New("GET /classify-secret: EOF")}, Policy{})
	require.NotContains(t, o.Detail, "classify-secret")
}

func TestLoginPage(t *testing.T) {
	html := http.Header{"Content-Type": {"text/html"}}
	require.True(t, LoginPage(Answer{Header: html, Body: []byte(loginHTML)}))
	require.True(t, LoginPage(Answer{Body: []byte("\n" + loginHTML)}), "by its beginning")
	require.False(t, LoginPage(Answer{Header: html, Body: []byte("<html>thank you</html>")}))
	require.False(t, LoginPage(Answer{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"text":"<input type=password>"}`)}))
	require.False(t, LoginPage(Answer{}))
}

func TestPolicyProblems(t *testing.T) {
	n, err := config.Parse("c.yaml", []byte("done: [200, 99]\nretry: [404, 404]\nrefused: [200]\n"))
	require.NoError(t, err)
	var p Policy
	config.Decode(n, &p)
	got := n.Problems()
	require.Len(t, got, 3)
	require.Equal(t, "c.yaml:1:13: done[1]: 99 is not the status of an answer (200 to 599)", got[0].Error())
	require.Equal(t, "c.yaml:2:14: retry[1]: status 404 is already under retry", got[1].Error())
	require.Equal(t, "c.yaml:3:11: refused[0]: status 200 is already under done", got[2].Error())
}
