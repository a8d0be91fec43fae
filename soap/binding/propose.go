package binding

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// Sure says how sure a proposal is.
type Sure string

// How sure a proposal is.
const (
	Surely  Sure = "sure"    // the name says so, and no other argument could be meant
	Likely  Sure = "likely"  // the name hints at it, or nothing else is left
	Guess   Sure = "guess"   // a form is known, and the rest has to be asked for
	Unknown Sure = "unknown" // a person has to say
)

// A Report is what was read of a description, and the binding proposed for it.
type Report struct {
	Source      string            `json:"source"`
	URL         string            `json:"url,omitempty"`           // for ssp.url
	Described   bool              `json:"url_described,omitempty"` // the URL was taken from the description
	Namespace   string            `json:"namespace"`
	Version     wsdl.Version      `json:"version"` // proposed SOAP version
	Versions    []wsdl.Version    `json:"versions"`
	Operations  []OperationReport `json:"operations"`
	Fingerprint string            `json:"fingerprint,omitempty"`
	// Default is set when the description is the contract that is used without ssp.operations.
	Default bool     `json:"default"`
	Unread  []string `json:"unread,omitempty"` // imports that were not followed
	// Unplaced is what the proposal cannot know, in words.
	Unplaced []string `json:"unplaced,omitempty"`
}

// Complete reports whether the proposal can be used as it is: all operations are there and every
// argument has its place.
func (r *Report) Complete() bool {
	return !slices.ContainsFunc(r.Operations, func(o OperationReport) bool {
		return o.Name == "" || slices.ContainsFunc(o.Arguments, func(a ArgumentReport) bool { return a.Sure == Unknown })
	})
}

// An OperationReport is one of the three operations.
type OperationReport struct {
	Kind      bridge.Kind      `json:"kind"`
	Name      string           `json:"name,omitempty"` // empty: not found
	Sure      Sure             `json:"sure"`
	Version   wsdl.Version     `json:"version,omitempty"`
	Namespace string           `json:"namespace,omitempty"`
	Action    string           `json:"action,omitempty"`
	Style     string           `json:"style,omitempty"`
	Doc       string           `json:"documentation,omitempty"`
	Arguments []ArgumentReport `json:"arguments,omitempty"`
	Result    string           `json:"result,omitempty"` // "" for none
	Success   string           `json:"success,omitempty"`
	Note      string           `json:"note,omitempty"`
}

// An ArgumentReport is one argument and what it is proposed to hold.
type ArgumentReport struct {
	Path     string   `json:"name"`
	Type     string   `json:"type"`
	Required bool     `json:"required"` // the description does not let it be left out
	Nillable bool     `json:"nillable,omitempty"`
	Allowed  []string `json:"allowed,omitempty"`
	Role     Role     `json:"role,omitempty"`
	Sure     Sure     `json:"sure"`
	Why      string   `json:"why"`
	YAML     string   `json:"yaml,omitempty"` // the value to write

	leaf  wsdl.Leaf
	words []string
}

// Propose proposes a binding for a description.
func Propose(d *wsdl.Document) *Report {
	r := &Report{Namespace: d.TargetNamespace, Unread: d.Imports, Version: wsdl.SOAP11}
	for _, v := range []wsdl.Version{wsdl.SOAP11, wsdl.SOAP12} {
		if len(names(d, v)) > 0 {
			r.Versions = append(r.Versions, v)
		}
	}
	if len(r.Versions) > 0 && !slices.Contains(r.Versions, wsdl.SOAP11) {
		r.Version = wsdl.SOAP12
	}
	var ops []wsdl.Operation
	for _, k := range kinds {
		o, sure, ok := find(d, k, r.Version)
		if !ok {
			r.Operations = append(r.Operations, OperationReport{Kind: k, Sure: Unknown, Note: "the service has no operation that looks like " + DefaultName(k)})
			r.Unplaced = append(r.Unplaced, fmt.Sprintf("%s: no operation looks like %s; the service has %s", k, DefaultName(k), or(shorten(strings.Join(names(d, r.Version), ", "), 500), "none")))
			continue
		}
		if r.URL == "" && o.Address != "" {
			r.URL, r.Described = o.Address, true
		}
		ops = append(ops, o)
		r.Operations = append(r.Operations, r.operation(k, o, sure))
	}
	if len(ops) == len(kinds) {
		r.Fingerprint = Fingerprint(ops)
		_, findings := Bind(d, Default(), wsdl.SOAP11)
		r.Default = len(findings) == 0 && r.Namespace == TempURI
	}
	return r
}

