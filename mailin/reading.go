package mailin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/mailin/message"
)

// Ways in which the task of a mail was found, strongest first.
const (
	ByMessageID = "message_id" // it answers a mail of ours
	ByToken     = "token"      // our signed token is in the address it was sent to, or in its subject
	ByTag       = "tag"        // it names the task or the reference in a tag
	ByPattern   = "pattern"    // the provider's reference pattern is in subject or text
)

// Ignored as kind of a [Reading]: nothing follows from the mail.
const Ignored = "ignore"

// A Reading is what a mail means.
type Reading struct {
	Provider  string
	Task      string
	Reference string
	Found     string // how; "" if neither task nor reference is known
	Kind      string // kind of event, Ignored, or "" when a person has to decide
	Else      string // with kind open: what it is where the ticket is known
	Text      string // what becomes the text of the event
	Author    string
	// Quarantine and Why tell why a person has to decide; Why also why a mail is ignored.
	Quarantine bridge.Reason
	Reason     bridge.Reason // why a mail is ignored, in one word
	Why        string
	Fields     map[string]any
	Bounced    string    // event whose mail did not arrive
	BouncedAt  time.Time // when that mail was written, if the report tells

	Message *message.Message // nil when it is unreadable
	Split   message.Text
	Tags    mailmark.Parsed // of the new text

	automatic message.Automatic
	trusted   *Attached
	attached  *Attached
}

// read turns a raw mail into a reading. It does no I/O and depends on nothing but its input and the
// config.
func (r *Reader) read(box *Mailbox, raw []byte) *Reading {
	x := &Reading{Provider: box.standard()}
	m, err := message.Parse(raw)
	if err != nil {
		return x.hold(bridge.Unreadable, "neither reader understands this mail: "+strings.TrimPrefix(err.Error(), "message: unreadable: "))
	}
	x.Message = m
	x.Author = m.From.String()
	if r.marks.Own(m.ID) || own(m, r.marks) {
		return x.ignore("our own mail came back")
	}
	var why string
	x.automatic, why = m.Automatic()
	if x.automatic == message.Bounce {
		return r.report(box, x)
	}
	x.Split = message.Split(m.Text, r.marks.IsTag)
	x.Tags = r.marks.Parse(x.Split.New)
	if foreign(m, r.marks) {
		x.automatic, why = message.Replied, "another bridge wrote it"
	}
	if !r.identify(box, x) {
		if x.automatic != message.ByPerson && x.Quarantine == bridge.NoRule && x.Found == "" {
			return x.ignore(why + ", and nothing tells which task is meant")
		}
		if x.Kind == "" {
			x.Kind = string(bridge.Update) // for the person who assigns it
			x.fill(box)
		}
		return x
	}
	if m.Encrypted {
		return x.hold(bridge.Unreadable, "the mail is encrypted; ask the sender to write to this mailbox without encryption")
	}
	return r.decide(box, x, why)
}

// HeaderName marks every mail that a bridge writes; its value is the bridge's domain.
const HeaderName = "X-Pergabridge"

func own(m *message.Message, marks *mailmark.Marks) bool {
	v := strings.TrimSpace(m.Header.Get(HeaderName))
	return v != "" && strings.EqualFold(v, marks.Domain())
}

// foreign reports whether another bridge wrote the mail. Its header is the first sign; gateways drop that and
// leave the ids, from which answers are known.
func foreign(m *message.Message, marks *mailmark.Marks) bool {
	if m.Header.Has(HeaderName) || mailmark.BridgeID(m.ID) {
		return true
	}
	if !mailmark.BridgeAddress(m.ReplyTo.Email) {
		return false
	}
	_, ours := marks.ReadAddress(m.ReplyTo.Email) // a ticket system may keep it when it passes our mail on
	return !ours
}

func (x *Reading) hold(why bridge.Reason, detail string) *Reading {
	x.Quarantine, x.Why = why, detail
	return x
}

// ignore leaves a mail that no person wrote.
func (x *Reading) ignore(why string) *Reading { return x.leave(bridge.Automatic, why) }

