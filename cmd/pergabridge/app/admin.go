package app

import (
	"net"
	"net/http"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// adminHandler builds console, API and metrics.
func (a *App) adminHandler(x *observer) (http.Handler, error) {
	c := a.config
	var token secret.Text
	if c.Server.AdminToken != nil {
		token = c.Server.AdminToken.Text
	}
	host, _, _ := net.SplitHostPort(a.AdminAddr())
	destinations := []console.Destination{{Name: bridge.SSP, Kind: "ssp", Mode: c.SSP.Delivery.Mode, Address: c.SSP.URL}}
	for _, name := range c.names() {
		p := c.Providers[name]
		destinations = append(destinations, console.Destination{Name: name, Kind: p.Kind.Name, Mode: p.common().Mode, Address: p.address()})
	}
	return console.New(console.Options{
		Store: a.store, Engine: a.engine, Token: token, OpenMetrics: net.ParseIP(host).IsLoopback(), Metrics: x.Handler(),
		Version: a.o.Version, ConfigVersion: c.Version, Started: a.o.Now(), Destinations: destinations,
		Contract: func() any { return a.parts.ssp.Contract() },
		ReferenceKey: func(provider, reference string) string {
			return bridge.ReferenceKey(reference, a.parts.caseBound[provider])
		},
		Map: a.parts.dryRun,
		Log: a.o.Log, Now: a.o.Now,
	})
}
