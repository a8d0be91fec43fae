package ssptest_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/soap/asptest"
	"github.com/pergabridge/pergabridge/soap/ssptest"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

var faultCode = regexp.MustCompile(`<faultcode>soap:(\w+)</faultcode>|<soap:Code><soap:Value>soap:(\w+)</soap:Value>`)

// The fake answers strange calls as a real ASP.NET host does.
func TestFaithful(t *testing.T) {
	real := asptest.Start(t)
	fake := start(t, ssptest.Options{})
	_, err := fake.Create(ssptest.Ticket{Task: "1"})
	require.NoError(t, err)

	const op = ssptest.UpdateMessage
	good := element(op, id, "1", msg, "x &amp; y&#xD;&#xA;")
	quoted, bare, unknown, empty := `"http://tempuri.org/`+string(op)+`"`, "http://tempuri.org/"+string(op), `"http://tempuri.org/Nope"`, `""`
	type12 := `application/soap+xml; charset=utf-8; action="` + bare + `"`
	for name, c := range map[string]struct {
		contentType string
		action      *string
		body        string
		status      int
		code        string
		null        bool // the service saw no task id: the fake, which needs one, has to fail
	}{
		"SOAP 1.1":                    {type11, &quoted, wrap(ns11, good), 200, "", false},
		"unquoted action":             {type11, &bare, wrap(ns11, good), 200, "", false},
		"unknown action":              {type11, &unknown, wrap(ns11, good), 500, "Client", false},
		"empty action":                {type11, &empty, wrap(ns11, good), 500, "Client", false},
		"unknown envelope":            {type11, &quoted, wrap("http://example.com/", good), 500, "VersionMismatch", false},
		"broken XML":                  {type11, &quoted, wrap(ns11, "<a>"), 400, "", false},
		"a control character":         {type11, &quoted, wrap(ns11, element(op, id, "1", msg, "&#1;")), 400, "", false},
		"no body at all":              {type11, &quoted, "", 400, "", false},
		"a document type declaration": {type11, &quoted, "<!DOCTYPE a><a/>", 400, "", false},
		"another content type":        {"text/plain", &quoted, wrap(ns11, good), 415, "", false},
		"another argument":            {type11, &quoted, wrap(ns11, element(op, "taskId", "1", msg, "x")), 200, "", true},
		"one argument too many":       {type11, &quoted, wrap(ns11, element(op, id, "1", "more", "x", msg, "x")), 200, "", false},
		"another namespace":           {type11, &quoted, wrap(ns11, strings.Replace(good, "tempuri.org", "example.org", 1)), 200, "", true},
		"arguments without namespace": {type11, &quoted, wrap(ns11, strings.Replace(good, "<"+id, `<`+id+` xmlns=""`, 1)), 200, "", true},
		"another operation inside":    {type11, &quoted, wrap(ns11, element(ssptest.Reassignment, id, "1", msg, "x")), 200, "", true},
		"SOAP 1.2":                    {type12, nil, wrap(ns12, good), 200, "", false},
		"SOAP 1.2 without action":     {"application/soap+xml; charset=utf-8", nil, wrap(ns12, good), 200, "", false},
		"SOAP 1.2, unknown action":    {strings.Replace(type12, "Update", "Nope", 1), nil, wrap(ns12, good), 200, "", false},
		"SOAP 1.2, nothing known":     {strings.Replace(type12, "Update", "Nope", 1), nil, wrap(ns12, "<x/>"), 500, "Sender", false},
	} {
		t.Run(name, func(t *testing.T) {
			for host, url := range map[string]string{"real": real.URL, "fake": fake.URL()} {
				want, code := c.status, c.code
				if c.null && host == "fake" {
					want, code = 500, "Server"
				}
				status, text, err := post(t, url, c.contentType, c.action, c.body)
				require.NoError(t, err, host)
				require.Equal(t, want, status, "%s: %s", host, text)
				got := ""
				if m := faultCode.FindStringSubmatch(text); m != nil {
					got = m[1] + m[2]
				}
				require.Equal(t, code, got, "%s: %s", host, text)
			}
			if c.null {
				calls, err := real.Calls()
				require.NoError(t, err)
				require.True(t, calls[len(calls)-1].Null[0], "the real host saw null as well")
			}
		})
	}
}

func TestMissingActionIsRefused(t *testing.T) {
	s := start(t, ssptest.Options{})
	status, text, err := post(t, s.URL(), type11, nil, wrap(ns11, element(ssptest.UpdateMessage, id, "1", msg, "x")))
	require.NoError(t, err)
	require.Equal(t, http.StatusInternalServerError, status)
	require.Contains(t, text, "Unable to handle request without a valid action parameter")
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(within(t), http.MethodGet, url, nil)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(b)
}

