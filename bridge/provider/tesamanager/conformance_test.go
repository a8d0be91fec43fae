package tesamanager_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/providertest"
	"github.com/pergabridge/pergabridge/bridge/provider/tesamanager/tesatest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
)

func TestMain(m *testing.M) { flowtest.Main(m, nil) }

// quick ends calls that hang soon.
const quick = "timeout: {first_byte: 300ms, total: 600ms}\npoll: {every: 50ms, rate: 10000, gap_for: 1h}\n"

func vendor(t testing.TB) *tesatest.Vendor {
	t.Helper()
	v, err := tesatest.Start(nil)
	flowtest.Watch(t, v, err)
	require.NoError(t, os.Setenv(v.Env(), v.Account())) // its own, so that tests can run at once
	t.Cleanup(func() { _ = os.Unsetenv(v.Env()) })
	return v
}

// peer is the fake as the suite sees it. Whether a write was done is not known after any server error here.
func peer(v *tesatest.Vendor) flowtest.Peer {
	kinds := map[string]bridge.Kind{"activate": bridge.Submit, "resolveIncident": bridge.Update, "installationIncident": bridge.RejectSolution, "cancel": bridge.Close}
	return flowtest.Peer{
		Server: v.Server, Writes: tesatest.Writes, Refusal: fake.Fault{Status: 406, Body: `{"title":"no"}`}, Doubtful: true,
		Ledger: func() []providertest.Effect {
			var out []providertest.Effect
			for _, e := range v.Ledger() {
				text, _ := e.Body["observations"].(string)
				if s, ok := e.Body["comments"].(string); ok {
					text = s
				}
				out = append(out, providertest.Effect{Kind: kinds[e.Operation], Reference: e.Reference, Text: text})
			}
			return out
		},
		Solved: func(reference string) {
			v.Set(reference, "INSTALLED")
			v.AddEvent(reference, 1, "END", false) // its numbers are wanted by the incident
		},
	}
}

func news(body string) bridge.Inbound { return flowtest.Input("fibre", bridge.ByPoll, body) }

func TestConformance(t *testing.T) {
	providertest.Run(t, func(t testing.TB) *providertest.Fixture {
		v := vendor(t)
		fx := flowtest.Fixture(t, "fibre", "tesamanager", v.Config(quick), peer(v), "tesa-token-1", "PRIVATE KEY")
		private := news(`{"what":"status","reference_id":"TESA-1","status":"NOT_SENT","id":"1.NOT_SENT"}`)
		fx.Private = &private
		fx.Inputs = map[bridge.Kind]bridge.Inbound{
			bridge.Acknowledge: news(`{"what":"status","reference_id":"TESA-1","external_reference":"PB-4711","status":"VALIDATING","id":"1.VALIDATING"}`),
			bridge.Update:      news(`{"what":"event","reference_id":"TESA-1","id":"3","item":{"message_type":"AB","request_number":"9007199254740993","subrequest_number":"1"}}`),
			bridge.Resolve:     news(`{"what":"status","reference_id":"TESA-1","status":"FINISHED","id":"2.FINISHED"}`),
		}
		fx.Unknown, fx.Unreadable = news(`{"what":"status","reference_id":"TESA-1","status":"PONDERING","id":"2.PONDERING"}`), news(`{"what":`)
		return fx
	})
}
