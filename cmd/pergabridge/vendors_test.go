package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/provider/tehden/tehdentest"
	"github.com/pergabridge/pergabridge/bridge/provider/tesamanager/tesatest"
	"github.com/pergabridge/pergabridge/bridge/provider/tesseron/tesserontest"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// safe is a buffer for what the running verb prints.
type safe struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.b.Write(p) }
func (s *safe) String() string              { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// The life of three tasks, each at one vendor's fake, with the whole program between them and SSP: process
// calls in, SOAP out, real HTTP everywhere.
func TestLivesAtTheVendors(t *testing.T) {
	ssp, err := ssptest.Start(ssptest.Options{Echo: ssptest.EchoMixed, Seed: 1})
	require.NoError(t, err)
	t.Cleanup(ssp.Close)
	tesa, err := tesatest.Start(nil)
	require.NoError(t, err)
	t.Cleanup(tesa.Close)
	desk, err := tesserontest.Start("2024-05")
	require.NoError(t, err)
	t.Cleanup(desk.Close)
	desk.AddEnterprise("C-1", "Muster GmbH")
	erp, err := tehdentest.Start()
	require.NoError(t, err)
	t.Cleanup(erp.Close)
	for k, v := range map[string]string{"TESA_ACCOUNT": tesa.Account(), "TESSERON_BASIC": tesserontest.BasicKey, "TESSERON_TICKET": tesserontest.TicketKey,
		"TEHDEN_SECRET": tehdentest.ClientSecret, "TEHDEN_PASSWORD": tehdentest.Password, "SSP_INTAKE_KEY": "intake-key-1"} {
		t.Setenv(k, v)
	}
	public, admin := freeAddr(t), freeAddr(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "pergabridge.yaml")
	text := fmt.Sprintf("server: {listen: %q, admin: %q}\nstore: sqlite:%s\nssp:\n  url: %s\n  contract: assumed\n  intake: {auth: {header: {name: X-Bridge-Key, secret: {env: SSP_INTAKE_KEY}}}}\nproviders:\n",
		public, admin, filepath.Join(dir, "a.db"), ssp.URL()) +
		"  fibre:\n" + indent(tesa.Config("poll: {every: 50ms, rate: 1000}\n")) +
		"  desk:\n" + indent(desk.Config("enterprise: {by: businessPartnerId, value: C-1}\ncontact: {by: email, value: \"${event.requester.email}\", create: when_missing, fields: {foreName: Ann, surname: Example, emails: [{address: \"${event.requester.email}\"}]}}\n"+
		"rate: {per_minute: 60000}\npoll: {every: 50ms, search: open, statuses: {New: {kind: ignore}, Solved: {kind: resolve, text: Rebooted.}}}\n")) +
		"  erp:\n" + indent(erp.Config("resolve: \"Customer ${answer.customer_id} is kept.\"\n"))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	for name, provider := range map[string]string{"Fibre": "fibre", "Desk": "desk", "Customers": "erp"} {
		ssp.SetGroup(name, ssptest.Group{URL: "http://" + public + "/ssp/" + provider, Header: http.Header{"X-Bridge-Key": {"intake-key-1"}}})
	}
	ctx, stop := context.WithCancel(t.Context())
	var out safe
	done := make(chan int, 1)
	go func() { done <- run(ctx, []string{"serve", "--config", file}, &out, &out) }()
	t.Cleanup(func() {
		stop()
		require.Equal(t, exitFine, <-done, out.String())
		for _, secret := range []string{tesserontest.BasicKey, tesserontest.TicketKey, tehdentest.ClientSecret, tehdentest.Password, "tesa-token-1", "tehden-token-1"} {
			require.NotContains(t, out.String(), secret)
		}
		require.Empty(t, tesa.Violations())
		require.Empty(t, desk.Violations())
		require.Empty(t, erp.Violations())
	})
	until := func(what string, f func() bool) {
		t.Helper()
		require.Eventually(t, f, 30*time.Second, 20*time.Millisecond, "%s\n%s", what, out.String())
	}
	until("the bridge answers", func() bool {
		r, err := http.Get("http://" + public + "/healthz")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	task := func(group string) string {
		id, err := ssp.Create(ssptest.Ticket{Title: "A task for " + group, Description: "Smoke & flames", Priority: "1", Requester: ssptest.Person{Name: "Jane Doe", Email: "jane@example.com"}})
		require.NoError(t, err)
		require.NoError(t, ssp.Assign(id, group))
		until(group+" gives a reference", func() bool { x, _ := ssp.Task(id); return x.Reference != "" })
		return id
	}
	solved := func(id, with string) {
		until("task is solved", func() bool { x, _ := ssp.Task(id); return x.Status == ssptest.Solved && x.Solution == with })
	}

	fibre := task("Fibre")
	x, _ := ssp.Task(fibre)
	require.Equal(t, "TESA-9000", x.Reference)
	tesa.AddEvent("TESA-9000", 1, "AB", false)
	until("the event is told", func() bool { x, _ := ssp.Task(fibre); return len(x.Messages) > 0 })
	require.NoError(t, ssp.UserUpdate(fibre, "the door code is 17"))
	until("the text is at the vendor", func() bool { return len(tesa.Ledger()) == 2 })
	tesa.Set("TESA-9000", "FINISHED")
	solved(fibre, "The request is finished.")
	require.NoError(t, ssp.DeclineSolution(fibre, "still dark"))
	until("the incident is reported", func() bool { return len(tesa.Ledger()) == 3 })
	require.NoError(t, ssp.CloseByUser(fibre, "thanks"))
	until("it is cancelled", func() bool { l := tesa.Ledger(); return l[len(l)-1].Operation == "cancel" })

	ticket := task("Desk")
	x, _ = ssp.Task(ticket)
	desk.SetStatus(x.Reference, "Solved")
	solved(ticket, "Rebooted.")
	require.NoError(t, ssp.CloseByUser(ticket, "thanks"))
	until("the end report is there", func() bool { l := desk.Ledger(); return l[len(l)-1].Operation == "CreateTicketPosition" })
	require.Len(t, desk.Contacts(), 1)

	customer := task("Customers")
	solved(customer, "Customer 1001 is kept.")
	require.Equal(t, 1, erp.Customers())
}
