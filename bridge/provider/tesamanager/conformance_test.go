package tesamanager_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/providertest"
	"github.com/pergabridge/pergabridge/bridge/provider/tesamanager/tesatest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quick ends calls that hang soon.
const quick = "timeout: {first_byte: 300ms, total: 600ms}\npoll: {every: 50ms, rate: 10000, gap_for: 1h}\n"

func vendor(t testing.TB) *tesatest.Vendor {
	t.Helper()
	v, err := tesatest.Start(nil)
	require.NoError(t, err)
	t.Cleanup(v.Close)
	t.Cleanup(func() { require.Empty(t, v.Violations()) })
	switch x := t.(type) {
	case *testing.T:
		x.Setenv("TESA_ACCOUNT", v.Account())
	case *testing.B:
		x.Setenv("TESA_ACCOUNT", v.Account())
	}
	return v
}

// peer is the fake as the suite sees it.
type peer struct{ *tesatest.Vendor }

func (p peer) Effects() []providertest.Effect {
	kinds := map[string]bridge.Kind{"activate": bridge.Submit, "resolveIncident": bridge.Update, "installationIncident": bridge.RejectSolution, "cancel": bridge.Close}
	var out []providertest.Effect
	for _, e := range p.Ledger() {
		text, _ := e.Body["observations"].(string)
		if s, ok := e.Body["comments"].(string); ok {
			text = s
		}
		out = append(out, providertest.Effect{Kind: kinds[e.Operation], Reference: e.Reference, Text: text})
	}
	return out
}

func (p peer) Calls() int { return len(p.Server.Calls()) }

func (p peer) Fail(f providertest.Failure) bool {
	x := fake.Fault{Match: tesatest.Writes}
	switch f {
	case providertest.Refuse:
		x.Kind, x.Status, x.Body = fake.Status, 406, `{"title":"no"}`
	case providertest.Throttle:
		x.Kind, x.Status, x.Header = fake.Status, 429, map[string]string{"Retry-After": "1"}
	case providertest.ServerError:
		return false // whether a write was done is not known after any server error here
	case providertest.Drop:
		x.Kind = fake.Drop
	case providertest.Hang:
		x.Kind = fake.Hang
	}
	p.Server.Fail(x)
	return true
}

func (p peer) Down(testing.TB) { p.Server.Down() }
func (p peer) Up(t testing.TB) { require.NoError(t, p.Server.Up()) }

func (p peer) Resolve(_ testing.TB, reference string) {
	p.Set(reference, "INSTALLED")
	p.AddEvent(reference, 1, "END", false) // its numbers are wanted by the incident
}

func news(body string) bridge.Inbound {
	return bridge.Inbound{Provider: "fibre", Entrance: bridge.ByPoll, ContentType: "application/json", Body: []byte(body), Received: time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)}
}

func TestConformance(t *testing.T) {
	providertest.Run(t, func(t testing.TB) *providertest.Fixture {
		v := vendor(t)
		log, logger := providertest.NewLog()
		p := flowtest.Build(t, "fibre", "tesamanager", v.Config(quick), provider.Deps{Log: logger, Outbound: outbound.Options{Log: logger}})
		private := news(`{"what":"status","reference_id":"TESA-1","status":"NOT_SENT","id":"1.NOT_SENT"}`)
		return &providertest.Fixture{
			Provider: p, Peer: peer{v}, Secrets: []string{"tesa-token-1", "PRIVATE KEY"}, Log: log,
			Inputs: map[bridge.Kind]bridge.Inbound{
				bridge.Acknowledge: news(`{"what":"status","reference_id":"TESA-1","external_reference":"PB-4711","status":"VALIDATING","id":"1.VALIDATING"}`),
				bridge.Update:      news(`{"what":"event","reference_id":"TESA-1","id":"3","item":{"message_type":"AB","request_number":"9007199254740993","subrequest_number":"1"}}`),
				bridge.Resolve:     news(`{"what":"status","reference_id":"TESA-1","status":"FINISHED","id":"2.FINISHED"}`),
			},
			Private: &private,
			Unknown: news(`{"what":"status","reference_id":"TESA-1","status":"PONDERING","id":"2.PONDERING"}`), Unreadable: news(`{"what":`),
		}
	})
}
