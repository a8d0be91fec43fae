package wsdl

import (
	"encoding/xml"
	"strconv"
)

// Read reads a description. contentType is that of the answer that brought it, "" if it came from
// a file.
func Read(data []byte, contentType string) (*Document, error) {
	root, err := parse(data, contentType)
	if err != nil {
		return nil, err
	}
	if root.name != (xml.Name{Space: wsdlNS, Local: "definitions"}) {
		return nil, &Error{Line: root.line, Msg: "the root element is " + root.name.Local + ", not definitions of WSDL 1.1"}
	}
	r := reader{
		root:     root,
		target:   root.get("targetNamespace"),
		messages: map[string]*element{},
		ports:    map[string]*element{},
		elements: map[xml.Name]declaration{},
		types:    map[xml.Name]declaration{},
		address:  map[string]string{},
	}
	return r.read()
}

// A reader resolves the references between the parts of a description.
type reader struct {
	root     *element
	target   string
	messages map[string]*element
	ports    map[string]*element // port types
	elements map[xml.Name]declaration
	types    map[xml.Name]declaration
	address  map[string]string // of each binding
	doc      Document
}

// A declaration is a top-level element or type of a schema.
type declaration struct {
	at        *element
	target    string // the schema's namespace
	qualified bool   // the schema's elementFormDefault
}

func (r *reader) read() (*Document, error) {
	r.doc.TargetNamespace = r.target
	for _, i := range r.root.all(wsdlNS, "import") {
		r.doc.Imports = append(r.doc.Imports, i.get("location"))
	}
	for _, t := range r.root.all(wsdlNS, "types") {
		for _, s := range t.all(XMLSchema, "schema") {
			r.schema(s)
		}
	}
	for _, m := range r.root.all(wsdlNS, "message") {
		r.messages[m.get("name")] = m
	}
	for _, p := range r.root.all(wsdlNS, "portType") {
		r.ports[p.get("name")] = p
	}
	for _, s := range r.root.all(wsdlNS, "service") {
		if err := r.service(s); err != nil {
			return nil, err
		}
	}
	for _, b := range r.root.all(wsdlNS, "binding") {
		if err := r.binding(b); err != nil {
			return nil, err
		}
	}
	return &r.doc, nil
}

func (r *reader) schema(s *element) {
	target := s.get("targetNamespace")
	qualified := s.get("elementFormDefault") == "qualified"
	for _, c := range s.children {
		if c.name.Space != XMLSchema {
			continue
		}
		d := declaration{c, target, qualified}
		name := xml.Name{Space: target, Local: c.get("name")}
		switch c.name.Local {
		case "element":
			r.elements[name] = d
		case "complexType", "simpleType":
			r.types[name] = d
		case "import", "include":
			if l := c.get("schemaLocation"); l != "" {
				r.doc.Imports = append(r.doc.Imports, l)
			}
		}
	}
}

func (r *reader) service(s *element) error {
	for _, p := range s.all(wsdlNS, "port") {
		b, err := p.qname("binding")
		if err != nil {
			return err
		}
		for _, ns := range []string{soap11NS, soap12NS} {
			if a := p.first(ns, "address"); a != nil && r.address[b.Local] == "" {
				r.address[b.Local] = a.get("location")
			}
		}
	}
	return nil
}

// binding reads one binding; one that is not to SOAP says nothing to us.
func (r *reader) binding(b *element) error {
	version, ns := SOAP11, soap11NS
	at := b.first(soap11NS, "binding")
	if at == nil {
		version, ns = SOAP12, soap12NS
		if at = b.first(soap12NS, "binding"); at == nil {
			return nil
		}
	}
	typ, err := b.qname("type")
	if err != nil {
		return err
	}
	port := r.ports[typ.Local]
	if port == nil || typ.Space != r.target {
		return &Error{Line: b.line, Msg: "port type " + typ.Local + " of binding " + b.get("name") + " is not in this document"}
	}
	style := or(at.get("style"), "document")
	for _, o := range b.all(wsdlNS, "operation") {
		op := Operation{Name: o.get("name"), Version: version, Style: style, Use: "literal", Address: r.address[b.get("name")]}
		if so := o.first(ns, "operation"); so != nil {
			op.Action = so.get("soapAction")
			op.Style = or(so.get("style"), style)
		}
		if in := o.first(wsdlNS, "input"); in != nil {
			if body := in.first(ns, "body"); body != nil {
				op.Use = or(body.get("use"), "literal")
			}
		}
		po := named(port.all(wsdlNS, "operation"), op.Name)
		if po == nil {
			return &Error{Line: o.line, Msg: "operation " + op.Name + " is bound but not in its port type"}
		}
		if d := po.first(wsdlNS, "documentation"); d != nil {
			op.Doc = d.text
		}
		if op.Input, err = r.message(po.first(wsdlNS, "input")); err != nil {
			return err
		}
		if op.Output, err = r.message(po.first(wsdlNS, "output")); err != nil {
			return err
		}
		r.doc.Operations = append(r.doc.Operations, op)
	}
	return nil
}

