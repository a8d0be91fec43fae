package webhooks

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strconv"

	"github.com/pergabridge/pergabridge/webhooks/processcall"
)

// A problem is one problem document (RFC 9457). Its type is a name of ours, so that programs can
// tell problems apart without reading texts.
type problem struct {
	status int
	word   string // last part of the type
	detail string
	event  string // the event that was kept
	field  string // the field that is wrong
	reason string
}

// ProblemType is what the type of every problem document begins with.
const ProblemType = "urn:pergabridge:problem:"

type problemJSON struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Event  string `json:"event,omitempty"`
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// problem answers with a problem document: in XML if the caller sent XML, in a fault if it sent SOAP.
func (c *call) problem(p problem) {
	if c.result = p.word; p.event != "" {
		c.log = c.log.With("event", p.event)
	}
	doc := problemJSON{
		Type: ProblemType + p.word, Title: title(p.status), Status: p.status, Detail: p.detail,
		Event: p.event, Field: p.field, Reason: p.reason,
	}
	switch c.format {
	case processcall.XML:
		c.write(p.status, "application/problem+xml; charset=utf-8", append([]byte(xml.Header), doc.element()...))
	case processcall.SOAP11, processcall.SOAP12:
		contentType, body := doc.fault(c.format)
		c.write(p.status, contentType, body)
	default:
		b, err := json.Marshal(doc)
		if err != nil { // texts and a number always marshal
			b = []byte("{}")
		}
		c.write(p.status, "application/problem+json", b)
	}
}

// title names a status; one of them has an older name in net/http.
func title(status int) string {
	if status == http.StatusUnprocessableEntity {
		return "Unprocessable Content"
	}
	return http.StatusText(status)
}

// element is the document in the XML form of RFC 7807, appendix A.
func (d problemJSON) element() []byte {
	var b bytes.Buffer
	b.WriteString(`<problem xmlns="urn:ietf:rfc:7807">`)
	for _, f := range [][2]string{
		{"type", d.Type}, {"title", d.Title}, {"status", strconv.Itoa(d.Status)}, {"detail", d.Detail},
		{"event", d.Event}, {"field", d.Field}, {"reason", d.Reason},
	} {
		if f[1] == "" {
			continue
		}
		b.WriteString("<" + f[0] + ">")
		_ = xml.EscapeText(&b, []byte(f[1])) // a buffer never fails
		b.WriteString("</" + f[0] + ">")
	}
	b.WriteString("</problem>")
	return b.Bytes()
}

func (c *call) notFound(detail string) {
	c.problem(problem{status: http.StatusNotFound, word: "not_found", detail: detail})
}

func (c *call) methodNotAllowed(allow string) {
	c.w.Header().Set("Allow", allow)
	c.problem(problem{status: http.StatusMethodNotAllowed, word: "method_not_allowed", detail: "this address takes " + allow})
}

// retryAfter is what a 503 asks for, in seconds.
const retryAfter = "5"

func (s *server) unavailable(c *call, detail string) {
	c.w.Header().Set("Retry-After", retryAfter)
	c.problem(problem{status: http.StatusServiceUnavailable, word: "unavailable", detail: detail + "; nothing was accepted, send it again later"})
}
