// Package contract holds requests against a vendor's own OpenAPI or Swagger file, as strictly as the
// file allows: fields that an object does not list are objected to, unless the file says that its
// list is open or assumed.
//
// A part of a file that somebody reconstructed is marked `x-assumed: true` there. [Contract.Assumed]
// says how much that is.
package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pergabridge/pergabridge/bridge/outbound"
)

// Contract is a vendor's description of its interface.
type Contract struct {
	doc   *openapi3.T
	base  string // of the paths, for Swagger 2.0
	paths []path
}

type path struct {
	template []string
	item     *openapi3.PathItem
}

// Load reads an OpenAPI 3 file (YAML or JSON) or a Swagger 2.0 file (JSON).
func Load(data []byte) (*Contract, error) {
	c := &Contract{}
	var probe struct {
		Swagger  string `json:"swagger"`
		BasePath string `json:"basePath"`
	}
	if json.Unmarshal(data, &probe) == nil && probe.Swagger != "" {
		var old openapi2.T
		if err := json.Unmarshal(data, &old); err != nil {
			return nil, fmt.Errorf("contract: %w", err)
		}
		doc, err := openapi2conv.ToV3(&old)
		if err != nil {
			return nil, fmt.Errorf("contract: %w", err)
		}
		c.doc, c.base = doc, strings.TrimRight(probe.BasePath, "/")
	} else {
		doc, err := openapi3.NewLoader().LoadFromData(data)
		if err != nil {
			return nil, fmt.Errorf("contract: %w", err)
		}
		c.doc = doc
	}
	for _, p := range c.doc.Paths.InMatchingOrder() {
		c.paths = append(c.paths, path{strings.Split(strings.Trim(c.base+p, "/"), "/"), c.doc.Paths.Value(p)})
	}
	seen := map[*openapi3.Schema]bool{}
	for _, s := range c.doc.Components.Schemas {
		closeObjects(s, seen)
	}
	for _, p := range c.paths {
		for _, op := range p.item.Operations() {
			if op.RequestBody != nil {
				for _, m := range op.RequestBody.Value.Content {
					closeObjects(m.Schema, seen)
				}
			}
		}
	}
	return c, nil
}

// Once returns what reads a file when it is first asked for, because reading one takes long. The contract is shared;
// nothing that it does changes it.
func Once(data []byte) func() (*Contract, error) {
	return sync.OnceValues(func() (*Contract, error) { return Load(data) })
}

// Objections returns what says what a file objects to in a request for an operation; see [Contract.CheckAs].
func Objections(load func() (*Contract, error)) func(id string, r outbound.Request) []string {
	return func(id string, r outbound.Request) []string {
		c, err := load()
		if err != nil {
			return []string{err.Error()}
		}
		return c.CheckAs(id, r.URL, r.Header, r.Body)
	}
}

func assumed(ext map[string]any) bool {
	v, _ := ext["x-assumed"].(bool)
	return v
}

// closeObjects makes objects with a list of fields take no others.
func closeObjects(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return
	}
	s := ref.Value
	seen[s] = true
	if len(s.Properties) > 0 && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil && !assumed(s.Extensions) && len(s.AllOf) == 0 {
		no := false
		s.AdditionalProperties.Has = &no
	}
	for _, p := range s.Properties {
		closeObjects(p, seen)
	}
	closeObjects(s.Items, seen)
}

// find returns the operation of a method and path. Paths are compared from their end, so that a base
// of any depth may precede them.
func (c *Contract) find(method, at string) (*openapi3.Operation, string) {
	parts := strings.Split(strings.Trim(at, "/"), "/")
	for _, p := range c.paths {
		if len(p.template) > len(parts) {
			continue
		}
		tail := parts[len(parts)-len(p.template):]
		fits := true
		for i, t := range p.template {
			if t != tail[i] && !strings.HasPrefix(t, "{") {
				fits = false
				break
			}
		}
		if op := p.item.GetOperation(method); fits && op != nil {
			return op, strings.Join(p.template, "/")
		}
	}
	return nil, ""
}

// Operation returns the id of the operation that a method and path call; "" if the file has none.
func (c *Contract) Operation(method, path string) string {
	if op, _ := c.find(method, path); op != nil {
		return op.OperationID
	}
	return ""
}

// Check returns the id of the operation a request is for and what is wrong with the request; no id
// means that the file has no such operation. ignore names query parameters that carry credentials.
func (c *Contract) Check(method, address string, header http.Header, body []byte, ignore ...string) (string, []string) {
	u, err := url.Parse(address)
	if err != nil {
		return "", []string{"the address cannot be read"}
	}
	op, _ := c.find(method, u.EscapedPath())
	if op == nil {
		return "", []string{fmt.Sprintf("%s %s: there is no such operation", method, u.Path)}
	}
	return op.OperationID, c.check(op, u, header, body, ignore)
}

