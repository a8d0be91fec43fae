package processcall

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
)

// An Answer is what a caller is told, small enough for an XSLT or a JSON selector.
type Answer struct {
	Event     string `json:"event"`
	Status    string `json:"status"`
	Reference string `json:"reference,omitempty"`
}

// Write returns the answer in a format, with its content type.
func (a Answer) Write(f Format) (contentType string, body []byte) {
	switch f {
	case XML:
		return "application/xml; charset=utf-8", a.xml(`<answer>`, `</answer>`)
	case SOAP11:
		return "text/xml; charset=utf-8", a.envelope(NamespaceSOAP11)
	case SOAP12:
		return "application/soap+xml; charset=utf-8", a.envelope(NamespaceSOAP12)
	}
	b, err := json.Marshal(a)
	if err != nil { // three strings always marshal
		b = []byte("{}")
	}
	return "application/json", b
}

// Text returns the answer as lines of name=value.
func (a Answer) Text() (contentType string, body []byte) {
	s := "event=" + a.Event + "\nstatus=" + a.Status + "\n"
	if a.Reference != "" {
		s += "reference=" + a.Reference + "\n"
	}
	return "text/plain; charset=utf-8", []byte(s)
}

func (a Answer) envelope(space string) []byte {
	return a.xml(`<soap:Envelope xmlns:soap="`+space+`"><soap:Body><ProcessCallResponse xmlns="`+Namespace+`">`,
		`</ProcessCallResponse></soap:Body></soap:Envelope>`)
}

func (a Answer) xml(open, end string) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + open)
	for _, f := range []Field{{"event", a.Event}, {"status", a.Status}, {"reference", a.Reference}} {
		if f.Value == "" && f.Name == "reference" {
			continue
		}
		b.WriteString("<" + f.Name + ">")
		_ = xml.EscapeText(&b, []byte(f.Value)) // a buffer never fails
		b.WriteString("</" + f.Name + ">")
	}
	b.WriteString(end)
	return b.Bytes()
}
