package mailin

import (
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/mailin/message"
)

// decide says what a mail is whose task is known.
func (r *Reader) decide(box *Mailbox, x *Reading, why string) *Reading {
	if done := x.guard(why); done {
		return x
	}
	env := r.env(x)
	for i := range x.attached.Rules {
		rule := &x.attached.Rules[i]
		fits, err := rule.fits(env)
		if err == nil && fits {
			err = rule.apply(x, env)
		}
		if err != nil {
			x.Kind = string(bridge.Update)
			x.fill(box)
			name := rule.Name
			if name == "" {
				name = fmt.Sprint(i + 1)
			}
			return x.hold(bridge.RuleFailed, fmt.Sprintf("rule %s: %v", name, err))
		}
		if fits {
			return x.finish(box, "rule")
		}
	}
	status := x.Tags.Get(mailmark.Status)
	switch kind := x.attached.status(status); {
	case kind != "" && !(kind == string(bridge.Acknowledge) && x.hasText()):
		x.Kind = kind
	case x.Tags.Get(mailmark.Solution) != "":
		x.Kind = string(bridge.Resolve)
	case x.Tags.Get(mailmark.Message) != "":
		x.Kind = string(bridge.Update)
	case !x.hasText() && x.Reference != "":
		x.Kind = string(bridge.Acknowledge)
	default:
		x.Kind = x.attached.Untagged
		if x.Kind == "" {
			x.Kind = string(bridge.Update)
		}
	}
	return x.finish(box, "untagged")
}

// guard is the loop guard: what nobody wrote is good for little. It reports whether the mail is
// dealt with.
func (x *Reading) guard(why string) bool {
	tagged := len(x.Tags.Tags) > 0 && x.trusted != nil
	mode := x.attached.Automatic
	switch {
	case x.automatic == message.ByPerson:
		return false
	case mode == "ignore":
		x.ignore(why)
		return true
	case x.automatic != message.Replied && (mode == "read" || tagged):
		return false
	case x.Reference != "":
		x.Kind, x.Text = string(bridge.Acknowledge), "" // a number may come from a machine, a text may not
		return true
	}
	x.ignore(why)
	return true
}

func (x *Reading) hasText() bool {
	return strings.TrimSpace(x.Tags.Rest) != "" || x.Tags.Get(mailmark.Message) != "" || x.Tags.Get(mailmark.Solution) != ""
}

// finish fills in what follows from the kind.
func (x *Reading) finish(box *Mailbox, by string) *Reading {
	switch x.Kind {
	case Ignored:
		return x.leave(bridge.IgnoredByRule, "the mail is to be ignored ("+by+")")
	case "quarantine":
		x.Kind = string(bridge.Update)
		x.fill(box)
		return x.hold(bridge.NoRule, "the config keeps such mail for a person ("+by+")")
	case string(bridge.Acknowledge):
		if x.Reference == "" {
			return x.leave(bridge.IgnoredByRule, "an acknowledgement without a reference says nothing new")
		}
		x.Text = ""
		return x
	}
	x.fill(box)
	if x.Kind == string(bridge.Open) {
		return x.opening()
	}
	if x.Text == "" && x.Kind == string(bridge.Update) {
		if x.Reference != "" {
			x.Kind = string(bridge.Acknowledge)
			return x
		}
		return x.hold(bridge.NoRule, "the mail has no text of its own: everything in it is quoted, signature or footer")
	}
	return x
}

// opening makes a mail a new ticket, or what else it says where the ticket is known.
func (x *Reading) opening() *Reading {
	x.Else = string(bridge.Update)
	if x.Tags.Get(mailmark.Solution) != "" {
		x.Else = string(bridge.Resolve)
	}
	switch {
	case x.Text == "":
		x.Else = "" // nothing is written but the number
	case x.Reference == "":
		x.Kind, x.Else = x.Else, "" // it answers a mail of ours: its task is known
	}
	return x
}

