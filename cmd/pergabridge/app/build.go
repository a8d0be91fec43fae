package app

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/engine"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/soap"
	"github.com/pergabridge/pergabridge/webhooks"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

// parts is everything that is built from the config alone.
type parts struct {
	ssp          *soap.Destination
	mail         mailParts
	vault        *vault
	files        fileParts
	bonds        provider.Book
	providers    map[string]*provider.Provider
	destinations []engine.Destination
	receivers    map[string]bridge.Receiver
	sources      map[string]bridge.Source
	intakes      map[string]webhooks.Intake
	caseBound    map[string]bool
	keep         map[string]bridge.Keep
	watched      *watchedSources
	mailWatch    *mailWatch
	presence     *presence
}

// build makes SSP, the providers and their entrances. It calls nobody.
func build(c *Config, log *slog.Logger, now func() time.Time) (_ *parts, err error) {
	p := &parts{
		providers: map[string]*provider.Provider{}, receivers: map[string]bridge.Receiver{}, sources: map[string]bridge.Source{},
		intakes: map[string]webhooks.Intake{}, caseBound: map[string]bool{}, keep: map[string]bridge.Keep{},
		watched: newWatchedSources(now),
	}
	p.mailWatch = &mailWatch{}
	p.presence = newPresence(c.Version, now, log, p.watched.mailbox)
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	p.vault = &vault{now: now}
	out := outbound.Options{Log: log, Now: now, UserAgent: "pergabridge", Vault: p.vault}
	p.files = newFileParts(c)
	routes, err := p.mail.prepare(c, p.files.opener, out)
	if err != nil {
		return nil, err
	}
	if p.ssp, err = soap.New(c.SSP, soap.Deps{Log: log, Now: now, Outbound: out, Routes: routes, Text: p.files.text}); err != nil {
		return nil, err
	}
	p.destinations = append(p.destinations, destination(bridge.SSP, p.ssp, &c.SSP.Delivery))
	for _, name := range c.names() {
		section := c.Providers[name]
		common := section.common()
		made, err := section.Kind.New(name, section.Config, provider.Deps{Log: log, Now: now, Outbound: out, Marks: p.mail.marks, Files: p.files.opener, Bonded: p.bonds.Of(name)})
		if err != nil {
			return nil, fmt.Errorf("provider %s: %w", name, err)
		}
		p.providers[name] = made
		d := destination(name, made.Destination, &common.Delivery)
		d.WithoutReference = made.WithoutReference
		p.destinations = append(p.destinations, d)
		p.caseBound[name] = common.Reference.CaseSensitive
		p.keep[name] = common.Keep.Bridge()
		for duty, source := range made.Sources {
			p.sources[name+"/"+duty] = p.watched.watch(name+"/"+duty, source)
		}
		if p.intakes[name], err = p.intake(c, name, section, made); err != nil {
			return nil, fmt.Errorf("provider %s: %w", name, err)
		}
	}
	return p, p.mailboxes(c, log, now, out)
}

// intake makes the entrances of one provider.
func (p *parts) intake(c *Config, name string, section Provider, made *provider.Provider) (webhooks.Intake, error) {
	reader := processcall.New(name, c.intake.With(section.Intake))
	in := webhooks.Intake{Call: reader}
	p.receivers[engine.ReceiverKey(name, bridge.ByProcessCall)] = reader
	if made.Receiver != nil {
		for _, e := range []bridge.Entrance{bridge.ByWebhook, bridge.ByPoll, bridge.ByMailbox} {
			p.receivers[engine.ReceiverKey(name, e)] = made.Receiver
		}
	}
	if section.Webhook != nil {
		verifier, err := scheme.New(*section.Webhook)
		if err != nil {
			return in, err
		}
		in.Webhook, in.Receiver = verifier, made.Receiver
	}
	return in, nil
}

// destination turns the config's words on delivery into the engine's.
func destination(name string, d bridge.Destination, c *provider.Delivery) engine.Destination {
	return engine.Destination{Name: name, Dest: d, Policy: policy(c), Limit: c.Limit(), Observe: c.Observe()}
}

// policy lays what the config says over the engine's defaults.
func policy(c *provider.Delivery) engine.Policy {
	p := engine.DefaultPolicy()
	p.First, p.Max, p.Period = c.Retry.First.Std(), c.Retry.Max.Std(), c.Retry.Period.Std()
	for kind, then := range c.OnRefused {
		p.Refused[bridge.Kind(kind)] = bridge.Then(then)
	}
	for kind, over := range c.Unknown {
		u := p.Unknown[bridge.Kind(kind)]
		if over.Wait != nil {
			u.Wait = over.Wait.Std()
		}
		if over.LookUp != nil {
			u.Lookup = *over.LookUp
		}
		if over.Then != "" {
			u.Then = bridge.Then(over.Then)
		}
		p.Unknown[bridge.Kind(kind)] = u
	}
	return p
}

func (p *parts) close() {
	p.mail.close()
	for _, made := range p.providers {
		made.Close()
	}
	if p.ssp != nil {
		p.ssp.Close()
	}
}
