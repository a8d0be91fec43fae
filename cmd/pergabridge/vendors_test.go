package main_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/tehden/tehdentest"
	"github.com/pergabridge/pergabridge/bridge/provider/tesamanager/tesatest"
	"github.com/pergabridge/pergabridge/bridge/provider/tesseron/tesserontest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// deskParty finds Tesseron's enterprise and makes its contact.
const deskParty = `enterprise: {by: businessPartnerId, value: C-1}
contact: {by: email, value: "${event.requester.email}", create: when_missing, fields: {foreName: Ann, surname: Example, emails: [{address: "${event.requester.email}"}]}}
rate: {per_minute: 60000}
poll: {every: 50ms, search: open, statuses: {New: {kind: ignore}, Solved: {kind: resolve, text: Rebooted.}}}
`

// The life of three tasks, each at one vendor's fake, with the real program between them and SSP.
func TestLivesAtTheVendors(t *testing.T) {
	t.Parallel()
	w := newKinds(t)
	tesa, desk, erp := w.tesamanager(), w.tesseron("2024-05"), w.tehden()
	w.configure(map[string]string{
		"fibre": tesa.Config("poll: {every: 50ms, rate: 1000}\n"),
		"desk":  desk.Config(deskParty),
		"erp":   erp.Config("resolve: \"Customer ${answer.customer_id} is kept.\"\n"),
	})
	w.start()

	fibre := w.assign("fibre")
	ref := w.referred(fibre)
	require.Equal(t, "TESA-9000", ref)
	tesa.AddEvent(ref, 2, "CD", false) // out of order, and twice
	tesa.AddEvent(ref, 1, "AB", true)
	tesa.AddEvent(ref, 1, "AB", false)
	w.told(fibre, "CD")
	require.NoError(t, w.ssp.UserUpdate(fibre, "the door code is 17"))
	w.until("the text is at the vendor", func() bool { return len(tesa.Ledger()) == 2 })
	tesa.Set(ref, "FINISHED")
	w.solved(fibre, "The request is finished.")
	tesa.RevokeToken()
	require.NoError(t, w.ssp.DeclineSolution(fibre, "still dark"))
	w.until("the incident is reported", func() bool { return len(tesa.Ledger()) == 3 })
	require.NoError(t, w.ssp.CloseByUser(fibre, "thanks"))
	w.until("it is cancelled", func() bool { l := tesa.Ledger(); return l[len(l)-1].Operation == "cancel" })
	require.Equal(t, 2, tesa.Tokens())

	ticket := w.assign("desk")
	desk.SetStatus(w.referred(ticket), "Solved")
	w.solved(ticket, "Rebooted.")
	require.NoError(t, w.ssp.CloseByUser(ticket, "thanks"))
	w.until("the end report is there", func() bool { l := desk.Ledger(); return l[len(l)-1].Operation == "CreateTicketPosition" })
	require.Len(t, desk.Contacts(), 1)

	imported, err := w.ssp.Create(ssptest.Ticket{Title: "Open since last year"})
	require.NoError(t, err)
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	t.Cleanup(sink.Close)
	w.ssp.SetGroup("before", ssptest.Group{URL: sink.URL}) // it was assigned when there was no bridge
	require.NoError(t, w.ssp.Assign(imported, "before"))
	list := filepath.Join(w.dir, "open.csv")
	theirs := desk.AddTicket("ELSEWHERE-1", "Closed") // not among the hits of our search
	require.NoError(t, os.WriteFile(list, []byte("provider,task,reference\ndesk,"+imported+","+theirs+"\n"), 0o600))
	w.done("bonds", "import", list)
	before := len(desk.Server.Calls())
	w.until("the poll has seen where it stands", func() bool {
		n := 0
		for _, c := range desk.Server.Calls()[before:] {
			if strings.Contains(string(c.Body), theirs) {
				n++
			}
		}
		return n > 2
	})
	desk.SetStatus(theirs, "Solved")
	w.solved(imported, "Rebooted.")

	customer := w.assign("erp")
	w.solved(customer, "Customer 1001 is kept.")
	require.Equal(t, 1, erp.Customers())

	w.settled()
	w.nothingStuck()
	told := w.texts(fibre)
	require.Contains(t, told[0], "AB ")
	require.Contains(t, told[1], "CD ")
	w.stop()
	w.secretless(tesserontest.BasicKey, tesserontest.TicketKey, tehdentest.ClientSecret, tehdentest.Password, "tesa-token-1", "tehden-token-1")
}

// The program is killed at the worst moment, between what it wrote to Tesamanager and its record of it, in
// three lanes at once: a new request, a cancellation, and a text. The first two are looked up. Nothing
// tells of the third, so it waits for a person; nothing is written twice.
func TestKilledBetweenWriteAndRecordAtTesamanager(t *testing.T) {
	t.Parallel()
	w := newKinds(t)
	tesa := w.tesamanager()
	w.configure(map[string]string{"fibre": tesa.Config("poll: {off: true}\n")}) // else the poll tells the reference first
	running := w.start()
	texted, cancelled := w.assign("fibre"), w.assign("fibre")
	refs := map[string]string{texted: w.referred(texted), cancelled: w.referred(cancelled)}
	w.settled()
	require.Len(t, tesa.Ledger(), 2)

	hang := func(operation string) chan struct{} {
		met := make(chan struct{})
		tesa.Fail(fake.Fault{Kind: fake.Hang, Match: tesatest.Called(operation), Met: met})
		return met
	}
	written := []chan struct{}{hang("activate"), hang("cancel"), hang("resolveIncident")}
	fresh := w.assign("fibre")
	require.NoError(t, w.ssp.CloseByUser(cancelled, "no longer wanted"))
	require.NoError(t, w.ssp.UserUpdate(texted, "the door code is 17"))
	for _, met := range written {
		<-met
	}
	running.kill()
	require.Len(t, tesa.Ledger(), 5, "all three were written")

	w.start()
	require.Contains(t, []string{"TESA-9002"}, w.referred(fresh))
	var parked string
	w.until("a person is asked about the text", func() bool {
		for _, e := range w.events("--state", string(bridge.StateParked)) {
			parked = e.ID
			require.Equal(t, texted, e.Task)
			require.Equal(t, bridge.Update, e.Kind)
		}
		return parked != ""
	})
	w.until("the cancellation is found", func() bool {
		for _, e := range w.events("--task", cancelled) {
			if e.Kind == bridge.Close {
				return e.State == bridge.StateDone
			}
		}
		return false
	})
	w.done("events", "settle", parked, "--note", "the vendor's portal shows it")
	require.NoError(t, w.ssp.UserUpdate(texted, "and ring twice"))
	w.until("the lane goes on", func() bool { return len(tesa.Ledger()) == 6 })
	w.settled()
	w.nothingStuck()
	var ops []string
	for _, e := range tesa.Ledger() {
		ops = append(ops, e.Operation)
	}
	require.ElementsMatch(t, []string{"activate", "activate", "activate", "cancel", "resolveIncident", "resolveIncident"}, ops)
	require.Equal(t, refs[texted], tesa.Ledger()[5].Reference)
	require.Equal(t, "and ring twice", tesa.Ledger()[5].Body["observations"])
	w.stop()
}
