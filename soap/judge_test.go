package soap

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/soap/workflow"
)

// What decides between done and everything else; each line is one answer SSP or what stands before
// it can give.
func TestJudge(t *testing.T) { everyWay(t, testJudge) }

func testJudge(t *testing.T, w way) {
	const op = workflow.UpdateMessage
	login := `<!DOCTYPE html><html><body><form><input name="p" type="password"></form></body></html>`
	sorry := `<html><body>We are back soon</body></html>`
	for name, c := range map[string]struct {
		status      int
		contentType string
		body        string
		kind        bridge.OutcomeKind
		reason      bridge.Reason
		down        bool
		detail      string
	}{
		"a result":                 {200, soapXML, response("0"), bridge.OutcomeDone, bridge.Delivered, false, `SSP took it and answered "0"`},
		"true":                     {200, soapXML, response("True"), bridge.OutcomeDone, bridge.Delivered, false, `SSP took it and answered "True"`},
		"an empty result":          {200, soapXML, response(""), bridge.OutcomeDone, bridge.Delivered, false, "SSP took it"},
		"an empty response":        {200, soapXML, envelope(`<` + op + `Response xmlns="http://tempuri.org/"/>`), bridge.OutcomeDone, bridge.Delivered, false, "SSP took it"},
		"XML in a string":          {200, soapXML, response("&lt;ok/&gt;"), bridge.OutcomeDone, bridge.Delivered, false, `SSP took it and answered "<ok/>"`},
		"201":                      {201, soapXML, response("x"), bridge.OutcomeDone, bridge.Delivered, false, `SSP took it and answered "x"`},
		"windows-1252":             {200, "text/xml; charset=windows-1252", strings.Replace(response("d\xe9j\xe0 \x80"), "utf-8", "windows-1252", 1), bridge.OutcomeDone, bridge.Delivered, false, `SSP took it and answered "déjà €"`},
		"latin-1, by declaration":  {200, "text/xml", strings.Replace(response("d\xe9j\xe0"), "utf-8", "iso-8859-1", 1), bridge.OutcomeDone, bridge.Delivered, false, `SSP took it and answered "déjà"`},
		"multipart in name only":   {200, `multipart/related; boundary="x"; type="application/xop+xml"`, response("x"), bridge.OutcomeDone, bridge.Delivered, false, `SSP took it and answered "x"`},
		"false":                    {200, soapXML, response(" False "), bridge.OutcomeRefused, bridge.RefusedAnswer, false, `SSP answered "False"`},
		"a negative number":        {200, soapXML, response("-1"), bridge.OutcomeRefused, bridge.RefusedAnswer, false, `SSP answered "-1"`},
		"an error text":            {200, soapXML, response("Error: no such task"), bridge.OutcomeRefused, bridge.RefusedAnswer, false, `SSP answered "Error: no such task"`},
		"an exception text":        {200, soapXML, response("EXCEPTION in x"), bridge.OutcomeRefused, bridge.RefusedAnswer, false, `SSP answered "EXCEPTION in x"`},
		"fault, 500":               {500, soapXML, faultBody("Server", "it broke"), bridge.OutcomeRetry, bridge.Fault, false, "fault soap:Server: it broke"},
		"fault, 200":               {200, soapXML, faultBody("Server", "it broke"), bridge.OutcomeRetry, bridge.Fault, false, "fault soap:Server: it broke"},
		"fault of ours":            {500, soapXML, faultBody("Client", "who?"), bridge.OutcomeRefused, bridge.Fault, false, "fault soap:Client: who?"},
		"fault with a subcode":     {500, soapXML, faultBody("Server.Busy", "later"), bridge.OutcomeRetry, bridge.Fault, false, "fault soap:Server.Busy: later"},
		"fault with an empty text": {500, soapXML, faultBody("Server", ""), bridge.OutcomeRetry, bridge.Fault, false, "fault soap:Server: without text"},
		"login page":               {200, "text/html", login, bridge.OutcomeRetry, bridge.Unauthorized, true, ""},
		"login page as XML":        {200, soapXML, login, bridge.OutcomeRetry, bridge.Unauthorized, true, ""},
		"sorry page":               {200, "text/html", sorry, bridge.OutcomeRetry, bridge.Unavailable, true, "a web page instead of an answer: " + sorry},
		"no body":                  {200, soapXML, "", bridge.OutcomeUnknown, bridge.BadAnswer, false, "status 200 with an empty body"},
		"white space":              {200, soapXML, " \r\n", bridge.OutcomeUnknown, bridge.BadAnswer, false, "status 200 with an empty body"},
		"202 and nothing":          {202, soapXML, "", bridge.OutcomeUnknown, bridge.BadAnswer, false, "status 202 with an empty body"},
		"an empty SOAP body":       {200, soapXML, envelope(""), bridge.OutcomeUnknown, bridge.BadAnswer, false, "the body of the answer holds no response"},
		"another root":             {200, soapXML, "<a/>", bridge.OutcomeUnknown, bridge.BadAnswer, false, "the answer cannot be read: it is not a SOAP envelope"},
		"JSON":                     {200, "application/json", "{}", bridge.OutcomeUnknown, bridge.BadAnswer, false, "the answer cannot be read: it is not a SOAP envelope"},
		"broken XML":               {200, soapXML, response("x")[:150], bridge.OutcomeUnknown, bridge.BadAnswer, false, ""},
		"another response":         {200, soapXML, strings.ReplaceAll(response("x"), op, workflow.Reassignment), bridge.OutcomeUnknown, bridge.BadAnswer, false, ""},
		"another namespace":        {200, soapXML, strings.ReplaceAll(response("x"), "tempuri.org", "example.org"), bridge.OutcomeUnknown, bridge.BadAnswer, false, ""},
		"SOAP 1.2":                 {200, soapXML, strings.ReplaceAll(response("x"), "schemas.xmlsoap.org/soap/envelope/", "www.w3.org/2003/05/soap-envelope"), bridge.OutcomeUnknown, bridge.BadAnswer, false, ""},
		"an entity attack":         {200, soapXML, `<!DOCTYPE x [<!ENTITY a "b">]>` + strings.TrimPrefix(response("&a;"), `<?xml version="1.0" encoding="utf-8"?>`), bridge.OutcomeUnknown, bridge.BadAnswer, false, "the answer cannot be read: it is not a SOAP envelope"},
		"what gowsdl panics on":    {200, soapXML, strings.Replace(response("x"), "<soap:Body>", "<attachments/><soap:Body>", 1), bridge.OutcomeUnknown, bridge.BadAnswer, false, "the answer cannot be read: it breaks the parser: runtime error: invalid memory address or nil pointer dereference"},
		"unknown encoding":         {200, "text/xml; charset=klingon", response("x"), bridge.OutcomeUnknown, bridge.BadAnswer, false, ""},
		"a response with 403":      {403, soapXML, response("x"), bridge.OutcomeRetry, bridge.Unauthorized, true, ""},
		"a response with 500":      {500, soapXML, response("x"), bridge.OutcomeRetry, bridge.ServerError, false, "status 500 Internal Server Error"},
		"unreadable call":          {400, soapXML, "", bridge.OutcomeRefused, bridge.RefusedAnswer, false, "status 400 Bad Request"},
		"a page with 400":          {400, "text/html", sorry, bridge.OutcomeRetry, bridge.ServerError, false, ""},
		"401":                      {401, "text/html", login, bridge.OutcomeRetry, bridge.Unauthorized, true, ""},
		"wrong address":            {404, "text/html", sorry, bridge.OutcomeRetry, bridge.Unavailable, true, "status 404 Not Found: is ssp.url the address of WorkflowService.asmx?"},
		"not a service":            {405, "text/html", sorry, bridge.OutcomeRetry, bridge.Unavailable, true, ""},
		"yellow page":              {500, "text/html", sorry, bridge.OutcomeRetry, bridge.ServerError, false, ""},
		"gateway":                  {502, "text/html", sorry, bridge.OutcomeUnknown, bridge.BadGateway, true, "status 502 Bad Gateway"},
		"application offline":      {503, "text/html", sorry, bridge.OutcomeRetry, bridge.Unavailable, true, ""},
	} {
		if name == "SOAP 1.2" && w.version == "1.2" {
			continue // what was asked for; see TestSOAP12
		}
		t.Run(name, func(t *testing.T) {
			d := answering(t, w.of(Config{}), c.status, c.contentType, c.body)
			o := d.Deliver(t.Context(), lease(bridge.Update, "1", "text"))
			require.Equal(t, c.kind, o.Kind, "%+v", o)
			require.Equal(t, c.reason, o.Reason, "%+v", o)
			require.Equal(t, c.down, o.Down, "%+v", o)
			require.Equal(t, c.status, o.Status)
			require.NotEmpty(t, o.Detail)
			if c.detail != "" {
				require.Equal(t, c.detail, o.Detail)
			}
			require.NotEmpty(t, o.Request)
		})
	}
}

