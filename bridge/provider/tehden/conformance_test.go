package tehden_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/providertest"
	"github.com/pergabridge/pergabridge/bridge/provider/tehden/tehdentest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const quick = "timeout: {first_byte: 300ms, total: 600ms}\nrate: 14\n"

func vendor(t testing.TB) *tehdentest.Vendor {
	t.Helper()
	v, err := tehdentest.Start()
	require.NoError(t, err)
	t.Cleanup(v.Close)
	t.Cleanup(func() { require.Empty(t, v.Violations()) })
	x := t.(*testing.T)
	x.Setenv("TEHDEN_SECRET", tehdentest.ClientSecret)
	x.Setenv("TEHDEN_PASSWORD", tehdentest.Password)
	return v
}

// peer is the fake as the suite sees it. A reference is customer and task, so that the fixture's mapping
// sends the task or the reference along.
type peer struct{ *tehdentest.Vendor }

func (p peer) Effects() []providertest.Effect {
	var out []providertest.Effect
	for _, e := range p.Ledger() {
		x := providertest.Effect{Kind: bridge.Submit, Reference: fmt.Sprintf("%s/%v", e.Customer, e.Body["note_task"])}
		if ref, ok := e.Body["ref"].(string); ok {
			x.Kind, x.Reference = bridge.Close, ref
			x.Text, _ = e.Body["note"].(string)
		}
		if k, ok := e.Body["event"].(string); ok {
			x.Kind = bridge.Kind(k)
		}
		out = append(out, x)
	}
	return out
}

func (p peer) Calls() int { return len(p.Server.Calls()) }

func (p peer) Fail(f providertest.Failure) bool {
	x := fake.Fault{Match: tehdentest.Writes}
	switch f {
	case providertest.Refuse: // with status 200
		x.Kind, x.Status, x.Body = fake.Status, 200, `{"success":false,"error":"no"}`
	case providertest.Throttle:
		x.Kind, x.Status, x.Header = fake.Status, 429, map[string]string{"Retry-After": "1"}
	case providertest.ServerError:
		x.Kind, x.Status = fake.Status, 500
	case providertest.Drop:
		x.Kind = fake.Drop
	case providertest.Hang:
		x.Kind = fake.Hang
	}
	p.Server.Fail(x)
	return true
}

func (p peer) Down(testing.TB)            { p.Server.Down() }
func (p peer) Up(t testing.TB)            { require.NoError(t, p.Server.Up()) }
func (p peer) Resolve(testing.TB, string) {}

func TestConformance(t *testing.T) {
	providertest.Run(t, func(t testing.TB) *providertest.Fixture {
		v := vendor(t)
		log, logger := providertest.NewLog()
		p := flowtest.Build(t, "erp", "tehden", v.Config(quick), provider.Deps{Log: logger, Outbound: outbound.Options{Log: logger}})
		return &providertest.Fixture{Provider: p, Peer: peer{v}, Log: log,
			Secrets: []string{tehdentest.ClientSecret, tehdentest.Password, "tehden-token-1"}}
	})
}
