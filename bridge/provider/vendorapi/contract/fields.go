package contract

import (
	"encoding/json"
	"net/url"
	"slices"
	"sort"

	"github.com/getkin/kin-openapi/openapi3"
)

// maxNested bounds how deep fields are listed; the vendors' files nest less.
const maxNested = 8

// Fields returns what the requests of an operation may hold: query parameters by name, members of the body
// with dots, those of a list's elements like those of an object. Members of objects whose own list is open are
// not listed.
func (c *Contract) Fields(id string) []string {
	var out []string
	for _, p := range c.paths {
		for _, op := range p.item.Operations() {
			if op.OperationID != id {
				continue
			}
			for _, ref := range op.Parameters {
				if ref.Value.In == "query" {
					out = append(out, ref.Value.Name)
				}
			}
			if op.RequestBody != nil {
				if m := op.RequestBody.Value.Content.Get("application/json"); m != nil {
					out = append(out, members("", m.Schema, 0)...)
				}
			}
		}
	}
	sort.Strings(out)
	return slices.Compact(out)
}

func members(prefix string, ref *openapi3.SchemaRef, depth int) []string {
	if ref == nil || ref.Value == nil || depth > maxNested {
		return nil
	}
	s := ref.Value
	if s.Type.Is("array") {
		return members(prefix, s.Items, depth+1)
	}
	var out []string
	for _, part := range s.AllOf {
		out = append(out, members(prefix, part, depth+1)...)
	}
	for name, p := range s.Properties {
		if nested := members(prefix+name+".", p, depth+1); len(nested) > 0 {
			out = append(out, nested...)
			continue
		}
		out = append(out, prefix+name)
	}
	return out
}

// Sent returns the operation that a request is for and what it holds of [Contract.Fields].
func (c *Contract) Sent(method, path, query string, body []byte) (id string, fields []string) {
	if id = c.Operation(method, path); id == "" {
		return "", nil
	}
	q, err := url.ParseQuery(query)
	if err != nil {
		return id, nil
	}
	for name := range q {
		fields = append(fields, name)
	}
	var v any
	if json.Unmarshal(body, &v) == nil {
		fields = append(fields, held("", v, 0)...)
	}
	return id, fields
}

func held(prefix string, v any, depth int) []string {
	if depth > maxNested {
		return nil
	}
	var out []string
	switch x := v.(type) {
	case map[string]any:
		for k, y := range x {
			out = append(append(out, prefix+k), held(prefix+k+".", y, depth+1)...)
		}
	case []any:
		for _, y := range x {
			out = append(out, held(prefix, y, depth+1)...)
		}
	}
	return out
}
