package soap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/outbound/charset"
	"github.com/pergabridge/pergabridge/soap/internal/xmltext"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// errNotSOAP ends a call whose answer no SOAP parser needs to see. The exchange tells what it was.
var errNotSOAP = errors.New("it is not a SOAP envelope")

// An exchange is what went over the wire in one call, kept beside gowsdl, which forgets it.
type exchange struct {
	id      string // of the event
	trace   string // its W3C trace context
	version wsdl.Version
	request []byte
	called  bool // the request was handed to the client
	answer  outbound.Answer
	err     error // of the client: the answer is not complete
	head    xmltext.Head
	detail  string // of the fault
}

type exchangeKey struct{}

func withExchange(ctx context.Context, id string, v wsdl.Version) (context.Context, *exchange) {
	x := &exchange{id: id, version: v}
	return context.WithValue(ctx, exchangeKey{}, x), x
}

// A doer is what a transport needs of [outbound.Client].
type doer interface {
	Do(ctx context.Context, r outbound.Request) (outbound.Answer, error)
}

// traceparent is the W3C trace context header; an event brings it from outside.
var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// A transport is the HTTP client that gowsdl's SOAP client calls.
type transport struct{ client doer }

// Do sends one call; the package documentation says in what it differs from a plain HTTP client.
// Nothing of gowsdl's request but its URL, action and body is used: it is marked to close its
// connection, and its SOAPAction has no quotes.
func (t transport) Do(req *http.Request) (*http.Response, error) {
	x, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, errors.New("soap: a call without an exchange")
	}
	var err error
	if x.request, err = io.ReadAll(req.Body); err != nil {
		return nil, err
	}
	x.request = outgoing(x.version, x.request)
	x.called = true
	h := header(x.version, strings.Trim(req.Header.Get("SOAPAction"), `"`))
	if traceparent.MatchString(x.trace) {
		h.Set("Traceparent", x.trace)
	}
	x.answer, x.err = t.client.Do(req.Context(), outbound.Request{
		Method: http.MethodPost,
		URL:    req.URL.String(),
		Header: h,
		Body:   x.request,
		ID:     x.id,
	})
	if x.err != nil {
		return nil, x.err
	}
	return x.forParser()
}

// header says what comes in a request. SOAP 1.2 has the action in the content type.
func header(v wsdl.Version, action string) http.Header {
	if v == wsdl.SOAP12 {
		return http.Header{
			"Content-Type": {mime.FormatMediaType("application/soap+xml", map[string]string{"charset": "utf-8", "action": action})},
			"Accept":       {"application/soap+xml, text/xml"},
		}
	}
	return http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "Soapaction": {`"` + action + `"`}, "Accept": {"text/xml"}}
}

// forParser turns the answer into one that gowsdl reads as we mean it. gowsdl takes a MIME package
// by its content type and any status of 400 and more as the end; what is an envelope is parsed as
// one, whatever else its header says.
func (x *exchange) forParser() (*http.Response, error) {
	body, err := charset.UTF8(x.answer.Header.Get("Content-Type"), x.answer.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotSOAP, err)
	}
	x.head = xmltext.Sniff(body)
	if x.head.Root != "Envelope" || x.head.Doctype {
		return nil, errNotSOAP
	}
	x.detail = faultDetail(body)
	if x.version == wsdl.SOAP12 {
		if body, err = incoming(body); err != nil {
			return nil, fmt.Errorf("%w: %w", errNotSOAP, err)
		}
	}
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"text/xml; charset=utf-8"}},
		Body:       io.NopCloser(bytes.NewReader(body)),
	}, nil
}
