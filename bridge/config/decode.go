package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Unmarshaler reads itself from a node, which may be of any kind but Absent, and reports what is
// wrong with [Node.Problemf]. It may call [Decode] on the same node with another type.
type Unmarshaler interface{ UnmarshalConfig(n *Node) }

// A Validator checks itself after it was decoded, also when parts of it could not be: it must cope
// with zero values. It reports with n.Key("x").Problemf; what it reports at a path that already
// failed to decode is dropped.
type Validator interface{ ValidateConfig(n *Node) }

var (
	nodeType     = reflect.TypeFor[*Node]()
	stdDuration  = reflect.TypeFor[time.Duration]()
	unmarshaler  = reflect.TypeFor[Unmarshaler]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	validatorTyp = reflect.TypeFor[Validator]()
)

// Decode fills into, a non-nil pointer, from n. Everything that is wrong is collected in the
// document of n; see the package documentation for the rules.
func Decode(n *Node, into any) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		panic(fmt.Sprintf("config: Decode into %T, want a non-nil pointer", into))
	}
	if n == nil {
		return
	}
	decode(n, v.Elem(), nil)
}

func decode(n *Node, v reflect.Value, f *field) {
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(n))
		return
	}
	if n.bad {
		return
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		decode(n, v.Elem(), f)
		return
	}
	custom, before := true, n.doc.count()
	switch {
	case v.Addr().Type().Implements(unmarshaler):
		v.Addr().Interface().(Unmarshaler).UnmarshalConfig(n)
	case v.Type() == stdDuration:
		var d Duration
		d.UnmarshalConfig(n)
		v.SetInt(int64(d))
	case v.Addr().Type().Implements(textType):
		decodeText(n, v.Addr().Interface().(encoding.TextUnmarshaler))
	default:
		custom = false
		decodePlain(n, v, f)
	}
	if custom && f != nil {
		checkEnum(n, v, f)
	}
	if custom && n.doc.count() > before { // {env: X} failed at x.env; for validators x itself is what failed
		n.doc.breaks(n.Path())
	}
	if !custom && v.Kind() == reflect.Struct {
		return // validated by decodeStruct
	}
	validate(n, v)
}

func decodeText(n *Node, t encoding.TextUnmarshaler) {
	if !n.want(Scalar, "text") {
		return
	}
	if err := t.UnmarshalText([]byte(n.text)); err != nil {
		n.Problemf("", "%s cannot be used here: %v", quote(n.text), err)
	}
}

// want reports whether n is of kind k, and a problem if it is not. what says what is to be written.
func (n *Node) want(k Kind, what string) bool {
	switch {
	case n.kind == k:
		return true
	case n.kind == Null:
		n.Problemf("write "+what+" after it, or remove the key", "has no value")
	case k == Scalar:
		n.Problemf("", "must be %s, not %s", what, n.kind)
	default:
		n.Problemf("", "must be %s, not %s", k, n.kind)
	}
	return false
}

func decodePlain(n *Node, v reflect.Value, f *field) {
	switch v.Kind() {
	case reflect.Struct:
		decodeStruct(n, v)
	case reflect.Map:
		decodeMap(n, v, f)
	case reflect.Slice:
		decodeSlice(n, v, f)
	case reflect.Interface:
		if v.NumMethod() > 0 {
			panic(fmt.Sprintf("config: cannot decode into %s", v.Type()))
		}
		if val := n.Value(); val != nil {
			v.Set(reflect.ValueOf(val))
		}
	case reflect.String:
		if s, ok := n.Text(); ok {
			v.SetString(s)
			checkEnum(n, v, f)
		}
	case reflect.Bool:
		decodeBool(n, v)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		decodeInt(n, v)
		checkEnum(n, v, f)
	case reflect.Float32, reflect.Float64:
		decodeFloat(n, v)
	default:
		panic(fmt.Sprintf("config: cannot decode into %s", v.Type()))
	}
}

