package httpprovider

import (
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mapping"
)

// Inbound turns inputs into events.
type Inbound struct {
	Authors    []string     `yaml:"authors" doc:"our own API user as rules see authors; what it wrote is an echo"`
	Visibility string       `yaml:"visibility" enum:"all" doc:"all: the provider sends public texts only, so rules need no public"`
	Each       mapping.Expr `yaml:"each" doc:"the list of items in a batch; without it the whole body is the item"`
	Rules      []Rule       `yaml:"rules" required:"true" doc:"tried in order for every item; the first that fits wins"`
}

// Rule makes an event of an item.
type Rule struct {
	Name      string                  `yaml:"name" doc:"shown where the rule fails"`
	Each      mapping.Expr            `yaml:"each" doc:"a list in the item; the rule looks at each element, as item (the item itself is then parent)"`
	When      mapping.Expr            `yaml:"when" doc:"condition; without it the rule always fits"`
	Kind      string                  `yaml:"kind" required:"true" enum:"acknowledge|update|resolve|ignore" doc:"what the event is to SSP"`
	Public    mapping.Expr            `yaml:"public" doc:"whether the text may be seen by the user in SSP; required where there is a text"`
	Task      mapping.Expr            `yaml:"task" doc:"SSP task id, where the provider knows it"`
	Reference mapping.Expr            `yaml:"reference" doc:"the provider's ticket number"`
	Text      mapping.Expr            `yaml:"text" doc:"message or solution"`
	Author    mapping.Expr            `yaml:"author" doc:"who wrote it, for people"`
	AuthorID  mapping.Expr            `yaml:"author_id" doc:"who wrote it, to compare with authors; else author"`
	ID        mapping.Expr            `yaml:"id" doc:"the provider's id of what happened, the same in webhook and poll"`
	Comment   mapping.Expr            `yaml:"comment" doc:"the provider's id of the text, as the calls that write texts return it"`
	Fields    map[string]mapping.Expr `yaml:"fields" doc:"further fields of the event"`
	Continue  bool                    `yaml:"continue" doc:"try the rules after this one, too"`
}

// exprs returns the expressions of the rule by key.
func (r *Rule) exprs() map[string]mapping.Expr {
	out := map[string]mapping.Expr{
		"each": r.Each, "when": r.When, "public": r.Public, "task": r.Task, "reference": r.Reference, "text": r.Text,
		"author": r.Author, "author_id": r.AuthorID, "id": r.ID, "comment": r.Comment,
	}
	for k, e := range r.Fields {
		out["fields."+k] = e
	}
	return out
}

func (c *Config) validateInbound(n *config.Node) {
	in := c.Inbound
	in.Each.Within([]string{"body", "header", "query", "delivery"})
	c.Tables.Check(n, in.Each.Tables())
	for i := range in.Rules {
		r, at := &in.Rules[i], n.Key("rules").Item(i)
		for _, e := range r.exprs() {
			e.Within(mapping.Incoming)
			c.Tables.Check(at, e.Tables())
		}
		if r.Kind == "ignore" {
			if r.When.IsZero() && i < len(in.Rules)-1 {
				at.Problemf("", "ignores everything, so the rules after it never fit")
			}
			continue
		}
		// A solution is read by the user in SSP as a message is.
		if !r.Text.IsZero() && r.Public.IsZero() && in.Visibility != "all" {
			at.Problemf("public: body.comment.public; public: true if this text is never internal; or inbound.visibility: all if the provider sends nothing internal",
				"cannot tell private texts from public ones")
		}
		if r.Task.IsZero() && r.Reference.IsZero() {
			at.Problemf("reference: body.ticket.number", "needs reference or task: nothing says which ticket is meant")
		}
		if r.Kind == string(bridge.Acknowledge) && r.Reference.IsZero() {
			at.Problemf("", "an acknowledge needs reference: the number is what it brings")
		}
		if r.Kind == string(bridge.Update) && r.Text.IsZero() {
			at.Problemf("", "an update needs text")
		}
		if c.Poll != nil && r.ID.IsZero() {
			at.Problemf("id: item.id", "needs id, because a poll sees the same thing again and again")
		}
	}
}

// commentsKnown reports whether every call that writes the event's text returns the id it got.
func (c *Config) commentsKnown() bool {
	known := false
	for _, o := range c.Send.named() {
		if o.op.Skip || !o.op.mentions("event.text") {
			continue
		}
		if o.op.Comment.IsZero() {
			return false
		}
		known = true
	}
	return known
}

// own reports whether author is our own API user.
func (in *Inbound) own(author string) bool {
	author = strings.TrimSpace(author)
	if author == "" {
		return false
	}
	for _, a := range in.Authors {
		if strings.EqualFold(strings.TrimSpace(a), author) {
			return true
		}
	}
	return false
}
