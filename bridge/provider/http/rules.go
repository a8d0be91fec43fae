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
	Kind      string                  `yaml:"kind" required:"true" enum:"acknowledge|update|resolve|open|ignore" doc:"what the event is to SSP; open: a ticket that the provider has opened by itself"`
	Else      string                  `yaml:"else" enum:"update|resolve" doc:"with open: what the event is where its ticket is known already; without it, an acknowledge"`
	Public    mapping.Expr            `yaml:"public" doc:"whether the text may be seen by the user in SSP; required where there is a text"`
	Task      mapping.Expr            `yaml:"task" doc:"SSP task id, where the provider knows it"`
	Reference mapping.Expr            `yaml:"reference" doc:"the provider's ticket number"`
	Text      mapping.Expr            `yaml:"text" doc:"message or solution"`
	Title     mapping.Expr            `yaml:"title" doc:"with open: the title of the new ticket"`
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
		"each": r.Each, "when": r.When, "public": r.Public, "task": r.Task, "reference": r.Reference, "text": r.Text, "title": r.Title,
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
		if bad := r.validateOpen(); bad != "" {
			at.Problemf("", "%s", bad)
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
		if r.writes(bridge.Update) && r.Text.IsZero() {
			at.Problemf("", "an update needs text")
		}
		if c.Poll != nil && r.ID.IsZero() {
			at.Problemf("id: item.id", "needs id, because a poll sees the same thing again and again")
		}
	}
}

// writes reports whether the rule may make an event of kind k.
func (r *Rule) writes(k bridge.Kind) bool { return r.Kind == string(k) || r.Else == string(k) }

// validateOpen says what is wrong with the keys that belong to open.
func (r *Rule) validateOpen() string {
	switch open := r.Kind == string(bridge.Open); {
	case open && r.Reference.IsZero():
		return "an open needs reference: SSP's first call about the ticket is recognised by it"
	case open && r.Text.IsZero() && r.Title.IsZero():
		return "an open needs title or text: it becomes a ticket in SSP"
	case !open && r.Else != "":
		return "else goes with kind: open only"
	case !open && !r.Title.IsZero():
		return "title goes with kind: open only; put it under fields"
	}
	return ""
}

// Opens returns where the section n says that new tickets are opened in SSP.
func (c *Config) Opens(n *config.Node) (out []*config.Node) {
	if c.Inbound == nil {
		return nil
	}
	for i := range c.Inbound.Rules {
		if c.Inbound.Rules[i].Kind == string(bridge.Open) {
			out = append(out, n.Key("inbound").Key("rules").Item(i).Key("kind"))
		}
	}
	return out
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