func TestRedirectToLogin(t *testing.T) { everyWay(t, testRedirectToLogin) }

func testRedirectToLogin(t *testing.T, w way) {
	d := answering(t, w.of(Config{}), http.StatusFound, "text/html", "", "Location", "/Account/Login?ReturnUrl=x")
	o := d.Deliver(t.Context(), lease(bridge.Update, "1", "text"))
	require.Equal(t, bridge.OutcomeRetry, o.Kind)
	require.Equal(t, bridge.Unauthorized, o.Reason)
}

func TestFaultPolicy(t *testing.T) { everyWay(t, testFaultPolicy) }

func testFaultPolicy(t *testing.T, w way) {
	for _, c := range []struct {
		on   OnFault
		code string
		want bridge.OutcomeKind
	}{
		{OnFault{}, "Server", bridge.OutcomeRetry},
		{OnFault{}, "Client", bridge.OutcomeRefused},
		{OnFault{Server: FaultRefused}, "Server", bridge.OutcomeRefused},
		{OnFault{Server: FaultRefused, Client: FaultRetry}, "Client", bridge.OutcomeRetry},
		{OnFault{}, "VersionMismatch", bridge.OutcomeRefused},
	} {
		d := answering(t, w.of(Config{OnFault: c.on}), http.StatusInternalServerError, soapXML, faultBody(c.code, "told"), "Retry-After", "7")
		o := d.Deliver(t.Context(), lease(bridge.Update, "1", "text"))
		require.Equal(t, c.want, o.Kind, "%+v", c)
		require.Equal(t, bridge.Fault, o.Reason)
		require.Equal(t, "fault soap:"+c.code+": told", o.Detail)
		if c.want == bridge.OutcomeRetry {
			require.Equal(t, 7*time.Second, o.After)
		} else {
			require.Zero(t, o.After)
		}
	}
}

