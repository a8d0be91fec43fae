package vendorapi

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
)

// A Caller makes HTTP calls; it is an [outbound.Client].
type Caller interface {
	Do(ctx context.Context, r outbound.Request) (outbound.Answer, error)
}

// A Reply is what a call brought.
type Reply struct {
	Status int
	// Body is the decoded JSON, numbers as [json.Number]; nil if there was none.
	Body any
	// Request is the request as operators see it, secrets masked.
	Request string
	// Outcome is what the call means.
	Outcome bridge.Outcome
}

// Object returns the body if it is an object, else an empty one.
func (r *Reply) Object() map[string]any {
	m, _ := r.Body.(map[string]any)
	return m
}

// A Judge corrects the outcome of an answered call by what its body says.
type Judge func(op string, reply *Reply)

// Client calls the operations of one vendor's instance.
type Client struct {
	Name    string
	Profile *Profile
	Base    string
	// HTTP returns what makes the calls of an operation: services may have keys of their own.
	HTTP func(op *Operation) Caller
	// Judge may be nil.
	Judge Judge
	// Before is called before every call; an error gives it up. Nil: nothing.
	Before func(ctx context.Context, op *Operation) error
	// After is called when a call has ended. Nil: nothing.
	After func(ctx context.Context, op *Operation)
	// Header is set on every call.
	Header func() map[string]string
	// Fixed are values that the config knows, by field; an operation that has the field gets it unless it is
	// given.
	Fixed map[string]string
	// Guard refuses what the profile cannot say, for instance of two fields together. Nil: nothing.
	Guard func(op string, args map[string]any) error
}

// Call makes the call of an operation. The error is a [*Failure].
func (c *Client) Call(ctx context.Context, id string, args map[string]any) (*Reply, error) {
	r, err := c.Prepare(id, args)
	if err != nil {
		return nil, refused(c.Name, id, bridge.MappingFailed, err.Error())
	}
	return c.send(ctx, id, r)
}

// Prepare builds the request without sending it.
func (c *Client) Prepare(id string, args map[string]any) (outbound.Request, error) {
	args = c.fixed(id, args)
	if c.Guard != nil {
		if err := c.Guard(id, args); err != nil {
			return outbound.Request{}, fmt.Errorf("%s: %w", id, err)
		}
	}
	r, err := c.Profile.Build(c.Base, id, args)
	if err != nil {
		return r, err
	}
	if c.Header != nil {
		for k, v := range c.Header() {
			if v != "" {
				r.Header.Set(k, v)
			}
		}
	}
	return r, nil
}

// fixed adds what the config knows.
func (c *Client) fixed(id string, args map[string]any) map[string]any {
	op := c.Profile.Operations[id]
	if op == nil || len(c.Fixed) == 0 {
		return args
	}
	out := make(map[string]any, len(args)+len(c.Fixed))
	for name, v := range c.Fixed {
		if op.Fields[name] != nil {
			out[name] = v
		}
	}
	maps.Copy(out, args)
	return out
}

func (c *Client) send(ctx context.Context, id string, r outbound.Request) (*Reply, error) {
	op := c.Profile.Operations[id]
	reply := &Reply{Request: r.Excerpt()}
	if c.Before != nil {
		if err := c.Before(ctx, op); err != nil {
			reply.Outcome = bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Canceled, Detail: c.Name + ": not sent: " + err.Error()}
			return reply, &Failure{id, reply.Outcome}
		}
	}
	a, err := c.HTTP(op).Do(ctx, r)
	if c.After != nil {
		c.After(ctx, op)
	}
	out := outbound.Classify(a, err, outbound.Policy{})
	reply.Status = a.Status
	if len(a.Body) > 0 {
		var v any
		if bad := DecodeJSON(a.Body, &v); bad == nil {
			reply.Body = v
		} else if out.Kind == bridge.OutcomeDone {
			out.Kind, out.Reason = bridge.OutcomeUnknown, bridge.BadAnswer
			out.Detail += "; the answer is not JSON"
		}
	}
	reply.Outcome = out
	if err == nil && c.Judge != nil && !slices.Contains([]bridge.Reason{bridge.Unauthorized, bridge.Throttled, bridge.Unavailable, bridge.BadGateway}, out.Reason) {
		c.Judge(id, reply)
	}
	o := &reply.Outcome
	o.Request = reply.Request
	o.Detail = outbound.Excerpt([]byte(c.Name + ": " + id + ": " + strings.TrimPrefix(o.Detail, c.Name+": ")))
	if reply.Status == http.StatusMethodNotAllowed {
		o.Detail += "; where the vendor speaks another method, change operations." + id + ".method"
	}
	if op.Reads && o.Kind == bridge.OutcomeUnknown {
		o.Kind = bridge.OutcomeRetry // nothing can have happened
		if o.Reason == bridge.NoAnswer {
			o.Reason = bridge.Unavailable
		}
	}
	if o.Kind != bridge.OutcomeDone {
		return reply, &Failure{id, *o}
	}
	return reply, nil
}