// Text returns the text of n. Anything but text is reported; a number or true is not taken for text,
// because what it would become depends on the reader (1.10, 0x10, no).
func (n *Node) Text() (string, bool) {
	if n == nil || !n.want(Scalar, "text") {
		return "", false
	}
	if s, ok := n.value.(string); ok {
		return s, true
	}
	n.Problemf(fmt.Sprintf("write it in quotes: %q", shorten(n.text, 60)), "must be text, not %s", n.scalarKind())
	return "", false
}

func (n *Node) scalarKind() string {
	switch n.value.(type) {
	case bool:
		return "true or false"
	case int64, uint64, float64:
		return "a number"
	}
	return "text"
}

func decodeBool(n *Node, v reflect.Value) {
	if !n.want(Scalar, "true or false") {
		return
	}
	b, ok := n.value.(bool)
	if !ok {
		hint := ""
		switch strings.ToLower(n.text) {
		case "yes", "on", "y", "1", "true":
			hint = "write true, without quotes"
		case "no", "off", "n", "0", "false":
			hint = "write false, without quotes"
		}
		n.Problemf(hint, "must be true or false, not %s", n.show())
		return
	}
	v.SetBool(b)
}

func decodeInt(n *Node, v reflect.Value) {
	if !n.want(Scalar, "a whole number") {
		return
	}
	signed := v.CanInt()
	switch i := n.value.(type) {
	case int64:
		switch {
		case signed && !v.OverflowInt(i):
			v.SetInt(i)
			return
		case !signed && i >= 0 && !v.OverflowUint(uint64(i)):
			v.SetUint(uint64(i))
			return
		case !signed && i < 0:
			n.Problemf("", "must not be negative, and is %d", i)
			return
		}
	case uint64:
		if !signed && !v.OverflowUint(i) {
			v.SetUint(i)
			return
		}
	case string:
		hint := ""
		if _, err := strconv.ParseInt(i, 10, 64); err == nil {
			hint = "write it without quotes"
		}
		n.Problemf(hint, "must be a whole number, not %s", quote(n.text))
		return
	default:
		n.Problemf("", "must be a whole number, not %s", shorten(n.text, 40))
		return
	}
	n.Problemf("", "%s is too large or too small", shorten(n.text, 40))
}

func decodeFloat(n *Node, v reflect.Value) {
	if !n.want(Scalar, "a number") {
		return
	}
	var x float64
	switch f := n.value.(type) {
	case int64:
		x = float64(f)
	case uint64:
		x = float64(f)
	case float64:
		x = f
	default:
		n.Problemf("", "must be a number, not %s", quote(n.text))
		return
	}
	if v.OverflowFloat(x) || math.IsInf(x, 0) {
		n.Problemf("", "%s is too large or too small", shorten(n.text, 40))
		return
	}
	v.SetFloat(x)
}

func checkEnum(n *Node, v reflect.Value, f *field) {
	if f == nil || f.enum == nil {
		return
	}
	text := fmt.Sprint(v.Interface())
	if slices.Contains(f.enum, text) {
		return
	}
	hint := ""
	if best := nearest(text, f.enum); best != "" {
		hint = "did you mean " + best + "?"
	}
	n.Problemf(hint, "must be one of %s, not %s", strings.Join(f.enum, ", "), quote(text))
}

func decodeSlice(n *Node, v reflect.Value, f *field) {
	if !n.want(Sequence, "a list") {
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		decode(item, out.Index(i), elem(f))
	}
	v.Set(out)
}

func decodeMap(n *Node, v reflect.Value, f *field) {
	if v.Type().Key().Kind() != reflect.String {
		panic(fmt.Sprintf("config: cannot decode into %s: keys must be strings", v.Type()))
	}
	if !n.want(Mapping, "its keys") {
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.pairs))
	for _, p := range n.pairs {
		e := reflect.New(v.Type().Elem()).Elem()
		decode(p.Node, e, elem(f))
		out.SetMapIndex(reflect.ValueOf(p.Name).Convert(v.Type().Key()), e)
	}
	v.Set(out)
}

