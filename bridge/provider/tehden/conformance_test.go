package tehden_test

import (
	"fmt"
	"testing"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/providertest"
	"github.com/pergabridge/pergabridge/bridge/provider/tehden/tehdentest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
)

func TestMain(m *testing.M) {
	flowtest.Main(m, map[string]string{"TEHDEN_SECRET": tehdentest.ClientSecret, "TEHDEN_PASSWORD": tehdentest.Password})
}

const quick = "timeout: {first_byte: 300ms, total: 600ms}\nrate: 14\n"

func vendor(t testing.TB) *tehdentest.Vendor {
	t.Helper()
	v, err := tehdentest.Start()
	return flowtest.Watch(t, v, err)
}

// peer is the fake as the suite sees it. A reference is customer and task, so that the fixture's mapping
// sends the task or the reference along. A refusal has status 200.
func peer(v *tehdentest.Vendor) flowtest.Peer {
	return flowtest.Peer{
		Server: v.Server, Writes: tehdentest.Writes, Refusal: fake.Fault{Status: 200, Body: `{"success":false,"error":"no"}`},
		Ledger: func() []providertest.Effect {
			var out []providertest.Effect
			for _, e := range v.Ledger() {
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
		},
	}
}

func TestConformance(t *testing.T) {
	providertest.Run(t, func(t testing.TB) *providertest.Fixture {
		v := vendor(t)
		return flowtest.Fixture(t, "erp", "tehden", v.Config(quick), peer(v), tehdentest.ClientSecret, tehdentest.Password, "tehden-token-1")
	})
}
