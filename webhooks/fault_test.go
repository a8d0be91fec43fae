package webhooks_test

import (
	"encoding/xml"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

const (
	envelope11 = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>`
	envelope12 = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>`
	noTask     = `<c><request_type>Up&lt;date</request_type></c></s:Body></s:Envelope>`
)

// A problem inside a fault, of either version.
type faultDoc struct {
	Code    string     `xml:"Body>Fault>faultcode"`
	Code12  string     `xml:"Body>Fault>Code>Value"`
	Text    string     `xml:"Body>Fault>faultstring"`
	Text12  string     `xml:"Body>Fault>Reason>Text"`
	Problem faultInner `xml:"Body>Fault>detail>problem"`
	Inner12 faultInner `xml:"Body>Fault>Detail>problem"`
}

type faultInner struct {
	Type   string `xml:"urn:ietf:rfc:7807 type"`
	Status int    `xml:"urn:ietf:rfc:7807 status"`
	Field  string `xml:"urn:ietf:rfc:7807 field"`
	Event  string `xml:"urn:ietf:rfc:7807 event"`
}

func TestSOAPCallersGetFaults(t *testing.T) {
	t.Run("1.1", func(t *testing.T) {
		w := start(t).call("/ssp/acme", "text/xml; charset=utf-8", envelope11+noTask)
		require.Equal(t, 422, w.Code)
		require.Equal(t, "text/xml; charset=utf-8", w.Header().Get("Content-Type"))
		var f faultDoc
		require.NoError(t, xml.Unmarshal(w.Body.Bytes(), &f), w.Body.String())
		require.Equal(t, "soap:Client", f.Code)
		require.Contains(t, f.Text, "task")
		require.Equal(t, faultInner{"urn:pergabridge:problem:missing_field", 422, "task", "event-1"}, f.Problem)
	})
	t.Run("1.2", func(t *testing.T) {
		w := start(t).call("/ssp/acme", "application/soap+xml", envelope12+noTask)
		require.Equal(t, 422, w.Code)
		require.Equal(t, "application/soap+xml; charset=utf-8", w.Header().Get("Content-Type"))
		var f faultDoc
		require.NoError(t, xml.Unmarshal(w.Body.Bytes(), &f), w.Body.String())
		require.Equal(t, "soap:Sender", f.Code12)
		require.Contains(t, f.Text12, "task")
		require.Equal(t, faultInner{"urn:pergabridge:problem:missing_field", 422, "task", "event-1"}, f.Inner12)
	})
	// The body is never read here: that it would have been SOAP shows in the SOAPAction only.
	for name, action := range map[string][]string{"text/xml": {"SOAPAction", `""`}, "application/soap+xml": nil} {
		t.Run("before the body is read, "+name, func(t *testing.T) {
			w := start(t).do("POST", "/ssp/acme", name, envelope11+noTask, append([]string{"X-Bridge-Key", "wrong"}, action...)...)
			require.Equal(t, 401, w.Code)
			var f faultDoc
			require.NoError(t, xml.Unmarshal(w.Body.Bytes(), &f), w.Body.String())
			require.Equal(t, "urn:pergabridge:problem:unauthorized", f.Problem.Type+f.Inner12.Type)
			require.Empty(t, f.Problem.Event+f.Inner12.Event)
		})
	}
	t.Run("the bridge's own trouble", func(t *testing.T) {
		r := start(t)
		r.err = fmt.Errorf("disk full: %w", bridge.ErrUnavailable)
		w := r.call("/ssp/acme", "text/xml", envelope11+`<c><task>1</task><request_type>Update</request_type></c></s:Body></s:Envelope>`)
		require.Equal(t, 503, w.Code)
		var f faultDoc
		require.NoError(t, xml.Unmarshal(w.Body.Bytes(), &f))
		require.Equal(t, "soap:Server", f.Code)
	})
}