// message reads what an input or output of a port type consists of.
func (r *reader) message(io *element) (Message, error) {
	if io == nil {
		return Message{Odd: "there is none"}, nil
	}
	name, err := io.qname("message")
	if err != nil {
		return Message{}, err
	}
	m := r.messages[name.Local]
	if m == nil || name.Space != r.target {
		return Message{}, &Error{Line: io.line, Msg: "message " + name.Local + " is not in this document"}
	}
	parts := m.all(wsdlNS, "part")
	if len(parts) != 1 {
		return Message{Odd: "it has " + strconv.Itoa(len(parts)) + " parts instead of one"}, nil
	}
	el, err := parts[0].qname("element")
	if err != nil {
		return Message{}, err
	}
	if el.Local == "" {
		return Message{Odd: "its part is a type, not an element"}, nil
	}
	return r.wrapper(el)
}

// wrapper reads the element that a message consists of.
func (r *reader) wrapper(name xml.Name) (Message, error) {
	m := Message{Element: name}
	d, ok := r.elements[name]
	if !ok {
		m.Odd = "element " + name.Local + " is not declared in this document"
		return m, nil
	}
	body := d.at.first(XMLSchema, "complexType")
	if body == nil {
		typ, err := d.at.qname("type")
		if err != nil {
			return m, err
		}
		t, ok := r.types[typ]
		if !ok || t.at.name.Local != "complexType" {
			m.Odd = "element " + name.Local + " is not a sequence of elements"
			return m, nil
		}
		d, body = t, t.at
	}
	for _, c := range body.children {
		switch c.name.Local {
		case "sequence":
			if err := r.sequence(&m, d, c); err != nil {
				return m, err
			}
		case "annotation":
		default:
			m.Odd = "element " + name.Local + " has a " + c.name.Local + " in it"
		}
	}
	return m, nil
}

func (r *reader) sequence(m *Message, d declaration, seq *element) error {
	for _, c := range seq.children {
		if c.name.Local == "annotation" {
			continue
		}
		if c.name != (xml.Name{Space: XMLSchema, Local: "element"}) {
			m.Odd = "element " + m.Element.Local + " has a " + c.name.Local + " in it"
			continue
		}
		arg, err := r.argument(d, c)
		if err != nil {
			return err
		}
		m.Args = append(m.Args, arg)
	}
	return nil
}

func (r *reader) argument(d declaration, c *element) (Argument, error) {
	arg := Argument{Min: occurs(c.get("minOccurs")), Max: occurs(c.get("maxOccurs"))}
	ref, err := c.qname("ref")
	if err != nil {
		return arg, err
	}
	if ref.Local != "" { // an element declared elsewhere: it is always qualified
		arg.Name = ref
		to, ok := r.elements[ref]
		if !ok {
			return arg, nil
		}
		c = to.at
	} else {
		arg.Name.Local = c.get("name")
		if form := c.get("form"); form == "qualified" || form == "" && d.qualified {
			arg.Name.Space = d.target
		}
	}
	arg.Nillable = c.get("nillable") == "true" || c.get("nillable") == "1"
	arg.Type, err = c.qname("type")
	return arg, err
}

// occurs reads minOccurs and maxOccurs, whose default is one. -1 is unbounded.
func occurs(s string) int {
	if s == "unbounded" {
		return -1
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return n
	}
	return 1
}

func named(all []*element, name string) *element {
	for _, e := range all {
		if e.get("name") == name {
			return e
		}
	}
	return nil
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
