package vendorapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge/outbound"
)

// maxDepth bounds the nesting of values.
const maxDepth = 32

// Args turns a typed request into named values: by its JSON names, whole numbers kept exactly.
func Args(v any) (map[string]any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if err := DecodeJSON(raw, &out); err != nil {
		return nil, err
	}
	return out, nil
}

// DecodeJSON decodes one JSON value; numbers become [json.Number], so that no digit is lost.
func DecodeJSON(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("more than one JSON value")
	}
	return nil
}

// Build makes the request of an operation. Its errors say what is wrong with args; nothing has been
// sent then.
func (p *Profile) Build(base, id string, args map[string]any) (outbound.Request, error) {
	r := outbound.Request{Header: http.Header{}}
	op, ok := p.Operations[id]
	switch {
	case !ok:
		return r, fmt.Errorf("there is no operation %s; known are %s", id, strings.Join(p.IDs(), ", "))
	case op.Disabled:
		return r, fmt.Errorf("operation %s is disabled, because what it does is not published; map it under operations.%s and write enabled: true", id, id)
	}
	r.Method = op.Method
	path, query, body := op.Path, []string{}, map[string]any{}
	hasBody := op.Open || op.Wrapper != ""
	for _, f := range op.Fields {
		hasBody = hasBody || f.In == "body"
	}
	values, err := p.shape(op.Fields, args, op.Open, 0)
	if err != nil {
		return r, fmt.Errorf("%s: %w", id, err)
	}
	for _, v := range values {
		switch v.field.In {
		case "path":
			s := text(v.value)
			if s == "" || s == "." || s == ".." {
				return r, fmt.Errorf("%s: %s cannot be %q, because it is part of the path", id, v.name, s)
			}
			path = strings.ReplaceAll(path, "{"+v.name+"}", url.PathEscape(s))
		case "query":
			query = append(query, queryPart(v.field, v.value)...)
		default:
			body[v.field.Name] = v.value
		}
	}
	if i := strings.Index(path, "{"); i >= 0 {
		return r, fmt.Errorf("%s: nothing fills %s of the path", id, path[i:])
	}
	r.URL = strings.TrimRight(base, "/") + path
	if len(query) > 0 {
		sort.Strings(query)
		r.URL += "?" + strings.Join(query, "&")
	}
	r.Header.Set("Accept", "application/json")
	if !hasBody {
		return r, nil
	}
	var out any = body
	if op.Wrapper != "" {
		out = map[string]any{op.Wrapper: body}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		return r, fmt.Errorf("%s: %w", id, err)
	}
	r.Body = bytes.TrimRight(b.Bytes(), "\n")
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// queryPart writes one parameter; the values of a list are joined by plain commas.
func queryPart(f *Field, v any) []string {
	name := url.QueryEscape(f.Name)
	list, ok := v.([]any)
	if !ok {
		return []string{name + "=" + url.QueryEscape(text(v))}
	}
	var parts []string
	for _, x := range list {
		parts = append(parts, url.QueryEscape(text(x)))
	}
	if f.Type == "repeat" {
		for i := range parts {
			parts[i] = name + "=" + parts[i]
		}
		return parts
	}
	return []string{name + "=" + strings.Join(parts, ",")}
}

type named struct {
	name  string
	field *Field
	value any
}

// shape checks args against s and returns the values in their wire types, sorted by name. Absent and
// empty optional values are left out.
func (p *Profile) shape(s Shape, args map[string]any, open bool, depth int) ([]named, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	var out []named
	for name, v := range args {
		f := s[name]
		if f == nil && open {
			f = &Field{Name: name, In: "body", Type: "any"}
		}
		if f == nil {
			return nil, fmt.Errorf("there is no field %s; known are %s", name, strings.Join(slices.Sorted(maps.Keys(s)), ", "))
		}
		if v == nil || v == "" {
			continue
		}
		w, err := p.convert(f, v, depth)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, named{name, f, w})
	}
	var missing []string
	for name, f := range s {
		if f.Required && !slices.ContainsFunc(out, func(n named) bool { return n.name == name }) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, fmt.Errorf("%s %s required", strings.Join(missing, ", "), map[bool]string{true: "is", false: "are"}[len(missing) == 1])
	}
	slices.SortFunc(out, func(a, b named) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

func (p *Profile) convert(f *Field, v any, depth int) (any, error) {
	if f.List || f.Type == "csv" || f.Type == "repeat" {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		one := *f
		one.List = false
		if f.Type == "csv" || f.Type == "repeat" {
			one.Type = "string"
		}
		out := make([]any, 0, len(list))
		for i, x := range list {
			y, err := p.convert(&one, x, depth)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			out = append(out, y)
		}
		return out, nil
	}
	out, err := p.scalar(f, v, depth)
	if err != nil {
		return nil, err
	}
	if len(f.Enum) > 0 && !slices.ContainsFunc(f.Enum, func(e any) bool { return text(e) == text(out) }) {
		return nil, fmt.Errorf("%v is none of %v", out, f.Enum)
	}
	return out, nil
}

func (p *Profile) scalar(f *Field, v any, depth int) (any, error) {
	switch f.Type {
	case "integer":
		return whole(v)
	case "boolean":
		if b, ok := v.(bool); ok {
			return b, nil
		}
		if s, ok := v.(string); ok {
			if b, err := strconv.ParseBool(strings.TrimSpace(s)); err == nil {
				return b, nil
			}
		}
		return nil, fmt.Errorf("%v is not true or false", v)
	case "time":
		if t, ok := v.(time.Time); ok {
			return t.UTC().Format(time.RFC3339), nil
		}
		s := text(v)
		if _, err := time.Parse(time.RFC3339, s); err != nil {
			return nil, fmt.Errorf("%q is not a time (2006-01-02T15:04:05Z)", s)
		}
		return s, nil
	case "object":
		m, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("must be an object, not %T", v)
		}
		if f.Shape == "" {
			return exact(m, depth)
		}
		values, err := p.shape(p.Shapes[f.Shape], m, false, depth+1)
		if err != nil {
			return nil, err
		}
		out := make(map[string]any, len(values))
		for _, x := range values {
			out[x.field.Name] = x.value
		}
		return out, nil
	case "any":
		return exact(v, depth)
	case "postcode":
		return Postcode(text(v)), nil
	}
	switch v.(type) {
	case map[string]any, []any:
		return nil, fmt.Errorf("must be a text, not %T", v)
	}
	return text(v), nil
}

// Postcode returns a postcode for a vendor that publishes a number: a number if no digit is lost by it,
// else the text. 01067 is not 1067.
func Postcode(s string) any {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseInt(s, 10, 32); err == nil && strconv.FormatInt(n, 10) == s {
		return json.Number(s)
	}
	return s
}

// maxExact is the largest whole number that a float holds exactly.
const maxExact = 1 << 53

// whole reads a whole number without going through a float.
func whole(v any) (json.Number, error) {
	s := ""
	switch x := v.(type) {
	case float64:
		if x != math.Trunc(x) || math.Abs(x) >= maxExact {
			return "", fmt.Errorf("%v is not a whole number that is known exactly; pass it as a text", x)
		}
		s = strconv.FormatFloat(x, 'f', 0, 64)
	default:
		s = strings.TrimSpace(text(v))
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || !n.IsInt64() {
		return "", fmt.Errorf("%q is not a whole number of 64 bits", s)
	}
	return json.Number(n.String()), nil
}

// exact passes a value through; floats that may have lost digits are refused.
func exact(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	switch x := v.(type) {
	case float64:
		if x == math.Trunc(x) {
			return whole(x)
		}
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, y := range x {
			z, err := exact(y, depth+1)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
			out[k] = z
		}
		return out, nil
	case []any:
		out := make([]any, len(x))
		for i, y := range x {
			z, err := exact(y, depth+1)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			out[i] = z
		}
		return out, nil
	}
	return v, nil
}

// text writes a scalar as text.
func text(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case fmt.Stringer:
		return x.String()
	}
	return fmt.Sprint(v)
}
