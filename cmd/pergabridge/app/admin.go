package app

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// adminHandler builds console, API and metrics.
func (a *App) adminHandler(x *observer, closing <-chan struct{}) (http.Handler, error) {
	c := a.config
	var token secret.Text
	if c.Server.AdminToken != nil {
		token = c.Server.AdminToken.Text
	}
	host, _, _ := net.SplitHostPort(a.AdminAddr())
	destinations := []console.Destination{{Name: bridge.SSP, Kind: "ssp", Mode: c.SSP.Delivery.Mode, Address: c.SSP.URL, Config: c.sspText, Test: a.testSSP}}
	for _, name := range c.names() {
		p := c.Providers[name]
		destinations = append(destinations, console.Destination{Name: name, Kind: p.Kind.Name, Mode: p.common().Mode, Address: p.address(), Config: p.text, Test: a.parts.tester(name)})
	}
	var must, shown map[string]func(context.Context) error
	if s, ok := a.store.(conditioned); ok {
		must, shown = s.Conditions()
	}
	return console.New(console.Options{
		Checks: must, Shown: shown,
		Store: a.store, Engine: a.engine, Token: token, Users: c.Server.people(), OpenMetrics: net.ParseIP(host).IsLoopback(), Metrics: x.Handler(),
		Version: a.o.Version, ConfigVersion: c.Version, Started: a.o.Now(), Destinations: destinations,
		Contract: func() any { return a.parts.ssp.Contract() },
		ReferenceKey: func(provider, reference string) string {
			return bridge.ReferenceKey(reference, a.parts.caseBound[provider])
		},
		Map: a.parts.dryRun, Rates: x.rates.Series, Closing: closing,
		Log: a.o.Log, Now: a.o.Now,
	})
}

// testSSP fetches SSP's contract and compares it: the only call of SSP that does nothing there.
func (a *App) testSSP(ctx context.Context) (string, error) {
	s, err := a.parts.ssp.CheckContract(ctx)
	if err != nil {
		return "", err
	}
	if !s.Open() {
		return "", errors.New(s.String())
	}
	return s.String(), nil
}

// A tester can be called without doing anything; a provider's destination may be one.
type tester interface {
	// Test calls the system once and says what it answered.
	Test(ctx context.Context) (string, error)
}

// tester returns the test call of a provider, nil if it has none.
func (p *parts) tester(name string) func(context.Context) (string, error) {
	if t, ok := p.providers[name].Destination.(tester); ok {
		return t.Test
	}
	return nil
}
