package httpprovider_test

import (
	"html"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	httpprovider "github.com/pergabridge/pergabridge/bridge/provider/http"
	"github.com/pergabridge/pergabridge/bridge/provider/http/vendortest"
	"github.com/pergabridge/pergabridge/bridge/provider/providertest"
)

// peer is the fake vendor as the suite sees it.
type peer struct{ *vendortest.Vendor }

func (p peer) Effects() []providertest.Effect {
	kinds := map[string]bridge.Kind{
		"create": bridge.Submit, "comment": bridge.Update, "reopen": bridge.RejectSolution, "close": bridge.Close,
	}
	var out []providertest.Effect
	for _, e := range p.Ledger() {
		text := html.UnescapeString(strings.ReplaceAll(e.Text, "<br>\n", "\n"))
		out = append(out, providertest.Effect{Kind: kinds[e.Kind], Reference: e.Ticket, Text: text})
	}
	return out
}

func (p peer) Fail(f providertest.Failure) bool {
	p.Vendor.Fail(vendortest.Fault{Times: 1, Kind: map[providertest.Failure]vendortest.FaultKind{
		providertest.Refuse: vendortest.Refuse, providertest.Throttle: vendortest.Throttle,
		providertest.ServerError: vendortest.ServerError, providertest.Drop: vendortest.Drop, providertest.Hang: vendortest.Hang,
	}[f]})
	return true
}

func (p peer) Down(testing.TB) { p.Vendor.Down() }
func (p peer) Up(t testing.TB) { require.NoError(t, p.Vendor.Up()) }

func (p peer) Resolve(t testing.TB, reference string) {
	require.NoError(t, p.Vendor.Resolve(reference, "bob", "solved"))
}

func TestConformance(t *testing.T) {
	providertest.Run(t, func(t testing.TB) *providertest.Fixture {
		v, err := vendortest.Start(vendortest.Options{Token: "conformance-token-1"})
		require.NoError(t, err)
		t.Cleanup(v.Close)
		for name, value := range map[string]string{vendortest.TokenEnv: v.Token(), vendortest.SecretEnv: v.Secret()} {
			t.Setenv(name, value)
		}
		n, err := config.Parse("c.yaml", []byte(vendortest.Config(v.URL(), "timeout: {first_byte: 300ms, total: 600ms}\n")))
		require.NoError(t, err)
		kind, ok := provider.Lookup("http")
		require.True(t, ok)
		c := kind.Config()
		config.Decode(n, c)
		require.Empty(t, n.Problems())
		require.IsType(t, &httpprovider.Config{}, c)
		log, logger := providertest.NewLog()
		p, err := kind.New("acme", c, provider.Deps{Log: logger, Outbound: outbound.Options{Log: logger}})
		require.NoError(t, err)
		t.Cleanup(p.Close)
		hook := func(body string) bridge.Inbound {
			return bridge.Inbound{
				Provider: "acme", Entrance: bridge.ByWebhook, ContentType: "application/json", Body: []byte(body),
				Received: time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC), Delivery: "d-1",
			}
		}
		ticket := `"ticket":{"number":"ACME-7","external_id":"4711|e1","solution":"fixed"}`
		comment := func(public string) string {
			return `{"id":"chg-2","type":"comment.created",` + ticket + `,"comment":{"id":"c-1","author":"bob","public":` + public + `,"text":"hi"}}`
		}
		private := hook(comment("false"))
		return &providertest.Fixture{
			Provider: p, Peer: peer{v}, Secrets: []string{v.Token(), v.Secret()}, Log: log,
			Inputs: map[bridge.Kind]bridge.Inbound{
				bridge.Acknowledge: hook(`{"id":"chg-1","type":"ticket.created","actor":"api-bridge",` + ticket + `}`),
				bridge.Update:      hook(comment("true")),
				bridge.Resolve:     hook(`{"id":"chg-3","type":"ticket.resolved","actor":"bob",` + ticket + `}`),
			},
			Private:    &private,
			Unknown:    hook(`{"id":"chg-4","type":"ticket.merged"}`),
			Unreadable: hook(`{"id":`),
		}
	})
}
