package tesseron

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// News is a change of a ticket's state, in the form in which quarantine keeps it and the receiver
// reads it.
type News struct {
	TicketNumber string         `json:"ticket_number"`
	Task         string         `json:"task,omitempty"`
	Status       string         `json:"status"`
	ID           string         `json:"id"`
	Item         map[string]any `json:"item"`
}

// Receiver turns news into events. It does no I/O.
type Receiver struct {
	name   string
	config *Config
	now    func() time.Time
}

// telling returns what a state means; its case does not matter.
func (c *Config) telling(status string) *Telling {
	for name, t := range c.Poll.Statuses {
		if same(name, status) {
			return t
		}
	}
	return nil
}

// Receive reads one piece of news.
func (r *Receiver) Receive(_ context.Context, in bridge.Inbound) ([]bridge.Event, error) {
	at := in.Received
	if at.IsZero() {
		at = r.now()
	}
	e := bridge.Event{Provider: r.name, Dir: bridge.In, Entrance: in.Entrance, Received: at, Inbound: &in}
	held := func(why bridge.Reason, detail string) []bridge.Event {
		e.Quarantine, e.Detail = why, secret.Mask(detail)
		return []bridge.Event{e}
	}
	var n News
	if err := vendorapi.DecodeJSON(in.Body, &n); err != nil {
		return held(bridge.Unreadable, "not news of this kind: "+err.Error()), nil
	}
	t := r.config.telling(n.Status)
	switch {
	case t == nil:
		return held(bridge.NoRule, fmt.Sprintf("nothing says what state %q means; add it under poll.statuses", n.Status)), nil
	case n.TicketNumber == "":
		return held(bridge.MissingField, "the news names no ticket"), nil
	case t.Kind == "ignore":
		return nil, nil
	}
	item := n.Item
	if item == nil {
		item = map[string]any{}
	}
	text, err := t.Text.Eval(r.config.Tables.Env(map[string]any{"item": item, "body": item}))
	if err != nil {
		return held(bridge.RuleFailed, "poll.statuses: text: "+err.Error()), nil
	}
	e.Kind, e.Text = bridge.Kind(t.Kind), strings.TrimSpace(text)
	if e.Kind == bridge.Update && e.Text == "" {
		return held(bridge.MissingField, "the text of this update is empty"), nil
	}
	e.Key = "status:" + n.ID
	e.Reference, e.RefKey = n.TicketNumber, r.config.Common.Reference.Key(n.TicketNumber)
	if e.Kind == bridge.Acknowledge {
		e.Task = n.Task
	}
	e.Normalize()
	return []bridge.Event{e}, nil
}
