package main_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/mailout/smtptest"
	"github.com/pergabridge/pergabridge/mailin/message"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// newOpening is a world in which the vendor may open tickets by itself, and SSP reads a mailbox.
func newOpening(t *testing.T) (*world, *smtptest.Server) {
	t.Helper()
	smtp := smtptest.Start(t, smtptest.Options{})
	w := newWorld(t, options{sspKeys: "mail: {smtp: 'smtp://" + smtp.Addr + "', unencrypted: true, from: bridge@example.com, to: [ssp@example.com]}\n"})
	w.edit("providers:\n", "mail: {domain: bridge.example.com, secret: {env: MAIL_SECRET}}\nproviders:\n")
	w.edit("kind: acknowledge\n", "kind: open\n          title: body.ticket.title\n          text: body.ticket.description\n          public: 'true'\n")
	w.env = append(w.env, "MAIL_SECRET=acceptance-mail-secret")
	return w, smtp
}

// ticketOf reads what a mail to SSP asks for, as SSP would.
func ticketOf(t *testing.T, raw []byte) (reference string, ticket ssptest.Ticket) {
	t.Helper()
	m, err := message.Parse(raw)
	require.NoError(t, err)
	require.Equal(t, "ssp@example.com", m.To[0].Email)
	require.Equal(t, "bridge@example.com", m.From.Email)
	marks, err := mailmark.New(mailmark.Config{Domain: "ssp.example.com"})
	require.NoError(t, err)
	tags := marks.Parse(m.Text)
	require.Empty(t, tags.Get(mailmark.Task), "SSP has no task yet")
	for _, tag := range tags.Tags {
		if tag.Label == "Title" {
			ticket.Title = tag.Value
		}
	}
	ticket.Description = tags.Get(mailmark.Message)
	return tags.Get(mailmark.Reference), ticket
}

func (w *world) wait(n int) {
	w.t.Helper()
	w.until("the vendor's texts wait for the task", func() bool { return len(w.events("--state", "waiting")) == n })
}

// A ticket that the vendor opens by itself becomes a mail to SSP; SSP's first call makes the bond, and what
// the vendor has written meanwhile follows in order. Repeats and a kill change nothing.
func TestVendorOpensATicket(t *testing.T) {
	t.Parallel()
	w, smtp := newOpening(t)
	c := w.start()
	vendor := w.vendor[alpha]

	number := vendor.Open("eve", "Router is down", "No light at all.")
	w.until("SSP has mail", func() bool { return len(smtp.Mails()) == 1 })
	reference, ticket := ticketOf(t, smtp.Mails()[0].Raw)
	require.Equal(t, number, reference)
	require.Equal(t, ssptest.Ticket{Title: "Router is down", Description: "No light at all."}, ticket)
	vendor.Resend()

	_, err := vendor.Reply(number, "eve", "part is ordered", true)
	require.NoError(t, err)
	w.until("the open is done", func() bool { return len(w.events("--state", "done")) == 1 })
	w.wait(1)
	c.kill()
	_, err = vendor.Reply(number, "eve", "technician is on the way", true)
	require.NoError(t, err)
	w.start()
	w.wait(2)
	open := w.events("--state", "done")[0]
	require.Equal(t, bridge.Open, open.Kind)
	require.Equal(t, "new:alpha-1001", open.Task)

	task, err := w.ssp.Opened(ticket, reference)
	require.NoError(t, err)
	require.NoError(t, w.ssp.Assign(task, alpha))
	w.settled()
	w.nothingStuck()
	require.Equal(t, []string{"part is ordered", "technician is on the way"}, w.texts(task))
	for _, e := range w.ssp.Effects(task) {
		require.NotEqual(t, ssptest.Acknowledgement, e.Operation, "SSP knows the number")
	}
	require.Equal(t, task, w.event(open.ID).Task, "the open is a part of the task's story")

	require.NoError(t, w.ssp.UserUpdate(task, "we are waiting"))
	require.NoError(t, vendor.Resolve(number, "eve", "new router"))
	w.settled()
	w.nothingStuck()
	require.Equal(t, "new router", w.texts(task)[2])
	require.Contains(t, w.ledger(alpha, number), "comment we are waiting")
	require.Len(t, smtp.Mails(), 1, "one ticket")
}

// A ticket that our own submit makes is announced by the same webhook; it is no new one, even if the
// webhook is faster than the answer.
func TestOwnTicketIsNotOpenedAgain(t *testing.T) {
	t.Parallel()
	w, smtp := newOpening(t)
	w.start()
	task, number := w.bonded(alpha)
	_, err := w.vendor[alpha].Reply(number, "eve", "we have it", true)
	require.NoError(t, err)
	w.settled()
	w.nothingStuck()
	require.Equal(t, []string{"we have it"}, w.texts(task))
	require.Empty(t, smtp.Mails())
}

// A bridge that dies while it writes the mail does not know whether SSP has the ticket: it asks a person
// rather than write a second one, and SSP's call answers instead.
func TestKilledWhileOpening(t *testing.T) {
	t.Parallel()
	w, smtp := newOpening(t)
	c := w.start()
	smtp.Fail(smtptest.Fault{At: "dot", Hang: true})
	number := w.vendor[alpha].Open("eve", "Router is down", "No light at all.")
	w.until("the mail is on its way", func() bool { return len(w.events("--state", "leased")) == 1 })
	w.until("the mail server has it", func() bool { return smtp.Calls() > 0 })
	c.kill()
	w.start()
	w.until("it is parked", func() bool { return len(w.events("--state", "parked")) == 1 })
	lanes := w.done("lanes", "list")
	require.Contains(t, lanes, "alpha/in/new:alpha-1001")
	require.Contains(t, lanes, "open")
	var list api.List[api.Event]
	w.vendor[alpha].Resend()
	w.until("the repeat is a duplicate", func() bool { list.Items = w.events("--task", "new:alpha-1001"); return len(list.Items) == 1 })

	task, err := w.ssp.Opened(ssptest.Ticket{Title: "Router is down"}, number)
	require.NoError(t, err)
	require.NoError(t, w.ssp.Assign(task, alpha))
	w.settled()
	w.nothingStuck()
	e := w.event(list.Items[0].ID)
	require.Equal(t, bridge.StateDone, e.State)
	require.Equal(t, bridge.ByEvidence, e.Reason)
	require.Equal(t, task, e.Task)
}

// Where nothing can take a new ticket to SSP, check says so at the rule.
func TestOpenNeedsMail(t *testing.T) {
	t.Parallel()
	w, _ := newOpening(t)
	w.edit("  mail: {smtp", "  # mail: {smtp")
	r := w.run("check")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.out+r.err, "providers.alpha.inbound.rules[0].kind: open makes a new ticket in SSP; its web service has no operation for that, and there is no section ssp.mail")
	w.edit("  # mail: {smtp", "  route: {open: soap}\n  mail: {smtp")
	r = w.run("check")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.out+r.err, "ssp.route.open: SSP's web service has no operation that opens a ticket")
}
