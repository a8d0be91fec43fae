package httpprovider

import (
	"fmt"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
)

// PollDuty is the name of the source that the section poll makes.
const PollDuty = "poll"

func init() {
	provider.Register(provider.Of("http", "any system with an HTTP interface, described in the config alone", New))
}

// New builds a provider from a config without problems. It connects to nothing.
func New(name string, c *Config, d provider.Deps) (*provider.Provider, error) {
	d = d.WithDefaults()
	if c.Send.Submit == nil {
		return nil, fmt.Errorf("%s: send.submit is missing", name)
	}
	if err := c.Tables.Prepare(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	client, err := outbound.New(name, c.Outbound, d.Outbound)
	if err != nil {
		return nil, err
	}
	p := &provider.Provider{
		Name:        name,
		Destination: &Destination{name: name, config: c, client: client, files: d.Files},
		Close:       client.Close,

		WithoutReference: !c.needsReference(),
	}
	if c.Test != nil {
		p.Checker = &checker{name: name, config: c, client: client, now: d.Now}
	}
	if c.Inbound == nil {
		return p, nil
	}
	receiver := &Receiver{name: name, config: c, now: d.Now, comments: c.commentsKnown()}
	p.Receiver = receiver
	if c.Poll != nil {
		p.Sources = map[string]bridge.Source{PollDuty: &pollSource{
			name: name, config: c, client: client, receiver: receiver, log: d.Log, now: d.Now,
		}}
	}
	return p, nil
}

// needsReference reports whether any call after submit is addressed by the provider's ticket number.
func (c *Config) needsReference() bool {
	for _, o := range c.Send.named() {
		if o.name != "submit" && !o.op.Skip && o.op.mentions("bond.reference") {
			return true
		}
	}
	return false
}
