package httpprovider

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// maxItems bounds the items of one input, and the elements of one list in an item.
const maxItems = 1000

// Receiver applies the inbound rules. It does no I/O.
type Receiver struct {
	name     string
	config   *Config
	now      func() time.Time
	comments bool // writing calls tell comment ids
}

// Receive turns one input into events.
func (r *Receiver) Receive(_ context.Context, in bridge.Inbound) ([]bridge.Event, error) {
	b := &batch{Receiver: r, in: in, at: in.Received, multi: false}
	if b.at.IsZero() {
		b.at = r.now()
	}
	body, err := mapping.Decode(in.ContentType, in.Body)
	if err != nil {
		b.quarantine(bridge.Unreadable, err.Error())
		return b.events, nil
	}
	b.env = r.config.Tables.Env(map[string]any{
		"body": body, "item": body, "header": lookup(in.Header), "query": lookup(in.Query), "delivery": in.Delivery, "index": 0,
	})
	each := r.config.Inbound.Each
	if each.IsZero() || in.Entrance == bridge.ByPoll || in.Item {
		b.item(body, 0)
		return b.events, nil
	}
	items, err := each.List(b.env)
	switch {
	case err != nil:
		b.quarantine(bridge.RuleFailed, "inbound.each: "+err.Error())
	case items == nil:
		b.quarantine(bridge.NoRule, "inbound.each finds no list in this input; write `?? []` behind it if that is right")
	case len(items) > maxItems:
		b.quarantine(bridge.Unreadable, fmt.Sprintf("%d items in one input; at most %d are read", len(items), maxItems))
	default:
		b.multi = len(items) > 1
		for i, it := range items {
			b.item(it, i)
		}
	}
	return b.events, nil
}

