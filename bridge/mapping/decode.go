package mapping

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pergabridge/pergabridge/bridge/outbound/charset"
)

// ErrUnreadable is wrapped by every error of [Decode].
var ErrUnreadable = errors.New("unreadable")

// Decode reads a JSON, form or XML message into maps, lists and scalars. Without a telling content
// type the first character decides; and where the type says form, what many clients say if nobody tells
// them otherwise, and the body begins as no form does: as a form it would hold nothing that a rule knows. What is not UTF-8 is read by the rules of package charset, so that
// no character is lost silently. Integers stay exact: they become int, or a string of digits
// when they do not fit. An XML element becomes its text, or a map when it has attributes ("@name")
// or children; repeated children become a list; namespaces are dropped.
func Decode(contentType string, body []byte) (any, error) {
	out, err := decode(contentType, body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return out, nil
}

func decode(contentType string, body []byte) (any, error) {
	media, _, _ := mime.ParseMediaType(contentType) // a broken parameter leaves the type readable
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if form := bytes.TrimSpace(body); media == "application/x-www-form-urlencoded" && (len(form) == 0 || !strings.ContainsRune("{[<", rune(form[0]))) {
		return decodeForm(contentType, string(form))
	}
	if !utf8.Valid(body) {
		var err error
		if body, err = charset.UTF8(contentType, body); err != nil {
			return nil, err
		}
	}
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
		return nil, errEmpty
	case isXML(media), body[0] == '<' && !isJSON(media):
		return decodeXML(body)
	case isJSON(media), strings.ContainsRune(`{["-0123456789tfn`, rune(body[0])):
		return decodeJSON(body)
	}
	return nil, fmt.Errorf("neither JSON, form nor XML (content type %q)", contentType)
}

var errEmpty = errors.New("the body is empty")

func isJSON(media string) bool {
	return media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}

func isXML(media string) bool {
	return media == "application/xml" || media == "text/xml" || strings.HasSuffix(media, "+xml")
}

func decodeJSON(b []byte) (any, error) {
	if err := jsonDepth(b); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not JSON: more than one value")
	}
	return plainNumbers(v), nil
}

// jsonDepth counts brackets before anything is built, so that deep nesting costs nothing.
func jsonDepth(b []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return fmt.Errorf("nested deeper than %d", MaxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

func plainNumbers(v any) any {
	switch x := v.(type) {
	case json.Number:
		s := x.String()
		if n, err := strconv.Atoi(s); err == nil {
			return n
		}
		if !strings.ContainsAny(s, ".eE") {
			return s // too large for an int; as a float it would lose digits
		}
		f, err := x.Float64()
		if err != nil {
			return s
		}
		return f
	case map[string]any:
		for k, y := range x {
			x[k] = plainNumbers(y)
		}
	case []any:
		for i, y := range x {
			x[i] = plainNumbers(y)
		}
	}
	return v
}

func decodeForm(contentType, s string) (any, error) {
	if s == "" {
		return nil, errEmpty
	}
	q, err := url.ParseQuery(s)
	if err != nil {
		return nil, fmt.Errorf("not a form: %w", err)
	}
	out := make(map[string]any, len(q))
	for k, vs := range q {
		list := make([]any, len(vs))
		for i, v := range vs {
			if list[i], err = charset.Text(contentType, v); err != nil {
				return nil, err
			}
		}
		if k, err = charset.Text(contentType, k); err != nil {
			return nil, err
		}
		if out[k] = list; len(list) == 1 {
			out[k] = list[0]
		}
	}
	return out, nil
}

// element is an XML element being read.
type element struct {
	name string
	kids map[string]any
	text strings.Builder
}

func decodeXML(b []byte) (any, error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = charset.Reader
	var stack []*element
	root := &element{kids: map[string]any{}}
	stack = append(stack, root)
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("not XML: %w", err)
		}
		top := stack[len(stack)-1]
		switch t := tok.(type) {
		case xml.StartElement:
			if len(stack) > MaxDepth {
				return nil, fmt.Errorf("nested deeper than %d", MaxDepth)
			}
			e := &element{name: t.Name.Local}
			for _, a := range t.Attr {
				if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
					continue
				}
				e.add("@"+a.Name.Local, a.Value)
			}
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
			stack[len(stack)-1].add(top.name, top.value())
		case xml.CharData:
			top.text.Write(t)
		}
	}
	if len(root.kids) != 1 {
		return nil, errors.New("not XML: there is no single root element")
	}
	return root.kids, nil
}

func (e *element) add(name string, v any) {
	if e.kids == nil {
		e.kids = map[string]any{}
	}
	switch old := e.kids[name].(type) {
	case nil:
		e.kids[name] = v
	case []any:
		e.kids[name] = append(old, v)
	default:
		e.kids[name] = []any{old, v}
	}
}

func (e *element) value() any {
	text := e.text.String()
	if len(e.kids) == 0 {
		return text
	}
	if t := strings.TrimSpace(text); t != "" {
		e.kids["#text"] = t
	}
	return e.kids
}
