package ssptest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/pergabridge/pergabridge/soap/workflow"
)

// A version is what differs between SOAP 1.1 and 1.2.
type version struct {
	name, envelope, contentType string
}

var (
	soap11 = version{"1.1", "http://schemas.xmlsoap.org/soap/envelope/", "text/xml; charset=utf-8"}
	soap12 = version{"1.2", "http://www.w3.org/2003/05/soap-envelope", "application/soap+xml; charset=utf-8"}
)

// A request is one call as ASP.NET would understand it.
type request struct {
	version   version
	operation Operation
	args      map[string]string // known arguments that were given
}

// A reply is an answer without the answer's transport.
type reply struct {
	status      int
	contentType string
	body        []byte
}

func (r *reply) write(w http.ResponseWriter) { answer(w, r.status, r.contentType, r.body) }

// arguments lists what each operation takes.
var arguments = map[Operation][]string{
	Acknowledgement: {"processInstanceTaskId", "externalReference"},
	UpdateMessage:   {"processInstanceTaskId", "message"},
	Reassignment:    {"processInstanceTaskId", "solution"},
}

// readRequest reads a call, or says how it is answered if it cannot be read.
func readRequest(h http.Header, raw []byte) (*request, *reply) {
	mediaType, params, _ := mime.ParseMediaType(h.Get("Content-Type"))
	r := new(request)
	var action string
	switch mediaType {
	case "text/xml":
		r.version = soap11
		values, given := h["Soapaction"]
		if !given {
			return nil, soap11.fault(true, "Unable to handle request without a valid action parameter. Please supply a valid soap action.")
		}
		action = strings.Trim(values[0], `"`)
	case "application/soap+xml":
		r.version, action = soap12, params["action"]
	default:
		return nil, &reply{http.StatusUnsupportedMediaType, "text/plain", nil}
	}
	env, err := readEnvelope(raw)
	if err != nil {
		// What a real host answers to XML it cannot parse: nothing.
		return nil, &reply{http.StatusBadRequest, r.version.contentType, nil}
	}
	r.operation = operation(action)
	if r.operation == "" && r.version == soap12 && env.call.Space == workflow.Namespace {
		r.operation = operation(workflow.Namespace + env.call.Local) // ASP.NET then goes by the element
	}
	if r.operation == "" {
		return nil, r.version.fault(true, "Server did not recognize the value of HTTP Header SOAPAction: "+action+".")
	}
	if env.space != r.version.envelope {
		v := r.version.fault(true, "Possible SOAP version mismatch: Envelope namespace "+env.space+" was unexpected. Expecting "+r.version.envelope+".")
		v.body = bytes.Replace(v.body, []byte(">soap:Client<"), []byte(">soap:VersionMismatch<"), 1)
		return nil, v
	}
	r.args = map[string]string{}
	if env.call == (xml.Name{Space: workflow.Namespace, Local: string(r.operation)}) {
		for _, name := range arguments[r.operation] {
			if v, ok := env.args[xml.Name{Space: workflow.Namespace, Local: name}]; ok {
				r.args[name] = v
			}
		}
	}
	return r, nil
}

// operation returns the operation of that action, "" if there is none.
func operation(action string) Operation {
	op, ok := strings.CutPrefix(action, workflow.Namespace)
	if !ok || arguments[Operation(op)] == nil {
		return ""
	}
	return Operation(op)
}

// An envelope is a parsed SOAP envelope.
type envelope struct {
	space string   // namespace of the envelope
	call  xml.Name // first element of the body
	args  map[xml.Name]string
}

func readEnvelope(raw []byte) (envelope, error) {
	e := envelope{args: map[xml.Name]string{}}
	d := xml.NewDecoder(bytes.NewReader(raw))
	var path []xml.Name
	inBody, roots := false, 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return e, err
		}
		switch t := tok.(type) {
		case xml.Directive:
			return e, errors.New("DTD is prohibited")
		case xml.StartElement:
			switch depth := len(path); {
			case depth == 0:
				roots++
				e.space = t.Name.Space
				if t.Name.Local != "Envelope" {
					return e, fmt.Errorf("%s was not expected", t.Name.Local)
				}
			case depth == 1:
				inBody = t.Name == xml.Name{Space: e.space, Local: "Body"}
			case depth == 2 && inBody && e.call.Local == "":
				e.call = t.Name
			case depth == 3 && inBody && path[2] == e.call:
				e.args[t.Name] = ""
			case depth > 32:
				return e, errors.New("too deep")
			}
			path = append(path, t.Name)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if len(path) == 4 && inBody && path[2] == e.call {
				e.args[path[3]] += string(t)
			}
		}
	}
	if roots != 1 {
		return e, errors.New("root element is missing")
	}
	return e, nil
}

func (v version) envelopeOf(body string) []byte {
	return []byte(`<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="` + v.envelope +
		`" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>` +
		body + `</soap:Body></soap:Envelope>`)
}

// fault is a fault of the caller or of the server.
func (v version) fault(client bool, text string) *reply {
	text = escape("System.Web.Services.Protocols.SoapException: " + text)
	code := map[version]string{soap11: "Server", soap12: "Receiver"}[v]
	if client {
		code = map[version]string{soap11: "Client", soap12: "Sender"}[v]
	}
	body := `<soap:Fault><faultcode>soap:` + code + `</faultcode><faultstring>` + text + `</faultstring><detail /></soap:Fault>`
	if v == soap12 {
		body = `<soap:Fault><soap:Code><soap:Value>soap:` + code + `</soap:Value></soap:Code><soap:Reason><soap:Text xml:lang="en">` +
			text + `</soap:Text></soap:Reason><soap:Detail /></soap:Fault>`
	}
	return &reply{http.StatusInternalServerError, v.contentType, v.envelopeOf(body)}
}

// exception is the fault that an exception in the service becomes.
func (v version) exception(text string) *reply {
	return v.fault(false, "Server was unable to process request. ---> System.ApplicationException: "+text+
		"\n   at Workflow.WebService.WorkflowService.Invoke(String processInstanceTaskId)\n   --- End of inner exception stack trace ---")
}

// result is the answer to a call that worked.
func (r *request) result(text string) *reply {
	op := string(r.operation)
	return &reply{http.StatusOK, r.version.contentType, r.version.envelopeOf(
		`<` + op + `Response xmlns="` + workflow.Namespace + `"><` + op + `Result>` + escape(text) + `</` + op + `Result></` + op + `Response>`)}
}

func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic(err) // a strings.Builder takes everything
	}
	return b.String()
}
