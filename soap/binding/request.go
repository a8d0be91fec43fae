package binding

import (
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/soap/internal/xmltext"
)

// ErrNoReference means that there is nothing to acknowledge.
var ErrNoReference = errors.New("the provider's reference is not known")

// A Request is what goes into the body of one call. It marshals itself: elements in the order of the
// description, each in its namespace.
type Request struct {
	call   *Call
	values map[*leaf]value
}

// A value is what an element holds.
type value struct {
	text string
	omit bool
	null bool // xsi:nil
}

// Requests returns what has to be sent for an event: one request, or several if its text is split.
// note says what was cut off; empty if nothing was.
func (c *Call) Requests(l bridge.Lease) (requests []Request, note string, err error) {
	roles := map[Role]string{
		Task:      or(l.Event.Task, l.Bond.Task),
		Reference: or(l.Event.Reference, l.Bond.Reference),
		Author:    l.Event.Author,
		Status:    field(l.Event.Fields, "status"),
		Message:   l.Event.Text,
		Solution:  l.Event.Text,
	}
	if c.kind == bridge.Acknowledge && roles[Reference] == "" {
		return nil, "", ErrNoReference
	}
	parts := []string{""}
	var splitter *leaf
	for _, x := range c.leafs {
		if x.Over == Split && x.Limit > 0 {
			splitter = x
			whole := true
			if parts, whole = split(xmltext.Legal(roles[x.Role]), x.Limit); !whole {
				note = fmt.Sprintf("the end of the text was cut off: it is longer than %d parts of %d characters", maxParts, x.Limit)
			}
		}
	}
	for _, part := range parts {
		r := Request{call: c, values: map[*leaf]value{}}
		for _, x := range c.leafs {
			text := roles[x.Role]
			switch {
			case x == splitter:
				text = part
			case x.Value != nil:
				text = *x.Value
			case x.Secret != nil:
				text = x.Secret.Reveal()
			case x.Hash != nil:
				continue // over the others
			}
			text = xmltext.Legal(text)
			if x.Limit > 0 && width(text) > x.Limit {
				note = fmt.Sprintf("the text was cut from %d to %d characters", width(text), x.Limit)
				text = cut(text, x.Limit)
			}
			if r.values[x], err = x.value(text); err != nil {
				return nil, "", fmt.Errorf("argument %s of %s: %w", x.Path, c.Operation, err)
			}
		}
		for _, x := range c.leafs {
			if x.Hash != nil {
				r.values[x] = value{text: x.Hash.of(r.text)}
			}
		}
		requests = append(requests, r)
	}
	return requests, note, nil
}

// text returns the value of an argument as it is sent.
func (r Request) text(path string) string {
	for x, v := range r.values {
		if x.Path == path {
			return v.text
		}
	}
	return ""
}

// Values returns the arguments and their values as they are sent, for people and tests.
func (r Request) Values() map[string]string {
	out := map[string]string{}
	for x, v := range r.values {
		if !v.omit {
			out[x.Path] = v.text
		}
	}
	return out
}

func field(fields map[string]any, name string) string {
	if v, ok := fields[name]; ok && v != nil {
		return fmt.Sprint(v)
	}
	return ""
}

// value makes the value of an element from a text.
func (x *leaf) value(text string) (value, error) {
	if strings.TrimSpace(text) == "" && (x.OmitIfEmpty || !isText(x.base)) {
		switch {
		case x.OmitIfEmpty || x.optional:
			return value{omit: true}, nil
		case x.nillable:
			return value{null: true}, nil
		}
	}
	s, err := x.lexical(text)
	return value{text: s}, err
}

// mayBeEmpty reports whether no value is a value.
func (x *leaf) mayBeEmpty() bool {
	return x.OmitIfEmpty || x.optional || x.nillable || isText(x.base) && len(x.enum) == 0
}

func (x *leaf) lexical(text string) (string, error) {
	s, err := lexical(x.base, text)
	if err != nil {
		return "", err
	}
	if len(x.enum) > 0 && !slices.Contains(x.enum, s) {
		return "", fmt.Errorf("%q is not one of %s", shorten(s, 60), strings.Join(x.enum, ", "))
	}
	return s, nil
}

const xsiNS = "http://www.w3.org/2001/XMLSchema-instance"

// MarshalXML writes the call. Namespaces are declared where they change: encoding/xml itself writes
// an unqualified element into whatever namespace is around it.
func (r Request) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	start := xml.StartElement{Name: xml.Name{Local: r.call.Input.Local}}
	if r.call.Input.Space != "" {
		start.Attr = []xml.Attr{xmlns(r.call.Input.Space)}
	}
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	if err := r.write(e, r.call.tree, r.call.Input.Space); err != nil {
		return err
	}
	return e.EncodeToken(start.End())
}

func xmlns(ns string) xml.Attr { return xml.Attr{Name: xml.Name{Local: "xmlns"}, Value: ns} }

func (r Request) write(e *xml.Encoder, nodes []node, around string) error {
	for _, n := range nodes {
		if !r.has(n) {
			continue
		}
		start := xml.StartElement{Name: xml.Name{Local: n.name.Local}}
		if n.name.Space != around {
			start.Attr = append(start.Attr, xmlns(n.name.Space))
		}
		v := r.values[n.leaf]
		if n.leaf != nil && v.null {
			start.Attr = append(start.Attr,
				xml.Attr{Name: xml.Name{Local: "xmlns:xsi"}, Value: xsiNS}, xml.Attr{Name: xml.Name{Local: "xsi:nil"}, Value: "true"})
		}
		if err := e.EncodeToken(start); err != nil {
			return err
		}
		var err error
		if n.leaf != nil {
			err = e.EncodeToken(xml.CharData(v.text))
		} else {
			err = r.write(e, n.fields, n.name.Space)
		}
		if err == nil {
			err = e.EncodeToken(start.End())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// has reports whether anything of n is sent.
func (r Request) has(n node) bool {
	if n.leaf != nil {
		return !r.values[n.leaf].omit
	}
	return slices.ContainsFunc(n.fields, r.has)
}

// escaped returns s as it stands in an XML document.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}
