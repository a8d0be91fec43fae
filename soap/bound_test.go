package soap

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/soap/ssptest"
	"github.com/pergabridge/pergabridge/soap/workflow"
)

// boundTo reads a section ssp whose update is bound as given, the others as by default.
func boundTo(t *testing.T, url, update string, more ...string) Config {
	t.Helper()
	c, problems := read(t, "url: "+url+"\n"+strings.Join(more, "\n")+`
operations:
  acknowledge: {arguments: {processInstanceTaskId: task, externalReference: reference}}
  update: `+update+`
  resolve: {arguments: {processInstanceTaskId: task, solution: solution}}
`)
	require.Empty(t, problems)
	return *c
}

func TestSuccessTest(t *testing.T) {
	const args = "arguments: {processInstanceTaskId: task, message: message}"
	for _, c := range []struct {
		success, result string
		kind            bridge.OutcomeKind
		detail          string
	}{
		{`answer_text == "0"`, "0", bridge.OutcomeDone, `SSP took it and answered "0"`},
		{`answer_text == "0"`, "17", bridge.OutcomeRefused, `SSP answered "17", which is no success (answer_text == "0")`},
		{`answer_text startsWith "OK " + event.task`, "OK 4711", bridge.OutcomeDone, `SSP took it and answered "OK 4711"`},
		{`answer_text != ""`, "Error: but that is fine here", bridge.OutcomeDone, `SSP took it and answered "Error: but that is fine here"`},
		{`status == 200 && header["content-type"] contains "xml"`, "", bridge.OutcomeDone, `SSP took it`},
		{`int(answer_text) > 0`, "many", bridge.OutcomeUnknown, `the success test of ssp.operations failed on the answer "many": `},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", soapXML)
			_, _ = w.Write([]byte(response(c.result)))
		}))
		conf := boundTo(t, s.URL, "{success: '"+c.success+"', "+args+"}", "contract: assumed")
		o := newDestination(t, conf).Deliver(t.Context(), lease(bridge.Update, "4711", "x"))
		s.Close()
		require.Equal(t, c.kind, o.Kind, "%s %s: %+v", c.success, c.result, o)
		require.Contains(t, o.Detail, c.detail)
	}
}

// A text in parts arrives in order, and a repeat goes on where it stopped.
func TestSplitTexts(t *testing.T) {
	s := startSSP(t, ssptest.Options{})
	task := assignedTask(t, s)
	d := newDestination(t, boundTo(t, s.URL(), "{arguments: {processInstanceTaskId: task, message: {role: message, limit: 45, over: split}}}"))
	text := strings.Repeat("one two three four five six seven\n", 4)
	s.Script(func(c ssptest.Call) *ssptest.Trouble {
		if strings.HasPrefix(c.Args["message"], "(3/4)") && len(s.Calls()) == 3 {
			return &ssptest.Trouble{Kind: ssptest.ServerFault, Text: "later"}
		}
		return nil
	})
	l := lease(bridge.Update, task, text)
	o := d.Deliver(t.Context(), l)
	require.Equal(t, bridge.OutcomeRetry, o.Kind, "%+v", o)
	require.Contains(t, o.Detail, "part 3 of 4: fault soap:Server: ")
	shown, err := d.Render(l)
	require.NoError(t, err)
	require.Equal(t, 4, strings.Count(shown, "POST "))

	o = d.Deliver(t.Context(), l)
	require.Equal(t, bridge.OutcomeDone, o.Kind, "%+v", o)
	require.Equal(t, `part 4 of 4: SSP took it and answered "OK"`, o.Detail)
	var got []string
	for _, e := range s.Effects(task) {
		got = append(got, e.Text)
	}
	const line = "one two three four five six seven"
	require.Equal(t, []string{"(1/4) " + line, "(2/4) " + line, "(3/4) " + line, "(4/4) " + line}, got)
	require.Zero(t, d.progress.of(l.Event.ID), "nothing is kept")
	for i := range maxProgress + 10 {
		d.progress.set(fmt.Sprint(i), 1)
	}
	require.Len(t, d.progress.done, maxProgress)
	require.Zero(t, d.progress.of("0"))

	// What is cut off is said.
	d = newDestination(t, boundTo(t, s.URL(), "{arguments: {processInstanceTaskId: task, message: {role: message, limit: 40}}}"))
	o = d.Deliver(t.Context(), lease(bridge.Update, task, text))
	require.Equal(t, bridge.OutcomeDone, o.Kind)
	require.Equal(t, `SSP took it and answered "OK"; the text was cut from 136 to 40 characters`, o.Detail)
}