// leave says that nothing follows from a mail.
func (x *Reading) leave(reason bridge.Reason, why string) *Reading {
	x.Kind, x.Quarantine, x.Reason, x.Why = Ignored, "", reason, why
	return x
}

// report reads a delivery report. One about a mail of ours that did not arrive names the event: that is
// done in our books, and is not on the other side.
func (r *Reader) report(box *Mailbox, x *Reading) *Reading {
	rep := x.Message.Report
	for _, id := range rep.Original {
		k, ok := r.marks.ReadMessageID(id)
		if !ok {
			k, ok = r.marks.ReadSSPMessageID(id)
		}
		switch attached := ok && box.Providers[k.Provider] != nil; {
		case !attached && ok && rep.Failed():
			return x.hold(bridge.NoRule, fmt.Sprintf("the mail about event %s of task %s was not delivered, but its provider %s is not attached to this mailbox: attach it, and read this report again",
				k.Event, k.Task, k.Provider))
		case !attached:
			continue
		}
		x.Provider, x.Task, x.Found = k.Provider, k.Task, ByMessageID
		switch {
		case rep.Action == "partial":
			return x.ignore(strings.TrimSpace(fmt.Sprintf("delivery report: the mail about event %s of task %s did not reach %s, but it is only a copy, or another addressee has it: %s %s",
				k.Event, k.Task, orUnknown(rep.Recipient), rep.Status, rep.Reason)))
		case !rep.Failed():
			return x.ignore("delivery report: " + rep.Action)
		}
		x.Bounced, x.BouncedAt = k.Event, rep.Written
		return x.ignore(strings.TrimSpace(fmt.Sprintf("the mail about event %s of task %s was not delivered to %s: %s %s",
			k.Event, k.Task, orUnknown(rep.Recipient), rep.Status, rep.Reason)))
	}
	return x.ignore("delivery report (" + rep.Action + ") about a mail that is not ours")
}

func orUnknown(s string) string {
	if s == "" {
		return "its recipient"
	}
	return s
}

