package vendorapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// A Profile describes a vendor's operations.
type Profile struct {
	Name string `yaml:"name"`
	// Source says where the facts come from.
	Source     string                         `yaml:"source"`
	Operations map[string]*Operation          `yaml:"operations"`
	Shapes     map[string]Shape               `yaml:"shapes"`
	Read       map[string]map[string][]string `yaml:"read"`
}

// An Operation is one call of the vendor.
type Operation struct {
	Title  string `yaml:"title"`
	Method string `yaml:"method"`
	// Path is appended to the provider's base; {name} stands for a field with in: path.
	Path   string `yaml:"path"`
	Fields Shape  `yaml:"fields"`
	// Wrapper is the member of the body that holds the fields; empty: the body itself.
	Wrapper string `yaml:"wrapper"`
	// Reads is set when the call changes nothing.
	Reads bool `yaml:"reads"`
	// Disabled operations are refused until the config enables them.
	Disabled bool `yaml:"disabled"`
	// Service groups operations that share a key.
	Service string `yaml:"service"`
	// Open lets fields through that the profile does not name, because the vendor's list is not public.
	Open bool `yaml:"open"`
	// Assumed names the parts that the vendor has not published: method, path, fields, …
	Assumed []string `yaml:"assumed"`
	// Published says in words what is published and where.
	Published string `yaml:"published"`
}

// A Shape is the fields of a body or of an object in it, by our names.
type Shape map[string]*Field

// A Field is one value on the wire.
type Field struct {
	Name     string `yaml:"name"` // on the wire; default: our name
	In       string `yaml:"in"`   // body (default), query, path
	Type     string `yaml:"type"` // string (default), integer, boolean, time, postcode, object, any, csv
	Required bool   `yaml:"required"`
	Enum     []any  `yaml:"enum"`
	Shape    string `yaml:"shape"` // of an object
	List     bool   `yaml:"list"`
	Assumed  bool   `yaml:"assumed"`
	Absent   bool   `yaml:"absent"` // an overlay takes the field away
}

// Parse reads a profile. Overlays change it, in order: a field, shape field or list of names that an
// overlay has replaces the one that was there; the rest stays.
func Parse(data []byte, overlays ...[]byte) (*Profile, error) {
	p, err := read(data)
	if err != nil {
		return nil, err
	}
	for _, raw := range overlays {
		o, err := read(raw)
		if err != nil {
			return nil, err
		}
		p.merge(o)
	}
	return p, p.complete()
}

