package webhooks

import (
	"bytes"
	"encoding/xml"
	"net/http"

	"github.com/pergabridge/pergabridge/webhooks/processcall"
)

// fault wraps the document in a SOAP fault, so that a SOAP client shows the reason and not "unexpected
// content type". The status stays that of the problem: what the caller repeats is decided by it, and the
// 500 that SOAP 1.1 asks for would make a call that can never succeed look like one worth repeating.
func (d problemJSON) fault(f processcall.Format) (contentType string, body []byte) {
	text := d.Detail
	if text == "" {
		text = d.Title
	}
	var b bytes.Buffer
	escaped := func(s string) { _ = xml.EscapeText(&b, []byte(s)) } // a buffer never fails
	ours := d.Status >= http.StatusInternalServerError
	b.WriteString(xml.Header)
	if f == processcall.SOAP12 {
		code := "Sender"
		if ours {
			code = "Receiver"
		}
		b.WriteString(`<soap:Envelope xmlns:soap="` + processcall.NamespaceSOAP12 + `"><soap:Body><soap:Fault><soap:Code><soap:Value>soap:` + code +
			`</soap:Value></soap:Code><soap:Reason><soap:Text xml:lang="en">`)
		escaped(text)
		b.WriteString(`</soap:Text></soap:Reason><soap:Detail>`)
		b.Write(d.element())
		b.WriteString(`</soap:Detail></soap:Fault></soap:Body></soap:Envelope>`)
		return "application/soap+xml; charset=utf-8", b.Bytes()
	}
	code := "Client"
	if ours {
		code = "Server"
	}
	b.WriteString(`<soap:Envelope xmlns:soap="` + processcall.NamespaceSOAP11 + `"><soap:Body><soap:Fault><faultcode>soap:` + code + `</faultcode><faultstring>`)
	escaped(text)
	b.WriteString(`</faultstring><detail>`)
	b.Write(d.element())
	b.WriteString(`</detail></soap:Fault></soap:Body></soap:Envelope>`)
	return "text/xml; charset=utf-8", b.Bytes()
}

// expected tells before the body is read in what a refusal is written. SOAP 1.1 shares its content type
// with plain XML, but must send a SOAPAction, be it empty.
func expected(h http.Header) processcall.Format {
	f, _ := processcall.FormatOf(h.Get("Content-Type"), nil)
	if _, ok := h["Soapaction"]; ok && f == processcall.XML {
		return processcall.SOAP11
	}
	return f
}
