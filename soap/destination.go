package soap

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	gowsdl "github.com/hooklift/gowsdl/soap"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/soap/binding"
	"github.com/pergabridge/pergabridge/soap/workflow"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// Deps are what a Destination gets from the program. The zero value is usable.
type Deps struct {
	Log      *slog.Logger
	Now      func() time.Time
	Outbound outbound.Options
	// Routes are other ways to SSP for events of single kinds, tagged mail for one. What is not
	// here goes by SOAP. A route that is also a [bridge.Renderer] shows itself in previews.
	Routes map[bridge.Kind]bridge.Destination
	// Text returns the text that SSP is given for an event; nil: the event's own. It must say the
	// same at every try.
	Text func(*bridge.Event) string
}

// A Destination is SSP. It is safe for concurrent use.
type Destination struct {
	config   Config
	client   *outbound.Client
	service  service
	gate     *gate
	routes   map[bridge.Kind]bridge.Destination
	text     func(*bridge.Event) string
	progress progress
	explain  explainer
}

var (
	_ bridge.Destination = (*Destination)(nil)
	_ bridge.Renderer    = (*Destination)(nil)
)

// New makes the destination. It calls nobody; the contract is checked by the first delivery or by
// [Destination.CheckContract]. Close it.
func New(c Config, d Deps) (*Destination, error) {
	c = c.withDefaults()
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Outbound.Log == nil {
		d.Outbound.Log = d.Log
	}
	client, err := outbound.New(bridge.SSP, c.Outbound, d.Outbound)
	if err != nil {
		return nil, err
	}
	g, err := newGate(c, client, d)
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("ssp: %w", err)
	}
	return &Destination{
		config:  c,
		client:  client,
		service: newService(c.URL, client),
		gate:    g,
		routes:  d.Routes,
		text:    d.Text,
		explain: newExplainer(c.Outbound),
	}, nil
}

// newService makes gowsdl's clients over ours.
func newService(url string, client doer) service {
	over := gowsdl.WithHTTPClient(transport{client})
	own := gowsdl.NewClient(url, over)
	return service{
		generated: workflow.NewWorkflowServiceSoap(own),
		at: func(other string) *gowsdl.Client {
			if other == "" {
				return own
			}
			return gowsdl.NewClient(other, over)
		},
	}
}

// Deliver applies an inbound event to its task in SSP.
func (d *Destination) Deliver(ctx context.Context, l bridge.Lease) bridge.Outcome {
	d.say(&l)
	if r := d.routes[l.Event.Kind]; r != nil {
		return r.Deliver(ctx, l)
	}
	if d.config.bound() == nil { // what cannot be a call need not wait for a contract
		if _, err := newCall(l); err != nil {
			return refused(err)
		}
	}
	contract, o, ok := d.gate.pass(ctx)
	if !ok {
		return o
	}
	calls, note, err := newCalls(contract, l)
	if err != nil {
		return refused(err)
	}
	if len(calls) == 1 {
		return noted(d.deliver(ctx, l, calls[0]), note)
	}
	return noted(d.deliverParts(ctx, l, calls), note)
}

// say gives the event the text that SSP is to get.
func (d *Destination) say(l *bridge.Lease) {
	if d.text != nil {
		l.Event.Text = d.text(&l.Event)
	}
}

// deliverParts makes the calls that one text became. A repeat goes on at the part that failed.
func (d *Destination) deliverParts(ctx context.Context, l bridge.Lease, calls []call) (o bridge.Outcome) {
	for i := min(d.progress.of(l.Event.ID), len(calls)-1); i < len(calls); i++ {
		o = d.deliver(ctx, l, calls[i])
		o.Detail = fmt.Sprintf("part %d of %d: %s", i+1, len(calls), o.Detail)
		if o.Kind != bridge.OutcomeDone {
			return o
		}
		d.progress.set(l.Event.ID, i+1)
	}
	d.progress.forget(l.Event.ID)
	return o
}

// noted adds to an outcome what was lost of the text.
func noted(o bridge.Outcome, note string) bridge.Outcome {
	if note != "" {
		o.Detail += "; " + note
	}
	return o
}

// deliver makes one call.
func (d *Destination) deliver(ctx context.Context, l bridge.Lease, c call) bridge.Outcome {
	ctx, x := withExchange(ctx, l.Event.ID, c.version)
	x.trace = l.Event.Trace
	a, err := c.do(ctx, d.service)
	o := d.judge(l, c, x, a, err)
	o.Request = outbound.Excerpt(x.request)
	return o
}

// Render shows the calls that Deliver would make. A bound contract that was not read yet is shown
// with the order and the types that the config alone gives; the text says so.
func (d *Destination) Render(l bridge.Lease) (string, error) {
	d.say(&l)
	if r, ok := d.routes[l.Event.Kind].(bridge.Renderer); ok {
		return r.Render(l)
	}
	contract, known := d.gate.contractOrAssumed()
	calls, _, err := newCalls(contract, l)
	if err != nil {
		return "", fmt.Errorf("ssp: %w", err)
	}
	text := ""
	if !known {
		text = "(SSP's contract was not read yet: order, types and namespaces as the config alone gives them)\n"
	}
	for i, c := range calls {
		if i > 0 {
			text += "\n\n"
		}
		shown, err := d.show(c)
		if err != nil {
			return "", fmt.Errorf("ssp: %w", err)
		}
		text += shown
	}
	return text, nil
}

// show is a call as it goes over the wire, secrets masked.
func (d *Destination) show(c call) (string, error) {
	body, err := c.envelope()
	if err != nil {
		return "", err
	}
	head := fmt.Sprintf("SOAPAction: %q", c.action)
	if c.version == wsdl.SOAP12 {
		head = "Content-Type: " + header(c.version, c.action).Get("Content-Type")
	}
	return fmt.Sprintf("POST %s\n%s\n\n%s", outbound.Excerpt([]byte(or(c.url, d.config.URL))), head, outbound.Excerpt(body)), nil
}

// Contract returns what is known of SSP's contract, without asking SSP.
func (d *Destination) Contract() ContractState { return d.gate.get() }

// CheckContract looks at SSP's contract now, unless it is assumed. The error is that of ctx.
func (d *Destination) CheckContract(ctx context.Context) (ContractState, error) {
	d.gate.expire()
	_, s, err := d.gate.current(ctx)
	return s, err
}

// Close drops idle connections. Calls under way go on.
func (d *Destination) Close() { d.client.Close() }

// assume returns the contract to use when nobody looks; nil for the default one.
func assume(c Config) *binding.Contract {
	if o := c.bound(); o != nil {
		return binding.Assume(o, wsdl.Version(c.Version))
	}
	return nil
}
