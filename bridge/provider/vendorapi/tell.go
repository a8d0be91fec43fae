package vendorapi

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Telling is what one piece of news becomes to SSP.
type Telling struct {
	When mapping.Expr `yaml:"when" doc:"condition on item; what it excludes is not told"`
	Kind string       `yaml:"kind" required:"true" enum:"acknowledge|update|resolve|ignore" doc:"what it is to SSP"`
	Text mapping.Text `yaml:"text" doc:"message or solution; item has the vendor's values"`
}

// Check reports what does not fit; nil is fine.
func (t *Telling) Check(at *config.Node, tables mapping.Tables) {
	if t == nil {
		return
	}
	seen := []string{"item", "body"}
	t.When.Within(seen)
	t.Text.Within(seen)
	tables.Check(at, append(t.When.Tables(), t.Text.Tables()...))
	if t.Kind == string(bridge.Update) && t.Text.IsZero() {
		at.Problemf("text: …", "an update needs a text")
	}
}

// Told is one piece of news of a poll, in a kind's words.
type Told struct {
	As *Telling
	// Unknown says, if As is nil, what a person has to add to the config.
	Unknown string
	// Item is what the expressions see; Fields go along with the event.
	Item, Fields map[string]any
	// Task is used where the news makes the bond; Key is the same each time the news is found.
	Task, Reference, Key string
}

// Teller turns the news of a poll into events. It does no I/O. Quarantine keeps news in the form in
// which the poll wrote it, so that it can be read again under a corrected config.
type Teller struct {
	Name      string
	Tables    mapping.Tables
	Reference func(reference string) string // as references are compared
	Now       func() time.Time
}

// Tell decodes an input into news, which is a pointer, and makes its event; none where nothing follows.
func (t *Teller) Tell(in bridge.Inbound, news any, read func() Told) []bridge.Event {
	at := in.Received
	if at.IsZero() {
		at = t.Now()
	}
	e := bridge.Event{Provider: t.Name, Dir: bridge.In, Entrance: in.Entrance, Received: at, Inbound: &in}
	why, detail := t.fill(&e, in.Body, news, read)
	switch {
	case why != "":
		e = bridge.Event{Provider: t.Name, Dir: bridge.In, Entrance: in.Entrance, Received: at, Inbound: &in, Quarantine: why, Detail: secret.Mask(detail)}
	case e.Kind == "":
		return nil
	default:
		e.Normalize()
	}
	return []bridge.Event{e}
}

// fill completes e. A reason says that a person has to look; a kind that stays empty, that nothing follows.
func (t *Teller) fill(e *bridge.Event, body []byte, news any, read func() Told) (bridge.Reason, string) {
	if err := DecodeJSON(body, news); err != nil {
		return bridge.Unreadable, "not news of this kind: " + err.Error()
	}
	n := read()
	switch {
	case n.As == nil:
		return bridge.NoRule, n.Unknown
	case n.Reference == "":
		return bridge.MissingField, "the news names no ticket of the vendor"
	}
	item := n.Item
	if item == nil {
		item = map[string]any{}
	}
	env := t.Tables.Env(map[string]any{"item": item, "body": item})
	if !n.As.When.IsZero() {
		if fits, err := n.As.When.Bool(env); err != nil || !fits {
			return ruleFailed("when", err)
		}
	}
	if n.As.Kind == "ignore" {
		return "", ""
	}
	text, err := n.As.Text.Eval(env)
	if err != nil {
		return ruleFailed("text", err)
	}
	if text = strings.TrimSpace(text); text == "" && n.As.Kind == string(bridge.Update) {
		return bridge.MissingField, "the text of this update is empty"
	}
	e.Kind, e.Text, e.Key, e.Fields = bridge.Kind(n.As.Kind), text, n.Key, n.Fields
	e.Reference, e.RefKey = n.Reference, t.Reference(n.Reference)
	if e.Kind == bridge.Acknowledge {
		e.Task = n.Task // makes the bond when the answer to the submit was lost
	}
	return "", ""
}

func ruleFailed(key string, err error) (bridge.Reason, string) {
	if err == nil {
		return "", ""
	}
	return bridge.RuleFailed, key + ": " + err.Error()
}

// A Receiver turns news of the form N into events. It implements [bridge.Receiver] and does no I/O.
type Receiver[N any] struct {
	Teller
	// Read says what a piece of news is.
	Read func(*N) Told
}

// Receive reads one piece of news.
func (r *Receiver[N]) Receive(_ context.Context, in bridge.Inbound) ([]bridge.Event, error) {
	var n N
	return r.Tell(in, &n, func() Told { return r.Read(&n) }), nil
}

// Events returns the events of news that a poll has found. They are made as a re-reading from quarantine makes them.
func (r *Receiver[N]) Events(ctx context.Context, news ...N) ([]bridge.Event, error) {
	var out []bridge.Event
	for _, n := range news {
		raw, err := json.Marshal(n)
		if err != nil {
			return nil, err
		}
		got, err := r.Receive(ctx, bridge.Inbound{Provider: r.Name, Entrance: bridge.ByPoll, ContentType: "application/json", Body: secret.MaskBytes(raw), Received: r.Now()})
		if err != nil {
			return nil, err
		}
		out = append(out, got...)
	}
	return out, nil
}
