package soap

import (
	"context"
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/soap/binding"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// InspectOptions say how a description is asked for. The zero value asks without credentials.
type InspectOptions struct {
	Outbound outbound.Config  // credentials, TLS, proxy: those of the section ssp
	Options  outbound.Options // log, clock
}

// Inspect reads the description at source, a file or the address of the service (with ?WSDL or
// without), and proposes a binding to it. It writes nothing anywhere.
func Inspect(ctx context.Context, source string, o InspectOptions) (*binding.Report, error) {
	var from wsdl.Source = fromFile(source)
	service := ""
	if isURL(source) {
		client, err := outbound.New(bridge.SSP, o.Outbound, o.Options)
		if err != nil {
			return nil, err
		}
		defer client.Close()
		u, err := newFromURL(client, source, newExplainer(o.Outbound))
		if err != nil {
			return nil, fmt.Errorf("ssp: contract: %w", err)
		}
		from = u
		plain := *u.root
		plain.RawQuery = ""
		service = plain.String()
	}
	d, err := wsdl.Load(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("ssp: contract (%v): %w", from, err)
	}
	r := binding.Propose(d)
	r.Source = fmt.Sprint(from)
	if service != "" {
		r.URL, r.Described = secret.Mask(service), false
	}
	return r, nil
}

func isURL(s string) bool {
	l := strings.ToLower(s)
	return strings.HasPrefix(l, "http://") || strings.HasPrefix(l, "https://")
}
