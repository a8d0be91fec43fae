package soap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
)

// VerifyOptions are what a first contact with an SSP needs.
type VerifyOptions struct {
	Config Config
	// Task is the test task that is written to.
	Task string
	// Reference and Message are what is written; empty: something that names the time.
	Reference, Message string
	// DryRun shows what would be sent. SSP's description is read all the same.
	DryRun bool
	// Yes sends without asking. Nobody has looked then, so nothing is confirmed.
	Yes bool

	Out io.Writer // what is said while it goes on; nil: nothing
	// Ask puts a question to the operator; nil: there is nobody to answer.
	Ask func(ctx context.Context, question string) (bool, error)
	Now func() time.Time

	Outbound outbound.Options
}

// A Verification is what came of a first contact.
type Verification struct {
	Contract ContractState `json:"contract"`
	Task     string        `json:"task"`
	Steps    []VerifyStep  `json:"steps"`
	// Confirmed: a person has seen in SSP what was sent.
	Confirmed bool `json:"confirmed"`
	// Fingerprint is what to write as ssp.fingerprint; only once confirmed.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// A VerifyStep is one call.
type VerifyStep struct {
	Kind    bridge.Kind        `json:"kind"`
	Request string             `json:"request"` // as it goes over the wire, secrets masked
	Sent    bool               `json:"sent"`
	Outcome bridge.OutcomeKind `json:"outcome,omitempty"`
	Status  int                `json:"status,omitempty"`
	Detail  string             `json:"detail,omitempty"`
	Answer  string             `json:"answer,omitempty"`
	Seen    *bool              `json:"seen,omitempty"` // what the operator says
}

// ErrNotVerified is in the chain of errors of a first contact that did not end well.
var ErrNotVerified = errors.New("not verified")

// Verify makes the first contact with an SSP: it reads the description, sets a reference on a test
// task and adds a message to it, shows exactly what was sent and what came back, and asks the operator
// what SSP shows now. It never resolves the task. A fingerprint in the config is not looked at: this
// is where it comes from.
func Verify(ctx context.Context, o VerifyOptions) (*Verification, error) {
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if strings.TrimSpace(o.Task) == "" {
		return nil, errors.New("ssp: verify needs the id of a test task")
	}
	stamp := o.Now().UTC().Format("20060102-150405")
	o.Reference, o.Message = or(o.Reference, "TEST-"+stamp), or(o.Message, "Test message of Pergabridge, "+stamp+": é ü ß & < > \" '")
	conf := o.Config
	conf.Fingerprint = ""
	d, err := New(conf, Deps{Now: o.Now, Log: o.Outbound.Log, Outbound: o.Outbound})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	v := &verifier{VerifyOptions: o, d: d, out: &Verification{Task: o.Task}}
	return v.out, v.run(ctx)
}

type verifier struct {
	VerifyOptions
	d   *Destination
	out *Verification
}

func (v *verifier) say(format string, args ...any) { fmt.Fprintf(v.Out, format+"\n", args...) }

func (v *verifier) failed(format string, args ...any) error {
	return fmt.Errorf("ssp: %w: %s", ErrNotVerified, fmt.Sprintf(format, args...))
}

func (v *verifier) run(ctx context.Context) error {
	v.say("1. The contract")
	state, err := v.d.CheckContract(ctx)
	if err != nil {
		return err
	}
	v.out.Contract = state
	v.say("   %s", state)
	if state.Fingerprint != "" {
		v.say("   fingerprint %s", state.Fingerprint)
	}
	if !state.Open() {
		return v.failed("%s", strings.Join(state.Problems, "; "))
	}

	leases := []bridge.Lease{
		v.lease(bridge.Acknowledge, ""),
		v.lease(bridge.Update, v.Message),
		v.lease(bridge.Resolve, v.Message),
	}
	v.say("\n2. What is sent to task %s", v.Task)
	for _, l := range leases {
		shown, err := v.d.Render(l)
		if err != nil {
			return err
		}
		v.say("\n   %s%s\n%s", l.Event.Kind, map[bool]string{true: " (is not sent: it would end the task)"}[l.Event.Kind == bridge.Resolve], indent(shown))
		if l.Event.Kind != bridge.Resolve || v.DryRun {
			v.out.Steps = append(v.out.Steps, VerifyStep{Kind: l.Event.Kind, Request: shown})
		}
	}
	if v.DryRun {
		v.say("\nNothing was sent.")
		return nil
	}
	if !v.Yes {
		ok, err := v.ask(ctx, fmt.Sprintf("Send the first two to task %s now? A reference that it has is overwritten.", v.Task))
		if err != nil {
			return err
		}
		if !ok {
			return v.failed("the operator did not want to send")
		}
	}
	v.say("\n3. What came back")
	for i := range v.out.Steps {
		if err := v.send(ctx, &v.out.Steps[i], leases[i]); err != nil {
			return err
		}
	}
	return v.confirm(ctx)
}

func (v *verifier) lease(k bridge.Kind, text string) bridge.Lease {
	return bridge.Lease{
		Event: bridge.Event{ID: bridge.NewID(), Dir: bridge.In, Kind: k, Task: v.Task, Reference: v.Reference, Text: text, Author: "Pergabridge"},
		Bond:  bridge.Bond{Task: v.Task, Reference: v.Reference, State: bridge.BondOpen},
	}
}

// send makes one call and shows what came back.
func (v *verifier) send(ctx context.Context, s *VerifyStep, l bridge.Lease) error {
	o := v.d.Deliver(ctx, l)
	s.Sent, s.Outcome, s.Status, s.Detail, s.Answer = true, o.Kind, o.Status, o.Detail, o.Answer
	v.say("\n   %s: %s (%s)\n%s", s.Kind, o.Kind, o.Detail, indent(or(o.Answer, "(nothing)")))
	if o.Kind != bridge.OutcomeDone {
		return v.failed("%s: %s", s.Kind, o.Detail)
	}
	return nil
}

// confirm asks what SSP shows. A yes of SSP is no proof: it takes arguments that it does not know
// without complaint.
func (v *verifier) confirm(ctx context.Context) error {
	v.say("\n4. What SSP shows")
	if v.Yes {
		v.say("   Nobody was asked (--yes), so nothing is confirmed. Look at task %s: it must show the reference %q and the message.", v.Task, v.Reference)
		return nil
	}
	questions := []string{
		fmt.Sprintf("Open task %s in SSP. Is its external reference number now %q?", v.Task, v.Reference),
		fmt.Sprintf("Does it show, with all its characters, the message %q?", v.Message),
	}
	for i, q := range questions {
		seen, err := v.ask(ctx, q)
		if err != nil {
			return err
		}
		v.out.Steps[i].Seen = &seen
		if !seen {
			return v.failed("SSP took the call (%s) and does not show what it brought: the arguments of ssp.operations.%s are not the right ones", v.out.Steps[i].Kind, v.out.Steps[i].Kind)
		}
	}
	v.out.Confirmed, v.out.Fingerprint = true, v.out.Contract.Fingerprint
	if v.out.Fingerprint == "" {
		v.say("   Confirmed. There is no fingerprint to hold SSP to: the contract is assumed.")
		return nil
	}
	v.say("   Confirmed. Write under ssp:\n\n  fingerprint: %s", v.out.Fingerprint)
	return nil
}

func (v *verifier) ask(ctx context.Context, question string) (bool, error) {
	if v.Ask == nil {
		return false, v.failed("there is nobody to ask; --yes sends without asking, and confirms nothing")
	}
	return v.Ask(ctx, question)
}

func indent(s string) string { return "      " + strings.ReplaceAll(s, "\n", "\n      ") }