// A message that does not fit its argument is refused before anything is sent.
func TestValuesThatDoNotFit(t *testing.T) {
	s := startSSP(t, ssptest.Options{WSDL: func(string) []byte {
		return []byte(strings.ReplaceAll(mono(t), `name="processInstanceTaskId" type="s:string"`, `name="processInstanceTaskId" type="s:int"`))
	}})
	d := newDestination(t, boundTo(t, s.URL(), "{arguments: {processInstanceTaskId: task, message: message}}"))
	o := d.Deliver(t.Context(), lease(bridge.Update, "T-1", "x"))
	require.Equal(t, bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.MappingFailed,
		Detail: `argument processInstanceTaskId of ProcessInstanceTaskExternalUpdateMessage: "T-1" is not a value of type int`}, o)
	require.Empty(t, s.Calls())
}

func TestOneWay(t *testing.T) {
	const output = `<wsdl:output message="tns:ProcessInstanceTaskExternalUpdateMessageSoapOut" />`
	require.Contains(t, mono(t), output)
	s := startSSP(t, ssptest.Options{WSDL: func(string) []byte { return []byte(strings.ReplaceAll(mono(t), output, "")) }})
	s.Script(ssptest.Always(ssptest.Trouble{Kind: ssptest.PageAfter, Status: 202, ContentType: soapXML}))
	task := assignedTask(t, s)
	d := newDestination(t, boundTo(t, s.URL(), "{arguments: {processInstanceTaskId: task, message: message}}"))
	o := d.Deliver(t.Context(), lease(bridge.Update, task, "x"))
	require.Equal(t, bridge.OutcomeDone, o.Kind, "%+v", o)
	require.Equal(t, "SSP took it; this operation answers nothing", o.Detail)
	o = d.Deliver(t.Context(), lease(bridge.Resolve, task, "x"))
	require.Equal(t, bridge.OutcomeUnknown, o.Kind, "of the others an answer is expected")
}

// elsewhere is another way to SSP.
type elsewhere struct{ got []bridge.Lease }

func (e *elsewhere) Deliver(_ context.Context, l bridge.Lease) bridge.Outcome {
	e.got = append(e.got, l)
	return bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered, Detail: "by another way"}
}

func (e *elsewhere) Render(bridge.Lease) (string, error) { return "another way", nil }

func TestRoutes(t *testing.T) {
	s := startSSP(t, ssptest.Options{})
	task := assignedTask(t, s)
	other := new(elsewhere)
	d, err := New(Config{URL: s.URL()}, Deps{Routes: map[bridge.Kind]bridge.Destination{bridge.Update: other}})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	l := lease(bridge.Update, task, "x")
	require.Equal(t, "by another way", d.Deliver(t.Context(), l).Detail)
	require.Equal(t, []bridge.Lease{l}, other.got)
	shown, err := d.Render(l)
	require.NoError(t, err)
	require.Equal(t, "another way", shown)
	require.Empty(t, s.Calls())
	require.Equal(t, bridge.OutcomeDone, d.Deliver(t.Context(), lease(bridge.Resolve, task, "x")).Kind)
	require.Len(t, s.Calls(), 1)
}

