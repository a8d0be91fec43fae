package tehden

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// Destination writes customers. It implements [bridge.Destination], [bridge.Finder] and
// [bridge.Renderer].
type Destination struct {
	name   string
	config *Config
	api    *API
	locks  vendorapi.Keyed

	mu   sync.Mutex
	lost map[string]lost // by event
}

// lost is a call whose answer was lost. It says something about an event only as long as every try since was
// looked up here: another replica may have got further, and so may a try that ended without a record.
type lost struct {
	operation string
	attempt   int // the try that it speaks of, or the look-up of it
}

func (d *Destination) env(l *bridge.Lease) map[string]any {
	return d.config.Tables.Env(mapping.LeaseEnv(*l))
}

// plan is what a submit wants, evaluated before anything is sent.
type plan struct {
	env        map[string]any
	pair       Pair
	identifier string
	search     Fields
	customer   Fields
	contacts   []Fields
}

func (d *Destination) plan(l *bridge.Lease) (*plan, error) {
	p := &plan{env: d.env(l)}
	var err error
	bad := func(what string) error { return vendorapi.Unmapped(d.name, what, err) }
	if !d.config.External.Identifier.IsZero() {
		if p.pair.Identifier, err = d.config.External.Identifier.Eval(p.env); err != nil {
			return nil, bad("external_system.identifier")
		}
		if p.pair.Identifier = strings.TrimSpace(p.pair.Identifier); p.pair.Identifier == "" {
			return nil, vendorapi.Unmapped(d.name, "external_system.identifier", errors.New("is empty: the task names no customer"))
		}
		p.pair.System = d.config.External.ID
	}
	if p.identifier, err = d.config.Identifier.Eval(p.env); err != nil {
		return nil, bad("identifier")
	}
	p.identifier = strings.TrimSpace(p.identifier)
	if p.search, err = fields(d.config.Search, p.env); err != nil {
		return nil, bad("search")
	}
	if p.customer, err = fields(d.config.Customer, p.env); err != nil {
		return nil, bad("customer")
	}
	if p.pair.Identifier != "" {
		p.customer["externalsystem_id"], p.customer["externalsystemidentifier"] = p.pair.System, p.pair.Identifier
	}
	for i, t := range d.config.Contacts {
		c, err2 := fields(t, p.env)
		if err = err2; err != nil {
			return nil, bad(fmt.Sprintf("contact_info[%d]", i))
		}
		p.contacts = append(p.contacts, c)
	}
	if _, err = d.api.client.Prepare("createTehdenCustomer", p.customer); err != nil {
		return nil, bad("customer")
	}
	return p, nil
}

func fields(t mapping.Tree, env map[string]any) (Fields, error) {
	if t.IsZero() {
		return Fields{}, nil
	}
	v, err := t.Eval(env)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("gave %T, wanted an object", v)
	}
	return maps.Clone(m), nil
}

// find returns the id of the customer; "" if none is found.
func (d *Destination) find(ctx context.Context, p *plan) (string, error) {
	one := func(by string, ids []string, err error) (string, error) {
		if err != nil || len(ids) == 0 {
			return "", err
		}
		if len(ids) > 1 {
			return "", vendorapi.Refused(d.name, "find", fmt.Sprintf("%d customers fit by %s: %s; a person has to say which one it is", len(ids), by, strings.Join(ids[:min(10, len(ids))], ", ")))
		}
		return ids[0], nil
	}
	if p.pair.Identifier != "" {
		ids, err := d.api.GetCustomerIDByExternalSystemIdentifier(ctx, p.pair)
		if id, err := one("external pair", ids, err); id != "" || err != nil {
			return id, err
		}
	}
	if p.identifier != "" {
		ids, err := d.api.GetCustomerIDByIdentifier(ctx, p.identifier)
		if id, err := one("identifier", ids, err); id != "" || err != nil {
			return id, err
		}
	}
	if len(p.search) == 0 {
		return "", nil
	}
	hits, err := d.api.FindCustomer(ctx, p.search)
	if err != nil {
		return "", err
	}
	var ids []string
	for _, h := range hits {
		env := maps.Clone(p.env)
		env["answer"] = map[string]any(h)
		fits, err := d.config.Match.Bool(env)
		if err != nil {
			return "", vendorapi.Unmapped(d.name, "match", err)
		}
		if fits {
			ids = append(ids, d.api.ids([]any{h})...)
		}
	}
	return one("search", ids, nil)
}

// reference is the customer's id and the task, because a customer has many tasks.
func reference(id, task string) string { return id + "/" + task }

