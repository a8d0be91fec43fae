package wsdl

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// read makes the document from what was collected.
func (r *reader) read() (*Document, error) {
	for _, s := range r.services {
		if err := r.service(s); err != nil {
			return nil, err
		}
	}
	for _, b := range r.bindings {
		if err := r.binding(b); err != nil {
			return nil, err
		}
	}
	return &r.doc, nil
}

// absent says that something is nowhere, and where it may be.
func (r *reader) absent(at *element, what string) error {
	what += " is not in this document"
	if len(r.doc.Imports) > 0 {
		what += "; it may be in " + strings.Join(r.doc.Imports, ", ") + ", which was not read"
	}
	return at.fail(what)
}

func (r *reader) service(s *element) error {
	for _, p := range s.all(wsdlNS, "port") {
		b, err := p.qname("binding")
		if err != nil {
			return err
		}
		for _, ns := range []string{soap11NS, soap12NS} {
			if a := p.first(ns, "address"); a != nil && r.address[b] == "" {
				r.address[b] = a.get("location")
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
	port := r.ports[typ]
	if port == nil {
		return r.absent(b, "port type "+typ.Local+" of binding "+b.get("name"))
	}
	address := r.address[xml.Name{Space: r.targets[b], Local: b.get("name")}]
	style := or(at.get("style"), "document")
	for _, o := range b.all(wsdlNS, "operation") {
		op := Operation{Name: o.get("name"), Version: version, Style: style, Use: "literal", Address: address}
		if so := o.first(ns, "operation"); so != nil {
			op.Action = so.get("soapAction")
			op.Style = or(so.get("style"), style)
		}
		if in := o.first(wsdlNS, "input"); in != nil {
			if body := in.first(ns, "body"); body != nil {
				op.Use = or(body.get("use"), "literal")
			}
		}
		po := overload(port.all(wsdlNS, "operation"), o)
		if po == nil {
			return o.fail("operation " + op.Name + " is bound but not in its port type")
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

// overload finds the operation of a port type that o binds. Methods of one name differ by the name
// of their input.
func overload(all []*element, o *element) *element {
	input := func(e *element) string {
		if in := e.first(wsdlNS, "input"); in != nil {
			return in.get("name")
		}
		return ""
	}
	var first *element
	for _, e := range all {
		if e.get("name") != o.get("name") {
			continue
		}
		if input(e) == input(o) {
			return e
		}
		if first == nil {
			first = e
		}
	}
	return first
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
	m := r.messages[name]
	if m == nil {
		return Message{}, r.absent(io, "message "+name.Local)
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
		typ, err := d.name(d.at, "type")
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
	r.all, r.args = r.all+r.args, 0
	args, odd, err := r.content(d, body, 0)
	if odd != "" {
		m.Odd = "element " + name.Local + " " + odd
	}
	m.Args = args
	return m, err
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

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
