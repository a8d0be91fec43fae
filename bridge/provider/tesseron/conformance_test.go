package tesseron_test

import (
	"testing"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/providertest"
	"github.com/pergabridge/pergabridge/bridge/provider/tesseron/tesserontest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
)

func TestMain(m *testing.M) {
	flowtest.Main(m, map[string]string{"TESSERON_BASIC": tesserontest.BasicKey, "TESSERON_TICKET": tesserontest.TicketKey})
}

const (
	quick = "timeout: {first_byte: 300ms, total: 600ms}\nrate: {per_minute: 60000}\n"
	fixed = "enterprise: {id: 100}\n"
)

func vendor(t testing.TB, profile string) *tesserontest.Vendor {
	t.Helper()
	v, err := tesserontest.Start(profile)
	flowtest.Watch(t, v, err)
	v.AddEnterprise("C-1", "Muster GmbH")
	return v
}

// peer is the fake as the suite sees it. A refusal has status 200, as this vendor does.
func peer(v *tesserontest.Vendor) flowtest.Peer {
	kinds := []bridge.Kind{bridge.Update, bridge.Close, bridge.RejectSolution}
	return flowtest.Peer{
		Server: v.Server, Writes: tesserontest.Writes, Refusal: fake.Fault{Status: 200, Body: `{"success":false,"message":"no"}`},
		Ledger: func() []providertest.Effect {
			var out []providertest.Effect
			for _, e := range v.Ledger() {
				x := providertest.Effect{Kind: bridge.Submit, Reference: e.Ticket}
				if e.Operation == "CreateTicketPosition" {
					x.Kind = kinds[int(e.Body["TicketPositionType"].(float64))]
					x.Text = e.Body["ticketPositionText"].(string)
				}
				out = append(out, x)
			}
			return out
		},
	}
}

const statuses = `poll:
  every: 30ms
  search: open
  statuses:
    New: {kind: acknowledge}
    In progress: {kind: update, text: "${item.previous} -> ${item.ticketStatus}"}
    Solved: {kind: resolve, text: "Solved in Tesseron."}
    Closed: {kind: ignore}
`

func news(body string) bridge.Inbound { return flowtest.Input("desk", bridge.ByPoll, body) }

func TestConformance(t *testing.T) {
	providertest.Run(t, func(t testing.TB) *providertest.Fixture {
		v := vendor(t, "2024-05")
		fx := flowtest.Fixture(t, "desk", "tesseron", v.Config(quick+fixed+statuses), peer(v), tesserontest.BasicKey, tesserontest.TicketKey)
		private := news(`{"ticket_number":"A-1","status":"closed","id":"A-1.1.Closed"}`)
		fx.Private = &private
		fx.Inputs = map[bridge.Kind]bridge.Inbound{
			bridge.Acknowledge: news(`{"ticket_number":"A-1","task":"1","status":"new","id":"A-1.1.New"}`),
			bridge.Update:      news(`{"ticket_number":"A-1","status":"In Progress","id":"A-1.2","item":{"previous":"New","ticketStatus":"In progress"}}`),
			bridge.Resolve:     news(`{"ticket_number":"A-1","status":"Solved","id":"A-1.3"}`),
		}
		fx.Unknown, fx.Unreadable = news(`{"ticket_number":"A-1","status":"Pondering","id":"A-1.4"}`), news(`{"ticket_number":`)
		return fx
	})
}
