package vendorapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
)

// Operations returns c as operators use it. conforms says what the vendor's own description objects
// to in a request; it may be nil.
func (c *Client) Operations(conforms func(op string, r outbound.Request) []string) provider.Operations {
	return &operations{c, conforms}
}

type operations struct {
	client   *Client
	conforms func(op string, r outbound.Request) []string
}

// List returns every operation.
func (o *operations) List() []provider.OperationInfo {
	p := o.client.Profile
	var out []provider.OperationInfo
	for _, id := range p.IDs() {
		op := p.Operations[id]
		info := provider.OperationInfo{Name: id, Title: op.Title, Method: op.Method, Path: op.Path, Reads: op.Reads, Disabled: op.Disabled, Assumed: op.Assumed}
		for _, name := range slices.Sorted(maps.Keys(op.Fields)) {
			if op.Fields[name].Required && o.client.Fixed[name] == "" {
				name += "*"
			}
			info.Fields = append(info.Fields, name)
		}
		out = append(out, info)
	}
	return out
}

func (o *operations) args(in json.RawMessage) (map[string]any, error) {
	args := map[string]any{}
	if len(strings.TrimSpace(string(in))) == 0 {
		return args, nil
	}
	err := DecodeJSON(in, &args)
	var syntax *json.SyntaxError
	var other *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		before := string(in[:min(int(syntax.Offset), len(in))])
		return nil, fmt.Errorf("the input is not JSON: line %d: %w", 1+strings.Count(before, "\n"), err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("the input is not JSON: it ends too early; a bracket or a quotation mark is missing")
	case errors.As(err, &other):
		return nil, fmt.Errorf(`the input must be a JSON object, {"field": value, …}, not %s`, other.Value)
	case err != nil:
		return nil, fmt.Errorf("the input is not a JSON object: %w", err)
	}
	return args, nil
}

// Show returns the call as it would be sent.
func (o *operations) Show(id string, in json.RawMessage) (string, []string, error) {
	args, err := o.args(in)
	if err != nil {
		return "", nil, err
	}
	r, err := o.client.Prepare(id, args)
	if err != nil {
		return "", nil, err
	}
	var objections []string
	if o.conforms != nil {
		objections = o.conforms(id, r)
	}
	return r.Show(), objections, nil
}

// Call makes the call.
func (o *operations) Call(ctx context.Context, id string, in json.RawMessage) (string, error) {
	args, err := o.args(in)
	if err != nil {
		return "", err
	}
	reply, err := o.client.Call(ctx, id, args)
	var f *Failure
	if errors.As(err, &f) {
		return f.Outcome.Answer, err
	}
	return reply.Outcome.Answer, err
}
