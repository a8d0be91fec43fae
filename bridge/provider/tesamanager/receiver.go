package tesamanager

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// News is one thing the poll has found, in the form in which quarantine keeps it and the receiver
// reads it.
type News struct {
	What              string         `json:"what"` // status, event, issue, stalled
	ReferenceID       string         `json:"reference_id"`
	ExternalReference string         `json:"external_reference,omitempty"`
	Status            string         `json:"status,omitempty"`
	ID                string         `json:"id"` // makes the key: the same each time it is found
	Item              map[string]any `json:"item"`
}

// Receiver turns news into events. It does no I/O.
type Receiver struct {
	name   string
	config *Config
	tell   Tell
	now    func() time.Time
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
	var t *Telling
	switch n.What {
	case "status":
		if t = r.tell.Statuses[n.Status]; t == nil {
			return held(bridge.NoRule, fmt.Sprintf("nothing says what state %q means; add it under tell.statuses", n.Status)), nil
		}
	case "event":
		t = r.tell.Events
	case "issue":
		t = r.tell.Issues
	case "stalled":
		t = r.tell.Stalled
	default:
		return held(bridge.NoRule, fmt.Sprintf("%q is no news of this vendor", n.What)), nil
	}
	if n.ReferenceID == "" {
		return held(bridge.MissingField, "the news names no request"), nil
	}
	item := map[string]any{"reference_id": n.ReferenceID, "external_reference": n.ExternalReference, "status": n.Status}
	for k, v := range n.Item {
		item[k] = v
	}
	env := r.config.Tables.Env(map[string]any{"item": item, "body": item})
	if !t.When.IsZero() {
		ok, err := t.When.Bool(env)
		if err != nil {
			return held(bridge.RuleFailed, "tell: when: "+err.Error()), nil
		}
		if !ok {
			return nil, nil
		}
	}
	if t.Kind == "ignore" {
		return nil, nil
	}
	text, err := t.Text.Eval(env)
	if err != nil {
		return held(bridge.RuleFailed, "tell: text: "+err.Error()), nil
	}
	e.Kind, e.Text = bridge.Kind(t.Kind), strings.TrimSpace(text)
	if e.Kind == bridge.Update && e.Text == "" {
		return held(bridge.MissingField, "the text of this update is empty"), nil
	}
	e.Key = n.What + ":" + n.ReferenceID + ":" + n.ID
	e.Reference, e.RefKey = n.ReferenceID, r.config.Common.Reference.Key(n.ReferenceID)
	if task, ok := r.config.ExternalReference.Task(n.ExternalReference); ok && e.Kind == bridge.Acknowledge {
		e.Task = task // makes the bond when the answer to the submit was lost
	}
	e.Fields = n.Item
	e.Normalize()
	return []bridge.Event{e}, nil
}
