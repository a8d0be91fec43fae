package vendortest

import (
	"fmt"
	"strconv"
	"time"
)

// The states of a ticket.
const (
	Open     = "open"
	Resolved = "resolved"
	Closed   = "closed"
)

// A Ticket is what the vendor keeps.
type Ticket struct {
	Number      string    `json:"number"`
	ExternalID  string    `json:"external_id"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	Priority    string    `json:"priority"`
	Contact     Contact   `json:"contact"`
	Previous    string    `json:"previous,omitempty"`
	Status      string    `json:"status"`
	Solution    string    `json:"solution,omitempty"`
	Comments    []Comment `json:"comments"`
}

// A Contact is the person a ticket is for.
type Contact struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// A Comment is a text on a ticket.
type Comment struct {
	ID          string       `json:"id"`
	ClientID    string       `json:"client_id,omitempty"`
	Author      string       `json:"author"`
	Public      bool         `json:"public"`
	Text        string       `json:"text"` // HTML
	Attachments []Attachment `json:"attachments,omitempty"`
}

// An Attachment is a file that stays at the vendor.
type Attachment struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// A Change is one thing that happened to a ticket: the body of a webhook and an entry of the feed.
type Change struct {
	ID      string    `json:"id"`
	Type    string    `json:"type"` // ticket.created, comment.created, ticket.resolved, ticket.reopened, ticket.closed
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Ticket  Ticket    `json:"ticket"` // without its comments
	Comment *Comment  `json:"comment,omitempty"`

	seq int
}

// An Effect is one thing that was written through the API, in the order in which it was done.
type Effect struct {
	Seq    int
	Kind   string // create, comment, reopen, close
	Ticket string
	// ExternalID is the ticket's; ClientID is that of the text.
	ExternalID, ClientID string
	Text                 string
}

// String returns the effect in one line.
func (e Effect) String() string { return fmt.Sprintf("%s %s %q", e.Kind, e.Ticket, e.Text) }

func (v *Vendor) record(kind string, t *Ticket, clientID, text string) {
	v.effects = append(v.effects, Effect{
		Seq: len(v.effects) + 1, Kind: kind, Ticket: t.Number, ExternalID: t.ExternalID, ClientID: clientID, Text: text,
	})
}

// change appends to the feed and queues the webhook. v.mu is held.
func (v *Vendor) change(kind, actor string, t *Ticket, c *Comment) *Change {
	snapshot := *t
	snapshot.Comments = []Comment{}
	v.seq++
	ch := &Change{ID: "chg-" + strconv.Itoa(v.seq), Type: kind, At: v.now().UTC(), Actor: actor, Ticket: snapshot, Comment: c, seq: v.seq}
	v.feed = append(v.feed, ch)
	if v.hooks != nil && !v.muted {
		v.hooks.push(ch)
	}
	return ch
}

// create opens a ticket. v.mu is held.
func (v *Vendor) create(t Ticket, actor string) *Ticket {
	t.Number = fmt.Sprintf("%s-%d", v.opts.Prefix, v.opts.First+len(v.order))
	t.Status, t.Comments = Open, []Comment{}
	v.tickets[t.Number] = &t
	v.order = append(v.order, t.Number)
	v.change("ticket.created", actor, &t, nil)
	return &t
}

// comment adds a text. v.mu is held.
func (v *Vendor) comment(t *Ticket, c Comment) *Comment {
	v.comments++
	c.ID = "c-" + strconv.Itoa(v.comments)
	t.Comments = append(t.Comments, c)
	v.change("comment.created", c.Author, t, &c)
	return &c
}
