package mailprovider

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/mailout"
	"github.com/pergabridge/pergabridge/bridge/mapping"
)

// Headers of our mail beside the usual ones.
const (
	HeaderBridge = "X-Pergabridge"       // our domain: what came back is recognised
	HeaderKind   = "X-Pergabridge-Kind"  // kind of event
	HeaderEvent  = "X-Pergabridge-Event" // its id
)

// words are the defaults of a kind of event.
type words struct{ intro, status string }

func defaults(e *bridge.Event) words {
	switch e.Kind {
	case bridge.Submit:
		switch e.Mode {
		case bridge.ModeContinue:
			return words{"This task has been assigned to you again. Your ticket goes on.", "Assigned again"}
		case bridge.ModeReopen:
			return words{"This task has been assigned to you again, after it had been resolved or closed. Please open your ticket again.", "Reopened"}
		}
		return words{"A new task has been assigned to you. Please open a ticket and answer with its number.", "New"}
	case bridge.RejectSolution:
		return words{"The user has declined the solution. Please open your ticket again.", "Solution declined"}
	case bridge.Close:
		return words{"The task has been closed. Please close your ticket.", "Closed"}
	}
	return words{"There is a new message on your task.", "Updated"}
}

var (
	standardSubject = must(mapping.ParseText(`${event.title == "" ? "Task" : event.title} (task ${event.task})`))
	standardMessage = must(mapping.ParseText(`${event.text}`))
	submitMessage   = must(mapping.ParseText(`${event.text != "" && event.description != "" ? event.text + "\n\n" + event.description : event.text + event.description}`))
)

// notAttached stands above the names of files that do not go out.
const notAttached = "Not attached to this mail. "

const standardOutro = "To answer, reply to this mail and write above it. Your text becomes a message on the task.\n" +
	"To say more, begin lines with tags: "

func must(t mapping.Text, err error) mapping.Text {
	if err != nil {
		panic(err)
	}
	return t
}

// A tag line of a mail.
type line struct{ label, value string }

var errNoTask = errors.New("the event names no task")

// letter makes the mail about a leased event, with the files that go with it and the names of those
// that do not.
func (d *Destination) letter(l *bridge.Lease, give, name []bridge.File) (mailout.Letter, error) {
	e := &l.Event
	var out mailout.Letter
	if e.Task == "" {
		return out, errNoTask
	}
	t := d.config.Send.by(e.Kind)
	env := d.config.Tables.Env(mapping.LeaseEnv(*l))
	eval := func(what string, text, standard mapping.Text, escape func(string) string) (string, error) {
		if text.IsZero() {
			text = standard
		}
		s, err := text.Escaped(env, escape)
		if err != nil {
			return "", fmt.Errorf("send.%s.%s: %w", e.Kind, what, err)
		}
		return s, nil
	}
	var p parts
	var err error
	if out.Subject, err = eval("subject", t.Subject, standardSubject, nil); err != nil {
		return out, err
	}
	standard := standardMessage
	if e.Kind == bridge.Submit {
		standard = submitMessage
	}
	if p.message, err = eval("message", t.Message, standard, nil); err != nil {
		return out, err
	}
	if list := files.List(name); list != "" {
		p.message = strings.TrimSpace(p.message + "\n\n" + notAttached + list)
	}
	out.Files = give
	std := defaults(e)
	if p.intro, err = eval("intro", t.Intro, literal(std.intro), d.marks.Escape); err != nil {
		return out, err
	}
	outro := standardOutro + "Reference, Status (solved), Solution: " + d.marks.Escape(d.marks.Write(mailmark.Solution, "…"))
	if p.outro, err = eval("outro", t.Outro, literal(outro), d.marks.Escape); err != nil {
		return out, err
	}
	if p.tags, err = d.tags(l, t, std, env); err != nil {
		return out, err
	}
	if !t.Text.IsZero() {
		if p.text, err = eval("text", t.Text, t.Text, d.marks.EscapeIn); err != nil {
			return out, err
		}
	}
	if !t.HTML.IsZero() {
		if p.html, err = eval("html", t.HTML, t.HTML, func(s string) string { return mapping.TextToHTML(d.marks.EscapeIn(s)) }); err != nil {
			return out, err
		}
	}
	out.Text = p.plain(d.marks)
	if d.config.HTML == nil || *d.config.HTML {
		out.HTML = p.rich(d.marks)
	}
	d.address(l, &out)
	return out, nil
}

// literal makes a text that is not a template.
func literal(s string) mapping.Text {
	return must(mapping.ParseText(strings.ReplaceAll(s, "${", "$${")))
}

