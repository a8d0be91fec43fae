package config

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// A field is one key of a struct, read from its tags.
type field struct {
	name     string
	index    []int
	typ      reflect.Type
	doc      string
	required bool
	enum     []string
	def      string
	hasDef   bool
}

// A shape is what decoding and the schema need to know of a struct.
type shape struct {
	fields  []field
	inlined [][]int // embedded structs, for their validators
}

func (s *shape) names() []string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.name
	}
	return names
}

var shapes sync.Map // reflect.Type → *shape

// shapeOf reads the tags of a struct. A contradiction in them is a mistake of the program and panics.
func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s := &shape{}
	s.collect(t, nil)
	seen := map[string]bool{}
	for _, f := range s.fields {
		if seen[f.name] {
			panic(fmt.Sprintf("config: %s has two fields for the key %q", t, f.name))
		}
		seen[f.name] = true
	}
	shapes.Store(t, s)
	return s
}

func (s *shape) collect(t reflect.Type, prefix []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, tagged := sf.Tag.Lookup("yaml")
		name, option, _ := strings.Cut(tag, ",")
		at := append(append([]int(nil), prefix...), i)
		inline := option == "inline" || (sf.Anonymous && !tagged && sf.Type.Kind() == reflect.Struct)
		switch {
		case inline:
			if sf.Type.Kind() != reflect.Struct {
				panic(fmt.Sprintf("config: %s.%s is inline but not a struct", t, sf.Name))
			}
			s.inlined = append(s.inlined, at)
			s.collect(sf.Type, at)
		case !tagged || name == "-":
		case !sf.IsExported():
			panic(fmt.Sprintf("config: %s.%s has a yaml tag but is not exported", t, sf.Name))
		case name == "":
			panic(fmt.Sprintf("config: %s.%s has a yaml tag without a name", t, sf.Name))
		default:
			f := field{name: name, index: at, typ: sf.Type, doc: sf.Tag.Get("doc"), required: sf.Tag.Get("required") == "true"}
			f.def, f.hasDef = sf.Tag.Lookup("default")
			if e := sf.Tag.Get("enum"); e != "" {
				f.enum = strings.Split(e, "|")
			}
			s.fields = append(s.fields, f)
		}
	}
}
