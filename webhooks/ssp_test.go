package webhooks_test

import (
	"encoding/xml"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/webhooks"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
)

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
			require.Contains(t, r.log.String(), "event=event-1", "the log leads to what was kept")
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
