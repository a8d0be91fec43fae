package httpprovider

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

const testedConfig = "kind: http\nbase: %BASE%\nsend:\n  submit: {url: /submit}\n  update: skip\n  reject_solution: skip\n  close: skip\n"

func TestTheTestCallIsMadeAndJudged(t *testing.T) {
	var asked []string
	answer := func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"user":"bridge","active":true}`) }
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.RequestURI())
		w.Header().Set("Content-Type", "application/json")
		answer(w)
	}))
	defer s.Close()
	p := build(t, replaceBase(testedConfig, s.URL)+"test: {url: /me, query: {on: \"${now.Year() > 2000}\"}, success: answer.active}\n")
	r := p.Checker.Check(t.Context())
	require.Len(t, r, 1)
	require.True(t, r[0].OK, r[0].Detail)
	require.Equal(t, "GET "+s.URL+"/me?on=true", r[0].What)
	require.Contains(t, r[0].Detail, `status 200: {"user":"bridge"`)
	require.Equal(t, []string{"GET /me?on=true"}, asked)

	answer = func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"active":false}`) }
	r = p.Checker.Check(t.Context())
	require.False(t, r[0].OK)
	require.Contains(t, r[0].Detail, "not what it should be")

	answer = func(w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) }
	plain := build(t, replaceBase(testedConfig, s.URL)+"test: {url: /me}\n")
	r = plain.Checker.Check(t.Context())
	require.False(t, r[0].OK)
	require.Contains(t, r[0].Detail, "401")

	s.Close()
	r = p.Checker.Check(t.Context())
	require.False(t, r[0].OK)
	require.NotEmpty(t, r[0].Detail)

	require.Nil(t, build(t, replaceBase(testedConfig, s.URL)).Checker, "none is named")
}

func TestATestCallKnowsNoEvent(t *testing.T) {
	for more, want := range map[string]string{
		"test: {url: \"/tickets/${bond.reference}\"}\n":            "bond",
		"test: {url: /me}\nheaders: {X-Task: \"${event.task}\"}\n": "a test call has no event",
		"test: {url: /me, method: GET, body: {a: b}}\n":            "a GET has no body",
		"test: {url: /me, success: \"event.task == '1'\"}\n":       "event",
	} {
		_, problems := parse(t, replaceBase(testedConfig, "http://127.0.0.1:1")+more)
		require.NotEmpty(t, problems, more)
		require.Contains(t, problems.Error(), want, more)
	}
}
