package binding

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// TempURI is the namespace of .asmx services whose author chose none.
const TempURI = "http://tempuri.org/"

// A Contract is a binding that fits a description: what it takes to make the three calls.
type Contract struct {
	// Fingerprint is that of the three operations in the description; empty if there is none.
	Fingerprint string
	calls       map[bridge.Kind]*Call
}

// Call returns how events of that kind are brought to SSP, nil if they cannot be.
func (c *Contract) Call(k bridge.Kind) *Call { return c.calls[k] }

// A Call is one operation as it is called.
type Call struct {
	Operation string
	Version   wsdl.Version
	URL       string // empty: ssp.url
	Action    string
	Input     xml.Name
	Output    xml.Name // of the answer; without a name there is no answer
	Success   mapping.Expr

	kind    bridge.Kind
	tree    []node
	leafs   []*leaf
	outputs []wsdl.Argument // what the answer consists of
	result  wsdl.Argument   // the first of them
}

// A node is one element of a call.
type node struct {
	name   xml.Name
	fields []node
	leaf   *leaf // nil for a complex element
}

// A leaf is an element that holds a value.
type leaf struct {
	Argument
	base     string
	enum     []string
	optional bool // may be left out
	nillable bool
}

// Bind compares a binding with a description. With findings the contract must not be used.
func Bind(d *wsdl.Document, o *Operations, version wsdl.Version) (*Contract, []Finding) {
	c := &Contract{calls: map[bridge.Kind]*Call{}}
	var all findings
	var ops []wsdl.Operation
	for _, k := range kinds {
		op := o.Of(k)
		b := binder{kind: k, config: op, findings: &all}
		got, ok := b.find(d, op.version(version))
		if !ok {
			continue
		}
		ops = append(ops, got)
		c.calls[k] = b.bind(got)
	}
	if len(ops) == len(kinds) {
		c.Fingerprint = Fingerprint(ops)
	}
	return c, all
}

// Assume makes a contract from the binding alone, in the form that .asmx services have by default:
// arguments in the order of the config, qualified, all of them texts.
func Assume(o *Operations, version wsdl.Version) *Contract {
	c := &Contract{calls: map[bridge.Kind]*Call{}}
	for _, k := range kinds {
		op := o.Of(k)
		ns, name := or(op.Namespace, TempURI), or(op.Name, DefaultName(k))
		got := wsdl.Operation{
			Name: name, Version: op.version(version), Action: strings.TrimSuffix(ns, "/") + "/" + name, Style: "document", Use: "literal",
			Input:  wsdl.Message{Element: xml.Name{Space: ns, Local: name}},
			Output: wsdl.Message{Element: xml.Name{Space: ns, Local: name + "Response"}},
		}
		for _, a := range op.Arguments {
			grow(&got.Input.Args, strings.Split(a.Path, "."), ns)
		}
		b := binder{kind: k, config: op, findings: new(findings)}
		c.calls[k] = b.bind(got)
	}
	return c
}

// grow adds the argument at path to args.
func grow(args *[]wsdl.Argument, path []string, ns string) {
	i := slices.IndexFunc(*args, func(a wsdl.Argument) bool { return a.Name.Local == path[0] })
	if i < 0 {
		*args = append(*args, wsdl.Argument{Name: xml.Name{Space: ns, Local: path[0]}, Max: 1})
		i = len(*args) - 1
	}
	if len(path) > 1 {
		grow(&(*args)[i].Fields, path[1:], ns)
		return
	}
	(*args)[i].Base = "string"
}

// A binder binds one operation.
type binder struct {
	kind     bridge.Kind
	config   *Operation
	findings *findings
}

// found adds a finding about argument path, or about the operation if it is empty.
func (b binder) found(path, hint, format string, args ...any) {
	f := Finding{Kind: b.kind, Path: path, Msg: fmt.Sprintf(format, args...), Hint: hint, at: b.config.at}
	for _, a := range b.config.Arguments {
		if a.Path == path {
			f.at = a.at
		}
	}
	*b.findings = append(*b.findings, f)
}

// find looks the operation up.
func (b binder) find(d *wsdl.Document, version wsdl.Version) (wsdl.Operation, bool) {
	name := or(b.config.Name, DefaultName(b.kind))
	if got, ok := d.Operation(name, version); ok {
		return got, true
	}
	hint := ""
	for _, other := range []wsdl.Version{wsdl.SOAP11, wsdl.SOAP12} {
		if _, ok := d.Operation(name, other); ok {
			hint = fmt.Sprintf("it does in SOAP %s: write version: %q", other, other)
		}
	}
	switch near := nearest(name, names(d, version)); {
	case hint != "":
	case near != "":
		hint = "did you mean name: " + near + "?"
	case len(d.Imports) > 0:
		hint = "it may be in " + strings.Join(d.Imports, ", ") + ", which was not read"
	}
	b.found("", hint, "SSP offers no operation %s in SOAP %s", name, version)
	return wsdl.Operation{}, false
}

func names(d *wsdl.Document, version wsdl.Version) []string {
	var out []string
	for _, o := range d.Operations {
		if o.Version == version {
			out = append(out, o.Name)
		}
	}
	return out
}

