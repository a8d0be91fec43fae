package tesamanager

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// Destination writes requests. It implements [bridge.Destination], [bridge.Finder] and
// [bridge.Renderer].
type Destination struct {
	name    string
	config  *Config
	api     *API
	known   *known
	fresh   *vendorapi.Fresh
	schemas map[string]*jsonschema.Schema
}

// known remembers which reference ids have which external reference.
type known struct {
	mu       sync.Mutex
	external map[string]string
}

// maxKnown bounds what is remembered; beyond it the vendor is asked again.
const maxKnown = 10000

func newKnown() *known { return &known{external: map[string]string{}} }

func (k *known) set(id, external string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.external) >= maxKnown {
		clear(k.external)
	}
	k.external[id] = external
}

func (k *known) get(id string) (string, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.external[id]
	return s, ok
}

// met keeps a request of ours, and hands it to the poll.
func (d *Destination) met(id, external string) {
	d.known.set(id, external)
	d.fresh.Add(id)
}

// choice is what the mapping makes of an event.
type choice struct {
	key   string // of the config
	step  *vendorapi.Step
	args  map[string]any
	opens bool // it makes a request
}

func (d *Destination) choose(l *bridge.Lease) (c choice, err error) {
	x, steps := *l, d.config.Send.Update
	c.key = "update"
	switch kind, mode := l.Event.Kind, l.Event.Mode; {
	case kind == bridge.Submit && mode != bridge.ModeContinue && mode != bridge.ModeReopen:
		c.key, c.opens, steps = "submit", true, d.config.Send.Submit
	case kind == bridge.RejectSolution, kind == bridge.Submit && mode == bridge.ModeReopen:
		c.key, steps = "reject_solution", d.config.Send.RejectSolution
	case kind == bridge.Close:
		c.key, steps = "close", d.config.Send.Close
	}
	if l.Event.Kind == bridge.Submit && !c.opens {
		x.Event.Text = vendorapi.FirstText(x.Event.Text, x.Event.Description, x.Event.Title)
	}
	c.step, c.args, err = steps.Take(d.config.Tables.Env(mapping.LeaseEnv(x)))
	return c, d.unmapped(&c, err)
}

// unmapped names the key of the config by which err came about; nil stays nil.
func (d *Destination) unmapped(c *choice, err error) error {
	if err == nil {
		return nil
	}
	return vendorapi.Unmapped(d.name, "send."+c.key, err)
}

// Deliver makes the call that the mapping has for the event.
func (d *Destination) Deliver(ctx context.Context, l bridge.Lease) bridge.Outcome {
	c, err := d.choose(&l)
	switch {
	case err != nil:
		return vendorapi.OutcomeOf(err)
	case c.step.Skip:
		return bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Skipped, Detail: d.name + ": the mapping skips this event: the vendor is not told"}
	case c.opens:
		return d.open(ctx, &l, &c)
	}
	args, err := d.complete(ctx, &l, c.step.Operation, c.args)
	if err == nil {
		err = d.unmapped(&c, d.validate(args))
	}
	if err != nil {
		return vendorapi.OutcomeOf(err)
	}
	reply, err := d.api.send(ctx, c.step.Operation, args)
	if err == nil {
		return reply.Outcome
	}
	out := vendorapi.OutcomeOf(err)
	if out.Status == 404 || out.Status == 406 {
		out.Detail += d.present(ctx, l.Bond.Reference)
	}
	return out
}

// open writes a request unless there is one with our reference already.
func (d *Destination) open(ctx context.Context, l *bridge.Lease, c *choice) bridge.Outcome {
	op, external := c.step.Operation, d.config.ExternalReference.Of(l.Event.Task)
	args := maps.Clone(c.args)
	args["externalReference"] = external
	err := d.validate(args)
	if err == nil {
		_, err = d.api.client.Prepare(op, args)
	}
	if err != nil {
		return vendorapi.OutcomeOf(d.unmapped(c, err))
	}
	ids, err := d.api.List(ctx, ListQuery{ExternalReference: external})
	if err != nil {
		return vendorapi.OutcomeOf(err)
	}
	if len(ids) > 0 {
		return d.adopt(ids, external)
	}
	reply, err := d.api.send(ctx, op, args)
	if err != nil {
		return vendorapi.OutcomeOf(err)
	}
	out := reply.Outcome
	out.Reference = d.api.result(reply).ReferenceID
	if out.Reference == "" { // the fields of the answer are not published
		ids, err := d.api.List(ctx, ListQuery{ExternalReference: external})
		switch {
		case err == nil && len(ids) == 1:
			out.Reference = ids[0]
		case err == nil && len(ids) > 1:
			out.Detail += fmt.Sprintf("; the vendor has %d requests with external reference %s", len(ids), external)
		case err != nil:
			out.Detail += "; the look-up of its reference failed: " + err.Error()
		}
		if out.Reference == "" {
			// It was taken, but nobody can say as what: never write it again, find it.
			out.Kind, out.Reason = bridge.OutcomeUnknown, bridge.BadAnswer
			out.Detail += "; the answer tells no reference id"
			return out
		}
	}
	d.met(out.Reference, external)
	return out
}

// adopt takes the request that is there.
func (d *Destination) adopt(ids []string, external string) bridge.Outcome {
	if len(ids) > 1 {
		return vendorapi.OutcomeOf(vendorapi.Refused(d.name, "listReferenceIds", fmt.Sprintf(
			"the vendor already has %d requests with external reference %s: %s; link the task to one of them", len(ids), external, strings.Join(ids[:min(len(ids), 10)], ", "))))
	}
	d.met(ids[0], external)
	return bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered, Reference: ids[0],
		Detail: d.name + ": the vendor already has a request with external reference " + external + "; nothing was written"}
}

