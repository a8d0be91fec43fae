package processcall

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// decodeXML flattens an XML document: the root's children, or in a SOAP envelope the children of
// the body's first element. An element Field with a Name attribute is named by it, as SSP's own
// SSPAdapterCall documents are; any other element is named by its local name.
func decodeXML(format Format, text []byte, b bounds) (Call, error) {
	call := Call{Format: format}
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // already UTF-8
	x := xmlReader{d: d, text: text, c: collector{bounds: b}}
	root, err := x.nextStart()
	if err != nil {
		return call, err
	}
	depth := 1
	if root.Name.Local == "Envelope" {
		switch root.Name.Space {
		case NamespaceSOAP11:
			call.Format = SOAP11
		case NamespaceSOAP12:
			call.Format = SOAP12
		default:
			return call, fmt.Errorf("the Envelope is in the namespace %q, which is neither SOAP 1.1 nor 1.2", clip(root.Name.Space, 80))
		}
		if err := x.enterBody(root.Name.Space); err != nil {
			return call, err
		}
		depth = 3
	} else if format == SOAP12 {
		return call, fmt.Errorf("the content type says SOAP 1.2, but the document is <%s>, not an Envelope", clip(root.Name.Local, 60))
	}
	if _, _, err := x.children("", depth); err != nil {
		return call, err
	}
	for { // the rest has to be well-formed, and is not looked at
		t, err := x.token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return call, err
		}
		if _, ok := t.(xml.StartElement); ok {
			if err := x.skip(depth); err != nil {
				return call, err
			}
		}
	}
	call.Fields = x.c.out
	return call, nil
}

type xmlReader struct {
	d    *xml.Decoder
	text []byte
	c    collector
}

// token reads one token; a document type declaration is refused, as SOAP demands.
func (x *xmlReader) token() (xml.Token, error) {
	t, err := x.d.Token()
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err != nil {
		var syntax *xml.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("the body is not well-formed XML at line %d: %s%s", syntax.Line, clip(syntax.Msg, 120), xmlHint(syntax.Msg))
		}
		return nil, fmt.Errorf("the body is not well-formed XML: %s", clip(err.Error(), 160))
	}
	if dir, ok := t.(xml.Directive); ok && !bytes.HasPrefix(dir, []byte("--")) {
		return nil, errors.New("the XML has a document type declaration (<!DOCTYPE …>), which is not accepted")
	}
	return t, nil
}

// xmlHint says what a template's author can do about the usual mistakes.
func xmlHint(msg string) string {
	switch {
	case strings.Contains(msg, "entity"):
		return " (an & in a value has to be written as &amp;)"
	case strings.Contains(msg, "expected element name after <"):
		return " (a < in a value has to be written as &lt;)"
	}
	return ""
}

func (x *xmlReader) nextStart() (xml.StartElement, error) {
	for {
		t, err := x.token()
		if errors.Is(err, io.EOF) {
			return xml.StartElement{}, errors.New("the XML body holds no element")
		}
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return t, nil
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return xml.StartElement{}, errors.New("the XML body begins with text")
			}
		case xml.EndElement:
			return xml.StartElement{}, errors.New("the SOAP body is empty")
		}
	}
}

// enterBody goes to the first element in the SOAP body.
func (x *xmlReader) enterBody(space string) error {
	for {
		t, err := x.token()
		if err != nil {
			return early(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local == "Body" && t.Name.Space == space {
				_, err := x.nextStart()
				return err
			}
			if err := x.skip(2); err != nil {
				return err
			}
		case xml.EndElement:
			return errors.New("the SOAP envelope has no Body")
		}
	}
}

func early(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the XML body ends too early")
	}
	return err
}

// skip leaves an element whose start has been read, within the depth bound.
func (x *xmlReader) skip(depth int) error {
	for level := 1; level > 0; {
		t, err := x.token()
		if err != nil {
			return early(err)
		}
		switch t.(type) {
		case xml.StartElement:
			if level++; depth+level > x.c.depth {
				return fmt.Errorf("the XML body is nested deeper than %d", x.c.depth)
			}
		case xml.EndElement:
			level--
		}
	}
	return nil
}

// children reads the elements inside the element whose start has been read, and returns its own
// text. path names the values in it. The second and later of several equal children that have
// children themselves are numbered from 1, so that the values inside them stay apart.
func (x *xmlReader) children(path string, depth int) (text []byte, elements bool, err error) {
	var seen map[string]int
	for {
		t, err := x.token()
		if err != nil {
			return nil, false, early(err)
		}
		switch t := t.(type) {
		case xml.CharData:
			text = append(text, t...)
		case xml.StartElement:
			name, isNil := nameOf(t)
			if seen == nil {
				seen = map[string]int{}
			}
			nth := seen[name]
			seen[name]++
			if err := x.element(path, name, nth, depth+1, isNil); err != nil {
				return nil, false, err
			}
		case xml.EndElement:
			if len(bytes.TrimSpace(text)) == 0 {
				text = nil // indentation is no value
			}
			return text, seen != nil, nil
		}
	}
}

// element reads one element: its text is its value, its children carry dotted names. Text beside
// children is kept as a value of its own.
func (x *xmlReader) element(path, name string, nth, depth int, isNil bool) error {
	if depth > x.c.depth {
		return fmt.Errorf("the XML body is nested deeper than %d", x.c.depth)
	}
	name, err := join(path, name)
	if err != nil {
		return err
	}
	inner := name
	if nth > 0 {
		if inner, err = join(name, strconv.Itoa(nth)); err != nil {
			return err
		}
	}
	text, elements, err := x.children(inner, depth)
	if err != nil {
		return err
	}
	if isNil || elements && text == nil {
		return nil
	}
	return x.c.add(name, string(text))
}

// nameOf returns the name an element gives its value, and whether it says that there is none.
func nameOf(start xml.StartElement) (name string, isNil bool) {
	name = start.Name.Local
	for _, a := range start.Attr {
		switch {
		case strings.EqualFold(a.Name.Local, "name") && strings.EqualFold(start.Name.Local, "Field") && strings.TrimSpace(a.Value) != "":
			name = strings.TrimSpace(a.Value)
		case a.Name.Local == "nil" && strings.HasSuffix(a.Name.Space, "XMLSchema-instance"):
			isNil = a.Value == "true" || a.Value == "1"
		}
	}
	return name, isNil
}
