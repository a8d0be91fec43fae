package binding

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// Operations is the section `ssp.operations`: how each of the three operations is called.
type Operations struct {
	Acknowledge Operation `yaml:"acknowledge" required:"true" doc:"sets the provider's reference on the task"`
	Update      Operation `yaml:"update" required:"true" doc:"adds a message to the task"`
	Resolve     Operation `yaml:"resolve" required:"true" doc:"brings a solution to the task"`
}

// Of returns the operation for events of that kind, nil if SSP has none.
func (o *Operations) Of(k bridge.Kind) *Operation {
	switch k {
	case bridge.Acknowledge:
		return &o.Acknowledge
	case bridge.Update:
		return &o.Update
	case bridge.Resolve:
		return &o.Resolve
	}
	return nil
}

// kinds are the events that SSP takes, in the order in which they are shown.
var kinds = []bridge.Kind{bridge.Acknowledge, bridge.Update, bridge.Resolve}

// ValidateConfig checks that the roles are there without which an operation means nothing.
func (o *Operations) ValidateConfig(n *config.Node) {
	for _, k := range kinds {
		op, at := o.Of(k), n.Key(string(k)).Key("arguments")
		if len(op.Arguments) == 0 {
			continue // said already
		}
		for _, roles := range needed(k) {
			if !slices.ContainsFunc(op.Arguments, func(a Argument) bool { return slices.Contains(roles, a.Role) }) {
				at.Problemf("NAME: "+string(roles[0]), "no argument has the role %s", roles[0])
			}
		}
		if k != bridge.Update {
			for _, a := range op.Arguments {
				if a.Over == Split {
					a.at.Key("over").Problemf("write over: cut", "only the text of update can be split; a second call of %s would not be taken", k)
				}
			}
		}
		if k == bridge.Update && count(op.Arguments, func(a Argument) bool { return a.Over == Split }) > 1 {
			at.Problemf("", "only one argument can be split")
		}
	}
}

func count(all []Argument, f func(Argument) bool) (n int) {
	for _, a := range all {
		if f(a) {
			n++
		}
	}
	return n
}

// needed lists the roles that an operation cannot do without, each with what may stand for it.
func needed(k bridge.Kind) [][]Role {
	switch k {
	case bridge.Acknowledge:
		return [][]Role{{Task}, {Reference}}
	case bridge.Update:
		return [][]Role{{Task}, {Message, Solution}}
	}
	return [][]Role{{Task}, {Solution, Message}}
}

// Operation is how one operation is called. What is left empty is as the description, or the
// convention of ASP.NET, has it.
type Operation struct {
	Name      string       `yaml:"name" doc:"name of the operation, if it is not the one that SSP's documentation gives"`
	Version   string       `yaml:"version" enum:"1.1|1.2" doc:"SOAP version, if it is not that of ssp.version"`
	Namespace string       `yaml:"namespace" doc:"namespace of the call, instead of the description's"`
	Action    string       `yaml:"action" doc:"SOAPAction, instead of the description's"`
	URL       string       `yaml:"url" doc:"address, instead of ssp.url"`
	Arguments Arguments    `yaml:"arguments" required:"true" doc:"what each argument holds"`
	Success   mapping.Expr `yaml:"success" doc:"when the call succeeded: an expression over answer (the result), answer_text, status, header, event"`
	at        *config.Node
}

// ValidateConfig checks the address and the success test.
func (o *Operation) ValidateConfig(n *config.Node) {
	o.at = n
	if o.URL != "" {
		if u, err := url.Parse(o.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
			n.Key("url").Problemf("for example https://ssp.example.com/Workflow/WebService/WorkflowService.asmx", "not the address of a web service")
		}
	}
	o.Success.Within(mapping.Answer)
}

func (o *Operation) version(or wsdl.Version) wsdl.Version {
	if o.Version != "" {
		return wsdl.Version(o.Version)
	}
	return or
}

// A Role is what an argument means to the bridge.
type Role string

// The roles.
const (
	Task      Role = "task"
	Reference Role = "reference"
	Message   Role = "message"
	Solution  Role = "solution"
	Author    Role = "author"
	Status    Role = "status"
)

// Roles lists the roles.
func Roles() []Role { return []Role{Task, Reference, Message, Solution, Author, Status} }

// ignore is what is written for an argument that is not sent.
const ignore = "ignore"

// Over says what becomes of a text that is too long.
type Over string

// What becomes of texts that are too long.
const (
	Cut   Over = "cut"
	Split Over = "split"
)

// minLimit is the lowest limit of a text: less has no room for the mark of a part.
const minLimit = 20

// An Argument says what one argument holds. Exactly one of Role, Value, Secret, Hash and Ignore is set.
type Argument struct {
	Path        string // its name; for a part of a complex argument the way to it, dotted
	Role        Role
	Value       *string
	Secret      *config.Secret
	Hash        *Hash
	Ignore      bool
	OmitIfEmpty bool
	Limit       int
	Over        Over
	at          *config.Node
}