// bind makes the call and reports what does not fit.
func (b binder) bind(got wsdl.Operation) *Call {
	if got.Style != "document" || got.Use != "literal" {
		b.found("", "", "%s is called as %s/%s; only document/literal is supported", got.Name, got.Style, got.Use)
	}
	if got.Input.Odd != "" {
		b.found("", "", "%s takes a message that cannot be built: %s", got.Name, got.Input.Odd)
	}
	c := &Call{
		Operation: got.Name, Version: got.Version, URL: b.config.URL, Action: or(b.config.Action, got.Action),
		Input: got.Input.Element, Output: got.Output.Element, Success: b.config.Success, kind: b.kind, outputs: got.Output.Args,
	}
	if len(c.outputs) > 0 {
		c.result = c.outputs[0]
	}
	from := c.Input.Space
	if ns := b.config.Namespace; ns != "" {
		c.Input.Space = ns
		if c.Output.Space == from {
			c.Output.Space = ns
		}
		if b.config.Action == "" {
			if rest, ok := strings.CutPrefix(c.Action, from); ok {
				c.Action = ns + rest
			}
		}
	}
	leaves := got.Input.Leaves()
	b.compare(got, leaves)
	paths := map[string]*leaf{}
	for _, l := range leaves {
		for _, a := range b.config.Arguments {
			if a.Path == l.Path && !a.Ignore {
				x := &leaf{Argument: a, base: or(l.Base, "string"), enum: l.Enum, optional: l.Optional, nillable: l.Nillable}
				paths[l.Path] = x
				c.leafs = append(c.leafs, x)
				b.fits(got, l, x)
			}
		}
	}
	c.tree = tree(got.Input.Args, "", paths, func(ns string) string {
		if ns == from {
			return c.Input.Space
		}
		return ns
	})
	return c
}

// tree makes the elements of the bound arguments; a complex one with nothing in it is left out.
func tree(args []wsdl.Argument, prefix string, paths map[string]*leaf, ns func(string) string) []node {
	var out []node
	for _, a := range args {
		n := node{name: xml.Name{Space: ns(a.Name.Space), Local: a.Name.Local}}
		if len(a.Fields) == 0 {
			if n.leaf = paths[prefix+a.Name.Local]; n.leaf == nil {
				continue
			}
		} else if n.fields = tree(a.Fields, prefix+a.Name.Local+".", paths, ns); n.fields == nil {
			continue
		}
		out = append(out, n)
	}
	return out
}

// compare finds arguments that only one side knows.
func (b binder) compare(got wsdl.Operation, leaves []wsdl.Leaf) {
	var known []string
	for _, l := range leaves {
		known = append(known, l.Path)
	}
	for _, a := range b.config.Arguments {
		if slices.Contains(known, a.Path) {
			continue
		}
		hint := "it takes " + or(strings.Join(known, ", "), "none")
		if inside := beginning(known, a.Path+"."); len(inside) > 0 {
			hint = "it is complex: name its parts, " + strings.Join(inside, ", ")
		} else if near := nearest(a.Path, known); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		b.found(a.Path, hint, "%s has no argument %q", got.Name, a.Path)
	}
	for _, l := range leaves {
		if !slices.ContainsFunc(b.config.Arguments, func(a Argument) bool { return a.Path == l.Path }) {
			b.found(l.Path, "give it a role ("+list(Roles())+"), a value, a secret or a hash, or write "+l.Path+": ignore",
				"argument %q of %s (%s) has neither a role nor a value", l.Path, got.Name, typeName(l))
		}
	}
}

// fits reports what cannot go into an argument.
func (b binder) fits(got wsdl.Operation, l wsdl.Leaf, x *leaf) {
	switch {
	case l.Odd != "":
		b.found(l.Path, "write "+l.Path+": ignore, if SSP can do without it", "argument %q of %s cannot be given a value: %s", l.Path, got.Name, l.Odd)
		return
	case l.Base == "":
		b.found(l.Path, "write "+l.Path+": ignore, if SSP can do without it", "argument %q of %s is complex and has no parts", l.Path, got.Name)
		return
	case (x.Role == Message || x.Role == Solution || x.Role == Author) && !isText(l.Base):
		b.found(l.Path, "", "argument %q of %s is %s; the %s is a text", l.Path, got.Name, typeName(l), x.Role)
	case (x.Role == Message || x.Role == Solution) && l.MaxLength > 0 && (x.Limit == 0 || x.Limit > l.MaxLength):
		b.found(l.Path, fmt.Sprintf("write {role: %s, limit: %d, over: cut}", x.Role, l.MaxLength), "argument %q of %s takes at most %d characters", l.Path, got.Name, l.MaxLength)
	case x.Hash != nil && !isText(l.Base):
		b.found(l.Path, "", "argument %q of %s is %s; a hash is a text", l.Path, got.Name, typeName(l))
	}
	if h := x.Hash; h != nil {
		for _, name := range h.Over {
			if name == secretWord && h.Secret != nil {
				continue
			}
			i := slices.IndexFunc(b.config.Arguments, func(a Argument) bool { return a.Path == name })
			switch {
			case i < 0 || b.config.Arguments[i].Ignore:
				b.found(l.Path, "", "the hash in %q is over %q, which is not an argument that is sent", l.Path, name)
			case b.config.Arguments[i].Hash != nil:
				b.found(l.Path, "", "the hash in %q is over another hash", l.Path)
			}
		}
	}
	constant := ""
	switch {
	case x.Value != nil:
		constant = *x.Value
	case x.Secret != nil:
		constant = x.Secret.Reveal()
		secret.Register(escaped(constant)) // as it stands in the envelope
	default:
		return
	}
	if _, err := x.lexical(constant); err != nil && (constant != "" || !x.mayBeEmpty()) {
		b.found(l.Path, "", "the constant for argument %q of %s does not fit: %s", l.Path, got.Name, secret.Mask(err.Error()))
	}
}

// typeName is the type of an argument as people read it.
func typeName(l wsdl.Leaf) string {
	name := or(l.Type.Local, or(l.Base, "of an unnamed type"))
	if l.Max != 1 {
		name += "[]"
	}
	return name
}

func beginning(all []string, prefix string) []string {
	var out []string
	for _, s := range all {
		if strings.HasPrefix(s, prefix) {
			out = append(out, s)
		}
	}
	return out
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