// tags lists the tags of the mail, the user's message aside.
func (d *Destination) tags(l *bridge.Lease, t *Template, std words, env map[string]any) ([]line, error) {
	e := &l.Event
	status := t.Status
	if status == "" {
		status = std.status
	}
	reference := l.Bond.Reference
	if reference == "" {
		reference = e.Reference
	}
	list := []line{{mailmark.Task, e.Task}, {mailmark.Ticket, e.Ticket}, {mailmark.Reference, reference}, {mailmark.Status, status}, {mailmark.Author, e.Author}}
	if e.Kind == bridge.Submit {
		who := strings.TrimSpace(e.Requester.Name + " " + angled(e.Requester.Email))
		list = append(list, line{"Title", e.Title}, line{"Priority", e.Priority}, line{"Requester", who})
	}
	labels := make([]string, 0, len(d.config.Tags))
	for label := range d.config.Tags {
		labels = append(labels, label)
	}
	sort.Strings(labels)
	for _, label := range labels {
		v, err := d.config.Tags[label].Eval(env)
		if err != nil {
			return nil, fmt.Errorf("tags.%s: %w", label, err)
		}
		list = append(list, line{label, v})
	}
	out := list[:0]
	for _, x := range list {
		if strings.TrimSpace(x.value) != "" {
			out = append(out, x)
		}
	}
	return out, nil
}

func angled(email string) string {
	if email == "" {
		return ""
	}
	return "<" + email + ">"
}

// parts are what a mail is made of.
type parts struct {
	intro, message, outro string
	text, html            string // whole templates
	tags                  []line
}

func (p *parts) block(m *mailmark.Marks) string {
	var b []string
	for _, t := range p.tags {
		b = append(b, m.Write(t.label, t.value))
	}
	return strings.Join(b, "\n")
}

func (p *parts) plain(m *mailmark.Marks) string {
	if p.text != "" {
		if !strings.Contains(p.text, mailmark.Place) {
			return p.text + "\n\n" + p.block(m)
		}
		return strings.Replace(p.text, mailmark.Place, p.block(m), 1)
	}
	list := []string{p.intro, p.block(m)}
	if strings.TrimSpace(p.message) != "" {
		list = append(list, m.Write(mailmark.Message, p.message))
	}
	if p.outro != "" {
		list = append(list, "-- \n"+p.outro) // below the signature mark, so that a message tag ends there
	}
	return join(list, "\n\n") + "\n"
}

func (p *parts) rich(m *mailmark.Marks) string {
	block := mapping.TextToHTML(p.block(m))
	if p.html != "" {
		if !strings.Contains(p.html, mailmark.Place) {
			return p.html + "<p>" + block + "</p>"
		}
		return strings.Replace(p.html, mailmark.Place, block, 1)
	}
	if p.text != "" {
		return "" // a text of one's own without HTML: plain text only
	}
	list := []string{paragraph(p.intro), "<p style=\"font-family:monospace\">" + block + "</p>"}
	if strings.TrimSpace(p.message) != "" {
		list = append(list, paragraph(m.Write(mailmark.Message, p.message)))
	}
	if strings.TrimSpace(p.outro) != "" {
		list = append(list, "<p>-- <br>\n<small>"+mapping.TextToHTML(p.outro)+"</small></p>")
	}
	return "<!DOCTYPE html>\n<html><body>\n" + join(list, "\n") + "\n</body></html>\n"
}

func paragraph(s string) string {
	if strings.TrimSpace(s) == "" {
		return ""
	}
	return "<p>" + mapping.TextToHTML(s) + "</p>"
}

func join(list []string, sep string) string {
	var out []string
	for _, s := range list {
		if strings.TrimSpace(s) != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, sep)
}

// address fills in whom the mail is from and to, and what it belongs to.
func (d *Destination) address(l *bridge.Lease, out *mailout.Letter) {
	e := &l.Event
	out.From, out.To, out.Cc = d.config.From, d.config.To, d.config.Cc
	out.ReplyTo = d.config.ReplyTo
	if out.ReplyTo == "" {
		out.ReplyTo = d.config.From
	}
	if d.config.PlusAddress == nil || *d.config.PlusAddress {
		out.ReplyTo = d.marks.ReplyAddress(mailout.Bare(out.ReplyTo), e.Provider, e.Task)
	}
	if d.config.SubjectToken {
		room := mailout.MaxSubject - len(d.marks.SubjectToken(e.Provider, e.Task)) - 1
		out.Subject = mapping.Truncate(out.Subject, max(0, room)) + " " + d.marks.SubjectToken(e.Provider, e.Task)
	}
	out.MessageID = d.marks.MessageID(e.Provider, e.Task, e.ID)
	if first := l.Bond.Submit; first != "" && first != e.ID {
		id := d.marks.MessageID(e.Provider, e.Task, first)
		out.InReplyTo, out.References = id, []string{id}
	}
	out.Header = map[string]string{
		"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply",
		HeaderBridge: d.marks.Domain(), HeaderKind: string(e.Kind), HeaderEvent: e.ID,
	}
	out.Date = d.now()
}
