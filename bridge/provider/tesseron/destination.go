package tesseron

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// Destination writes tickets. It implements [bridge.Destination], [bridge.Finder] and
// [bridge.Renderer].
type Destination struct {
	name   string
	config *Config
	api    *API
	log    *slog.Logger
	fresh  *vendorapi.Fresh

	written written
}

// opens reports whether an event makes a ticket.
func opens(l *bridge.Lease) bool {
	return l.Event.Kind == bridge.Submit && (l.Event.Mode == bridge.ModeNew || l.Event.Mode == "")
}

// Deliver makes a ticket or a position.
func (d *Destination) Deliver(ctx context.Context, l bridge.Lease) bridge.Outcome {
	if opens(&l) {
		return d.open(ctx, &l)
	}
	args, skip, err := d.position(&l)
	if err != nil {
		return vendorapi.OutcomeOf(err)
	}
	if skip {
		return bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Skipped, Detail: d.name + ": positions.close is -1: the vendor is not told"}
	}
	answer, reply, err := d.api.send(ctx, "CreateTicketPosition", args)
	if err != nil {
		return vendorapi.OutcomeOf(err)
	}
	out := reply.Outcome
	out.Comment = firstText(answer, "ticketPositionNumber")
	return out
}

// ticket returns the fields of CreateTicket that the mapping makes.
func (d *Destination) ticket(l *bridge.Lease, env map[string]any) (map[string]any, error) {
	fields, err := d.fields("ticket", d.config.Ticket, env)
	if err != nil {
		return nil, err
	}
	out := map[string]any{ // the publisher's own defaults, and the task's own words
		"ticketType": 1, "urgencyType": 1, "effectsType": 1, "releasedOption": true, "privateOption": false, "internalOption": false,
		"ticketHeader": vendorapi.FirstText(l.Event.Title, "Task "+l.Event.Task), "ticketText": vendorapi.FirstText(l.Event.Description, l.Event.Text, l.Event.Title, "Task "+l.Event.Task),
	}
	for k, v := range fields {
		out[k] = v
	}
	out["referenceNumber"] = d.config.Reference.Of(l.Event.Task)
	return out, nil
}

func (d *Destination) open(ctx context.Context, l *bridge.Lease) bridge.Outcome {
	env := d.config.Tables.Env(mapping.LeaseEnv(*l))
	fields, err := d.ticket(l, env)
	if err != nil {
		return vendorapi.OutcomeOf(err)
	}
	if err := d.tryOut(fields); err != nil {
		return vendorapi.OutcomeOf(err)
	}
	enterprise, number, err := d.enterprise(ctx, env)
	if err != nil {
		return vendorapi.OutcomeOf(err) // no ticket was made; what was made before it is found again by its key
	}
	contact, err := d.contact(ctx, enterprise, number, env)
	if err != nil {
		return vendorapi.OutcomeOf(err) // no ticket was made; what was made before it is found again by its key
	}
	fields["enterpriseId"] = idText(enterprise)
	if contact != 0 {
		fields["contactId"] = idText(contact)
	}
	answer, reply, err := d.api.send(ctx, "CreateTicket", fields)
	if err != nil {
		out := vendorapi.OutcomeOf(err)
		if out.Kind == bridge.OutcomeRefused && out.Reason == bridge.RefusedAnswer {
			return d.inUse(ctx, out, l)
		}
		return out
	}
	out := reply.Outcome
	if out.Reference = firstText(answer, "ticketNumber"); out.Reference == "" {
		out.Kind, out.Reason = bridge.OutcomeUnknown, bridge.BadAnswer // its number is looked up
		out.Detail += "; the answer holds no ticket number"
		return out
	}
	d.fresh.Add(out.Reference)
	return out
}

// tryOut builds the request with an enterprise of no importance, so that a mistake of the mapping is found
// before anything is written.
func (d *Destination) tryOut(fields map[string]any) error {
	try := map[string]any{}
	for k, v := range fields {
		try[k] = v
	}
	if try["enterpriseId"] == nil {
		try["enterpriseId"] = 1
	}
	if _, err := d.api.client.Prepare("CreateTicket", try); err != nil {
		return vendorapi.Unmapped(d.name, "ticket", err)
	}
	return nil
}

// inUse takes the ticket that already has our reference number; any other refusal stays one.
func (d *Destination) inUse(ctx context.Context, refused bridge.Outcome, l *bridge.Lease) bridge.Outcome {
	found, err := d.ours(ctx, l.Event.Task)
	if err != nil {
		refused.Detail += "; the look-up of our reference number failed: " + err.Error()
		return refused
	}
	if found == "" {
		return refused
	}
	d.fresh.Add(found)
	refused.Kind, refused.Reason, refused.Reference = bridge.OutcomeDone, bridge.Delivered, found
	refused.Detail += "; the ticket with our reference number is " + found
	return refused
}