// elem returns what of a field's rules holds for the elements of its list or map: the enum.
func elem(f *field) *field {
	if f == nil || f.enum == nil {
		return nil
	}
	return &field{enum: f.enum}
}

// decodeStruct fills a struct from a section. A section that is absent counts as an empty one: its
// defaults apply, its required keys are missing.
func decodeStruct(n *Node, v reflect.Value) {
	empty := n.kind == Absent || n.kind == Null && n.parent == nil // the latter is an empty file
	if !empty && !n.want(Mapping, "its keys") {
		return
	}
	s := shapeOf(v.Type())
	n.shape = s
	for i := range s.fields {
		decodeField(n, v, &s.fields[i])
	}
	reportUnknown(n, s)
	for _, at := range s.inlined {
		validate(n, v.FieldByIndex(at))
	}
	validate(n, v)
}

func decodeField(n *Node, v reflect.Value, f *field) {
	child, fv := n.Key(f.name), v.FieldByIndex(f.index)
	if child.Exists() {
		decode(child, fv, f)
		if f.required && isEmpty(child) && !n.doc.broken[child.Path()] {
			child.Problemf(f.doc, "must not be empty")
		}
		return
	}
	switch {
	case f.hasDef:
		decode(defaultNode(child, f), fv, f)
	case f.required:
		child.Problemf(f.doc, "is required")
	case fv.Kind() == reflect.Struct && !custom(fv.Addr().Type()):
		decode(child, fv, f)
	}
}

func custom(ptr reflect.Type) bool { return ptr.Implements(unmarshaler) || ptr.Implements(textType) }

func isEmpty(n *Node) bool {
	switch n.kind {
	case Scalar:
		return strings.TrimSpace(n.text) == ""
	case Mapping:
		return len(n.pairs) == 0
	case Sequence:
		return len(n.items) == 0
	}
	return false
}

// defaultNode gives the absent node child the value of a default tag.
func defaultNode(child *Node, f *field) *Node {
	t := f.typ
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.String || custom(reflect.PointerTo(t)) || t == stdDuration {
		child.kind, child.value, child.text = Scalar, f.def, f.def
		return child
	}
	parsed, err := Parse("default", []byte(f.def))
	if err != nil {
		panic(fmt.Sprintf("config: default of %s: %v", child.Path(), err))
	}
	child.adopt(parsed)
	return child
}

// adopt takes over the content of a node of another document, all of it shown at n's place.
func (n *Node) adopt(from *Node) {
	n.kind, n.value, n.text, n.pairs, n.items = from.kind, from.value, from.text, from.pairs, from.items
	for _, p := range n.pairs {
		p.Node.move(n)
	}
	for _, item := range n.items {
		item.move(n)
	}
}

func (n *Node) move(parent *Node) {
	n.doc, n.parent, n.line, n.col, n.keyLine = parent.doc, parent, parent.line, parent.col, 0
	for _, p := range n.pairs {
		p.Node.move(n)
	}
	for _, item := range n.items {
		item.move(n)
	}
}

func reportUnknown(n *Node, s *shape) {
	if n.kind != Mapping {
		return
	}
	known := s.names()
	for _, p := range n.pairs {
		switch {
		case slices.Contains(known, p.Name):
		case n.doc.full():
			n.doc.more++
		default:
			p.Node.ProblemAtKey(unknownHint(n, p.Name, s), "unknown key")
		}
	}
}

func validate(n *Node, v reflect.Value) {
	if !v.CanAddr() || !v.Addr().Type().Implements(validatorTyp) {
		return
	}
	n.doc.validating++
	defer func() { n.doc.validating-- }()
	v.Addr().Interface().(Validator).ValidateConfig(n)
}