// customerOf returns the customer's id of a reference.
func customerOf(ref string) string {
	id, _, _ := strings.Cut(strings.TrimSpace(ref), "/")
	return id
}

// Deliver writes the customer, or what the mapping makes of a later event.
func (d *Destination) Deliver(ctx context.Context, l bridge.Lease) bridge.Outcome {
	if l.Event.Kind == bridge.Submit && l.Event.Mode != bridge.ModeContinue {
		return d.submit(ctx, &l)
	}
	st, args, err := d.step(&l)
	switch {
	case err != nil:
		return vendorapi.OutcomeOf(err)
	case st.Skip:
		return bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Skipped, Detail: d.name + ": the mapping skips this event: the vendor is not told"}
	}
	reply, err := d.api.client.Call(ctx, st.Operation, args)
	if err != nil {
		return vendorapi.OutcomeOf(err)
	}
	return reply.Outcome
}

func (d *Destination) step(l *bridge.Lease) (*vendorapi.Step, Fields, error) {
	steps := d.config.Send.Update
	switch l.Event.Kind {
	case bridge.RejectSolution:
		steps = d.config.Send.RejectSolution
	case bridge.Close:
		steps = d.config.Send.Close
	}
	st, args, err := steps.Take(d.env(l))
	if err != nil {
		return nil, nil, vendorapi.Unmapped(d.name, "send."+string(l.Event.Kind), err)
	}
	if st.Skip {
		return st, nil, nil
	}
	id := customerOf(l.Bond.Reference)
	if id == "" {
		return nil, nil, &vendorapi.Failure{Op: st.Operation, Outcome: bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.NoReference, Detail: d.name + ": the customer is not known yet"}}
	}
	return st, with(args, id), nil
}

func (d *Destination) submit(ctx context.Context, l *bridge.Lease) bridge.Outcome {
	p, err := d.plan(l)
	if err != nil {
		return vendorapi.OutcomeOf(err)
	}
	d.forget(l)
	if p.pair.Identifier != "" {
		unlock, err := d.locks.Lock(ctx, p.pair.System+"\x00"+p.pair.Identifier)
		if err != nil {
			return bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Canceled, Detail: d.name + ": not sent: " + err.Error()}
		}
		defer unlock()
	}
	id, created, err := d.customer(ctx, l, p)
	if err != nil {
		return vendorapi.OutcomeOf(err)
	}
	for i, info := range p.contacts {
		if err := d.api.CreateTehdenCustomerContactInfo(ctx, id, info); err != nil {
			o := d.noted(l, "createTehdenCustomerContactInfo", err)
			o.Detail += fmt.Sprintf("; customer %s is written, contact_info[%d] is not", id, i)
			if i > 0 && o.Kind == bridge.OutcomeRetry {
				// Repeating the task would write the contact infos before this one again.
				o.Kind, o.Reason = bridge.OutcomeRefused, bridge.RefusedAnswer
				o.Detail += "; a retry would write the ones before it again: add what is missing in Tehden, then settle this event"
			}
			return o
		}
	}
	out := bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered, Reference: reference(id, l.Event.Task),
		Detail: fmt.Sprintf("%s: customer %s, created: %t", d.name, id, created)}
	if r, err := d.api.client.Prepare("createTehdenCustomer", p.customer); err == nil {
		out.Request = r.Excerpt()
	}
	return d.resolve(out, l, p.env, id, created)
}

// resolve adds the solution that the mapping brings along.
func (d *Destination) resolve(out bridge.Outcome, l *bridge.Lease, env map[string]any, id string, created bool) bridge.Outcome {
	if d.config.Resolve.IsZero() {
		return out
	}
	env = maps.Clone(env)
	env["answer"] = map[string]any{"customer_id": id, "created": created}
	e := bridge.Event{Provider: d.name, Task: l.Event.Task, Dir: bridge.In, Reference: out.Reference, Entrance: bridge.ByFollowUp, Received: l.Event.Received}
	text, err := d.config.Resolve.Eval(env)
	if err != nil { // the customer is written, and a repeat would not help: a person has to end the task
		e.Quarantine = bridge.RuleFailed
		e.Detail = fmt.Sprintf("resolve: %v; customer %s is written, but the task stays open: resolve it in SSP, correct resolve for the next ones, then discard this", err, id)
	} else {
		e.Kind, e.Text, e.Key = bridge.Resolve, text, "resolve:"+l.Event.ID
	}
	out.Follow = []bridge.Event{e}
	return out
}

