package wsdl

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/outbound/charset"
	"github.com/pergabridge/pergabridge/soap/internal/xmltext"
)

// An element is one element of the document, with the prefixes that are in scope there.
type element struct {
	name     xml.Name
	attr     []xml.Attr
	scope    *scope
	children []*element
	text     string
	line     int
	in       string // location of its document, "" for the first
}

func (e *element) fail(msg string) error { return &Error{In: e.in, Line: e.line, Msg: msg} }

// A scope is the chain of namespace declarations around an element.
type scope struct {
	prefix, uri string
	outer       *scope
}

func (s *scope) lookup(prefix string) (string, bool) {
	for ; s != nil; s = s.outer {
		if s.prefix == prefix {
			return s.uri, true
		}
	}
	return "", prefix == ""
}

// parse reads a document into elements, within the bounds; count is how many elements there are in
// all documents so far.
func parse(in string, data []byte, contentType string, count *int) (*element, error) {
	root, err := parseXML(data, contentType, count)
	if e, ok := errors.AsType[*Error](err); ok {
		e.In = in
	}
	if root != nil {
		root.located(in)
	}
	return root, err
}

func (e *element) located(in string) {
	e.in = in
	for _, c := range e.children {
		c.located(in)
	}
}

func parseXML(data []byte, contentType string, count *int) (*element, error) {
	if len(data) > MaxBytes {
		return nil, &Error{Msg: "larger than 4 MiB"}
	}
	switch h := xmltext.Sniff(data); {
	case h.Empty:
		return nil, &Error{Msg: "empty"}
	case h.HTML:
		return nil, &Error{Msg: "this is a web page, not a description (does the address end in ?WSDL, and does it ask for a login?)"}
	case h.Doctype:
		return nil, &Error{Msg: "document type declarations are refused"}
	}
	utf8, err := charset.UTF8(contentType, data)
	if err != nil {
		return nil, &Error{Msg: err.Error()}
	}
	d := xml.NewDecoder(bytes.NewReader(utf8))
	var root *element
	var open []*element
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := d.InputPos()
		if err != nil {
			return nil, &Error{Line: line, Msg: err.Error()}
		}
		switch t := tok.(type) {
		case xml.Directive:
			return nil, &Error{Line: line, Msg: "document type declarations are refused"}
		case xml.StartElement:
			*count++
			switch {
			case len(open) >= MaxDepth:
				return nil, &Error{Line: line, Msg: "elements are nested too deeply"}
			case *count > MaxElements:
				return nil, &Error{Line: line, Msg: "too many elements"}
			case len(t.Attr) > MaxAttributes:
				return nil, &Error{Line: line, Msg: "too many attributes"}
			case root != nil && len(open) == 0:
				return nil, &Error{Line: line, Msg: "more than one root element"}
			}
			e := &element{name: t.Name, line: line}
			if len(open) > 0 {
				up := open[len(open)-1]
				e.scope = up.scope
				up.children = append(up.children, e)
			} else {
				root = e
			}
			for _, a := range t.Attr {
				switch {
				case a.Name.Space == "xmlns":
					e.scope = &scope{prefix: a.Name.Local, uri: a.Value, outer: e.scope}
				case a.Name.Space == "" && a.Name.Local == "xmlns":
					e.scope = &scope{uri: a.Value, outer: e.scope}
				default:
					e.attr = append(e.attr, a)
				}
			}
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].addText(string(t))
			}
		}
	}
	if root == nil {
		return nil, &Error{Msg: "no element in it"}
	}
	return root, nil
}

// maxText bounds what is kept of documentation.
const maxText = 2000

func (e *element) addText(s string) {
	if s = strings.TrimSpace(s); s != "" && len(e.text) < maxText {
		e.text += xmltext.Legal(s[:min(len(s), maxText)])
	}
}

func (e *element) get(name string) string {
	for _, a := range e.attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// qname resolves the qualified name in attribute name.
func (e *element) qname(name string) (xml.Name, error) {
	v := e.get(name)
	if v == "" {
		return xml.Name{}, nil
	}
	prefix, local, found := strings.Cut(v, ":")
	if !found {
		prefix, local = "", v
	}
	uri, ok := e.scope.lookup(prefix)
	if !ok {
		return xml.Name{}, e.fail("prefix " + prefix + " is not declared")
	}
	return xml.Name{Space: uri, Local: local}, nil
}

// all returns the children of that name.
func (e *element) all(space, local string) []*element {
	var out []*element
	for _, c := range e.children {
		if c.name.Space == space && c.name.Local == local {
			out = append(out, c)
		}
	}
	return out
}

// first returns the first child of that name, or nil.
func (e *element) first(space, local string) *element {
	for _, c := range e.children {
		if c.name.Space == space && c.name.Local == local {
			return c
		}
	}
	return nil
}