func TestSOAP12(t *testing.T) {
	fault := soap12(envelope(`<soap:Fault><soap:Code><soap:Value>soap:Receiver</soap:Value><soap:Subcode><soap:Value>x</soap:Value></soap:Subcode></soap:Code>` +
		`<soap:Reason><soap:Text xml:lang="en">it broke</soap:Text></soap:Reason><soap:Detail><a>why</a></soap:Detail></soap:Fault>`))
	for _, c := range []struct {
		status int
		body   string
		kind   bridge.OutcomeKind
		detail string
	}{
		{200, soap12(response("yes")), bridge.OutcomeDone, `SSP took it and answered "yes"`},
		{500, fault, bridge.OutcomeRetry, "fault soap:Receiver: it broke (detail: why)"},
		{500, strings.Replace(fault, "soap:Receiver", "soap:Sender", 1), bridge.OutcomeRefused, "fault soap:Sender: it broke (detail: why)"},
		{200, soap12(envelope("")), bridge.OutcomeUnknown, "the body of the answer holds no response"},
		{200, strings.Replace(soap12(response("x")), "</soap:Envelope>", "", 1), bridge.OutcomeUnknown, ""},
	} {
		d := answering(t, Config{Version: "1.2"}, c.status, "application/soap+xml; charset=utf-8", c.body)
		o := d.Deliver(t.Context(), lease(bridge.Update, "1", "x"))
		require.Equal(t, c.kind, o.Kind, "%+v", o)
		if c.detail != "" {
			require.Equal(t, c.detail, o.Detail)
		}
	}
}

// Every answer that does not come from the service says what is likely wrong, and which key to change.
func TestExplain(t *testing.T) {
	basic := outbound.Config{Auth: outbound.Auth{Basic: &outbound.BasicAuth{Username: "u"}}}
	ntlm := outbound.Config{Auth: outbound.Auth{NTLM: &outbound.NTLM{Username: "u"}}}
	page := []byte("<html><body>Server Error in '/' Application.</body></html>")
	login := []byte(`<html><body><form><input type="password"></form></body></html>`)
	for _, c := range []struct {
		conf   outbound.Config
		status int
		header http.Header
		body   []byte
		want   string
	}{
		{outbound.Config{}, 401, http.Header{"Www-Authenticate": {`Basic realm="x"`}}, nil, "it asks for Basic authentication: set ssp.auth.basic"},
		{outbound.Config{}, 401, http.Header{"Www-Authenticate": {"Negotiate", "NTLM"}}, nil, "it asks for Windows authentication: set ssp.auth.ntlm"},
		{basic, 401, http.Header{"Www-Authenticate": {"Negotiate", "NTLM"}}, nil, "it asks for Windows authentication: set ssp.auth.ntlm"},
		{outbound.Config{}, 401, http.Header{"Www-Authenticate": {"Negotiate"}}, nil, "it offers only Negotiate (Kerberos), which is not supported: "},
		{ntlm, 401, http.Header{"Www-Authenticate": {"Negotiate", "NTLM"}}, nil, "the user name or the password in ssp.auth.ntlm is wrong"},
		{basic, 401, http.Header{"Www-Authenticate": {`Basic realm="x"`}}, nil, "the user name or the password in ssp.auth.basic is wrong"},
		{basic, 401, http.Header{"Www-Authenticate": {"Digest x"}}, nil, "it does not accept the credentials in ssp.auth.basic"},
		{outbound.Config{}, 401, http.Header{"Www-Authenticate": {"Bearer"}}, nil, "it asks for Bearer: set ssp.auth"},
		{outbound.Config{}, 401, nil, nil, "it asks for credentials and does not say which: set ssp.auth"},
		{basic, 403, nil, nil, "it knows the caller and does not let it in: "},
		{outbound.Config{}, 403, nil, nil, "or it asks for credentials (ssp.auth)"},
		{outbound.Config{}, 404, nil, nil, "is ssp.url the address of WorkflowService.asmx?"},
		{outbound.Config{}, 405, nil, nil, "nothing takes calls there: is ssp.url the address of WorkflowService.asmx"},
		{outbound.Config{}, 400, nil, []byte("<HTML><HEAD><TITLE>Bad Request</TITLE></HEAD><BODY><h2>Bad Request - Invalid Hostname</h2></BODY></HTML>"), "is the host in ssp.url right?"},
		{outbound.Config{}, 415, nil, nil, "change ssp.version"},
		{outbound.Config{}, 407, nil, nil, "name it in ssp.proxy and set ssp.proxy_auth"},
		{outbound.Config{Proxy: "http://p:1"}, 407, nil, nil, "the proxy asks for credentials: set ssp.proxy_auth"},
		{outbound.Config{}, 302, http.Header{"Location": {"/Login.aspx?ReturnUrl=x"}}, nil, "a login page instead of an answer: "},
		{outbound.Config{}, 200, nil, login, "a login page instead of an answer: "},
		{outbound.Config{}, 301, http.Header{"Location": {"https://ssp/x.asmx"}}, nil, "the address has moved: set ssp.url to https://ssp/x.asmx"},
		{outbound.Config{}, 500, nil, page, "a web page and no SOAP fault: "},
		{outbound.Config{}, 500, nil, []byte(faultBody("Server", "x")), ""},
		{outbound.Config{}, 503, nil, page, "the application pool is stopped"},
		{outbound.Config{}, 200, nil, []byte("<a/>"), ""},
	} {
		a := outbound.Answer{Status: c.status, Header: c.header, Body: c.body}
		if a.Header == nil {
			a.Header = http.Header{}
		}
		e := newExplainer(c.conf)
		if c.want == "" {
			require.Empty(t, e.cause(a), "%+v", c)
			continue
		}
		require.Contains(t, e.cause(a), c.want, "%d", c.status)
		// The same is said of a call and of the description.
		require.Contains(t, e.description(a), c.want)
		if c.status != 200 && c.status != 407 {
			var pairs []string
			for k, vs := range a.Header {
				if k == "Www-Authenticate" && len(vs) > 1 {
					vs = []string{strings.Join(vs, ", ")}
				}
				pairs = append(pairs, k, vs[0])
			}
			if len(c.header["Www-Authenticate"]) < 2 && c.conf.Auth.NTLM == nil {
				o := answering(t, Config{Outbound: c.conf}, c.status, "text/html", string(c.body), pairs...).Deliver(t.Context(), lease(bridge.Update, "1", "x"))
				require.NotEqual(t, bridge.OutcomeDone, o.Kind)
				require.Contains(t, o.Detail, c.want)
			}
		}
	}
}

