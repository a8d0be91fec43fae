package binding

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// maxAnswerDepth bounds the nesting of a result.
const maxAnswerDepth = 32

// A Response is what a call answered. It unmarshals itself from the element that the description
// promises; another one is an error.
type Response struct {
	// Root is the element that came; empty if the body of the answer was.
	Root xml.Name
	// Text is the result as text; of a complex one the texts in it, in order.
	Text string
	// Complex is set when the result consists of elements.
	Complex bool
	// Value is the result in the type that the description gives it: bool, int, float64, string, a
	// map for a complex one, nil for none.
	Value any

	call *Call
}

// Response returns the value that takes the answer of the call.
func (c *Call) Response() *Response { return &Response{call: c} }

// UnmarshalXML reads the answer.
func (r *Response) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	if want := r.call.Output; start.Name != want {
		return fmt.Errorf("the answer is the element %s of namespace %q, expected %s of %q", shorten(start.Name.Local, 100), shorten(start.Name.Space, 100), want.Local, want.Space)
	}
	all, err := children(d, maxAnswerDepth)
	if err != nil {
		return err
	}
	r.Root = start.Name
	if len(all.kids) == 0 {
		r.Text = strings.TrimSpace(all.text)
		return nil
	}
	result := all.kids[0]
	r.Text, r.Complex = strings.TrimSpace(result.all()), len(result.kids) > 0
	r.Value = result.value(r.call.result)
	if len(all.kids) > 1 {
		r.Complex = true
		r.Value = all.value(wsdl.Argument{Fields: r.call.outputs})
	}
	return nil
}

// A piece is one element of an answer.
type piece struct {
	name string
	text string
	null bool
	kids []piece
}

// children reads up to the end of the element that was begun.
func children(d *xml.Decoder, depth int) (piece, error) {
	var p piece
	if depth == 0 {
		return p, errors.New("the answer is nested too deeply")
	}
	var text strings.Builder
	for {
		tok, err := d.Token()
		if err != nil {
			return p, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			k, err := children(d, depth-1)
			if err != nil {
				return p, err
			}
			k.name = t.Name.Local
			for _, a := range t.Attr {
				k.null = k.null || a.Name.Space == xsiNS && a.Name.Local == "nil" && (a.Value == "true" || a.Value == "1")
			}
			p.kids = append(p.kids, k)
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			p.text = text.String()
			return p, nil
		}
	}
}

// all returns the texts in p, in order.
func (p piece) all() string {
	if len(p.kids) == 0 {
		return p.text
	}
	texts := make([]string, 0, len(p.kids))
	for _, k := range p.kids {
		if t := strings.TrimSpace(k.all()); t != "" {
			texts = append(texts, t)
		}
	}
	return strings.Join(texts, " ")
}

// value returns p in the type that a says.
func (p piece) value(a wsdl.Argument) any {
	if p.null {
		return nil
	}
	if len(p.kids) > 0 {
		m := map[string]any{}
		for _, k := range p.kids {
			v := k.value(part(a, k.name))
			switch old := m[k.name].(type) {
			case nil:
				m[k.name] = v
			case []any:
				m[k.name] = append(old, v)
			default:
				m[k.name] = []any{old, v}
			}
		}
		return m
	}
	t := strings.TrimSpace(p.text)
	switch {
	case a.Base == "boolean":
		switch t {
		case "true", "1":
			return true
		case "false", "0":
			return false
		}
	case isWhole(a.Base):
		if n, err := strconv.Atoi(t); err == nil {
			return n
		}
	case a.Base == "decimal" || a.Base == "double" || a.Base == "float":
		if n, err := strconv.ParseFloat(t, 64); err == nil {
			return n
		}
	}
	return p.text
}

func part(a wsdl.Argument, name string) wsdl.Argument {
	for _, f := range a.Fields {
		if f.Name.Local == name {
			return f
		}
	}
	return wsdl.Argument{}
}
