package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Bounds of an event's fields, in bytes. What is longer goes to quarantine, cut; the input as it
// came stays whole beside it.
const (
	MaxID     = 512     // task, reference, key, comment
	MaxLine   = 4 << 10 // title, author, names, priority, ticket
	MaxText   = 1 << 20 // text, description
	MaxFields = 1 << 20 // fields, as JSON
)

// prepare returns events completed, masked and bounded, without changing what the caller holds. An
// error means that a source made an event that no source may make.
func (e *Engine) prepare(events []bridge.Event) ([]bridge.Event, error) {
	out := make([]bridge.Event, len(events))
	masked := map[*bridge.Inbound]*bridge.Inbound{} // events of one input share it
	now := e.o.Now()
	for i := range events {
		ev := events[i]
		if err := e.prepareOne(&ev, now); err != nil {
			return nil, fmt.Errorf("event %d of %d: %w", i+1, len(events), err)
		}
		if in := ev.Inbound; in != nil {
			if masked[in] == nil {
				masked[in] = maskInbound(in)
			}
			ev.Inbound = masked[in]
		}
		out[i] = ev
	}
	return out, nil
}

func (e *Engine) prepareOne(ev *bridge.Event, now time.Time) error {
	if ev.Provider == bridge.SSP || e.dests[ev.Provider] == nil {
		return fmt.Errorf("%q is not a provider of this bridge", ev.Provider)
	}
	if ev.Dir == "" && ev.Quarantine != "" {
		ev.Dir = bridge.In
		if ev.Entrance == bridge.ByProcessCall {
			ev.Dir = bridge.Out
		}
	}
	if ev.Dir != bridge.In && ev.Dir != bridge.Out {
		return fmt.Errorf("%q is not a direction", ev.Dir)
	}
	if ev.ID == "" {
		ev.ID = bridge.NewID()
	}
	if ev.Received.IsZero() {
		ev.Received = now
	}
	for _, s := range []*string{
		&ev.Task, &ev.Reference, &ev.Key, &ev.Comment, &ev.Text, &ev.Author, &ev.Ticket, &ev.Title, &ev.Description,
		&ev.Priority, &ev.Requester.Name, &ev.Requester.Email, &ev.Detail, &ev.Trace,
	} {
		*s = strings.ToValidUTF8(*s, "\uFFFD")
	}
	mask(ev) // before anything is cut: half a secret is not recognised
	bound(ev)
	if ev.RefKey == "" {
		ev.RefKey = bridge.ReferenceKey(ev.Reference, e.o.CaseSensitive[ev.Provider])
	}
	ev.Normalize()
	if ev.Quarantine == "" && ev.Ignore == "" {
		ev.Quarantine, ev.Detail = content(ev)
	}
	return nil
}

// mask hides registered secrets in everything that is read by people or sent on: a provider may
// repeat them in its texts.
func mask(ev *bridge.Event) {
	for _, s := range []*string{
		&ev.Text, &ev.Title, &ev.Description, &ev.Author, &ev.Ticket, &ev.Priority, &ev.Detail, &ev.Requester.Name, &ev.Requester.Email,
	} {
		*s = secret.Mask(*s)
	}
	if len(ev.Fields) > 0 {
		ev.Fields = masked(ev.Fields).(map[string]any)
	}
}

// masked returns v with secrets hidden in every text it holds; what it was made of stays as it is.
func masked(v any) any {
	switch v := v.(type) {
	case string:
		return secret.Mask(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = masked(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = masked(x)
		}
		return out
	}
	return v
}

// content tells what is wrong with an event that a source believes to be good.
func content(ev *bridge.Event) (bridge.Reason, string) {
	switch {
	case ev.Echo == bridge.EchoByDirection && ev.Task != "": // it names what it echoes, if anything
	case !ev.Kind.Valid(ev.Dir):
		return bridge.UnknownType, fmt.Sprintf("kind %q does not travel in direction %q", ev.Kind, ev.Dir)
	case ev.Dir == bridge.Out && ev.Task == "":
		return bridge.MissingField, "the task id is missing; without it nothing can be done"
	case ev.Else != "" && (ev.Kind != bridge.Open || ev.Else == bridge.Open || !ev.Else.Valid(bridge.In)):
		return bridge.UnknownType, fmt.Sprintf("an event of kind %q cannot be %q where its ticket is known", ev.Kind, ev.Else)
	case ev.Kind == bridge.Open && ev.Task == "" && ev.RefKey == "":
		return bridge.MissingField, "a new ticket needs its reference: without it nobody could tell which task it becomes"
	case ev.Task == "" && ev.RefKey == "":
		return bridge.MissingField, "neither a task id nor a reference is there; one of them is needed"
	}
	return "", ev.Detail
}

// bound cuts fields that are beyond their bound and puts such an event into quarantine.
func bound(ev *bridge.Event) {
	for _, f := range []struct {
		name string
		have *string
		most int
	}{
		{"task", &ev.Task, MaxID}, {"reference", &ev.Reference, MaxID}, {"reference key", &ev.RefKey, MaxID},
		{"key", &ev.Key, MaxID}, {"comment", &ev.Comment, MaxID}, {"trace", &ev.Trace, MaxID},
		{"ticket", &ev.Ticket, MaxLine}, {"title", &ev.Title, MaxLine}, {"author", &ev.Author, MaxLine},
		{"priority", &ev.Priority, MaxLine}, {"requester name", &ev.Requester.Name, MaxLine},
		{"requester email", &ev.Requester.Email, MaxLine},
		{"text", &ev.Text, MaxText}, {"description", &ev.Description, MaxText},
	} {
		if n := len(*f.have); n > f.most {
			*f.have = cut(*f.have, f.most)
			tooLarge(ev, fmt.Sprintf("%s has %d bytes, at most %d are taken", f.name, n, f.most))
		}
	}
	ev.Detail = cut(ev.Detail, MaxLine)
	if len(ev.Fields) > 0 {
		if n, err := fieldsSize(ev.Fields); err != nil {
			ev.Fields = nil
			tooLarge(ev, "fields cannot be stored: "+err.Error())
		} else if n > MaxFields {
			ev.Fields = nil
			tooLarge(ev, fmt.Sprintf("fields have %d bytes, at most %d are taken", n, MaxFields))
		}
	}
}

func fieldsSize(fields map[string]any) (int, error) {
	b, err := json.Marshal(fields)
	return len(b), err
}

func tooLarge(ev *bridge.Event, detail string) {
	if ev.Quarantine == "" {
		ev.Quarantine = bridge.TooLarge
		ev.Detail = detail
	}
}

// cut shortens s to at most n bytes without breaking a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// maskInbound returns in with every registered secret hidden.
func maskInbound(in *bridge.Inbound) *bridge.Inbound {
	m := *in
	m.Body = secret.MaskBytes(in.Body)
	m.Header = maskMap(in.Header)
	m.Query = maskMap(in.Query)
	return &m
}

func maskMap(m map[string]string) map[string]string {
	var out map[string]string // copied only when something is hidden
	for k, v := range m {
		if hidden := secret.Mask(v); hidden != v {
			if out == nil {
				out = maps.Clone(m)
			}
			out[k] = hidden
		}
	}
	if out == nil {
		return m
	}
	return out
}
