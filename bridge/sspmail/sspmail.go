// Package sspmail is the mail route to SSP: acknowledge, update and resolve as tagged mail to a
// mailbox that SSP reads, where its web service cannot be used; and new tickets (open), for which the
// web service has no operation.
//
// A new ticket has no task: its mail holds the provider's reference, which SSP has to keep as its external
// number and hand back with its first process call. That call makes the bond.
//
// SSP's formats for tasks and external numbers are its administrator's; so subject, tags and text are
// configurable, and what stands here as default is our proposal, not SSP's. Mail is plain text, one
// task each, no history, the free text last. The sender must be a person whom SSP knows; otherwise its
// failover person becomes the author of everything.
//
// Done means that the mail server has taken the mail. SSP tells nobody whether it understood it.
package sspmail

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/mailout"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Config is the section `ssp.mail`.
type Config struct {
	Server mailout.Config `yaml:",inline"`
	From   string         `yaml:"from" required:"true" doc:"sender; a person whom SSP knows, or its failover person becomes the author"`
	To     []string       `yaml:"to" required:"true" doc:"the mailbox that SSP reads"`
	// Tags replaces mail.tags for SSP.
	Tags        *mailmark.TagConfig `yaml:"tags" doc:"how SSP wants its tags; default: mail.tags"`
	Attach      bool                `yaml:"attachments" doc:"true: attach the files that came with an event; try first what SSP's mailbox does with them"`
	Acknowledge Template            `yaml:"acknowledge" doc:"mail that tells the reference"`
	Update      Template            `yaml:"update" doc:"mail that adds a text"`
	Resolve     Template            `yaml:"resolve" doc:"mail that brings the solution"`
	Open        OpenTemplate        `yaml:"open" doc:"mail that opens a new ticket; SSP has to keep its reference and to hand it back with its first call"`
}

// Template says how a mail is worded.
type Template struct {
	Subject mapping.Text `yaml:"subject" doc:"subject; put SSP's own format for tasks here if it looks for one"`
	Text    mapping.Text `yaml:"text" doc:"the whole text; {{tags}} stands where the tags go. Default: the tags"`
}

// OpenTemplate says how the mail that opens a new ticket is worded.
type OpenTemplate struct {
	Template `yaml:",inline"`
	Fields   []string `yaml:"fields" doc:"fields of the event that become tags of the same name, one line each; no others do, because a sender may name his as he likes"`
}

// ValidateConfig checks what the tags cannot say.
func (c *Config) ValidateConfig(n *config.Node) {
	if c.From != "" {
		if err := mailout.CheckAddress(c.From); err != nil {
			n.Key("from").Problemf("bridge@example.com", "%q is not an address", c.From)
		}
	}
	for i, a := range c.To {
		if err := mailout.CheckAddress(a); err != nil {
			n.Key("to").Item(i).Problemf("ssp@example.com", "%q is not an address", a)
		}
	}
	if n.Key("to").Exists() && len(c.To) == 0 {
		n.Key("to").Problemf("", "names nobody")
	}
	if c.Tags != nil {
		if _, err := mailmark.NewFormat(c.Tags.Format, c.Tags.Labels); err != nil {
			n.Key("tags").Problemf("format: \"[[Label]]: value\"", "%s", strings.TrimPrefix(err.Error(), "mailmark: "))
		}
	}
	for _, t := range []Template{c.Acknowledge, c.Update, c.Resolve, c.Open.Template} {
		t.Subject.Within(mapping.Outgoing)
		t.Text.Within(mapping.Outgoing)
	}
}

// Destination sends inbound events to SSP by mail.
type Destination struct {
	config Config
	marks  *mailmark.Marks
	format *mailmark.Format
	client *mailout.Client
	now    func() time.Time
	files  *files.Opener
}

var (
	_ bridge.Destination = (*Destination)(nil)
	_ bridge.Renderer    = (*Destination)(nil)
)

// New makes the destination; open gives it the files of events, and may be nil. It connects to nothing.
func New(c Config, marks *mailmark.Marks, open *files.Opener, o outbound.Options) (*Destination, error) {
	if err := marks.Signs(); err != nil {
		return nil, fmt.Errorf("ssp.mail: %w", err)
	}
	d := &Destination{config: c, marks: marks, format: marks.Format, now: o.Now, files: open}
	if d.now == nil {
		d.now = time.Now
	}
	var err error
	if c.Tags != nil {
		if d.format, err = mailmark.NewFormat(c.Tags.Format, c.Tags.Labels); err != nil {
			return nil, err
		}
	}
	d.client, err = mailout.New(bridge.SSP+".mail", c.Server, o)
	return d, err
}

// Close drops idle connections.
func (d *Destination) Close() { d.client.Close() }

func mustText(s string) mapping.Text {
	t, err := mapping.ParseText(s)
	if err != nil {
		panic(err)
	}
	return t
}

