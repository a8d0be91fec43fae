package console

import (
	"encoding/json"
	"unicode"
	"unicode/utf8"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// What the store holds was masked when it came in. It is masked once more on its way out, because
// a secret may have become known as one later.

// listText bounds a text in lists, in bytes.
const listText = 2 << 10

// eventView returns e for people.
func eventView(e *bridge.Event) api.Event {
	v := api.Event{
		ID: e.ID, Seq: e.Seq, Provider: e.Provider, Task: e.Task, Dir: e.Dir, Destination: e.Dir.Destination(e.Provider),
		Kind: e.Kind, Mode: e.Mode, Reference: e.Reference,
		State: e.State, Reason: e.Reason, Why: why(e.Reason), Detail: secret.Mask(e.Detail), First: e.First, Repeat: e.Repeat,
		Entrance: e.Entrance, Received: e.Received, Ended: e.Ended, Key: secret.Mask(e.Key), Comment: e.Comment, Echo: e.Echo, Trace: e.Trace,
		Text: secret.Mask(e.Text), Author: secret.Mask(e.Author), Ticket: secret.Mask(e.Ticket), Title: secret.Mask(e.Title),
		Description: secret.Mask(e.Description), Priority: secret.Mask(e.Priority),
		Requester: bridge.Person{Name: secret.Mask(e.Requester.Name), Email: secret.Mask(e.Requester.Email)},
	}
	if e.Task != "" {
		v.Lane = e.Lane().String()
	}
	return v
}

// listed returns e as it stands in a list: without fields, long texts cut.
func listed(e *bridge.Event) api.Event {
	v := eventView(e)
	for _, s := range []*string{&v.Text, &v.Description} {
		if cut := shorten(*s, listText); cut != *s {
			*s, v.Shortened = cut, true
		}
	}
	return v
}

func listedAll(events []bridge.Event) []api.Event {
	out := make([]api.Event, len(events))
	for i := range events {
		out[i] = listed(&events[i])
	}
	return out
}

// shorten cuts s to at most limit bytes of whole characters and an ellipsis.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}

// detailView returns an event with everything.
func detailView(e *bridge.Event, attempts []bridge.Attempt) api.EventDetail {
	d := api.EventDetail{Event: eventView(e), Inbound: inboundView(e.Inbound), Attempts: make([]api.Attempt, len(attempts))}
	d.Fields, _ = maskValue(map[string]any(e.Fields)).(map[string]any)
	for i := range attempts {
		d.Attempts[i] = attemptView(&attempts[i])
	}
	d.Files = filesView(e)
	d.Do = eventAdvice(e)
	return d
}

func attemptView(a *bridge.Attempt) api.Attempt {
	return api.Attempt{
		N: a.N, Started: a.Started, Ended: a.Ended, Outcome: a.Outcome, Reason: a.Reason, Why: why(a.Reason), Then: a.Then,
		Detail: secret.Mask(a.Detail), Request: secret.Mask(a.Request), Answer: secret.Mask(a.Answer),
		Status: a.Status, Session: a.Session, Config: a.Config,
	}
}

// inboundView returns an input, its body as text if it is printable.
func inboundView(in *bridge.Inbound) *api.Inbound {
	if in == nil {
		return nil
	}
	v := &api.Inbound{
		Entrance: in.Entrance, ContentType: in.ContentType, Header: maskMap(in.Header), Query: maskMap(in.Query),
		Received: in.Received, Delivery: secret.Mask(in.Delivery), Size: len(in.Body),
	}
	body := secret.MaskBytes(in.Body)
	if printable(body) {
		v.Text = string(body)
	} else {
		v.Base64 = body
	}
	return v
}

// printable reports whether b is text that can be shown as it is.
func printable(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, c := range string(b) {
		if c == utf8.RuneError || (!unicode.IsPrint(c) && !unicode.IsSpace(c) && !unicode.Is(unicode.Cf, c)) {
			return false
		}
	}
	return true
}

func maskMap(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = secret.Mask(v)
	}
	return out
}

// maskValue masks every string of a decoded JSON value, in a copy.
func maskValue(v any) any {
	switch v := v.(type) {
	case string:
		return secret.Mask(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = maskValue(v[i])
		}
		return out
	case map[string]any:
		if v == nil {
			return v
		}
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = maskValue(x)
		}
		return out
	}
	return v
}

// maskJSON encodes v with every string masked.
func maskJSON(v any) (json.RawMessage, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var plain any
	if err := json.Unmarshal(b, &plain); err != nil {
		return nil, err
	}
	return json.Marshal(maskValue(plain))
}

func laneView(l *bridge.Lane) api.Lane {
	return api.Lane{
		Lane: l.ID.String(), Provider: l.ID.Provider, Dir: l.ID.Dir, Task: l.ID.Task, Destination: l.ID.Destination(),
		State: l.State, Reason: l.Reason, Why: why(l.Reason), Detail: secret.Mask(l.Detail), Head: l.Head, HeadKind: l.HeadKind,
		Queued: l.Queued, Due: l.Due, Attempt: l.Attempt, Unknown: l.Unknown, Oldest: l.Oldest, Do: laneAdvice(l),
	}
}

func laneViews(lanes []bridge.Lane) []api.Lane {
	out := make([]api.Lane, len(lanes))
	for i := range lanes {
		out[i] = laneView(&lanes[i])
	}
	return out
}

func doneView(r bridge.CommandResult) api.Done {
	d := api.Done{Changed: r.Changed, Events: r.Events, Detail: secret.Mask(r.Detail)}
	for _, x := range r.Receipts {
		d.Receipts = append(d.Receipts, api.Receipt{Event: x.Event, Status: x.Status, First: x.First, State: x.State, Reason: x.Reason, Task: x.Task, Reference: x.Reference})
	}
	return d
}