// external returns our reference of a request: what the vendor says, else what the task makes.
func (d *Destination) external(ctx context.Context, l *bridge.Lease) (string, error) {
	made := d.config.ExternalReference.Of(vendorapi.FirstText(l.Bond.Task, l.Event.Task))
	id := strings.TrimSpace(l.Bond.Reference)
	if id == "" {
		return made, nil
	}
	if s, ok := d.known.get(id); ok {
		return vendorapi.FirstText(s, made), nil
	}
	r, err := d.api.Get(ctx, id)
	if err != nil {
		return "", err
	}
	d.known.set(id, r.ExternalReference)
	return vendorapi.FirstText(r.ExternalReference, made), nil
}

// complete adds our reference and, where the operation wants them, the request's numbers.
func (d *Destination) complete(ctx context.Context, l *bridge.Lease, op string, args map[string]any) (map[string]any, error) {
	args = maps.Clone(args)
	if _, given := args["externalReference"]; !given {
		s, err := d.external(ctx, l)
		if err != nil {
			return nil, err
		}
		args["externalReference"] = s
	}
	fields := d.api.client.Profile.Operations[op].Fields
	if fields["requestNumber"] == nil || args["requestNumber"] != nil && args["subRequestNumber"] != nil || l.Bond.Reference == "" {
		return args, nil
	}
	events, err := d.api.Events(ctx, l.Bond.Reference)
	if err != nil {
		return nil, err
	}
	var last *Event
	for i := range events {
		if e := &events[i]; !e.Inconsistent && (last == nil || e.SequenceNumber > last.SequenceNumber) {
			last = e
		}
	}
	if last == nil {
		return args, nil // the profile says that the numbers are missing
	}
	if args["requestNumber"] == nil {
		args["requestNumber"] = strconv.FormatInt(last.RequestNumber, 10)
	}
	if args["subRequestNumber"] == nil {
		args["subRequestNumber"] = strconv.FormatInt(last.SubRequestNumber, 10)
	}
	return args, nil
}

// validate holds the nested objects against the customer's schemas.
func (d *Destination) validate(args map[string]any) error {
	for name, s := range d.schemas {
		v, ok := args[name]
		if !ok {
			continue
		}
		if err := s.Validate(v); err != nil {
			return fmt.Errorf("%s does not fit its schema: %w", name, err)
		}
	}
	return nil
}

// present says where the request stands, for the person who has to decide about a refusal.
func (d *Destination) present(ctx context.Context, id string) string {
	if id == "" {
		return ""
	}
	r, err := d.api.Get(ctx, id)
	switch {
	case err != nil:
		return "; where the request stands could not be read: " + err.Error()
	case r.Status == "":
		return "; the vendor does not say where the request stands"
	}
	return "; the request is " + r.Status
}

// Find looks a request up by our reference, and a cancellation by the request's state.
func (d *Destination) Find(ctx context.Context, l bridge.Lease) (bridge.Found, error) {
	var cannot bridge.Found
	c, err := d.choose(&l)
	if err != nil || c.step.Skip {
		return cannot, nil
	}
	if c.opens {
		ids, err := d.api.List(ctx, ListQuery{ExternalReference: d.config.ExternalReference.Of(l.Event.Task)})
		switch {
		case err != nil:
			return cannot, err
		case len(ids) == 0:
			return bridge.Found{Answer: bridge.NotThere}, nil
		case len(ids) == 1:
			d.met(ids[0], d.config.ExternalReference.Of(l.Event.Task))
			return bridge.Found{Answer: bridge.IsThere, Reference: ids[0]}, nil
		}
		return cannot, nil // two requests: a person decides
	}
	if c.step.Operation != "cancel" {
		return cannot, nil
	}
	external, err := d.external(ctx, &l)
	if err != nil {
		return cannot, err
	}
	yes := true
	for _, q := range []ListQuery{{ExternalReference: external, Statuses: []string{"CANCELED"}}, {ExternalReference: external, Cancelling: &yes}} {
		ids, err := d.api.List(ctx, q)
		if err != nil {
			return cannot, err
		}
		if len(ids) > 0 {
			return bridge.Found{Answer: bridge.IsThere}, nil
		}
	}
	return bridge.Found{Answer: bridge.NotThere}, nil
}

// Render shows the call that Deliver would make, without credentials. Numbers that would be asked for
// stand as 0.
func (d *Destination) Render(l bridge.Lease) (string, error) {
	c, err := d.choose(&l)
	switch {
	case err != nil:
		return "", err
	case c.step.Skip:
		return "nothing is sent: the mapping skips this event\n", nil
	}
	op, args := c.step.Operation, maps.Clone(c.args)
	if args["externalReference"] == nil {
		args["externalReference"] = d.config.ExternalReference.Of(l.Event.Task)
	}
	for _, k := range []string{"requestNumber", "subRequestNumber"} {
		if d.api.client.Profile.Operations[op].Fields[k] != nil && args[k] == nil {
			args[k] = 0
		}
	}
	r, err := d.api.client.Prepare(op, args)
	if err == nil {
		err = d.validate(args)
	}
	if err != nil {
		return "", d.unmapped(&c, err)
	}
	return r.Show(), nil
}