func TestDescriptionsComeFromOneServer(t *testing.T) {
	f, err := newFromURL(nil, "https://ssp.example.com/Workflow/x.asmx?op=Do", explainer{})
	require.NoError(t, err)
	require.Equal(t, "https://ssp.example.com/Workflow/x.asmx?WSDL", f.Root())
	for ref, want := range map[string]string{
		"?schema=1": "https://ssp.example.com/Workflow/x.asmx?schema=1",
		"types.xsd": "https://ssp.example.com/Workflow/types.xsd",
		"http://inside:8080/workflow/X.asmx?wsdl": "https://ssp.example.com/workflow/X.asmx?wsdl",
		"https://SSP.example.com/other":           "https://SSP.example.com/other",
		"https://elsewhere.example.com/other":     "",
		"file:///etc/passwd":                      "",
	} {
		got, err := f.Resolve(f.Root(), ref)
		if want == "" {
			require.EqualError(t, err, "it is on another server", ref)
			continue
		}
		require.NoError(t, err, ref)
		require.Equal(t, want, got)
	}
	for address, want := range map[string]string{
		"http://s/x.asmx": "http://s/x.asmx?WSDL", "http://s/x.asmx?wsdl": "http://s/x.asmx?wsdl", "http://s/x.asmx?a=b": "http://s/x.asmx?a=b&WSDL",
		"http://s/x.asmx#top": "http://s/x.asmx?WSDL",
	} {
		f, err := newFromURL(nil, address, explainer{})
		require.NoError(t, err)
		require.Equal(t, want, f.Root())
	}

	dir := t.TempDir()
	root := fromFile(filepath.Join(dir, "a", "ssp.wsdl"))
	for ref, want := range map[string]string{
		"types.xsd": filepath.Join(dir, "a", "types.xsd"), "more/types.xsd": filepath.Join(dir, "a", "more", "types.xsd"),
		"../types.xsd": "", "/etc/passwd": "", "http://ssp/x.xsd": "",
	} {
		got, err := root.Resolve(root.Root(), ref)
		if want == "" {
			require.Error(t, err, ref)
			continue
		}
		require.NoError(t, err, ref)
		require.Equal(t, want, got)
	}
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "a"), 0o700))
	_, _, err = root.Get(t.Context(), filepath.Join(dir, "a"))
	require.ErrorContains(t, err, "is not a file")
}