func TestAnswersAreBounded(t *testing.T) { everyWay(t, testAnswersAreBounded) }

func testAnswersAreBounded(t *testing.T, w way) {
	d := answering(t, w.of(Config{Outbound: outbound.Config{MaxAnswer: 10_000}}), http.StatusOK, soapXML, response(strings.Repeat("x", 20_000)))
	o := d.Deliver(t.Context(), lease(bridge.Update, "1", "text"))
	require.Equal(t, bridge.OutcomeUnknown, o.Kind)
	require.Equal(t, bridge.TooLarge, o.Reason)
	require.Less(t, len(o.Answer), 5000)
}

func TestNegative(t *testing.T) {
	for result, want := range map[string]bool{
		"": false, "ok": false, "0": false, "1": false, "true": false, "-0": false, "no errors": false, "-": false, "<ok/>": false,
		"false": true, "FALSE": true, "-1": true, "-0,5": true, " -3.2 ": true, "error": true, "Error 5": true, "exception: x": true,
		"<error>x</error>": true, "-Inf": true,
	} {
		require.Equal(t, want, negative(result), "%q", result)
	}
}

// stub answers every call with the same.
type stub struct{ answer outbound.Answer }

func (s stub) Do(context.Context, outbound.Request) (outbound.Answer, error) { return s.answer, nil }

// No answer may end the bridge, and nothing but a response to what was called may count as success.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		response("ok"), faultBody("Server", "x"), envelope(""), "", "<a/>",
		strings.Replace(response("x"), "<soap:Body>", "<soap:Header><Headers>1</Headers></soap:Header><attachments/><soap:Body>", 1),
	} {
		f.Add(200, soapXML, []byte(body))
		f.Add(500, `multipart/related; boundary="x"; type="application/xop+xml"`, []byte(body))
	}
	f.Add(200, "application/soap+xml", []byte(soap12(response("ok"))))
	f.Add(500, "application/soap+xml", []byte(soap12(envelope("<soap:Fault><soap:Code><soap:Value>soap:Receiver</soap:Value></soap:Code><soap:Reason><soap:Text>x</soap:Text></soap:Reason><soap:Detail><a>b</a></soap:Detail></soap:Fault>"))))
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		for _, w := range ways {
			c := w.of(Config{}).withDefaults()
			d := &Destination{
				config:  c,
				service: newService("http://127.0.0.1:1/", stub{outbound.Answer{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: body}}),
				gate:    &gate{state: ContractState{Status: ContractAssumed}, assumed: assume(c)},
			}
			o := d.Deliver(context.Background(), lease(bridge.Update, "1", "text"))
			require.NotEmpty(t, o.Kind)
			require.NotEmpty(t, o.Reason)
			if o.Kind == bridge.OutcomeDone {
				require.Contains(t, string(body), "Response")
				require.Equal(t, 2, status/100)
			}
		}
	})
}

// soap12 turns an envelope of SOAP 1.1 into one of 1.2.
func soap12(s string) string {
	return strings.ReplaceAll(s, "http://schemas.xmlsoap.org/soap/envelope/", soap12Envelope)
}