// fill makes the text: what the tags say, else what is new, with what came along.
func (x *Reading) fill(*Mailbox) {
	if a := x.Tags.Get(mailmark.Author); a != "" {
		x.Author = a
	}
	if x.Text == "" {
		var parts []string
		for _, p := range []string{x.Tags.Get(mailmark.Message), x.Tags.Get(mailmark.Solution)} {
			if p != "" {
				parts = append(parts, p)
			}
		}
		if parts == nil && x.Tags.Rest != "" {
			parts = []string{x.Tags.Rest}
		}
		if parts == nil {
			parts = x.inside()
		}
		for _, c := range x.Message.Calendar {
			parts = append(parts, strings.TrimSpace(fmt.Sprintf("Calendar (%s): %s %s", orWord(c.Method, "entry"), c.Summary, c.Start)))
		}
		x.Text = strings.Join(parts, "\n\n")
	}
	if x.attached == nil || x.attached.Files != "none" {
		if l := files.List(filesOf(x.Message)); l != "" {
			x.Text = strings.TrimSpace(x.Text + "\n\n" + l)
		}
	}
}

// inside returns the text of a forwarded message when nothing was written above it.
func (x *Reading) inside() []string {
	for _, f := range x.Message.Forwarded {
		if t := message.Split(f.Text, nil).New; t != "" {
			return []string{fmt.Sprintf("Forwarded from %s: %s\n%s", f.From, f.Subject, t)}
		}
	}
	return nil
}

func orWord(s, other string) string {
	if s == "" {
		return other
	}
	return strings.ToLower(s)
}

func (rule *Rule) fits(env map[string]any) (bool, error) {
	if rule.When.IsZero() {
		return true, nil
	}
	ok, err := rule.When.Bool(env)
	if err != nil {
		return false, fmt.Errorf("when: %w", err)
	}
	return ok, nil
}

func (rule *Rule) apply(x *Reading, env map[string]any) error {
	x.Kind = rule.Kind
	ref, err := rule.Reference.String(env)
	if err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	if ref = strings.TrimSpace(ref); ref != "" {
		x.Reference = ref
	}
	if x.Text, err = rule.Text.String(env); err != nil {
		return fmt.Errorf("text: %w", err)
	}
	author, err := rule.Author.String(env)
	if err != nil {
		return fmt.Errorf("author: %w", err)
	}
	if author != "" {
		x.Author = author
	}
	for k, e := range rule.Fields {
		v, err := e.Value(env)
		if err != nil {
			return fmt.Errorf("fields.%s: %w", k, err)
		}
		if v != nil {
			if x.Fields == nil {
				x.Fields = map[string]any{}
			}
			x.Fields[k] = v
		}
	}
	return nil
}

// env is what the expressions of rules see.
func (r *Reader) env(x *Reading) map[string]any {
	m := x.Message
	tags := map[string]any{}
	for _, t := range x.Tags.Tags {
		name := t.Name
		if name == "" {
			name = strings.ToLower(t.Label)
		}
		if _, there := tags[name]; !there {
			tags[name] = t.Value
		}
	}
	to := []any{}
	for _, a := range m.To {
		to = append(to, strings.ToLower(a.Email))
	}
	forwarded := []any{}
	for _, f := range m.Forwarded {
		forwarded = append(forwarded, map[string]any{"subject": f.Subject, "from": f.From.Email, "text": f.Text})
	}
	return map[string]any{
		"header": m.Header.Map(),
		"body": map[string]any{
			"subject": m.Subject, "from": map[string]any{"name": m.From.Name, "email": strings.ToLower(m.From.Email), "domain": m.From.Domain()}, "to": to,
			"text": x.Split.New, "untagged": x.Tags.Rest, "whole": m.Text, "quoted": x.Split.Quoted, "signature": x.Split.Signature, "tags": tags,
			"status": x.Tags.Get(mailmark.Status), "message": x.Tags.Get(mailmark.Message), "solution": x.Tags.Get(mailmark.Solution),
			"author": x.Author, "task": x.Task, "reference": x.Reference, "found": x.Found, "automatic": string(x.automatic),
			"trusted": x.trusted != nil, "html": m.FromHTML, "attachments": bridge.FileField(filesOf(m)), "forwarded": forwarded, "calendar": len(m.Calendar) > 0,
		},
	}
}