// Arguments are the arguments of an operation in the order of the config.
type Arguments []Argument

// argumentForm is the long form of an argument.
type argumentForm struct {
	Role        string         `yaml:"role" enum:"task|reference|message|solution|author|status" doc:"what of the event it holds"`
	Value       *config.Node   `yaml:"value" doc:"a constant"`
	Secret      *config.Secret `yaml:"secret" doc:"a constant that is a secret"`
	Hash        *Hash          `yaml:"hash" doc:"a hash over other arguments"`
	OmitIfEmpty bool           `yaml:"omit_if_empty" doc:"leave the element out when its value is empty"`
	Limit       int            `yaml:"limit" doc:"longest text, in characters"`
	Over        string         `yaml:"over" enum:"cut|split" doc:"what becomes of a longer text: cut it, or send it in several calls"`
}

// UnmarshalConfig reads the arguments.
func (a *Arguments) UnmarshalConfig(n *config.Node) {
	if n.Kind() != config.Mapping {
		n.Problemf("NAME: task", "must be a section of keys, one for each argument")
		return
	}
	for _, p := range n.Pairs() {
		arg := Argument{Path: p.Name, at: p.Node}
		switch p.Node.Kind() {
		case config.Scalar:
			word := p.Node.String()
			switch {
			case word == ignore:
				arg.Ignore = true
			case slices.Contains(Roles(), Role(word)):
				arg.Role = Role(word)
			default:
				p.Node.Problemf(`for a constant write {value: "…"}`, "must be one of task, reference, message, solution, author, status, ignore")
				continue
			}
		case config.Mapping:
			if !arg.long(p.Node) {
				continue
			}
		default:
			p.Node.Problemf("NAME: task", "has no value")
			continue
		}
		*a = append(*a, arg)
	}
}

// long reads the long form; it reports whether there is something to go on with.
func (a *Argument) long(n *config.Node) bool {
	var f argumentForm
	config.Decode(n, &f)
	a.Role, a.Secret, a.Hash = Role(f.Role), f.Secret, f.Hash
	a.OmitIfEmpty, a.Limit, a.Over = f.OmitIfEmpty, f.Limit, Over(f.Over)
	var given []string
	for _, k := range []string{"role", "value", "secret", "hash"} {
		if n.Key(k).Exists() {
			given = append(given, k)
		}
	}
	if len(given) != 1 {
		n.Problemf("", "needs exactly one of role, value, secret, hash")
		return false
	}
	if f.Value != nil {
		if f.Value.Kind() != config.Scalar {
			f.Value.Problemf("", "must be a single value")
			return false
		}
		v := f.Value.String()
		a.Value = &v
	}
	text := a.Role == Message || a.Role == Solution
	switch {
	case n.Key("limit").Exists() && !text:
		n.Key("limit").Problemf("", "only a message or solution has a limit")
	case n.Key("limit").Exists() && a.Limit < minLimit:
		n.Key("limit").Problemf("", "must be at least %d", minLimit)
	case a.Over != "" && a.Limit == 0:
		n.Key("over").Problemf("add limit", "means nothing without a limit")
	}
	return true
}

// ConfigSchema describes the arguments.
func (Arguments) ConfigSchema() map[string]any {
	words := []any{ignore}
	for _, r := range Roles() {
		words = append(words, string(r))
	}
	return map[string]any{
		"type": "object", "minProperties": 1,
		"additionalProperties": map[string]any{"anyOf": []any{
			map[string]any{"enum": words},
			config.Schema(argumentForm{}),
		}},
	}
}

// findings collects what is wrong between binding and description.
type findings []Finding

// A Finding is one thing in which a binding and a description do not fit.
type Finding struct {
	Kind bridge.Kind // the operation
	Path string      // the argument, "" if it is about the operation
	Msg  string
	Hint string
	at   *config.Node
}

// String says the finding in one line, as the console shows it.
func (f Finding) String() string { return fmt.Sprintf("%s: %s", f.Kind, f.Msg) }

// Problem returns the finding as a problem of the config that the binding was read from; at is where
// it is shown if the binding was not read from one.
func (f Finding) Problem(at *config.Node) config.Problem {
	if f.at != nil {
		at = f.at
	}
	return Problem(at, f.Hint, f.Msg)
}

// Problem makes a problem of the config at n. It is not collected in the document: the config as such
// is in order.
func Problem(n *config.Node, hint, msg string) config.Problem {
	line, col := n.Pos()
	return config.Problem{File: n.File(), Line: line, Col: col, Path: n.Path(), Msg: secret.Mask(msg), Hint: secret.Mask(hint)}
}

func list[T ~string](all []T) string {
	s := make([]string, len(all))
	for i, a := range all {
		s[i] = string(a)
	}
	return strings.Join(s, ", ")
}