// customer finds, creates or updates the customer.
func (d *Destination) customer(ctx context.Context, l *bridge.Lease, p *plan) (id string, created bool, err error) {
	if id, err = d.find(ctx, p); err != nil {
		return "", false, err
	}
	if id != "" {
		if d.config.Update == "never" {
			return id, false, nil
		}
		if err := d.api.UpdateTehdenCustomer(ctx, id, p.customer); err != nil {
			return "", false, d.failed(l, "updateTehdenCustomer", err)
		}
		return id, false, nil
	}
	if d.config.Create != "when_missing" {
		return "", false, vendorapi.Refused(d.name, "createTehdenCustomer", "no such customer is found, and create is never; a customer may also be excluded from the interface")
	}
	if id, err = d.api.CreateTehdenCustomer(ctx, p.customer); err != nil {
		return "", false, d.failed(l, "createTehdenCustomer", err)
	}
	if id == "" { // the shape of the answer is not published
		ids, err := d.api.GetCustomerIDByExternalSystemIdentifier(ctx, p.pair)
		if err != nil || len(ids) != 1 {
			o := bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: bridge.BadAnswer, Detail: d.name + ": the customer was created, but neither the answer nor a look-up tells its id"}
			d.note(l, "createTehdenCustomer")
			return "", false, &vendorapi.Failure{Op: "createTehdenCustomer", Outcome: o}
		}
		id = ids[0]
	}
	return id, true, nil
}

// failed remembers the operation whose effect is not known.
func (d *Destination) failed(l *bridge.Lease, op string, err error) error {
	if vendorapi.OutcomeOf(err).Kind == bridge.OutcomeUnknown {
		d.note(l, op)
	}
	return err
}

func (d *Destination) noted(l *bridge.Lease, op string, err error) bridge.Outcome {
	return vendorapi.OutcomeOf(d.failed(l, op, err))
}

const maxLost = 10000

func (d *Destination) note(l *bridge.Lease, op string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lost == nil || len(d.lost) >= maxLost {
		d.lost = map[string]lost{}
	}
	d.lost[l.Event.ID] = lost{op, l.Attempt}
}

func (d *Destination) forget(l *bridge.Lease) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.lost, l.Event.ID)
}

// lostIn returns the operation whose answer was lost in the try before this one; "" if that is not known.
func (d *Destination) lostIn(l *bridge.Lease) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	x, known := d.lost[l.Event.ID]
	if !known || x.attempt+1 != l.Attempt {
		return ""
	}
	x.attempt = l.Attempt
	d.lost[l.Event.ID] = x
	return x.operation
}

// Find looks the customer up. Whether a repeat does harm depends on what was lost: creating and updating
// look first and may be repeated; contact info may not.
func (d *Destination) Find(ctx context.Context, l bridge.Lease) (bridge.Found, error) {
	var cannot bridge.Found
	if l.Event.Kind != bridge.Submit || l.Event.Mode == bridge.ModeContinue {
		return cannot, nil
	}
	p, err := d.plan(&l)
	if err != nil {
		return cannot, nil
	}
	op := d.lostIn(&l)
	id, err := d.find(ctx, p)
	if err != nil {
		return cannot, err
	}
	switch {
	case id == "":
		return bridge.Found{Answer: bridge.NotThere}, nil
	case op == "createTehdenCustomer" && len(p.contacts) == 0 && d.config.Resolve.IsZero():
		return bridge.Found{Answer: bridge.IsThere, Reference: reference(id, l.Event.Task)}, nil
	case op == "createTehdenCustomer", op == "updateTehdenCustomer", len(p.contacts) == 0:
		return bridge.Found{Answer: bridge.NotThere}, nil // the customer is there; the task as a whole is not done
	}
	return cannot, nil
}

// Render shows the call that Deliver would make, without credentials; a submit as if it created.
func (d *Destination) Render(l bridge.Lease) (string, error) {
	op, args := "createTehdenCustomer", Fields(nil)
	if l.Event.Kind == bridge.Submit && l.Event.Mode != bridge.ModeContinue {
		p, err := d.plan(&l)
		if err != nil {
			return "", err
		}
		args = p.customer
	} else {
		st, a, err := d.step(&l)
		if err != nil {
			return "", err
		}
		if st.Skip {
			return "nothing is sent: the mapping skips this event\n", nil
		}
		op, args = st.Operation, a
	}
	r, err := d.api.client.Prepare(op, args)
	if err != nil {
		return "", fmt.Errorf("%s: %w", d.name, err)
	}
	return r.Show(), nil
}