func TestPages(t *testing.T) {
	s := start(t, ssptest.Options{})
	status, text := get(t, strings.Replace(s.URL(), "WebService", "webservice", 1)+"?wsdl")
	require.Equal(t, http.StatusOK, status)
	d, err := wsdl.Read([]byte(text), "")
	require.NoError(t, err)
	require.Len(t, d.Operations, 6)
	require.Equal(t, s.URL(), d.Operations[0].Address, "the description says where the service is")

	status, text = get(t, s.URL())
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, "<html>")
	status, _ = get(t, s.URL()+"/nothing")
	require.Equal(t, http.StatusNotFound, status)

	closed := start(t, ssptest.Options{Authorize: func(r *http.Request) bool { _, _, ok := r.BasicAuth(); return ok }})
	status, _ = get(t, closed.URL()+"?WSDL")
	require.Equal(t, http.StatusUnauthorized, status)
}

func TestScripts(t *testing.T) {
	s := start(t, ssptest.Options{})
	task, err := s.Create(ssptest.Ticket{})
	require.NoError(t, err)
	for _, c := range []struct {
		trouble ssptest.Trouble
		status  int // 0: the connection is closed
		text    string
		applied bool
	}{
		{ssptest.Trouble{Kind: ssptest.Drop}, 0, "", false},
		{ssptest.Trouble{Kind: ssptest.DropAfter}, 0, "", true},
		{ssptest.Trouble{Kind: ssptest.Page, Status: 503, Text: "soon"}, 503, "soon", false},
		{ssptest.Trouble{Kind: ssptest.PageAfter, ContentType: "text/plain", Text: "what"}, 200, "what", true},
		{ssptest.Trouble{Kind: ssptest.ServerFault, Text: "out of disk"}, 500, "---&gt; System.ApplicationException: out of disk", false},
		{ssptest.Trouble{Kind: ssptest.ClientFault, Text: "what?"}, 500, "<faultcode>soap:Client</faultcode>", false},
		{ssptest.Trouble{Kind: ssptest.Result, Text: "false"}, 200, "Result>false</", false},
		{ssptest.Trouble{Kind: ssptest.ResultAfter, Text: "17"}, 200, "Result>17</", true},
	} {
		s.Script(ssptest.Times(1, c.trouble))
		before := len(s.Effects())
		status, text, err := call(t, s, ssptest.UpdateMessage, id, task, msg, "x")
		require.Equal(t, c.status, status, "%s: %v", c.trouble.Kind, err)
		require.Contains(t, text, c.text)
		want := before
		if c.applied {
			want++
		}
		require.Len(t, s.Effects(), want, "%s", c.trouble.Kind)
		mustCall(t, s, ssptest.UpdateMessage, id, task, msg, "the next one works")
	}
	s.Script(nil)
	require.Len(t, s.Calls(), 16, "failed calls are listed, too")
}

func TestSometimesIsRepeatable(t *testing.T) {
	throw := func() []bool {
		script := ssptest.Sometimes(7, 0.3, ssptest.Trouble{Kind: ssptest.Drop}, ssptest.Trouble{Kind: ssptest.Hang})
		var out []bool
		for range 200 {
			out = append(out, script(ssptest.Call{}) != nil)
		}
		return out
	}
	first := throw()
	require.Equal(t, first, throw())
	n := 0
	for _, hit := range first {
		if hit {
			n++
		}
	}
	require.InDelta(t, 60, n, 25)
	require.NotNil(t, ssptest.Always(ssptest.Trouble{Kind: ssptest.Drop})(ssptest.Call{}))
}

// Many bridges' worth of calls at once; the race detector looks on.
func TestConcurrency(t *testing.T) {
	b := newBridge(t)
	s := start(t, ssptest.Options{Groups: map[string]ssptest.Group{"g": {URL: b.URL}}, Echo: ssptest.EchoMixed, OnEffect: func(ssptest.Effect) {}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			task, err := s.Create(ssptest.Ticket{})
			if err != nil || s.Assign(task, "g") != nil {
				t.Error("no task")
				return
			}
			for range 10 {
				if status, text, err := call(t, s, ssptest.UpdateMessage, id, task, msg, "x"); err != nil || status != http.StatusOK {
					t.Error(status, text, err)
				}
				s.Effects()
				s.ProcessCalls()
			}
		})
	}
	wg.Wait()
	require.NoError(t, s.Wait(within(t), func() bool { return len(s.ProcessCalls()) == 8*11 }))
	require.NoError(t, s.Idle(within(t)))
	require.Len(t, b.calls(), 8*11)
}

func FuzzService(f *testing.F) {
	s := start(f, ssptest.Options{})
	_, err := s.Create(ssptest.Ticket{Task: "1"})
	require.NoError(f, err)
	f.Add(type11, `"http://tempuri.org/ProcessInstanceTaskExternalUpdateMessage"`, wrap(ns11, element(ssptest.UpdateMessage, id, "1", msg, "x")))
	f.Fuzz(func(t *testing.T, contentType, action, body string) {
		if strings.ContainsAny(contentType+action, "\r\n\x00") {
			return // no header
		}
		req, err := http.NewRequestWithContext(within(t), http.MethodPost, s.URL(), strings.NewReader(body))
		require.NoError(t, err)
		req.Header["Content-Type"], req.Header["Soapaction"] = []string{contentType}, []string{action}
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := client.Do(req)
		if err != nil {
			require.ErrorContains(t, err, "invalid header", "only a header that cannot be sent may fail")
			return
		}
		defer res.Body.Close()
		require.Contains(t, []int{200, 400, 415, 500}, res.StatusCode)
	})
}
