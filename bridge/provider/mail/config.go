package mailprovider

import (
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mailout"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/provider"
)

// Config is the section of a provider of kind mail.
type Config struct {
	Common provider.Common `yaml:",inline"`
	Server mailout.Config  `yaml:",inline"`

	From         string   `yaml:"from" required:"true" doc:"sender, for instance SSP Service <support@example.com>"`
	To           []string `yaml:"to" required:"true" doc:"the provider's addresses"`
	Cc           []string `yaml:"cc" doc:"further addresses"`
	ReplyTo      string   `yaml:"reply_to" doc:"address of the mailbox that is read; default: from. Answers go there with a token behind a plus sign"`
	PlusAddress  *bool    `yaml:"plus_address" doc:"false: the mail system does not know support+token@…; answers go to reply_to itself"`
	SubjectToken bool     `yaml:"subject_token" doc:"true: put the token into the subject as well, for ticket systems that drop headers and addresses"`
	HTML         *bool    `yaml:"html" doc:"false: plain text only"`

	Attach *bool `yaml:"attachments" doc:"false: files that came with an event are named and not attached"`

	Tables mapping.Tables          `yaml:"tables" doc:"value tables, used as table('name', value)"`
	Tags   map[string]mapping.Text `yaml:"tags" doc:"further tags, by their labels; empty ones are left out"`
	Send   Send                    `yaml:"send" doc:"one mail for each kind of event; skip leaves a kind out"`
	Remind config.Duration         `yaml:"remind" doc:"remind the provider once when a task has no reference after that time; 0: never"`
}

// Send holds the mails by kind of event.
type Send struct {
	Submit         Template `yaml:"submit" doc:"a new task"`
	Update         Template `yaml:"update" doc:"a text was added"`
	RejectSolution Template `yaml:"reject_solution" doc:"the user declined the solution"`
	Close          Template `yaml:"close" doc:"the task was closed"`
}

// Template says how a mail is worded. What is left out has a default.
type Template struct {
	Skip    bool         `yaml:"-"`
	Subject mapping.Text `yaml:"subject" doc:"subject; the same in all mails of a task keeps them together"`
	Intro   mapping.Text `yaml:"intro" doc:"words above the tags"`
	Message mapping.Text `yaml:"message" doc:"the message tag; default: the text of the event, of a new task its description"`
	Outro   mapping.Text `yaml:"outro" doc:"words below everything"`
	Text    mapping.Text `yaml:"text" doc:"the whole text instead; {{tags}} stands where the tags go"`
	HTML    mapping.Text `yaml:"html" doc:"the whole HTML instead; {{tags}} stands where the tags go"`
	Status  string       `yaml:"status" doc:"value of the status tag"`
}

// template has the fields of Template without its methods.
type template Template

// UnmarshalConfig reads skip or a template.
func (t *Template) UnmarshalConfig(n *config.Node) {
	if n.Kind() == config.Scalar {
		if n.String() != "skip" {
			n.Problemf("describe the mail, or write skip", "must be a mail or skip, not %q", n.String())
		}
		t.Skip = true
		return
	}
	config.Decode(n, (*template)(t))
}

// ConfigSchema describes both forms.
func (Template) ConfigSchema() map[string]any {
	return map[string]any{"oneOf": []any{map[string]any{"const": "skip"}, config.Schema(template{})}}
}

// CommonConfig returns the keys that every kind has.
func (c *Config) CommonConfig() *provider.Common { return &c.Common }

// Address returns where the provider is, for people.
func (c *Config) Address() string { return strings.Join(c.To, ", ") }

// NeedsMarks says that section mail has to be there.
func (c *Config) NeedsMarks() {}

// RemindAfter returns when the provider is reminded of a missing reference; 0: never.
func (c *Config) RemindAfter() config.Duration { return c.Remind }

// ValidateConfig checks what the tags cannot say.
func (c *Config) ValidateConfig(n *config.Node) {
	for _, a := range []struct{ key, addr string }{{"from", c.From}, {"reply_to", c.ReplyTo}} {
		if a.addr != "" {
			if err := mailout.CheckAddress(a.addr); err != nil {
				n.Key(a.key).Problemf("support@example.com", "%q is not an address", a.addr)
			}
		}
	}
	for key, list := range map[string][]string{"to": c.To, "cc": c.Cc} {
		for i, a := range list {
			if err := mailout.CheckAddress(a); err != nil {
				n.Key(key).Item(i).Problemf("help@provider.example", "%q is not an address", a)
			}
		}
	}
	if n.Key("to").Exists() && len(c.To) == 0 {
		n.Key("to").Problemf("", "names nobody")
	}
	if c.Send.Submit.Skip {
		n.Key("send").Key("submit").Problemf("", "cannot be skipped: without it the provider knows of nothing")
	}
	if c.Remind < 0 {
		n.Key("remind").Problemf("", "must not be negative")
	}
	for name, t := range c.Tags {
		t.Within(mapping.Outgoing)
		c.Tables.Check(n.Key("tags"), t.Tables())
		if strings.ContainsAny(name, "\r\n") || name == "" {
			n.Key("tags").Problemf("", "%q cannot be a label", name)
		}
	}
	for _, k := range bridge.Kinds(bridge.Out) {
		t := c.Send.by(k)
		for _, x := range []mapping.Text{t.Subject, t.Intro, t.Message, t.Outro, t.Text, t.HTML} {
			x.Within(mapping.Outgoing)
			c.Tables.Check(n.Key("send").Key(string(k)), x.Tables())
		}
	}
}

func (s *Send) by(k bridge.Kind) *Template {
	switch k {
	case bridge.Update:
		return &s.Update
	case bridge.RejectSolution:
		return &s.RejectSolution
	case bridge.Close:
		return &s.Close
	default:
		return &s.Submit
	}
}
