package wsdl

import (
	"encoding/xml"
	"strconv"
)

// content reads the elements that a complex type consists of. odd says what else there is.
func (r *reader) content(d declaration, body *element, depth int) (args []Argument, odd string, err error) {
	if !r.spend() {
		return nil, tooMany, nil
	}
	for _, c := range body.children {
		if c.name.Space != XMLSchema {
			continue
		}
		var some []Argument
		var what string
		switch c.name.Local {
		case "sequence", "all":
			some, what, err = r.sequence(d, c, depth)
		case "complexContent":
			some, what, err = r.derived(d, c, depth)
		case "annotation":
		case "attribute":
			if c.get("use") == "required" {
				what = "needs an attribute " + c.get("name")
			}
		default:
			what = "has a " + c.name.Local + " in it"
		}
		if err != nil {
			return nil, "", err
		}
		args, odd = append(args, some...), or(odd, what)
	}
	return args, odd, nil
}

const tooMany = "has too many elements in it"

// spend counts what a message is made of, types that are followed included; it reports false when
// that is too much.
func (r *reader) spend() bool {
	r.args++
	return r.args <= MaxArguments && r.all+r.args <= MaxElements
}

// derived reads a type that extends another: the other's elements come first.
func (r *reader) derived(d declaration, c *element, depth int) ([]Argument, string, error) {
	ext := c.first(XMLSchema, "extension")
	if ext == nil {
		return nil, "has a restriction in it", nil
	}
	base, err := d.name(ext, "base")
	if err != nil {
		return nil, "", err
	}
	t, ok := r.types[base]
	switch {
	case !ok || t.at.name.Local != "complexType":
		return nil, "extends " + base.Local + ", which is not described", nil
	case depth >= MaxNesting:
		return nil, "is nested too deeply", nil
	}
	args, odd, err := r.content(t, t.at, depth+1)
	if err != nil {
		return nil, "", err
	}
	own, what, err := r.content(d, ext, depth+1)
	return append(args, own...), or(odd, what), err
}

func (r *reader) sequence(d declaration, seq *element, depth int) (args []Argument, odd string, err error) {
	for _, c := range seq.children {
		switch c.name {
		case xml.Name{Space: XMLSchema, Local: "annotation"}:
		case xml.Name{Space: XMLSchema, Local: "element"}:
			if !r.spend() {
				return nil, tooMany, nil
			}
			arg, err := r.argument(d, c, depth)
			if err != nil {
				return nil, "", err
			}
			args = append(args, arg)
		case xml.Name{Space: XMLSchema, Local: "sequence"}:
			some, what, err := r.sequence(d, c, depth)
			if err != nil {
				return nil, "", err
			}
			args, odd = append(args, some...), or(odd, what)
		case xml.Name{Space: XMLSchema, Local: "group"}:
			some, what, err := r.group(d, c, depth)
			if err != nil {
				return nil, "", err
			}
			args, odd = append(args, some...), or(odd, what)
		default:
			odd = or(odd, "has a "+c.name.Local+" in it")
		}
	}
	return args, odd, nil
}

func (r *reader) group(d declaration, c *element, depth int) ([]Argument, string, error) {
	ref, err := d.name(c, "ref")
	if err != nil {
		return nil, "", err
	}
	g, ok := r.groups[ref]
	switch {
	case !ok:
		return nil, "has a group " + ref.Local + " in it, which is not described", nil
	case depth >= MaxNesting:
		return nil, "is nested too deeply", nil
	}
	return r.content(g, g.at, depth+1)
}