// CheckAs holds a request against the operation of that id, whatever its address is: paths may be
// assumed, bodies are not.
func (c *Contract) CheckAs(id, address string, header http.Header, body []byte, ignore ...string) []string {
	u, err := url.Parse(address)
	if err != nil {
		return []string{"the address cannot be read"}
	}
	for _, p := range c.paths {
		for _, op := range p.item.Operations() {
			if op.OperationID == id {
				return c.check(op, u, header, body, ignore)
			}
		}
	}
	return []string{"the vendor's file has no operation " + id}
}

func (c *Contract) check(op *openapi3.Operation, u *url.URL, header http.Header, body []byte, ignore []string) []string {
	out := checkQuery(op, u.Query(), ignore)
	if op.RequestBody == nil {
		if len(body) > 0 {
			out = append(out, "a body where none is wanted")
		}
		return out
	}
	if media := header.Get("Content-Type"); !strings.HasPrefix(media, "application/json") {
		out = append(out, "Content-Type is "+media)
	}
	media := op.RequestBody.Value.Content.Get("application/json")
	if media == nil {
		return append(out, "the operation takes no JSON")
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return append(out, "the body is not JSON")
	}
	if err := media.Schema.Value.VisitJSON(v, openapi3.MultiErrors()); err != nil {
		out = append(out, explain(err)...)
	}
	return out
}

func checkQuery(op *openapi3.Operation, q url.Values, ignore []string) []string {
	var out []string
	known := map[string]bool{}
	for _, ref := range op.Parameters {
		p := ref.Value
		if p.In != "query" {
			continue
		}
		known[p.Name] = true
		given, ok := q[p.Name]
		if !ok {
			if p.Required {
				out = append(out, "query "+p.Name+" is missing")
			}
			continue
		}
		for _, g := range given {
			for _, one := range split(p, g) {
				if err := value(p.Schema.Value, one); err != nil {
					out = append(out, "query "+p.Name+": "+err.Error())
				}
			}
		}
	}
	for name := range q {
		if !known[name] && !slices.Contains(ignore, name) {
			out = append(out, "query "+name+" is not known")
		}
	}
	sort.Strings(out)
	return out
}

func split(p *openapi3.Parameter, g string) []string {
	if p.Schema.Value.Type.Is("array") {
		return strings.Split(g, ",")
	}
	return []string{g}
}

// value holds a text of a query against a schema.
func value(s *openapi3.Schema, text string) error {
	var v any = text
	one := s
	if s.Type.Is("array") && s.Items != nil {
		one = s.Items.Value
	}
	if one.Type.Is("integer") || one.Type.Is("boolean") || one.Type.Is("number") {
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return fmt.Errorf("%q is no %s", text, one.Type.Slice())
		}
	}
	if err := one.VisitJSON(v); err != nil {
		return fmt.Errorf("%s", strings.Join(explain(err), "; "))
	}
	return nil
}

// explain says in short lines what a schema objects to.
func explain(err error) []string {
	switch e := err.(type) { // the library's own tree of errors
	case openapi3.MultiError:
		var out []string
		for _, x := range e {
			out = append(out, explain(x)...)
		}
		return out
	case *openapi3.SchemaError:
		if inner, ok := e.Origin.(*openapi3.SchemaError); ok { // what "does not match all of" was about
			return explain(inner)
		}
		if inner, ok := e.Origin.(openapi3.MultiError); ok {
			return explain(inner)
		}
		return []string{"/" + strings.Join(e.JSONPointer(), "/") + ": " + e.Reason}
	}
	return []string{err.Error()}
}

// Operations returns the ids of all operations, sorted.
func (c *Contract) Operations() []string {
	var out []string
	for _, p := range c.paths {
		for _, op := range p.item.Operations() {
			out = append(out, op.OperationID)
		}
	}
	sort.Strings(out)
	return out
}

// Assumed counts what somebody reconstructed.
type Assumed struct {
	Operations, AssumedOperations int
	Schemas, AssumedSchemas       int
	Fields, OpenFields            int // of request bodies: listed ones, and those whose object is open
}

// String says it in one line.
func (a Assumed) String() string {
	return fmt.Sprintf("%d of %d operations have an assumed part (method, path, name); %d of %d schemas are assumed; %d of %d request fields hold an object whose own fields are not published",
		a.AssumedOperations, a.Operations, a.AssumedSchemas, a.Schemas, a.OpenFields, a.Fields)
}

// Assumed says how much of the file is marked as assumed.
func (c *Contract) Assumed() Assumed {
	var a Assumed
	for _, p := range c.paths {
		for _, op := range p.item.Operations() {
			a.Operations++
			if assumed(op.Extensions) || assumed(p.item.Extensions) {
				a.AssumedOperations++
			}
			if op.RequestBody == nil {
				continue
			}
			for _, m := range op.RequestBody.Value.Content {
				for _, f := range m.Schema.Value.Properties {
					a.Fields++
					if f.Value != nil && assumed(f.Value.Extensions) && len(f.Value.Properties) == 0 && f.Value.Type.Is("object") {
						a.OpenFields++
					}
				}
			}
		}
	}
	for _, s := range c.doc.Components.Schemas {
		a.Schemas++
		if assumed(s.Value.Extensions) {
			a.AssumedSchemas++
		}
	}
	return a
}
