package config

import (
	"fmt"
	"reflect"
)

// A Schemer describes itself as JSON Schema. Every [Unmarshaler] should be one; without it anything
// is allowed in its place.
type Schemer interface{ ConfigSchema() map[string]any }

var schemer = reflect.TypeFor[Schemer]()

// Schema returns the JSON Schema (2020-12) of v's type from its tags. It can be put into another
// schema as it is; [SchemaDocument] makes a document of it. A type that contains itself is described
// once; where it comes again anything of its shape is allowed.
func Schema(v any) map[string]any {
	if v == nil {
		return map[string]any{}
	}
	return schemaOf(reflect.TypeOf(v), map[reflect.Type]bool{})
}

// SchemaDocument is [Schema] with a title and the name of the dialect.
func SchemaDocument(v any, title string) map[string]any {
	s := Schema(v)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = title
	return s
}

func schemaOf(t reflect.Type, open map[reflect.Type]bool) map[string]any {
	if t == nodeType {
		return map[string]any{}
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	ptr := reflect.PointerTo(t)
	switch {
	case ptr.Implements(schemer):
		return reflect.New(t).Interface().(Schemer).ConfigSchema()
	case t == stdDuration:
		return Duration(0).ConfigSchema()
	case ptr.Implements(unmarshaler):
		return map[string]any{}
	case ptr.Implements(textType):
		return map[string]any{"type": []any{"string", "number", "boolean"}}
	}
	switch t.Kind() {
	case reflect.Struct:
		return structSchema(t, open)
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem(), open)}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem(), open)}
	case reflect.Interface:
		return map[string]any{}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	}
	panic(fmt.Sprintf("config: no schema for %s", t))
}

func structSchema(t reflect.Type, open map[reflect.Type]bool) map[string]any {
	if open[t] {
		return map[string]any{"type": "object"}
	}
	open[t] = true
	defer delete(open, t)
	properties := map[string]any{}
	required := []any{}
	for _, f := range shapeOf(t).fields {
		properties[f.name] = fieldSchema(f, open)
		if f.required && !f.hasDef || f.typ.Kind() == reflect.Struct && !f.hasDef && needsKeys(f.typ) {
			required = append(required, f.name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// needsKeys reports whether an absent section of this type misses something.
func needsKeys(t reflect.Type) bool {
	if custom(reflect.PointerTo(t)) {
		return false
	}
	for _, f := range shapeOf(t).fields {
		if f.hasDef {
			continue
		}
		if f.required || f.typ.Kind() == reflect.Struct && needsKeys(f.typ) {
			return true
		}
	}
	return false
}

func fieldSchema(f field, open map[reflect.Type]bool) map[string]any {
	s := schemaOf(f.typ, open)
	if f.doc != "" {
		s["description"] = f.doc
	}
	if f.enum != nil {
		applyEnum(s, f.enum)
	}
	if f.required {
		applyNotEmpty(s)
	}
	if f.hasDef {
		s["default"] = checkedDefault(f)
	}
	return s
}

// applyEnum puts the words where they hold: on the value, or on the elements of a list or map.
func applyEnum(s map[string]any, words []string) {
	for _, inner := range []string{"items", "additionalProperties"} {
		if e, ok := s[inner].(map[string]any); ok {
			applyEnum(e, words)
			return
		}
	}
	list := make([]any, len(words))
	for i, w := range words {
		list[i] = w
		if s["type"] == "integer" {
			list[i] = mustNumber(w)
		}
	}
	s["enum"] = list
}

func applyNotEmpty(s map[string]any) {
	switch s["type"] {
	case "string":
		s["minLength"] = 1
	case "array":
		s["minItems"] = 1
	case "object":
		s["minProperties"] = 1
	}
}

func mustNumber(word string) any {
	n, err := Parse("enum", []byte(word))
	if err != nil {
		panic(fmt.Sprintf("config: enum word %q is not a number", word))
	}
	return n.Value()
}

// checkedDefault returns the value of a default tag, and panics when it does not fit its own field.
func checkedDefault(f field) any {
	n := defaultNode(&Node{doc: &document{}}, &f)
	decode(n, reflect.New(f.typ).Elem(), &f)
	if ps := n.Problems(); len(ps) > 0 {
		panic(fmt.Sprintf("config: default of %s: %v", f.name, ps))
	}
	return n.Value()
}