// lookup makes a map that is never nil, so that expressions can index it.
func lookup(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// batch collects the events of one input.
type batch struct {
	*Receiver
	in      bridge.Inbound
	at      time.Time
	env     map[string]any
	multi   bool // the input holds more than this item
	events  []bridge.Event
	held    map[string]bool // quarantine details already there
	before  int             // events that earlier items made
	current any             // the item that the rules look at
}

// item offers one item to the rules.
func (b *batch) item(item any, index int) {
	fitted := false
	b.before, b.current, b.held = len(b.events), item, nil
	for i := range b.config.Inbound.Rules {
		rule := &b.config.Inbound.Rules[i]
		ok, err := b.apply(rule, item, index)
		if err != nil {
			b.events = b.events[:b.before] // read again, the item is taken whole
			b.quarantine(bridge.RuleFailed, fmt.Sprintf("rule %s: %v", ruleName(rule, i), err))
			return
		}
		fitted = fitted || ok
		if ok && !rule.Continue {
			return
		}
	}
	if !fitted {
		b.quarantine(bridge.NoRule, "no rule of the provider fits; add one, with kind ignore if nothing is to follow")
	}
}

func ruleName(r *Rule, i int) string {
	s := strconv.Itoa(i + 1)
	if r.Name != "" {
		s += " (" + r.Name + ")"
	}
	return s
}

// apply tries one rule on one item.
func (b *batch) apply(rule *Rule, item any, index int) (fits bool, err error) {
	env := with(b.env, map[string]any{"item": item, "index": index})
	if rule.Each.IsZero() {
		return b.element(rule, env, item)
	}
	list, err := rule.Each.List(env)
	if err != nil {
		return false, fmt.Errorf("each: %w", err)
	}
	if len(list) > maxItems {
		return false, fmt.Errorf("each: %d elements; at most %d are read", len(list), maxItems)
	}
	for i, e := range list {
		ok, err := b.element(rule, with(b.env, map[string]any{"item": e, "parent": item, "index": i}), e)
		if err != nil {
			return false, fmt.Errorf("element %d: %w", i+1, err)
		}
		fits = fits || ok
	}
	return fits, nil
}

func with(env, more map[string]any) map[string]any {
	out := make(map[string]any, len(env)+len(more))
	for k, v := range env {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

// element makes the event of one element, if the rule takes it.
func (b *batch) element(rule *Rule, env map[string]any, element any) (fits bool, err error) {
	if !rule.When.IsZero() {
		if fits, err = rule.When.Bool(env); err != nil || !fits {
			return false, named("when", err)
		}
	}
	if rule.Kind == "ignore" {
		b.ignore(rule, env, bridge.IgnoredByRule)
		return true, nil
	}
	if !rule.Public.IsZero() {
		public, err := rule.Public.Bool(env)
		if err != nil {
			return false, named("public", err)
		}
		if !public { // it is left, and no later rule sees it
			b.ignore(rule, env, bridge.NotPublic)
			return true, nil
		}
	}
	e, authorID, err := b.read(rule, env)
	if err != nil {
		return false, err
	}
	if what := missing(e); what != "" {
		b.quarantine(bridge.MissingField, fmt.Sprintf("rule %q makes an %s without %s", rule.label(), e.Kind, what))
		return true, nil
	}
	b.key(e)
	b.echo(e, authorID)
	e.Inbound = b.raw(rule, element)
	e.Normalize()
	b.events = append(b.events, *e)
	return true, nil
}

// ignore records that an element is left: what it belongs to and why, nothing of what it says. What
// of that cannot be told does not matter.
func (b *batch) ignore(rule *Rule, env map[string]any, why bridge.Reason) {
	if why == bridge.IgnoredByRule && len(b.events) > b.before {
		return // the rest of an item that had its effect
	}
	told := func(x mapping.Expr) string {
		s, err := x.String(env)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(s)
	}
	e := bridge.Event{
		Provider: b.name, Dir: bridge.In, Entrance: b.in.Entrance, Received: b.at, Trace: header(b.in.Header, "Traceparent"),
		Ignore: why, Detail: "rule " + strconv.Quote(rule.label()), Task: told(rule.Task), Reference: told(rule.Reference), Key: told(rule.ID),
	}
	if e.Reference != "" {
		e.RefKey = b.config.Common.Reference.Key(e.Reference)
	}
	b.key(&e)
	b.events = append(b.events, e)
}

func (r *Rule) label() string {
	if r.Name != "" {
		return r.Name
	}
	return r.Kind
}

// read evaluates the fields of the rule.
func (b *batch) read(rule *Rule, env map[string]any) (*bridge.Event, string, error) {
	e := &bridge.Event{
		Provider: b.name, Dir: bridge.In, Kind: bridge.Kind(rule.Kind), Else: bridge.Kind(rule.Else), Entrance: b.in.Entrance, Received: b.at,
		Window: time.Duration(b.config.Common.Merge.Window), Trace: header(b.in.Header, "Traceparent"),
	}
	authorID := ""
	for _, f := range []struct {
		key  string
		expr mapping.Expr
		to   *string
	}{
		{"task", rule.Task, &e.Task}, {"reference", rule.Reference, &e.Reference}, {"text", rule.Text, &e.Text},
		{"author", rule.Author, &e.Author}, {"author_id", rule.AuthorID, &authorID}, {"id", rule.ID, &e.Key},
		{"comment", rule.Comment, &e.Comment}, {"title", rule.Title, &e.Title},
	} {
		s, err := f.expr.String(env)
		if err != nil {
			return nil, "", named(f.key, err)
		}
		*f.to = s
	}
	for k, x := range rule.Fields {
		v, err := x.Value(env)
		if err != nil {
			return nil, "", named("fields."+k, err)
		}
		if v == nil {
			continue
		}
		if e.Fields == nil {
			e.Fields = map[string]any{}
		}
		e.Fields[k] = v
	}
	e.Reference = strings.TrimSpace(e.Reference)
	if e.Reference != "" {
		e.RefKey = b.config.Common.Reference.Key(e.Reference)
	}
	if authorID == "" {
		authorID = e.Author
	}
	return e, authorID, nil
}

// missing names what an event cannot do without.
func missing(e *bridge.Event) string {
	switch {
	case strings.TrimSpace(e.Task) == "" && e.Reference == "":
		return "task and reference"
	case (e.Kind == bridge.Acknowledge || e.Kind == bridge.Open) && e.Reference == "":
		return "reference"
	case e.Kind == bridge.Update && strings.TrimSpace(e.Text) == "":
		return "text"
	}
	return ""
}

// key gives the event its sender's id: the rule's, which webhook and poll share, else that of the
// webhook's delivery, whose repeats have the same.
func (b *batch) key(e *bridge.Event) {
	id := strings.TrimSpace(e.Key)
	switch {
	case id != "":
		// Two rules may make different events of one thing.
		what := string(e.Kind)
		if e.Ignore != "" {
			what = "ignore"
		}
		e.Key = what + ":" + id
	case b.in.Delivery != "" && b.in.Entrance == bridge.ByWebhook:
		e.Key = "delivery:" + b.in.Delivery + ":" + strconv.Itoa(len(b.events))
	default:
		e.Key = ""
	}
}

// echo says by what the event may be recognised as our own writing. An acknowledge never is one: it
// brings the reference, whoever caused it; nor is an open that names our task, which is the same.
func (b *batch) echo(e *bridge.Event, authorID string) {
	e.Comment = strings.TrimSpace(e.Comment)
	switch {
	case e.Kind == bridge.Acknowledge || e.Kind == bridge.Open && e.Else == "" && strings.TrimSpace(e.Task) != "":
	case b.config.Inbound.own(authorID):
		e.Echo = bridge.EchoByAuthor
	case e.Known() != bridge.Update:
	case b.comments && e.Comment != "":
		e.Echo = bridge.EchoByComment
	default:
		e.Echo = bridge.EchoByText
	}
}

// raw returns the input as the event keeps it: the whole of it, or only the element when others
// share the input, because otherwise a batch would be stored once for each of its items.
func (b *batch) raw(rule *Rule, element any) *bridge.Inbound {
	in := b.in
	if b.multi || !rule.Each.IsZero() {
		in = b.part(element)
		in.Item = rule.Each.IsZero()
	}
	in.Body = secret.MaskBytes(in.Body)
	return &in
}

// part returns the input with only one item or element of it.
func (b *batch) part(v any) bridge.Inbound {
	in := b.in
	if in.Delivery != "" { // its place in the batch is a part of its id
		in.Delivery += "/" + strconv.Itoa(len(b.events))
	}
	j, err := json.Marshal(v)
	if err != nil {
		j = []byte(strconv.Quote(err.Error()))
	}
	in.Body, in.ContentType = j, "application/json"
	return in
}

// quarantine keeps the whole input for a person. Equal details are kept once.
func (b *batch) quarantine(why bridge.Reason, detail string) {
	detail = secret.Mask(detail)
	if b.held[detail] {
		return
	}
	if b.held == nil {
		b.held = map[string]bool{}
	}
	b.held[detail] = true
	in := b.in
	if b.multi { // read again, the other items would be applied a second time
		in = b.part(b.current)
		in.Item = true
	}
	in.Body = secret.MaskBytes(in.Body)
	b.events = append(b.events, bridge.Event{
		Provider: b.name, Dir: bridge.In, Entrance: b.in.Entrance, Received: b.at, Quarantine: why, Detail: detail,
		Trace: header(b.in.Header, "Traceparent"), Inbound: &in,
	})
}

func header(h map[string]string, name string) string { return h[http.CanonicalHeaderKey(name)] }

func named(key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", key, err)
}
