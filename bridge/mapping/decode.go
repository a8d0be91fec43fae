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

	"golang.org/x/net/html/charset"
)

// ErrUnreadable is wrapped by every error of [Decode].
var ErrUnreadable = errors.New("unreadable")

// Decode reads a JSON, form or XML message into maps, lists and scalars. Without a telling content
// type the first character decides. Integers stay exact: they become int, or a string of digits
// when they do not fit. An XML element becomes its text, or a map when it has attributes ("@name")
// or children; repeated children become a list; namespaces are dropped.
func Decode(contentType string, body []byte) (any, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		media = ""
	}
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(trimmed) == 0 {
		return nil, fmt.Errorf("%w: the body is empty", ErrUnreadable)
	}
	var out any
	switch {
	case media == "application/x-www-form-urlencoded":
		out, err = decodeForm(string(trimmed))
	case isXML(media), trimmed[0] == '<' && !isJSON(media):
		out, err = decodeXML(trimmed, params["charset"])
	case isJSON(media), strings.ContainsRune(`{["-0123456789tfn`, rune(trimmed[0])):
		out, err = decodeJSON(trimmed)
	default:
		err = fmt.Errorf("neither JSON, form nor XML (content type %q)", contentType)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return out, nil
}

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

func decodeForm(s string) (any, error) {
	q, err := url.ParseQuery(s)
	if err != nil {
		return nil, fmt.Errorf("not a form: %w", err)
	}
	out := make(map[string]any, len(q))
	for k, vs := range q {
		if len(vs) == 1 {
			out[k] = vs[0]
			continue
		}
		list := make([]any, len(vs))
		for i, v := range vs {
			list[i] = v
		}
		out[k] = list
	}
	return out, nil
}

// element is an XML element being read.
type element struct {
	name string
	kids map[string]any
	text strings.Builder
}

func decodeXML(b []byte, label string) (any, error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = charset.NewReaderLabel
	if label != "" && !strings.EqualFold(label, "utf-8") && !bytes.HasPrefix(b, []byte("<?xml")) {
		r, err := charset.NewReaderLabel(label, bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("not XML: %w", err)
		}
		d = xml.NewDecoder(r)
	}
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
