package httpprovider

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/http/vendortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parse decodes a section.
func parse(t *testing.T, src string) (*Config, config.Problems) {
	t.Helper()
	n, err := config.Parse("c.yaml", []byte(src))
	require.NoError(t, err)
	c := &Config{}
	config.Decode(n, c)
	return c, n.Problems()
}

// build makes a provider of a section that must be right.
func build(t *testing.T, src string) *provider.Provider {
	t.Helper()
	c, problems := parse(t, src)
	require.Empty(t, problems)
	p, err := New("acme", c, provider.Deps{})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

// vendor starts a fake vendor and a provider that talks to it.
func vendor(t *testing.T, o vendortest.Options, more string) (*vendortest.Vendor, *provider.Provider) {
	t.Helper()
	v, err := vendortest.Start(o)
	require.NoError(t, err)
	t.Cleanup(v.Close)
	t.Setenv(vendortest.TokenEnv, v.Token())
	t.Setenv(vendortest.SecretEnv, v.Secret())
	return v, build(t, vendortest.Config(v.URL(), more))
}

var received = time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)

// out makes a lease of an outgoing event.
func out(kind bridge.Kind, mode bridge.SubmitMode, reference, text string) bridge.Lease {
	return bridge.Lease{
		Event: bridge.Event{
			ID: bridge.NewID(), Provider: "acme", Task: "4711", Dir: bridge.Out, Kind: kind, Mode: mode, Text: text,
			Title: "Printer", Description: "It burns", Priority: "1", Requester: bridge.Person{Name: "Ann", Email: "ann@example.com"},
			Received: received,
		},
		Bond:    bridge.Bond{Provider: "acme", Task: "4711", State: bridge.BondOpen, Reference: reference},
		Attempt: 1,
	}
}

// hook makes an inbound of a JSON body.
func hook(body string) bridge.Inbound {
	return bridge.Inbound{
		Provider: "acme", Entrance: bridge.ByWebhook, ContentType: "application/json", Body: []byte(body), Received: received,
	}
}

const minimal = `
kind: http
base: http://127.0.0.1:1
send:
  submit: {url: /t, body: {task: "${event.task}"}}
  update: {url: "/t/${bond.reference}", body: {text: "${event.text}"}}
  reject_solution: skip
  close: skip
`

func depsNow(now func() time.Time) provider.Deps { return provider.Deps{Now: now} }

// replaceBase writes where the provider is.
func replaceBase(src, base string) string { return strings.ReplaceAll(src, "%BASE%", base) }
