package soap

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"

	gowsdl "github.com/hooklift/gowsdl/soap"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/soap/internal/xmltext"
	"github.com/pergabridge/pergabridge/soap/workflow"
)

// A call is one event as a call of one operation.
type call struct {
	operation string
	request   any
	invoke    func(context.Context, workflow.WorkflowServiceSoap) (answer, error)
}

// An answer is what the service said without a fault.
type answer struct {
	root   xml.Name // empty if the body was empty
	result *string  // nil if there is none
}

// errNoReference means that there is nothing to acknowledge.
var errNoReference = errors.New("the provider's reference is not known")

// newCall builds the call for a leased event.
func newCall(l bridge.Lease) (call, error) {
	task := arg(or(l.Event.Task, l.Bond.Task))
	switch l.Event.Kind {
	case bridge.Acknowledge:
		reference := or(l.Event.Reference, l.Bond.Reference)
		if reference == "" {
			return call{}, errNoReference
		}
		r := &workflow.ProcessInstanceTaskExternalAcknowledgement{ProcessInstanceTaskId: task, ExternalReference: arg(reference)}
		return call{workflow.Acknowledgement, r, func(ctx context.Context, s workflow.WorkflowServiceSoap) (answer, error) {
			a, err := s.ProcessInstanceTaskExternalAcknowledgementContext(ctx, r)
			if err != nil {
				return answer{}, err
			}
			return answer{a.XMLName, a.ProcessInstanceTaskExternalAcknowledgementResult}, nil
		}}, nil
	case bridge.Update:
		r := &workflow.ProcessInstanceTaskExternalUpdateMessage{ProcessInstanceTaskId: task, Message: arg(l.Event.Text)}
		return call{workflow.UpdateMessage, r, func(ctx context.Context, s workflow.WorkflowServiceSoap) (answer, error) {
			a, err := s.ProcessInstanceTaskExternalUpdateMessageContext(ctx, r)
			if err != nil {
				return answer{}, err
			}
			return answer{a.XMLName, a.ProcessInstanceTaskExternalUpdateMessageResult}, nil
		}}, nil
	case bridge.Resolve:
		r := &workflow.ProcessInstanceTaskExternalReassignment{ProcessInstanceTaskId: task, Solution: arg(l.Event.Text)}
		return call{workflow.Reassignment, r, func(ctx context.Context, s workflow.WorkflowServiceSoap) (answer, error) {
			a, err := s.ProcessInstanceTaskExternalReassignmentContext(ctx, r)
			if err != nil {
				return answer{}, err
			}
			return answer{a.XMLName, a.ProcessInstanceTaskExternalReassignmentResult}, nil
		}}, nil
	}
	return call{}, fmt.Errorf("SSP has no operation for an event of kind %q", l.Event.Kind)
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
	return b.Bytes(), err
}

// do makes the call. gowsdl panics on answers that it has not thought of (an <attachments> element
// in the envelope, for one); no answer of a server may end the bridge.
func (c call) do(ctx context.Context, s workflow.WorkflowServiceSoap) (a answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = answer{}, fmt.Errorf("it breaks the parser: %v", p)
		}
	}()
	return c.invoke(ctx, s)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