func (r *reader) argument(d declaration, c *element, depth int) (Argument, error) {
	arg := Argument{Min: occurs(c.get("minOccurs")), Max: occurs(c.get("maxOccurs"))}
	ref, err := d.name(c, "ref")
	if err != nil {
		return arg, err
	}
	if ref.Local != "" { // an element declared elsewhere: it is always qualified
		arg.Name = ref
		to, ok := r.elements[ref]
		if !ok {
			arg.Odd = "it is not described"
			return arg, nil
		}
		c, d = to.at, to
	} else {
		arg.Name.Local = c.get("name")
		if form := c.get("form"); form == "qualified" || form == "" && d.qualified {
			arg.Name.Space = d.target
		}
	}
	arg.Nillable = c.get("nillable") == "true" || c.get("nillable") == "1"
	if arg.Type, err = d.name(c, "type"); err != nil {
		return arg, err
	}
	return arg, r.typed(&arg, d, c, depth)
}

// typed finds out what the value of an argument looks like. c is the element that declares it.
func (r *reader) typed(arg *Argument, d declaration, c *element, depth int) error {
	simple, complex := c.first(XMLSchema, "simpleType"), c.first(XMLSchema, "complexType")
	switch t, ok := r.types[arg.Type]; {
	case arg.Type.Space == XMLSchema && builtin[arg.Type.Local]:
		arg.Base = arg.Type.Local
		return nil
	case arg.Type.Space == XMLSchema:
		arg.Odd = "it may be anything (" + arg.Type.Local + ")"
		return nil
	case ok && t.at.name.Local == "simpleType":
		d, simple = t, t.at
	case ok:
		d, complex = t, t.at
	case arg.Type.Local != "":
		arg.Odd = "its type " + arg.Type.Local + " is not described"
		return nil
	}
	switch {
	case depth >= MaxNesting:
		arg.Odd = "it is nested too deeply, or contains itself"
		return nil
	case simple != nil:
		return r.simple(arg, d, simple, depth+1)
	case complex == nil:
		arg.Odd = "it may be anything"
		return nil
	}
	fields, odd, err := r.content(d, complex, depth+1)
	if odd != "" {
		arg.Odd = "it " + odd
		return err
	}
	arg.Fields = fields
	return err
}

// simple follows a simple type to the built-in type that it is made from.
func (r *reader) simple(arg *Argument, d declaration, t *element, depth int) error {
	if depth > MaxNesting {
		arg.Odd = "its type is derived too often, or from itself"
		return nil
	}
	restriction := t.first(XMLSchema, "restriction")
	if restriction == nil { // a list or a union: text to us
		arg.Base = "string"
		return nil
	}
	for _, f := range restriction.children {
		switch {
		case f.name.Space != XMLSchema:
		case f.name.Local == "enumeration":
			arg.Enum = append(arg.Enum, f.get("value"))
		case f.name.Local == "maxLength" || f.name.Local == "length":
			if n, err := strconv.Atoi(f.get("value")); err == nil && n > 0 && (arg.MaxLength == 0 || n < arg.MaxLength) {
				arg.MaxLength = n
			}
		}
	}
	base, err := d.name(restriction, "base")
	if err != nil {
		return err
	}
	if base.Space == XMLSchema && builtin[base.Local] {
		arg.Base = base.Local
		return nil
	}
	if inner := restriction.first(XMLSchema, "simpleType"); inner != nil {
		return r.simple(arg, d, inner, depth+1)
	}
	next, ok := r.types[base]
	if !ok || next.at.name.Local != "simpleType" {
		arg.Odd = "its type " + base.Local + " is not described"
		return nil
	}
	return r.simple(arg, next, next.at, depth+1)
}

// builtin are the simple types of XML Schema.
var builtin = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range []string{
		"string", "normalizedString", "token", "language", "Name", "NCName", "NMTOKEN", "NMTOKENS", "ID", "IDREF", "IDREFS",
		"ENTITY", "ENTITIES", "QName", "NOTATION", "anyURI", "anySimpleType",
		"boolean", "decimal", "float", "double",
		"integer", "long", "int", "short", "byte", "nonNegativeInteger", "positiveInteger", "nonPositiveInteger", "negativeInteger",
		"unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte",
		"duration", "dateTime", "date", "time", "gYear", "gYearMonth", "gMonth", "gMonthDay", "gDay",
		"base64Binary", "hexBinary",
	} {
		m[n] = true
	}
	return m
}()
