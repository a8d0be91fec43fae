package vendorapi

import (
	"strconv"
	"strings"
	"time"
)

// A Record reads an object of an answer by our names. The case of wire names is ignored.
type Record struct {
	names map[string][]string
	wire  map[string]any // by lower-case name
	Raw   map[string]any
}

// Record wraps an object; model names the list of wire names in the profile.
func (p *Profile) Record(model string, obj map[string]any) Record {
	r := Record{names: p.Read[model], wire: make(map[string]any, len(obj)), Raw: obj}
	for k, v := range obj {
		r.wire[strings.ToLower(k)] = v
	}
	return r
}

// Value returns the first value that is there under one of the wire names of name. A dot in a wire
// name leads into an object.
func (r Record) Value(name string) (any, bool) {
	for _, wire := range r.names[name] {
		if v, ok := dig(r.wire, wire); ok && v != nil {
			return v, true
		}
	}
	return nil, false
}

func dig(m map[string]any, path string) (any, bool) {
	head, rest, deeper := strings.Cut(path, ".")
	v, ok := m[strings.ToLower(head)]
	if !ok || !deeper {
		return v, ok
	}
	obj, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	low := make(map[string]any, len(obj))
	for k, x := range obj {
		low[strings.ToLower(k)] = x
	}
	return dig(low, rest)
}

// String returns a value as text; "" if it is absent or no scalar. Whole numbers keep every digit.
func (r Record) String(name string) string {
	v, ok := r.Value(name)
	if !ok {
		return ""
	}
	switch v.(type) {
	case map[string]any, []any:
		return ""
	}
	return text(v)
}

// Int returns a whole number.
func (r Record) Int(name string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(r.String(name)), 10, 64)
	return n, err == nil
}

// Bool returns a truth value; texts and numbers that stand for one count.
func (r Record) Bool(name string) (value, ok bool) {
	b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(r.String(name))))
	return b, err == nil
}

// Time returns a time as it is written on the wire (RFC 3339).
func (r Record) Time(name string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, r.String(name))
	return t, err == nil
}

// List returns a list; a single value is a list of one.
func (r Record) List(name string) []any {
	v, ok := r.Value(name)
	if !ok {
		return nil
	}
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

// Records returns the objects of a list; what is no object is left out.
func (p *Profile) Records(model string, list []any) []Record {
	var out []Record
	for _, v := range list {
		if m, ok := v.(map[string]any); ok {
			out = append(out, p.Record(model, m))
		}
	}
	return out
}

// Canonical returns the values under our names, scalars as text; for mappings.
func (r Record) Canonical() map[string]any {
	out := make(map[string]any, len(r.names))
	for name := range r.names {
		if v, ok := r.Value(name); ok {
			switch x := v.(type) {
			case bool, map[string]any, []any:
				out[name] = x
			default:
				out[name] = text(v)
			}
		}
	}
	return out
}