var (
	standardSubject = mustText(`Task ${event.task}${bond.reference == "" ? "" : " / " + bond.reference}`)
	standardOpen    = mustText(`${event.title == "" ? "New ticket" : event.title} / ${event.reference}`)
)

func (d *Destination) letter(l *bridge.Lease) (mailout.Letter, error) {
	e := &l.Event
	var out mailout.Letter
	reference := l.Bond.Reference
	if reference == "" {
		reference = e.Reference
	}
	type tag struct{ name, value string }
	tags := []tag{{mailmark.Task, e.Task}, {mailmark.Reference, reference}}
	var t Template
	switch e.Kind {
	case bridge.Acknowledge:
		if reference == "" {
			return out, fmt.Errorf("ssp.mail: the acknowledgement has no reference")
		}
		t = d.config.Acknowledge
	case bridge.Update:
		t = d.config.Update
		tags = append(tags, tag{mailmark.Author, e.Author}, tag{mailmark.Message, e.Text})
	case bridge.Resolve:
		t = d.config.Resolve
		tags = append(tags, tag{mailmark.Status, "Solved"}, tag{mailmark.Author, e.Author}, tag{mailmark.Solution, e.Text})
	case bridge.Open:
		if e.Reference == "" {
			return out, fmt.Errorf("ssp.mail: the new ticket has no reference, so SSP could not name it")
		}
		t = d.config.Open.Template
		who := strings.TrimSpace(e.Requester.Name + " " + angled(e.Requester.Email))
		tags = []tag{{mailmark.Reference, e.Reference}, {titleLabel, e.Title}, {"Priority", e.Priority}, {"Requester", who}}
		for _, name := range d.config.Open.Fields {
			if v, ok := plain(e.Fields[name]); ok {
				tags = append(tags, tag{name, v})
			}
		}
		text := strings.TrimSpace(e.Description + "\n\n" + e.Text)
		tags = append(tags, tag{mailmark.Author, e.Author}, tag{mailmark.Message, text})
	default:
		return out, fmt.Errorf("ssp.mail: %s is nothing that SSP is told", e.Kind)
	}
	if e.Task == "" && e.Kind != bridge.Open {
		return out, fmt.Errorf("ssp.mail: the event names no task")
	}
	var lines []string
	for _, x := range tags {
		if x.value = strings.TrimSpace(x.value); x.value != "" {
			lines = append(lines, d.format.Write(x.name, x.value))
		}
	}
	env := mapping.Tables(nil).Env(mapping.LeaseEnv(*l))
	subject := t.Subject
	if subject.IsZero() {
		subject = standardSubject
		if e.Kind == bridge.Open {
			subject = standardOpen
		}
	}
	var err error
	if out.Subject, err = subject.Eval(env); err != nil {
		return out, fmt.Errorf("ssp.mail.%s.subject: %w", e.Kind, err)
	}
	out.Text = strings.Join(lines, "\n") + "\n"
	if !t.Text.IsZero() {
		text, err := t.Text.Escaped(env, d.format.EscapeIn)
		if err != nil {
			return out, fmt.Errorf("ssp.mail.%s.text: %w", e.Kind, err)
		}
		out.Text = strings.Replace(text, mailmark.Place, strings.TrimSuffix(out.Text, "\n"), 1)
	}
	out.From, out.To = d.config.From, d.config.To
	out.MessageID = d.marks.SSPMessageID(e.Provider, e.Task, e.ID)
	out.Header = map[string]string{"X-Auto-Response-Suppress": "All", "X-Pergabridge": d.marks.Domain(), "X-Pergabridge-Event": e.ID}
	out.Date = d.now()
	return out, nil
}

// titleLabel is not one of the built-in labels: a title is no title of a mail that is read here.
const titleLabel = "Title"

func angled(email string) string {
	if email == "" {
		return ""
	}
	return "<" + email + ">"
}

// plain returns a field of a new ticket that fits in one tag.
func plain(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool, int, int64, float64:
		return fmt.Sprint(v), true
	}
	return "", false
}

// Deliver sends the mail about the event.
func (d *Destination) Deliver(ctx context.Context, l bridge.Lease) bridge.Outcome {
	letter, err := d.letter(&l)
	if err != nil {
		return bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.MappingFailed, Detail: secret.Mask(err.Error())}
	}
	if d.config.Attach && d.files != nil {
		if letter.Files, _, err = d.files.Offer(ctx, &l.Event); err != nil { // the store does not answer; nothing was sent
			return bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.NotSent, Detail: secret.Mask("ssp.mail: " + err.Error())}
		}
	}
	return d.client.Deliver(ctx, letter)
}

// Render shows the mail that Deliver would send.
func (d *Destination) Render(l bridge.Lease) (string, error) {
	letter, err := d.letter(&l)
	if err != nil {
		return "", err
	}
	return outbound.Excerpt([]byte(letter.Show())), nil
}
