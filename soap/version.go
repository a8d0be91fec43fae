package soap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	gowsdl "github.com/hooklift/gowsdl/soap"

	"github.com/pergabridge/pergabridge/soap/internal/xmltext"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// gowsdl speaks SOAP 1.1 only. A call in SOAP 1.2 differs in the envelope's namespace, in its content
// type, and in how a fault looks; all of it is put on and taken off here, around gowsdl.

const soap12Envelope = "http://www.w3.org/2003/05/soap-envelope"

// outgoing turns an envelope of gowsdl into one of version v.
func outgoing(v wsdl.Version, envelope []byte) []byte {
	if v != wsdl.SOAP12 {
		return envelope
	}
	return bytes.Replace(envelope, []byte(gowsdl.XmlNsSoapEnv), []byte(soap12Envelope), 1)
}

// incoming turns an envelope of SOAP 1.2, in UTF-8, into one that gowsdl reads. Anything else is
// returned as it is: a service that does not speak 1.2 says so in 1.1.
func incoming(body []byte) ([]byte, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		root, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if root.Name.Space != soap12Envelope {
			return body, nil
		}
		break
	}
	end := d.InputOffset()
	fault, err := fault12(body)
	if err != nil {
		return nil, err
	}
	if fault != nil {
		return fault, nil
	}
	head := bytes.ReplaceAll(body[:end], []byte(soap12Envelope), []byte(gowsdl.XmlNsSoapEnv))
	return append(head, body[end:]...), nil
}

// fault12 returns the fault in a SOAP 1.2 envelope as one of SOAP 1.1, nil if there is none.
func fault12(body []byte) ([]byte, error) {
	var e struct {
		Body struct {
			Fault *struct {
				Code struct {
					Value string `xml:"http://www.w3.org/2003/05/soap-envelope Value"`
				} `xml:"http://www.w3.org/2003/05/soap-envelope Code"`
				Text []string `xml:"http://www.w3.org/2003/05/soap-envelope Reason>Text"`
			} `xml:"http://www.w3.org/2003/05/soap-envelope Fault"`
		} `xml:"http://www.w3.org/2003/05/soap-envelope Body"`
	}
	if err := xml.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	f := e.Body.Fault
	if f == nil {
		return nil, nil
	}
	var b bytes.Buffer
	b.WriteString(`<soap:Envelope xmlns:soap="` + gowsdl.XmlNsSoapEnv + `"><soap:Body><soap:Fault><faultcode>`)
	_ = xml.EscapeText(&b, []byte(strings.TrimSpace(f.Code.Value)))
	b.WriteString(`</faultcode><faultstring>`)
	if len(f.Text) > 0 {
		_ = xml.EscapeText(&b, []byte(f.Text[0]))
	}
	b.WriteString(`</faultstring></soap:Fault></soap:Body></soap:Envelope>`)
	return b.Bytes(), nil
}

// faultDetail returns the texts in the detail of a fault, in order; body is in UTF-8.
func faultDetail(body []byte) string {
	if !bytes.Contains(body, []byte("Fault")) {
		return ""
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	var words []string
	var open []xml.Name
	inside, size := 0, 0 // depth at which the detail began
	for size < maxDetail {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) || err != nil {
			break
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if n := len(open); inside == 0 && n > 0 && open[n-1].Local == "Fault" && strings.EqualFold(t.Name.Local, "detail") {
				inside = n + 1
			}
			open = append(open, t.Name)
		case xml.EndElement:
			if len(open) == inside {
				inside = 0
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if inside > 0 {
				f := strings.Fields(string(t))
				words = append(words, f...)
				size += len(t)
			}
		}
	}
	return xmltext.Legal(cut(strings.Join(words, " "), maxDetail/2))
}