// find looks for the operation of a kind: by its name, by its name in another case, by what it says.
func find(d *wsdl.Document, k bridge.Kind, v wsdl.Version) (wsdl.Operation, Sure, bool) {
	want := DefaultName(k)
	if o, ok := d.Operation(want, v); ok {
		return o, Surely, true
	}
	for _, n := range names(d, v) {
		if strings.EqualFold(n, want) || strings.HasSuffix(strings.ToLower(n), strings.ToLower(strings.TrimPrefix(want, "ProcessInstance"))) {
			o, _ := d.Operation(n, v)
			return o, Likely, true
		}
	}
	if n := nearest(want, names(d, v)); n != "" {
		o, _ := d.Operation(n, v)
		return o, Likely, true
	}
	return wsdl.Operation{}, Unknown, false
}

func (r *Report) operation(k bridge.Kind, o wsdl.Operation, sure Sure) OperationReport {
	out := OperationReport{
		Kind: k, Name: o.Name, Sure: sure, Version: o.Version, Namespace: o.Input.Element.Space, Action: o.Action,
		Style: o.Style + "/" + o.Use, Doc: o.Doc,
	}
	miss := func(format string, args ...any) {
		r.Unplaced = append(r.Unplaced, string(k)+": "+fmt.Sprintf(format, args...))
	}
	if sure != Surely {
		miss("the operation is called %s here; SSP's documentation says %s", o.Name, DefaultName(k))
	}
	switch {
	case o.Style != "document" || o.Use != "literal":
		out.Note = out.Style + " is not supported"
		miss("%s is called as %s; only document/literal is supported", o.Name, out.Style)
	case o.Input.Odd != "":
		out.Note = o.Input.Odd
		miss("%s takes a message that cannot be built: %s", o.Name, o.Input.Odd)
	}
	for _, l := range o.Input.Leaves() {
		out.Arguments = append(out.Arguments, ArgumentReport{
			Path: l.Path, Type: typeName(l), Required: !l.Optional, Nillable: l.Nillable, Allowed: l.Enum, Sure: Unknown, leaf: l, words: speaking(l.Path),
		})
	}
	place(k, out.Arguments)
	constants(out.Arguments)
	for i := range out.Arguments {
		a := &out.Arguments[i]
		if a.Role != "" {
			a.YAML = roleYAML(k, a)
		}
		switch a.Sure {
		case Unknown:
			miss("argument %s (%s): %s", a.Path, a.Type, a.Why)
		case Guess:
			miss("argument %s (%s): %s", a.Path, a.Type, a.Why)
		}
	}
	for _, roles := range needed(k) {
		if !slices.ContainsFunc(out.Arguments, func(a ArgumentReport) bool { return slices.Contains(roles, a.Role) }) {
			miss("no argument could be recognised as the %s", roles[0])
		}
	}
	out.result(o, miss)
	return out
}

// speaking returns the words by which an argument is recognised: those of its own name, and where
// they say little those of the complex arguments around it as well.
func speaking(path string) []string {
	own := words(path[strings.LastIndexByte(path, '.')+1:])
	if constant(own) || slices.ContainsFunc(Roles(), func(r Role) bool { return score(own, r) == 2 }) {
		return own
	}
	return words(path)
}

// place gives the roles to the arguments. The strongest claims come first; a role goes to one
// argument only, and an argument with claims of equal strength by several is likely at best.
func place(k bridge.Kind, args []ArgumentReport) {
	text := Message
	if k == bridge.Resolve {
		text = Solution
	}
	roles := []Role{Reference, Author, Status, Task}
	if k != bridge.Acknowledge {
		roles = append([]Role{text}, roles...)
	}
	for strength := 2; strength > 0; strength-- {
		for _, role := range roles {
			if taken(args, role) {
				continue
			}
			var fit []int
			for i, a := range args {
				if a.Role == "" && suits(a.leaf, role) && score(a.words, role) == strength && !constant(a.words) {
					fit = append(fit, i)
				}
			}
			if len(fit) == 0 || strength == 1 && role != text && role != Task && role != Reference {
				continue
			}
			best := fit[0]
			for _, i := range fit { // the one that speaks for fewer other roles
				if rivals(args[i].words, role, roles) < rivals(args[best].words, role, roles) {
					best = i
				}
			}
			same := 0
			for _, i := range fit {
				if rivals(args[i].words, role, roles) == rivals(args[best].words, role, roles) {
					same++
				}
			}
			a := &args[best]
			a.Role, a.Sure, a.Why = role, Surely, "its name says so"
			if strength == 1 {
				a.Sure, a.Why = Likely, "its name hints at it"
			}
			if same > 1 {
				a.Sure, a.Why = Likely, "its name says so, but others could be meant as well"
			}
		}
	}
	// What is left over, if it is one, is what is missing.
	for _, role := range slices.Concat(needed(k)...) {
		var left []int
		for i, a := range args {
			if a.Role == "" && suits(a.leaf, role) && !constant(a.words) {
				left = append(left, i)
			}
		}
		if !missing(k, args, role) || len(left) != 1 {
			continue
		}
		a := &args[left[0]]
		a.Role, a.Sure, a.Why = role, Likely, "nothing else is left for the "+string(role)
	}
	for i := range args {
		if a := &args[i]; a.Role == "" {
			a.Why = "its name says nothing to the bridge"
			switch {
			case a.leaf.Odd != "":
				a.Why = "it cannot be given a value: " + a.leaf.Odd
			case len(a.Allowed) > 0:
				a.Why = "it takes one of " + shorten(strings.Join(a.Allowed, ", "), 200) + "; which, has to be asked for"
			case !a.Required:
				a.Why += "; the description lets it be left out (ignore), SSP may not"
			}
		}
	}
}

