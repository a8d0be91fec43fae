package wsdl

import (
	"encoding/xml"
	"slices"
)

// A reader collects the parts of all documents and resolves the references between them.
type reader struct {
	count    int // elements so far
	pending  []pending
	bindings []*element // in the order of the documents
	services []*element
	targets  map[*element]string // target namespace of a binding or service
	messages map[xml.Name]*element
	ports    map[xml.Name]*element // port types
	elements map[xml.Name]declaration
	types    map[xml.Name]declaration
	groups   map[xml.Name]declaration
	address  map[xml.Name]string // of each binding
	args     int                 // spent on this message so far: arguments and types
	all      int                 // spent on the messages before it
	doc      Document
}

// pending is an import that was not followed yet.
type pending struct {
	base, ref string
	// into is the namespace that a schema without one is included into; empty for an import.
	into string
}

// A declaration is a top-level element or type of a schema.
type declaration struct {
	at        *element
	target    string // the schema's namespace
	qualified bool   // the schema's elementFormDefault
	adopted   bool   // the schema has no namespace of its own; the target is that of the one that includes it
}

func newReader() *reader {
	return &reader{
		targets: map[*element]string{}, messages: map[xml.Name]*element{}, ports: map[xml.Name]*element{},
		elements: map[xml.Name]declaration{}, types: map[xml.Name]declaration{}, groups: map[xml.Name]declaration{},
		address: map[xml.Name]string{},
	}
}

// first collects the document that was asked for.
func (r *reader) first(location string, data []byte, contentType string) error {
	root, err := parse("", data, contentType, &r.count)
	if err != nil {
		return err
	}
	if root.name != (xml.Name{Space: wsdlNS, Local: "definitions"}) {
		return root.fail("the root element is " + root.name.Local + ", not definitions of WSDL 1.1")
	}
	r.doc.TargetNamespace = root.get("targetNamespace")
	r.definitions(root, location)
	return nil
}

// imported collects a document that another one imports.
func (r *reader) imported(location string, data []byte, contentType, into string) error {
	root, err := parse(location, data, contentType, &r.count)
	if err != nil {
		return err
	}
	switch root.name {
	case xml.Name{Space: wsdlNS, Local: "definitions"}:
		r.definitions(root, location)
	case xml.Name{Space: XMLSchema, Local: "schema"}:
		r.schema(root, location, into)
	default:
		return root.fail("the root element is " + root.name.Local + ", neither definitions nor schema")
	}
	return nil
}

func (r *reader) skip(what string) {
	if !slices.Contains(r.doc.Imports, what) {
		r.doc.Imports = append(r.doc.Imports, what)
	}
}

func (r *reader) later(base, ref, into string) {
	if ref != "" {
		r.pending = append(r.pending, pending{base, ref, into})
	}
}

func (r *reader) definitions(root *element, location string) {
	target := root.get("targetNamespace")
	for _, i := range root.all(wsdlNS, "import") {
		r.later(location, i.get("location"), "")
	}
	for _, t := range root.all(wsdlNS, "types") {
		for _, s := range t.all(XMLSchema, "schema") {
			r.schema(s, location, "")
		}
	}
	for _, m := range root.all(wsdlNS, "message") {
		r.messages[xml.Name{Space: target, Local: m.get("name")}] = m
	}
	for _, p := range root.all(wsdlNS, "portType") {
		r.ports[xml.Name{Space: target, Local: p.get("name")}] = p
	}
	r.services = append(r.services, root.all(wsdlNS, "service")...)
	for _, b := range root.all(wsdlNS, "binding") {
		r.bindings = append(r.bindings, b)
		r.targets[b] = target
	}
}

// schema collects what a schema declares. into is the namespace that it is included into.
func (r *reader) schema(s *element, location, into string) {
	d := declaration{target: s.get("targetNamespace"), qualified: s.get("elementFormDefault") == "qualified"}
	if d.target == "" && into != "" {
		d.target, d.adopted = into, true
	}
	for _, c := range s.children {
		if c.name.Space != XMLSchema {
			continue
		}
		d.at = c
		name := xml.Name{Space: d.target, Local: c.get("name")}
		switch c.name.Local {
		case "element":
			r.elements[name] = d
		case "complexType", "simpleType":
			r.types[name] = d
		case "group":
			r.groups[name] = d
		case "import":
			r.later(location, c.get("schemaLocation"), "")
		case "include":
			r.later(location, c.get("schemaLocation"), d.target)
		}
	}
}

// name resolves a reference made inside a schema.
func (d declaration) name(at *element, attr string) (xml.Name, error) {
	n, err := at.qname(attr)
	if d.adopted && n.Space == "" && n.Local != "" {
		n.Space = d.target
	}
	return n, err
}
