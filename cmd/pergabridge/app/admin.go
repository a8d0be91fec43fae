package app

import (
	"context"
	"errors"
	"maps"
	"net"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// adminOptions is what console, API and metrics show of a generation.
func (a *App) adminOptions(g *generation) console.Options {
	c := g.config
	var token secret.Text
	if c.Server.AdminToken != nil {
		token = c.Server.AdminToken.Text
	}
	host, _, _ := net.SplitHostPort(a.AdminAddr())
	destinations := []console.Destination{{Name: bridge.SSP, Kind: "ssp", Mode: c.SSP.Delivery.Mode, Address: c.SSP.URL, Config: c.sspText, Test: g.testSSP}}
	for _, name := range c.names() {
		p := c.Providers[name]
		destinations = append(destinations, console.Destination{Name: name, Kind: p.Kind.Name, Mode: p.common().Mode, Address: p.address(), Config: p.text, Test: g.parts.tester(name, p.address())})
	}
	shown := map[string]func(context.Context) error{checkConfig: a.configCheck}
	g.certificateChecks(shown)
	var must map[string]func(context.Context) error
	if s, ok := a.store.(conditioned); ok {
		var more map[string]func(context.Context) error
		must, more = s.Conditions()
		maps.Copy(shown, more)
	}
	var boxes func(context.Context) ([]api.Mailbox, error)
	if len(c.Mailboxes) > 0 {
		boxes = g.parts.mailboxStates
		maps.Copy(shown, g.parts.mailboxChecks(shownMailbox))
	}
	o := console.Options{
		Mailboxes: boxes, Session: g.engine.Session,
		Store: a.store, Engine: inForce{a}, Token: token, Prefix: string(c.Server.AdminPathPrefix), Users: c.Server.people(), OpenMetrics: net.ParseIP(host).IsLoopback() && len(c.Server.TrustedProxies) == 0, Metrics: a.observer.Handler(),
		Replica: a.replica, Version: a.o.Version, ConfigVersion: c.Version, Started: a.started, Destinations: destinations,
		Contract: func() any { return g.parts.ssp.Contract() },
		ReferenceKey: func(provider, reference string) string {
			return bridge.ReferenceKey(reference, g.parts.caseBound[provider])
		},
		Checks: must, Shown: shown,
		Files: g.parts.files.opener, ReadMail: mailTexts, Map: inForce{a}.Map, Rates: a.observer.rates.Series, Closing: a.draining.Done(),
		Log: a.o.Log, Now: a.o.Now,
	}
	if c.File != "" {
		o.Reload = a.Reload
	}
	return o
}

// testSSP fetches SSP's contract and compares it: the only call of SSP that does nothing there.
func (g *generation) testSSP(ctx context.Context) (string, error) {
	s, err := g.parts.ssp.CheckContract(ctx)
	if err != nil {
		return "", err
	}
	if !s.Open() {
		return "", errors.New(s.String())
	}
	return s.String(), nil
}

// tester returns the test call of a provider: what `provider check` does.
func (p *parts) tester(name, address string) func(context.Context) (string, error) {
	made := p.providers[name]
	return func(ctx context.Context) (string, error) {
		var lines, wrong []string
		for _, r := range tryOut(ctx, made, address) {
			line := r.What
			if r.Detail != "" {
				line += ": " + r.Detail
			}
			lines = append(lines, line)
			if !r.OK {
				wrong = append(wrong, line)
			}
		}
		if len(wrong) > 0 {
			return "", errors.New(strings.Join(wrong, "; "))
		}
		return strings.Join(lines, "; "), nil
	}
}
