package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// A MapRequest asks what a mapping makes of a sample. Exactly one of Event and Inbound is given.
type MapRequest struct {
	Provider string `json:"provider"`
	// Event is rendered as the call that would deliver it: at SSP if its direction is in, else at
	// the provider.
	Event *bridge.Event `json:"event,omitempty"`
	Bond  bridge.Bond   `json:"bond"`
	// Inbound is read as if it had come in by Entrance (process_call, webhook, poll, mailbox).
	Inbound *MapInput `json:"inbound,omitempty"`
}

// A MapInput is an input as a sender would send it.
type MapInput struct {
	Entrance    bridge.Entrance   `json:"entrance"`
	ContentType string            `json:"content_type"`
	Header      map[string]string `json:"header,omitempty"`
	Query       map[string]string `json:"query,omitempty"`
	Body        string            `json:"body"`
}

// A MapResult is what the mapping made.
type MapResult struct {
	Call   string         `json:"call,omitempty"`
	Events []bridge.Event `json:"events,omitempty"`
	// Quarantined says why each event that could not be understood would be kept in quarantine,
	// Ignored why what a rule leaves would only be recorded.
	Quarantined []string `json:"quarantined,omitempty"`
	Ignored     []string `json:"ignored,omitempty"`
}

// dryRun answers the admin API's map call.
func (p *parts) dryRun(ctx context.Context, raw json.RawMessage) (any, error) {
	var q MapRequest
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	return p.preview(ctx, q)
}

func (p *parts) preview(ctx context.Context, q MapRequest) (MapResult, error) {
	if _, ok := p.providers[q.Provider]; !ok {
		return MapResult{}, fmt.Errorf("map: the config names no provider %q", q.Provider)
	}
	switch {
	case q.Event != nil && q.Inbound == nil:
		return p.render(q)
	case q.Inbound != nil && q.Event == nil:
		return p.receive(ctx, q)
	}
	return MapResult{}, fmt.Errorf("map: give either an event (to see the call) or an input (to see the events)")
}

func (p *parts) render(q MapRequest) (MapResult, error) {
	e := *q.Event
	e.Provider = q.Provider
	if e.Dir == "" {
		e.Dir = bridge.Out
	}
	if !e.Kind.Valid(e.Dir) {
		return MapResult{}, fmt.Errorf("map: an event of direction %s has one of the kinds %v, not %q", e.Dir, bridge.Kinds(e.Dir), e.Kind)
	}
	if e.ID == "" {
		e.ID = bridge.NewID()
	}
	if e.Mode == "" && e.Kind == bridge.Submit {
		e.Mode = bridge.ModeNew
	}
	b := q.Bond
	b.Provider = q.Provider
	if b.Task == "" {
		b.Task = e.Task
	}
	var dest bridge.Destination = p.ssp
	if e.Dir == bridge.Out {
		dest = p.providers[q.Provider].Destination
	}
	r, ok := dest.(bridge.Renderer)
	if !ok {
		return MapResult{}, fmt.Errorf("map: %s cannot show its calls", e.Dir.Destination(q.Provider))
	}
	call, err := r.Render(bridge.Lease{Event: e, Bond: b, Attempt: 1})
	return MapResult{Call: call}, err
}

func (p *parts) receive(ctx context.Context, q MapRequest) (MapResult, error) {
	in := q.Inbound
	r := p.receivers[q.Provider+"/"+string(in.Entrance)]
	if r == nil {
		return MapResult{}, fmt.Errorf("map: nothing comes in at %s by %q", q.Provider, in.Entrance)
	}
	events, err := r.Receive(ctx, bridge.Inbound{
		Provider: q.Provider, Entrance: in.Entrance, ContentType: in.ContentType, Header: in.Header, Query: in.Query, Body: []byte(in.Body),
	})
	out := MapResult{}
	for _, e := range events {
		if e.Quarantine != "" {
			out.Quarantined = append(out.Quarantined, string(e.Quarantine)+": "+e.Detail)
			continue
		}
		if e.Ignore != "" {
			out.Ignored = append(out.Ignored, string(e.Ignore)+": "+e.Detail)
			continue
		}
		e.Inbound = nil
		out.Events = append(out.Events, e)
	}
	return out, err
}

// Preview shows what the mappings of a config make of a sample. Nothing is stored and nothing is
// sent, and no bridge has to run.
func Preview(ctx context.Context, c *Config, q MapRequest) (MapResult, error) {
	p, err := build(c, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		return MapResult{}, err
	}
	defer p.close()
	return p.preview(ctx, q)
}