// A description in several documents, over HTTP, with credentials: they go to the one server only.
func TestDescriptionInParts(t *testing.T) {
	whole := string(workflow.WSDL("http://127.0.0.1/x.asmx"))
	from := strings.Index(whole, "<s:schema")
	to := strings.Index(whole, "</s:schema>") + len("</s:schema>")
	schema := strings.Replace(whole[from:to], "<s:schema", `<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema" xmlns:tns="http://tempuri.org/"`, 1)
	var strangers atomic.Int64
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers.Add(1) }))
	t.Cleanup(stranger.Close)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		switch r.URL.RawQuery {
		case "WSDL":
			_, _ = w.Write([]byte(whole[:from] + `<s:schema><s:import namespace="http://tempuri.org/" schemaLocation="?schema=1"/><s:import schemaLocation="` + stranger.URL + `/x"/></s:schema>` + whole[to:]))
		case "schema=1":
			_, _ = w.Write([]byte(schema))
		}
	}))
	t.Cleanup(s.Close)
	r, err := Inspect(t.Context(), s.URL+"/x.asmx", InspectOptions{Outbound: basicAuth()})
	require.NoError(t, err)
	require.True(t, r.Complete(), "%s", r.Text())
	require.Equal(t, []string{stranger.URL + "/x (it is on another server)"}, r.Unread)
	require.Zero(t, strangers.Load())
	_, err = Inspect(t.Context(), s.URL+"/x.asmx", InspectOptions{})
	require.ErrorContains(t, err, "it answers with status 401 Unauthorized: it asks for credentials")
}

// SSP behind Windows authentication, through the whole of it: one handshake a connection, whatever
// the number of calls.
func TestNTLM(t *testing.T) {
	s := startSSP(t, ssptest.Options{})
	task := assignedTask(t, s)
	to, err := url.Parse(s.URL())
	require.NoError(t, err)
	for name, o := range map[string]outboundtest.IISOptions{
		"as IIS is":        {},
		"closes":           {CloseAfter: 9},
		"each request":     {SingleRequest: true},
		"lets anybody see": {Anonymous: true},
	} {
		t.Run(name, func(t *testing.T) {
			keep := &http.Transport{}
			t.Cleanup(keep.CloseIdleConnections)
			o.Handler = &httputil.ReverseProxy{Transport: keep, Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(&url.URL{Scheme: to.Scheme, Host: to.Host})
				r.Out.Header.Del("Authorization")
			}}
			iis := outboundtest.NewIIS(t, o)
			c := Config{URL: iis.URL + to.Path}
			c.Outbound.Timeout.Idle = config.Duration(time.Minute)
			c.Outbound.Auth.NTLM = &outbound.NTLM{
				Username: outboundtest.IISUser, Password: config.Secret{Text: secret.New(outboundtest.IISPassword)}, Proactive: o.Anonymous,
			}
			d := newDestination(t, c)
			const calls = 40
			before := len(s.Effects(task))
			for range calls {
				out := d.Deliver(t.Context(), lease(bridge.Update, task, "x"))
				require.Equal(t, bridge.OutcomeDone, out.Kind, "%+v", out)
			}
			require.Len(t, s.Effects(task), before+calls)
			for _, r := range iis.Requests() {
				require.Equal(t, outboundtest.IISUser, r.User, "nothing goes as nobody")
			}
			require.Len(t, iis.Requests(), calls+1, "the calls, and the description")
			if !o.SingleRequest {
				require.LessOrEqual(t, iis.Handshakes(), iis.Opened(), "one handshake a connection")
			}
			require.LessOrEqual(t, iis.Opened(), 1+iis.Closed()+1)
		})
	}
}
