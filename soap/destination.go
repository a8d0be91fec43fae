package soap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	gowsdl "github.com/hooklift/gowsdl/soap"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/soap/workflow"
)

// Deps are what a Destination gets from the program. The zero value is usable.
type Deps struct {
	Log      *slog.Logger
	Now      func() time.Time
	Outbound outbound.Options
}

// A Destination is SSP. It is safe for concurrent use.
type Destination struct {
	config  Config
	client  *outbound.Client
	service workflow.WorkflowServiceSoap
	gate    *gate
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
	want, err := expected()
	if err != nil {
		return nil, fmt.Errorf("ssp: %w", err)
	}
	client, err := outbound.New(bridge.SSP, c.Outbound, d.Outbound)
	if err != nil {
		return nil, err
	}
	g := &gate{want: want, now: d.Now, log: d.Log}
	switch {
	case c.Contract == Assumed:
		g.state = ContractState{Status: ContractAssumed}
	case c.WSDL != "":
		g.source = fromFile(c.WSDL)
	default:
		if g.source, err = newFromURL(client, c.URL); err != nil {
			client.Close()
			return nil, fmt.Errorf("ssp: %w", err)
		}
	}
	if g.source != nil {
		g.state = ContractState{Status: ContractUnchecked, Source: g.source.String()}
	}
	return &Destination{
		config:  c,
		client:  client,
		service: newService(c.URL, client),
		gate:    g,
	}, nil
}

// newService makes the generated client over ours.
func newService(url string, client doer) workflow.WorkflowServiceSoap {
	return workflow.NewWorkflowServiceSoap(gowsdl.NewClient(url, gowsdl.WithHTTPClient(transport{client})))
}

// Deliver applies an inbound event to its task in SSP.
func (d *Destination) Deliver(ctx context.Context, l bridge.Lease) bridge.Outcome {
	c, err := newCall(l)
	switch {
	case errors.Is(err, errNoReference):
		return bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.NoReference, Detail: err.Error()}
	case err != nil:
		return bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.MappingFailed, Detail: err.Error()}
	}
	if o, ok := d.gate.pass(ctx); !ok {
		return o
	}
	ctx, x := withExchange(ctx, l.Event.ID)
	x.trace = l.Event.Trace
	a, err := c.do(ctx, d.service)
	o := d.judge(x, a, err)
	o.Request = outbound.Excerpt(x.request)
	return o
}

// Render shows the call that Deliver would make.
func (d *Destination) Render(l bridge.Lease) (string, error) {
	c, err := newCall(l)
	if err != nil {
		return "", fmt.Errorf("ssp: %w", err)
	}
	body, err := c.envelope()
	if err != nil {
		return "", fmt.Errorf("ssp: %w", err)
	}
	return fmt.Sprintf("POST %s\nSOAPAction: %q\n\n%s", outbound.Excerpt([]byte(d.config.URL)), workflow.Namespace+c.operation, outbound.Excerpt(body)), nil
}

// Contract returns what is known of SSP's contract, without asking SSP.
func (d *Destination) Contract() ContractState { return d.gate.get() }

// CheckContract looks at SSP's contract now, unless it is assumed. The error is that of ctx.
func (d *Destination) CheckContract(ctx context.Context) (ContractState, error) {
	d.gate.expire()
	return d.gate.current(ctx)
}

// Close drops idle connections. Calls under way go on.
func (d *Destination) Close() { d.client.Close() }
