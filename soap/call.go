package soap

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"

	gowsdl "github.com/hooklift/gowsdl/soap"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/soap/binding"
	"github.com/pergabridge/pergabridge/soap/internal/xmltext"
	"github.com/pergabridge/pergabridge/soap/workflow"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// A call is one call of one operation.
type call struct {
	operation string
	version   wsdl.Version
	url       string // empty: ssp.url
	action    string
	request   any
	success   mapping.Expr
	oneWay    bool // nothing is answered
	invoke    func(context.Context, service) (answer, error)
}

// An answer is what the service said without a fault.
type answer struct {
	root    xml.Name // empty if the body was empty
	result  *string  // nil if there is none
	complex bool     // the result consists of elements; result is the texts in them
	value   any      // the result in its type
}

// A service makes calls through gowsdl: by the generated client, or with what a binding makes.
type service struct {
	generated workflow.WorkflowServiceSoap
	at        func(url string) *gowsdl.Client // "": ssp.url
}

// newCalls builds the calls for a leased event: one, or several if its text is split. note says what
// of the text was lost. Without a contract the generated client speaks the default one.
func newCalls(contract *binding.Contract, l bridge.Lease) (calls []call, note string, err error) {
	if contract == nil {
		c, err := newCall(l)
		return []call{c}, "", err
	}
	bound := contract.Call(l.Event.Kind)
	if bound == nil {
		return nil, "", errNoOperation(l)
	}
	requests, note, err := bound.Requests(l)
	for _, r := range requests {
		calls = append(calls, call{
			operation: bound.Operation, version: bound.Version, url: bound.URL, action: bound.Action,
			request: r, success: bound.Success, oneWay: bound.Output.Local == "",
			invoke: func(ctx context.Context, s service) (answer, error) {
				a := bound.Response()
				if err := s.at(bound.URL).CallContext(ctx, bound.Action, r, a); err != nil {
					return answer{}, err
				}
				return answer{root: a.Root, result: &a.Text, complex: a.Complex, value: a.Value}, nil
			},
		})
	}
	return calls, note, err
}

func errNoOperation(l bridge.Lease) error {
	return fmt.Errorf("SSP has no operation for an event of kind %q", l.Event.Kind)
}

// newCall builds the call of the default contract for a leased event.
func newCall(l bridge.Lease) (call, error) {
	task := arg(or(l.Event.Task, l.Bond.Task))
	made := func(operation string, request any, invoke func(context.Context, workflow.WorkflowServiceSoap) (xml.Name, *string, error)) call {
		return call{
			operation: operation, version: wsdl.SOAP11, action: workflow.Namespace + operation, request: request,
			invoke: func(ctx context.Context, s service) (answer, error) {
				root, result, err := invoke(ctx, s.generated)
				if err != nil {
					return answer{}, err
				}
				return answer{root: root, result: result}, nil
			},
		}
	}
	switch l.Event.Kind {
	case bridge.Acknowledge:
		reference := or(l.Event.Reference, l.Bond.Reference)
		if reference == "" {
			return call{}, binding.ErrNoReference
		}
		r := &workflow.ProcessInstanceTaskExternalAcknowledgement{ProcessInstanceTaskId: task, ExternalReference: arg(reference)}
		return made(workflow.Acknowledgement, r, func(ctx context.Context, s workflow.WorkflowServiceSoap) (xml.Name, *string, error) {
			a, err := s.ProcessInstanceTaskExternalAcknowledgementContext(ctx, r)
			if err != nil {
				return xml.Name{}, nil, err
			}
			return a.XMLName, a.ProcessInstanceTaskExternalAcknowledgementResult, nil
		}), nil
	case bridge.Update:
		r := &workflow.ProcessInstanceTaskExternalUpdateMessage{ProcessInstanceTaskId: task, Message: arg(l.Event.Text)}
		return made(workflow.UpdateMessage, r, func(ctx context.Context, s workflow.WorkflowServiceSoap) (xml.Name, *string, error) {
			a, err := s.ProcessInstanceTaskExternalUpdateMessageContext(ctx, r)
			if err != nil {
				return xml.Name{}, nil, err
			}
			return a.XMLName, a.ProcessInstanceTaskExternalUpdateMessageResult, nil
		}), nil
	case bridge.Resolve:
		r := &workflow.ProcessInstanceTaskExternalReassignment{ProcessInstanceTaskId: task, Solution: arg(l.Event.Text)}
		return made(workflow.Reassignment, r, func(ctx context.Context, s workflow.WorkflowServiceSoap) (xml.Name, *string, error) {
			a, err := s.ProcessInstanceTaskExternalReassignmentContext(ctx, r)
			if err != nil {
				return xml.Name{}, nil, err
			}
			return a.XMLName, a.ProcessInstanceTaskExternalReassignmentResult, nil
		}), nil
	}
	return call{}, errNoOperation(l)
}

// arg makes s an argument that is sent even when it is empty.
func arg(s string) *string {
	s = xmltext.Legal(s)
	return &s
}

// envelope returns the request as it goes over the wire.
func (c call) envelope() ([]byte, error) {
	var b bytes.Buffer
	err := xml.NewEncoder(&b).Encode(gowsdl.SOAPEnvelope{XmlNS: gowsdl.XmlNsSoapEnv, Body: gowsdl.SOAPBody{Content: c.request}})
	return outgoing(c.version, b.Bytes()), err
}

// do makes the call. gowsdl panics on answers that it has not thought of (an <attachments> element
// in the envelope, for one); no answer of a server may end the bridge.
func (c call) do(ctx context.Context, s service) (a answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = answer{}, fmt.Errorf("it breaks the parser: %v", p)
		}
	}()
	return c.invoke(ctx, s)
}

// refused is the outcome of an event that cannot become a call.
func refused(err error) bridge.Outcome {
	if errors.Is(err, binding.ErrNoReference) {
		return bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.NoReference, Detail: err.Error()}
	}
	return bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.MappingFailed, Detail: err.Error()}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
