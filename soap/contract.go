package soap

import (
	"fmt"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/soap/binding"
	"github.com/pergabridge/pergabridge/soap/workflow"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// ContractStatus says whether SSP's contract is the one that the calls are made for.
type ContractStatus string

// The contract statuses. Calls are made only with a contract that is bound or assumed.
const (
	ContractUnchecked   ContractStatus = "unchecked"   // nothing was asked for yet
	ContractBound       ContractStatus = "bound"       // SSP's own description has what we send
	ContractAssumed     ContractStatus = "assumed"     // nobody looks; the config says so
	ContractChanged     ContractStatus = "changed"     // the description is another one
	ContractUnreachable ContractStatus = "unreachable" // there is no description to be had
)

// ContractState is what is known of SSP's contract, for readiness, console and verbs.
type ContractState struct {
	Status ContractStatus `json:"status"`
	// Source is the address or file of the description.
	Source string `json:"source,omitempty"`
	// Problems say in words what is in the way. With status bound they say why the last check
	// could not be made.
	Problems []string `json:"problems,omitempty"`
	// Fingerprint is that of the operations in the description, where it has all three.
	Fingerprint string    `json:"fingerprint,omitempty"`
	Checked     time.Time `json:"checked,omitzero"` // last check
	Since       time.Time `json:"since,omitzero"`   // when the status became what it is
	Next        time.Time `json:"next,omitzero"`    // earliest next check
}

// Open reports whether calls are made.
func (s ContractState) Open() bool {
	return s.Status == ContractBound || s.Status == ContractAssumed
}

// Reason returns why calls are not made, "" if they are.
func (s ContractState) Reason() bridge.Reason {
	switch s.Status {
	case ContractBound, ContractAssumed:
		return ""
	case ContractChanged:
		return bridge.ContractChanged
	}
	return bridge.ContractUnreachable
}

// String says the state in one line.
func (s ContractState) String() string {
	text := "contract " + string(s.Status)
	if s.Source != "" {
		text += " (" + s.Source + ")"
	}
	if len(s.Problems) > 0 {
		text += ": " + strings.Join(s.Problems, "; ")
	}
	return text
}

// newBinder returns what a description is held to: the binding in the config, or else the default
// contract; and the fingerprint, if one was confirmed.
func newBinder(c Config) (func(*wsdl.Document) (*binding.Contract, string, []string), error) {
	o := c.bound()
	want, err := expected()
	if err != nil {
		return nil, err
	}
	return func(d *wsdl.Document) (contract *binding.Contract, fingerprint string, problems []string) {
		if o == nil {
			problems = compare(d, want)
			fingerprint = defaultFingerprint(d)
		} else {
			var findings []binding.Finding
			contract, findings = binding.Bind(d, o, wsdl.Version(c.Version))
			fingerprint = contract.Fingerprint
			for _, f := range findings {
				problems = append(problems, f.String())
			}
		}
		if p := changed(c.Fingerprint, fingerprint); p != "" && len(problems) == 0 {
			problems = append(problems, p)
		}
		return contract, fingerprint, problems
	}, nil
}

// changed says that the contract is not the one that was confirmed; empty if it is, or none was.
func changed(confirmed, is string) string {
	if confirmed == "" || confirmed == is {
		return ""
	}
	return fmt.Sprintf("the contract has changed since it was confirmed: its fingerprint is %s, and ssp.fingerprint is %s", or(is, "not known"), confirmed)
}

// defaultFingerprint returns the fingerprint of the operations of the default contract; empty if
// they are not all there.
func defaultFingerprint(d *wsdl.Document) string {
	var ops []wsdl.Operation
	for _, name := range []string{workflow.Acknowledgement, workflow.UpdateMessage, workflow.Reassignment} {
		o, ok := d.Operation(name, wsdl.SOAP11)
		if !ok {
			return ""
		}
		ops = append(ops, o)
	}
	return binding.Fingerprint(ops)
}

// expected returns the operations as we call them.
func expected() ([]wsdl.Operation, error) {
	d, err := wsdl.Read(workflow.WSDL(""), "")
	if err != nil {
		return nil, fmt.Errorf("our own description: %w", err)
	}
	var ops []wsdl.Operation
	for _, name := range []string{workflow.Acknowledgement, workflow.UpdateMessage, workflow.Reassignment} {
		o, ok := d.Operation(name, wsdl.SOAP11)
		if !ok {
			return nil, fmt.Errorf("our own description: no operation %s", name)
		}
		ops = append(ops, o)
	}
	return ops, nil
}

// compare says in words in what d differs from what we call; nothing if the calls fit. Further
// operations do not matter.
func compare(d *wsdl.Document, want []wsdl.Operation) []string {
	var problems []string
	for _, w := range want {
		got, ok := d.Operation(w.Name, wsdl.SOAP11)
		switch {
		case ok:
			for _, p := range differences(got, w) {
				problems = append(problems, w.Name+" "+p)
			}
		case len(d.Imports) > 0:
			problems = append(problems, w.Name+" is not in the document; it may be in "+strings.Join(d.Imports, ", ")+", which was not read")
		default:
			problems = append(problems, w.Name+" is missing")
		}
	}
	return problems
}

func differences(got, want wsdl.Operation) []string {
	var p []string
	add := func(format string, args ...any) { p = append(p, fmt.Sprintf(format, args...)) }
	if got.Style != want.Style || got.Use != want.Use {
		add("is called as %s/%s, expected %s/%s", got.Style, got.Use, want.Style, want.Use)
	}
	if got.Action != want.Action {
		add("has SOAPAction %q, expected %q", got.Action, want.Action)
	}
	if got.Input.Element != want.Input.Element {
		add("is the element %s of namespace %q, expected %s of %q", got.Input.Element.Local, got.Input.Element.Space,
			want.Input.Element.Local, want.Input.Element.Space)
	}
	if got.Input.Odd != "" {
		add("takes a message that cannot be built: %s", got.Input.Odd)
	} else if g, w := arguments(got.Input.Args), arguments(want.Input.Args); g != w {
		add("takes (%s), expected (%s)", g, w)
	} else if got.Input.Args[0].Name.Space != want.Input.Args[0].Name.Space {
		add("takes arguments of namespace %q, expected %q", got.Input.Args[0].Name.Space, want.Input.Args[0].Name.Space)
	}
	if got.Output.Element != want.Output.Element {
		add("answers with the element %s of namespace %q, expected %s of %q", got.Output.Element.Local, got.Output.Element.Space,
			want.Output.Element.Local, want.Output.Element.Space)
	}
	if n := len(got.Output.Args); n > 1 || n == 1 && got.Output.Args[0].Name.Local != want.Output.Args[0].Name.Local {
		add("returns (%s), expected (%s) or nothing", arguments(got.Output.Args), arguments(want.Output.Args))
	}
	return p
}

// arguments writes a list of arguments as people read it: names and types, strings without.
func arguments(args []wsdl.Argument) string {
	all := make([]string, len(args))
	for i, a := range args {
		all[i] = a.Name.Local
		if !a.IsString() {
			all[i] += " " + or(a.Type.Local, "of an unnamed type")
			if a.Max != 1 {
				all[i] += "[]"
			}
		}
	}
	return strings.Join(all, ", ")
}
