package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pergabridge/pergabridge/bridge"
)

// MapInbound shows what an input would become, without accepting it. It does no I/O.
func MapInbound(ctx context.Context, p *Provider, in bridge.Inbound) ([]bridge.Event, error) {
	if p.Receiver == nil {
		return nil, fmt.Errorf("%s: nothing is configured to come in", p.Name)
	}
	in.Provider = p.Name
	return p.Receiver.Receive(ctx, in)
}

// MapOutbound shows what an event would be sent as, without sending it.
func MapOutbound(p *Provider, l bridge.Lease) (string, error) {
	r, ok := p.Destination.(bridge.Renderer)
	if !ok {
		return "", fmt.Errorf("%s: this kind of provider cannot show what it would send", p.Name)
	}
	return r.Render(Complete(p.Name, l))
}

// Complete fills in what a lease of a sample event needs.
func Complete(name string, l bridge.Lease) bridge.Lease {
	e := &l.Event
	e.Provider, e.Dir = name, bridge.Out
	if e.ID == "" {
		e.ID = "00000000-0000-7000-8000-000000000000"
	}
	if l.Bond.Reference == "" {
		l.Bond.Reference = e.Reference
	}
	if e.Mode == "" && e.Kind == bridge.Submit {
		e.Mode = bridge.ModeNew
		if l.Bond.Reference != "" {
			e.Mode = bridge.ModeContinue
		}
	}
	if l.Bond.State == "" {
		l.Bond.State = bridge.BondOpen
	}
	l.Bond.Provider, l.Bond.Task = name, e.Task
	l.Attempt = max(1, l.Attempt)
	return l
}

// ParseSample reads a sample for [MapOutbound]: {"event": {"kind": "update", …}, "bond": {"reference": …}},
// with the names that events have in exports and the API.
func ParseSample(data []byte) (bridge.Lease, error) {
	var s struct {
		Event bridge.Event `json:"event"`
		Bond  bridge.Bond  `json:"bond"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return bridge.Lease{}, fmt.Errorf("sample: %w", err)
	}
	if d.More() {
		return bridge.Lease{}, errors.New("sample: more than one value")
	}
	if !s.Event.Kind.Valid(bridge.Out) {
		return bridge.Lease{}, fmt.Errorf("sample: event.kind %q is none of %v", s.Event.Kind, bridge.Kinds(bridge.Out))
	}
	return bridge.Lease{Event: s.Event, Bond: s.Bond}, nil
}
