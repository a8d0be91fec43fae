package tesseron_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/providertest"
	"github.com/pergabridge/pergabridge/bridge/provider/tesseron/tesserontest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	quick = "timeout: {first_byte: 300ms, total: 600ms}\nrate: {per_minute: 60000}\n"
	fixed = "enterprise: {id: 100}\n"
)

func vendor(t testing.TB, profile string) *tesserontest.Vendor {
	t.Helper()
	v, err := tesserontest.Start(profile)
	require.NoError(t, err)
	t.Cleanup(v.Close)
	t.Cleanup(func() { require.Empty(t, v.Violations()) })
	x := t.(*testing.T)
	x.Setenv("TESSERON_BASIC", tesserontest.BasicKey)
	x.Setenv("TESSERON_TICKET", tesserontest.TicketKey)
	v.AddEnterprise("C-1", "Muster GmbH")
	return v
}

type peer struct{ *tesserontest.Vendor }

func (p peer) Effects() []providertest.Effect {
	kinds := []bridge.Kind{bridge.Update, bridge.Close, bridge.RejectSolution}
	var out []providertest.Effect
	for _, e := range p.Ledger() {
		x := providertest.Effect{Kind: bridge.Submit, Reference: e.Ticket}
		if e.Operation == "CreateTicketPosition" {
			x.Kind = kinds[int(e.Body["TicketPositionType"].(float64))]
			x.Text = e.Body["ticketPositionText"].(string)
		}
		out = append(out, x)
	}
	return out
}

func (p peer) Calls() int { return len(p.Server.Calls()) }

func (p peer) Fail(f providertest.Failure) bool {
	x := fake.Fault{Match: tesserontest.Writes}
	switch f {
	case providertest.Refuse: // with status 200, as this vendor does
		x.Kind, x.Status, x.Body = fake.Status, 200, `{"success":false,"message":"no"}`
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

const statuses = `poll:
  every: 30ms
  search: open
  statuses:
    New: {kind: acknowledge}
    In progress: {kind: update, text: "${item.previous} -> ${item.ticketStatus}"}
    Solved: {kind: resolve, text: "Solved in Tesseron."}
    Closed: {kind: ignore}
`

func news(body string) bridge.Inbound {
	return bridge.Inbound{Provider: "desk", Entrance: bridge.ByPoll, ContentType: "application/json", Body: []byte(body), Received: time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)}
}

func TestConformance(t *testing.T) {
	providertest.Run(t, func(t testing.TB) *providertest.Fixture {
		v := vendor(t, "2024-05")
		log, logger := providertest.NewLog()
		p := flowtest.Build(t, "desk", "tesseron", v.Config(quick+fixed+statuses), provider.Deps{Log: logger, Outbound: outbound.Options{Log: logger}})
		private := news(`{"ticket_number":"A-1","status":"closed","id":"A-1.1.Closed"}`)
		return &providertest.Fixture{
			Provider: p, Peer: peer{v}, Secrets: []string{tesserontest.BasicKey, tesserontest.TicketKey}, Log: log,
			Inputs: map[bridge.Kind]bridge.Inbound{
				bridge.Acknowledge: news(`{"ticket_number":"A-1","task":"1","status":"new","id":"A-1.1.New"}`),
				bridge.Update:      news(`{"ticket_number":"A-1","status":"In Progress","id":"A-1.2","item":{"previous":"New","ticketStatus":"In progress"}}`),
				bridge.Resolve:     news(`{"ticket_number":"A-1","status":"Solved","id":"A-1.3"}`),
			},
			Private: &private,
			Unknown: news(`{"ticket_number":"A-1","status":"Pondering","id":"A-1.4"}`), Unreadable: news(`{"ticket_number":`),
		}
	})
}