// marked returns the different tasks that marks name.
func marked(marks []mailmark.Mark) []mailmark.Mark {
	var out []mailmark.Mark
	for _, k := range marks {
		k.Event = ""
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// identify finds out which provider, task and reference are meant; false means that it cannot, and
// that x says why.
func (r *Reader) identify(box *Mailbox, x *Reading) bool {
	m := x.Message
	var senders []string
	for name, a := range box.sorted() {
		if a.trusts(m) {
			senders = append(senders, name)
		}
	}
	k, found, ok := r.strong(x)
	if !ok {
		return false
	}
	if found != "" {
		x.attached = box.Providers[k.Provider]
		if x.attached == nil {
			x.hold(bridge.NoRule, fmt.Sprintf("it answers a mail to %s about task %s, but %s is not attached to this mailbox", k.Provider, k.Task, k.Provider))
			return false
		}
		x.Provider, x.Task, x.Found = k.Provider, k.Task, found
		if slices.Contains(senders, k.Provider) {
			x.trusted = x.attached
		}
		return r.names(x)
	}
	if task, ok := r.answersSSP(m); ok {
		x.outsider(box, fmt.Sprintf("it answers a mail of ours to SSP about task %s: SSP's side wrote it, not a provider; what is written in SSP comes by its process calls", task))
		return false
	}
	switch {
	case len(senders) == 0:
		x.stranger(box)
		return false
	case len(senders) > 1:
		if senders = r.narrow(box, x, senders); len(senders) > 1 {
			x.hold(bridge.NoRule, "the sender may write for "+strings.Join(senders, " and ")+", and nothing tells for which")
			return false
		}
	}
	x.Provider = senders[0]
	x.attached = box.Providers[x.Provider]
	x.trusted = x.attached
	if !r.names(x) {
		return false
	}
	if x.Task == "" && x.Reference == "" {
		x.hold(bridge.NoRule, "nothing tells which task is meant: it answers no mail of ours and holds no token, no reference of "+x.Provider+" and no tag with a task or a reference (a placeholder such as {TaskId} is none)")
		return false
	}
	return true
}

// narrow keeps those of several possible providers whose reference pattern is in the mail.
func (r *Reader) narrow(box *Mailbox, x *Reading, senders []string) []string {
	var fits []string
	for _, name := range senders {
		if ref, several := box.Providers[name].pattern(x, true); ref != "" || several != nil {
			fits = append(fits, name)
		}
	}
	if len(fits) > 0 {
		return fits
	}
	return senders
}

// stranger decides on a mail of somebody whom no provider knows.
func (x *Reading) stranger(box *Mailbox) {
	why := "nobody whom a provider of this mailbox lists under senders wrote it, and it does not answer a mail of ours"
	for _, a := range box.Providers {
		if a.Verify != nil && a.Senders.Match(x.Message.From) {
			why = "the sender is listed, but " + a.Verify.Server + " has not recorded that it passed " + a.Verify.Require
		}
	}
	x.outsider(box, why)
}

// outsider leaves a mail that no provider wrote, as the config wants it.
func (x *Reading) outsider(box *Mailbox, why string) {
	if box.Strangers == "ignore" {
		x.leave(bridge.IgnoredByRule, why)
		return
	}
	x.hold(bridge.NoRule, why)
}

// answersSSP reports whether a mail answers one of ours to SSP, and which task that was about.
func (r *Reader) answersSSP(m *message.Message) (task string, ok bool) {
	list := m.InReplyTo
	if len(list) == 0 {
		list = m.References
	}
	for _, id := range list {
		if k, ok := r.marks.ReadSSPMessageID(id); ok {
			return k.Task, true
		}
	}
	return "", false
}

// strong looks for signed marks. ok is false when they name several tasks.
func (r *Reader) strong(x *Reading) (k mailmark.Mark, found string, ok bool) {
	m := x.Message
	ids := func(list []string) (out []mailmark.Mark) {
		for _, id := range list {
			if k, ok := r.marks.ReadMessageID(id); ok {
				out = append(out, k)
			}
		}
		return marked(out)
	}
	var tokens []mailmark.Mark
	for _, a := range slices.Concat(m.To, m.Cc) {
		if k, ok := r.marks.ReadAddress(a.Email); ok {
			tokens = append(tokens, k)
		}
	}
	for _, h := range []string{"Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To"} {
		for _, v := range m.Header.Values(h) {
			if k, ok := r.marks.ReadAddress(strings.Trim(v, "<> ")); ok {
				tokens = append(tokens, k)
			}
		}
	}
	subject := r.marks.ReadSubject(m.Subject)
	for _, step := range []struct {
		marks []mailmark.Mark
		found string
	}{
		{ids(m.InReplyTo), ByMessageID}, {ids(m.References), ByMessageID}, {marked(tokens), ByToken}, {marked(subject), ByToken},
	} {
		switch len(step.marks) {
		case 0:
		case 1:
			k = step.marks[0]
			for _, other := range slices.Concat(tokens, subject) {
				if other.Task != k.Task { // an old thread, taken up for another task
					x.several([]string{k.Task, other.Task})
					return k, "", false
				}
			}
			return k, step.found, true
		default:
			x.several(tasksOf(step.marks))
			return k, "", false
		}
	}
	return k, "", true
}

func tasksOf(marks []mailmark.Mark) []string {
	var out []string
	for _, k := range marks {
		out = append(out, k.Task)
	}
	return out
}

func (x *Reading) several(tasks []string) {
	x.hold(bridge.NoRule, "one mail can be about one task only; this one names "+strings.Join(tasks, ", "))
}

// names reads task and reference out of tags and patterns, as far as the sender may name them.
func (r *Reader) names(x *Reading) bool {
	strong := x.Task != ""
	tasks := x.Tags.All(mailmark.Task)
	if len(tasks) == 0 && !strong {
		tasks = r.marks.Parse(x.Split.Quoted).All(mailmark.Task)
		for _, f := range x.Message.Forwarded {
			if len(tasks) == 0 {
				tasks = r.marks.Parse(f.Text).All(mailmark.Task)
			}
		}
	}
	if strong && (len(tasks) > 1 || len(tasks) == 1 && !strings.EqualFold(tasks[0], x.Task)) {
		x.several(append([]string{x.Task}, tasks...))
		return false
	}
	if len(tasks) > 1 {
		x.several(tasks)
		return false
	}
	if !strong && len(tasks) == 1 {
		x.Task, x.Found = tasks[0], ByTag
	}
	refs := x.Tags.All(mailmark.Reference)
	if len(refs) > 1 {
		x.hold(bridge.NoRule, "one mail can be about one ticket only; this one names "+strings.Join(refs, ", "))
		return false
	}
	if len(refs) == 1 {
		x.Reference = refs[0]
		if x.Found == "" {
			x.Found = ByTag
		}
		return true
	}
	if x.trusted == nil {
		return true
	}
	// An absence note may hold any number in its text; its subject repeats ours.
	ref, several := x.trusted.pattern(x, x.automatic != message.Replied)
	if len(several) > 1 && x.Found == "" {
		x.hold(bridge.NoRule, "it holds several references, and nothing tells which is meant: "+strings.Join(several, ", "))
		return false
	}
	if ref != "" {
		x.Reference = ref
		if x.Found == "" {
			x.Found = ByPattern
		}
	}
	return true
}

// pattern looks for the provider's reference, in the subject first. Several are no answer.
func (a *Attached) pattern(x *Reading, text bool) (ref string, several []string) {
	if ref, several = a.patternIn(x.Message.Subject); ref != "" || several != nil || !text {
		return ref, several
	}
	return a.patternIn(x.Split.New)
}

func (a *Attached) patternIn(text string) (ref string, several []string) {
	for _, p := range a.Reference {
		switch got := p.find(text); len(got) {
		case 0:
		case 1:
			return got[0], nil
		default:
			several = got
		}
	}
	return "", several
}

// key is the sender's id of the mail, the same wherever and however often it is read.
func (x *Reading) key(raw []byte) string {
	switch m := x.Message; {
	case m == nil:
		sum := sha256.Sum256(raw)
		return "mail-raw:" + hex.EncodeToString(sum[:])
	case m.ID != "" && len(m.ID) <= 400:
		return "mail:" + m.ID
	default:
		h := sha256.New()
		for _, s := range []string{m.ID, m.From.Email, m.Date.UTC().Format(time.RFC3339), m.Subject, m.Text} {
			h.Write([]byte(s + "\x00"))
		}
		for _, a := range m.Attachments {
			h.Write([]byte(a.SHA256))
		}
		return "mail-hash:" + hex.EncodeToString(h.Sum(nil))
	}
}

// Thread identifies what a mail belongs to, for the brake.
func (x *Reading) Thread() string {
	switch {
	case x.Task != "":
		return x.Provider + "/" + x.Task
	case x.Reference != "":
		return x.Provider + "/ref/" + strings.ToLower(x.Reference)
	case x.Message != nil && len(x.Message.References) > 0:
		return "thread/" + x.Message.References[0]
	case x.Message != nil:
		return "from/" + strings.ToLower(x.Message.From.Email)
	}
	return "unreadable"
}

// fields returns what the event carries beside its text.
func (x *Reading) fields() map[string]any {
	out := map[string]any{}
	for _, t := range x.Tags.Tags {
		if t.Name == "" || t.Name == mailmark.Status {
			out[t.Label] = t.Value
		}
	}
	maps.Copy(out, x.Fields)
	m := x.Message
	if m == nil {
		return out
	}
	info := map[string]any{"message_id": m.ID, "subject": m.Subject, "from": m.From.Email}
	if m.From.Name != "" {
		info["from_name"] = m.From.Name
	}
	if !m.Date.IsZero() {
		info["date"] = m.Date.UTC().Format(time.RFC3339)
	}
	if x.Found != "" {
		info["found_by"] = x.Found
	}
	if x.automatic != message.ByPerson {
		info["automatic"] = string(x.automatic)
	}
	if len(m.Defects) > 0 {
		info["defects"] = anyList(m.Defects)
	}
	if len(m.Attachments) > 0 {
		info["attachments"] = bridge.FileField(filesOf(m))
	}
	out["mail"] = info
	return out
}

func anyList(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}