func taken(args []ArgumentReport, role Role) bool {
	return slices.ContainsFunc(args, func(a ArgumentReport) bool { return a.Role == role })
}

// missing reports whether the operation needs the role, or one that may stand for it, and has none.
func missing(k bridge.Kind, args []ArgumentReport, role Role) bool {
	for _, roles := range needed(k) {
		if roles[0] == role {
			return !slices.ContainsFunc(roles, func(r Role) bool { return taken(args, r) })
		}
	}
	return false
}

// rivals counts the other roles that the words speak for strongly.
func rivals(w []string, role Role, roles []Role) (n int) {
	for _, r := range roles {
		if r != role && score(w, r) == 2 {
			n++
		}
	}
	return n
}

// suits reports whether a value of the role fits the type.
func suits(l wsdl.Leaf, role Role) bool {
	switch {
	case l.Odd != "" || l.Base == "" || len(l.Enum) > 0:
		return false
	case role == Task || role == Reference:
		return isText(l.Base) || isWhole(l.Base)
	}
	return isText(l.Base)
}

// constant reports whether the words speak of something that is the same in every call, or made from
// the others.
func constant(w []string) bool { return says(w, hashWords) || says(w, secretWords) }

// constants proposes what is no role.
func constants(args []ArgumentReport) {
	for i := range args {
		a := &args[i]
		switch {
		case a.Role != "" || a.leaf.Odd != "" || !isText(a.leaf.Base):
		case says(a.words, hashWords):
			over := []string{secretWord}
			for j, b := range args {
				if j != i && b.Role != "" {
					over = append(over, plain(b.Path))
				}
			}
			a.Sure = Guess
			a.Why = "ask over what, with which secret and by which function (SSP's own hashes are upper-case hex)"
			a.YAML = "{hash: {algorithm: sha256, over: [" + strings.Join(over, ", ") + "], secret: {env: SSP_HASH_SECRET}}}"
		case says(a.words, secretWords):
			a.Sure, a.Why = Guess, "ask for its value"
			a.YAML = "{secret: {env: SSP_" + strings.ToUpper(strings.Join(a.words, "_")) + "}}"
		}
	}
}

func roleYAML(k bridge.Kind, a *ArgumentReport) string {
	var more string
	if a.leaf.MaxLength > 0 && (a.Role == Message || a.Role == Solution) {
		over := Cut
		if k == bridge.Update && a.leaf.MaxLength >= 200 {
			over = Split
		}
		more += fmt.Sprintf(", limit: %d, over: %s", a.leaf.MaxLength, over)
	}
	if !a.Required && a.Role != Task && (a.Role == Author || a.Role == Status) {
		more += ", omit_if_empty: true"
	}
	if more == "" {
		return string(a.Role)
	}
	return "{role: " + string(a.Role) + more + "}"
}

// result proposes how success is told.
func (o *OperationReport) result(op wsdl.Operation, miss func(string, ...any)) {
	switch out := op.Output; {
	case out.Element.Local == "":
		o.Result = "nothing at all (one way)"
	case out.Odd != "":
		o.Result = "what cannot be read: " + out.Odd
		miss("%s answers with %s", op.Name, o.Result)
	case len(out.Args) == 0:
		o.Result = "nothing"
	case len(out.Args) > 1:
		o.Result = "several values"
		miss("%s answers with several values; which of them says success has to be asked for (success: an expression over answer)", op.Name)
	case out.Args[0].Complex():
		o.Result = typeName(wsdl.Leaf{Argument: out.Args[0]})
		for _, f := range out.Args[0].Fields {
			if f.Base == "boolean" && says(words(f.Name.Local), []string{"success", "succeeded", "ok", "succes", "geslaagd", "valid", "result"}) {
				o.Success = "answer." + f.Name.Local + " == true"
				return
			}
		}
		miss("%s answers with %s; which part of it says success has to be asked for (success: an expression over answer)", op.Name, o.Result)
	default:
		o.Result = typeName(wsdl.Leaf{Argument: out.Args[0]})
		switch {
		case out.Args[0].Base == "boolean":
			o.Success = "answer == true"
		case isWhole(out.Args[0].Base):
			miss("%s answers with a number; unless success is set, only a negative one counts as a refusal", op.Name)
		}
	}
}