func read(data []byte) (*Profile, error) {
	p := &Profile{}
	if err := yaml.UnmarshalWithOptions(data, p, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return p, nil
}

func (p *Profile) merge(o *Profile) {
	if o.Name != "" {
		p.Name = o.Name
	}
	if o.Source != "" {
		p.Source = o.Source
	}
	for id, x := range o.Operations {
		op := p.Operations[id]
		if op == nil {
			p.Operations[id] = x
			continue
		}
		if x.Method != "" {
			op.Method = x.Method
		}
		if x.Path != "" {
			op.Path = x.Path
		}
		if x.Published != "" {
			op.Published = x.Published
		}
		if x.Assumed != nil {
			op.Assumed = x.Assumed
		}
		op.Disabled = op.Disabled || x.Disabled
		if op.Fields == nil {
			op.Fields = Shape{}
		}
		maps.Copy(op.Fields, x.Fields)
	}
	for id, s := range o.Shapes {
		if p.Shapes[id] == nil {
			p.Shapes[id] = Shape{}
		}
		maps.Copy(p.Shapes[id], s)
	}
	for model, names := range o.Read {
		if p.Read[model] == nil {
			p.Read[model] = map[string][]string{}
		}
		maps.Copy(p.Read[model], names)
	}
}

// complete checks the profile and fills in what goes without saying.
func (p *Profile) complete() error {
	for id, o := range p.Operations {
		if o.Method == "" || !strings.HasPrefix(o.Path, "/") {
			return fmt.Errorf("profile: operation %s needs a method and a path", id)
		}
		if err := p.fill(o.Fields, place(o.Method)); err != nil {
			return fmt.Errorf("profile: operation %s: %w", id, err)
		}
	}
	for id, s := range p.Shapes {
		if err := p.fill(s, "body"); err != nil {
			return fmt.Errorf("profile: shape %s: %w", id, err)
		}
	}
	return nil
}

// place is where the fields of a method go.
func place(method string) string {
	if method == "GET" {
		return "query"
	}
	return "body"
}

func (p *Profile) fill(s Shape, in string) error {
	for name, f := range s {
		if f == nil {
			f = &Field{}
			s[name] = f
		}
		if f.Absent {
			delete(s, name)
			continue
		}
		if f.Name == "" {
			f.Name = name
		}
		if f.In == "" {
			f.In = in
		}
		if f.Type == "" {
			f.Type = "string"
		}
		if _, ok := p.Shapes[f.Shape]; f.Shape != "" && !ok {
			return fmt.Errorf("field %s: there is no shape %s", name, f.Shape)
		}
	}
	return nil
}

// IDs returns the names of all operations, sorted.
func (p *Profile) IDs() []string { return slices.Sorted(maps.Keys(p.Operations)) }

// Override is what the config changes of a profile.
type Override struct {
	Operations map[string]OperationOverride `yaml:"operations" doc:"what differs at this vendor's instance, by operation"`
	Shapes     map[string]map[string]string `yaml:"shapes" doc:"names on the wire of fields of nested objects: {address: {postcode: ZipCode}}"`
	Read       map[string]map[string]string `yaml:"read" doc:"names on the wire of values in answers: {request: {status: state}}"`
}

// OperationOverride is what the config changes of one operation.
type OperationOverride struct {
	Method  string            `yaml:"method" enum:"GET|POST|PUT|PATCH|DELETE" doc:"HTTP method"`
	Path    string            `yaml:"path" doc:"path after base; {name} stands for a field"`
	Enabled *bool             `yaml:"enabled" doc:"false refuses the operation, true allows one that is disabled by default"`
	Wrapper *string           `yaml:"wrapper" doc:"member of the body that holds the fields; \"\" for the body itself"`
	Fields  map[string]string `yaml:"fields" doc:"names on the wire, by our names"`
}

// Check reports what names nothing in p.
func (o *Override) Check(n *config.Node, p *Profile) {
	for id, x := range o.Operations {
		at := n.Key("operations").Key(id)
		op, ok := p.Operations[id]
		if !ok {
			at.ProblemAtKey("", "there is no such operation; known are %s", strings.Join(p.IDs(), ", "))
			continue
		}
		if x.Path != "" && !strings.HasPrefix(x.Path, "/") {
			at.Key("path").Problemf("", "must begin with /")
		}
		for name, wire := range x.Fields {
			if _, ok := op.Fields[name]; !ok {
				at.Key("fields").Key(name).ProblemAtKey("", "there is no such field; known are %s", strings.Join(slices.Sorted(maps.Keys(op.Fields)), ", "))
			} else if strings.TrimSpace(wire) == "" {
				at.Key("fields").Key(name).Problemf("", "must be the name on the wire")
			}
		}
	}
	checkNames(n.Key("shapes"), o.Shapes, func(s, f string) bool { return p.Shapes[s][f] != nil })
	checkNames(n.Key("read"), o.Read, func(s, f string) bool { return p.Read[s][f] != nil })
}

func checkNames(n *config.Node, m map[string]map[string]string, known func(a, b string) bool) {
	for a, fields := range m {
		for b := range fields {
			if !known(a, b) {
				n.Key(a).Key(b).ProblemAtKey("", "the profile has no %s.%s", a, b)
			}
		}
	}
}

// Apply changes p by o.
func (o *Override) Apply(p *Profile) {
	for id, x := range o.Operations {
		op := p.Operations[id]
		if op == nil {
			continue
		}
		if x.Method != "" && x.Method != op.Method {
			for _, f := range op.Fields {
				if f.In == place(op.Method) {
					f.In = place(x.Method)
				}
			}
			op.Method = x.Method
		}
		if x.Path != "" {
			op.Path = x.Path
		}
		if x.Enabled != nil {
			op.Disabled = !*x.Enabled
		}
		if x.Wrapper != nil {
			op.Wrapper = *x.Wrapper
		}
		for name, wire := range x.Fields {
			if f := op.Fields[name]; f != nil {
				f.Name = wire
			}
		}
	}
	for shape, fields := range o.Shapes {
		for name, wire := range fields {
			if f := p.Shapes[shape][name]; f != nil {
				f.Name = wire
			}
		}
	}
	for model, fields := range o.Read {
		for name, wire := range fields {
			if p.Read[model][name] != nil {
				p.Read[model][name] = []string{wire}
			}
		}
	}
}