// ours returns the number of the ticket with the task's reference number; "" if there is none.
func (d *Destination) ours(ctx context.Context, task string) (string, error) {
	ref := d.config.Reference.Of(task)
	numbers, err := d.api.SearchTicket(ctx, ref)
	if err != nil {
		o := vendorapi.OutcomeOf(err)
		if d.config.AbsentOnFailure && o.Kind == bridge.OutcomeRefused && o.Reason == bridge.RefusedAnswer && o.Status == 200 {
			return "", nil
		}
		return "", err
	}
	var fit []string
	for _, n := range numbers {
		t, err := d.api.GetTicket(ctx, n) // the search may be fuzzy
		if err != nil {
			return "", err
		}
		if same(t.String("referenceNumber"), ref) {
			fit = append(fit, n)
		}
	}
	if len(fit) > 1 {
		return "", fmt.Errorf("%s: %d tickets have reference number %s: %s", d.name, len(fit), ref, strings.Join(fit, ", "))
	}
	if len(fit) == 0 {
		return "", nil
	}
	return fit[0], nil
}

// position returns the fields of the position that an event becomes.
func (d *Destination) position(l *bridge.Lease) (args map[string]any, skip bool, err error) {
	text, kind := l.Event.Text, d.config.Positions.Update
	switch {
	case l.Event.Kind == bridge.RejectSolution, l.Event.Kind == bridge.Submit && l.Event.Mode == bridge.ModeReopen:
		kind = d.config.Positions.Reject
	case l.Event.Kind == bridge.Close:
		if kind = d.config.Positions.Close; kind < 0 {
			return nil, true, nil
		}
	}
	if l.Event.Kind == bridge.Submit {
		text = vendorapi.FirstText(text, l.Event.Description, l.Event.Title)
	}
	if strings.TrimSpace(text) == "" && l.Event.Kind == bridge.Close {
		text = "Closed."
		if !d.config.Positions.CloseText.IsZero() {
			if text, err = d.config.Positions.CloseText.Eval(d.config.Tables.Env(mapping.LeaseEnv(*l))); err != nil {
				return nil, false, vendorapi.Unmapped(d.name, "positions.close_text", err)
			}
		}
	}
	ref := strings.TrimSpace(l.Bond.Reference)
	if ref == "" {
		return nil, false, &vendorapi.Failure{Op: "CreateTicketPosition", Outcome: bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.NoReference,
			Detail: d.name + ": the ticket number is not known yet"}}
	}
	args = map[string]any{"referenceNumber": ref, "ticketPositionText": text, "ticketPositionType": kind}
	if d.config.Positions.Internal != nil {
		args["ticketPositionVisibility"] = *d.config.Positions.Internal
	}
	return args, false, nil
}

// Find looks a ticket up by our reference number. Nothing reads positions back.
func (d *Destination) Find(ctx context.Context, l bridge.Lease) (bridge.Found, error) {
	if !opens(&l) {
		return bridge.Found{}, nil
	}
	number, err := d.ours(ctx, l.Event.Task)
	switch {
	case err != nil:
		return bridge.Found{}, err
	case number == "":
		return bridge.Found{Answer: bridge.NotThere}, nil // and a second ticket with this number would be refused
	}
	d.fresh.Add(number)
	return bridge.Found{Answer: bridge.IsThere, Reference: number}, nil
}

// Render shows the call that Deliver would make, without the key. Ids that would be searched stand as 0.
func (d *Destination) Render(l bridge.Lease) (string, error) {
	op, args, skip := "CreateTicketPosition", map[string]any(nil), false
	var err error
	if opens(&l) {
		op = "CreateTicket"
		if args, err = d.ticket(&l, d.config.Tables.Env(mapping.LeaseEnv(l))); err == nil {
			args["enterpriseId"] = idText(d.config.Enterprise.ID)
			if d.config.Contact.ID != 0 {
				args["contactId"] = idText(d.config.Contact.ID)
			}
		}
	} else {
		args, skip, err = d.position(&l)
	}
	if err != nil {
		return "", err
	}
	if skip {
		return "nothing is sent: positions.close is -1\n", nil
	}
	r, err := d.api.client.Prepare(op, args)
	if err != nil {
		return "", fmt.Errorf("%s: %w", d.name, err)
	}
	return r.Show(), nil
}
