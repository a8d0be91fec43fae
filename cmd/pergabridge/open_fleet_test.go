package main_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mailout/smtptest"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// Two replicas on one Redis are told of the same new tickets at the same instant. SSP gets one mail for each,
// also when the replica that writes it is killed at the worst moment: the mail is taken, and the answer never
// comes. SSP's first call with the reference makes the bond and settles what nobody knew.
func TestTwoReplicasOpenATicketOnce(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t)
	smtp := smtptest.Start(t, smtptest.Options{})
	f := newFleet(t, 2, options{
		store:   onRedis(r.URL(), ""),
		sspKeys: "mail: {smtp: 'smtp://" + smtp.Addr + "', unencrypted: true, hello: NAME, from: bridge@example.com, to: [ssp@example.com]}\n",
		top:     "mail: {domain: bridge.example.com, secret: {env: MAIL_SECRET}}\n", env: []string{"MAIL_SECRET=acceptance-mail-secret"},
	})
	for _, m := range f.members {
		f.file = m.file
		f.edit("kind: acknowledge\n", "kind: open\n          title: body.ticket.title\n          text: body.ticket.description\n          public: 'true'\n")
		f.edit("hello: NAME", "hello: "+m.name)
	}
	f.file = f.members[0].file
	f.start()
	vendor := f.vendor[alpha]

	mails := func(number string) (n int) {
		for _, m := range smtp.Mails() {
			if reference, _ := ticketOf(t, m.Raw); reference == number {
				n++
			}
		}
		return n
	}
	// announce tells both of a new ticket, until both have said that they have it. A replica that is killed
	// meanwhile is started again.
	announce := func(number string, killed <-chan *member) string {
		p := f.webhook(alpha, "opened-"+number, map[string]any{
			"id": "opened-" + number, "type": "ticket.created", "actor": "eve", "ticket": map[string]any{"number": number, "external_id": "", "title": "Router is down", "description": "No light at all."},
		})
		answers, errs := make([]answer, len(f.members)), make([]error, len(f.members))
		var wg sync.WaitGroup
		gate := make(chan struct{})
		for i, m := range f.members {
			wg.Go(func() {
				to := p
				to.url = "http://" + m.public + "/webhooks/" + alpha
				<-gate
				answers[i], errs[i] = f.insist(t.Context(), to)
			})
		}
		close(gate)
		if killed != nil {
			m := <-killed
			t.Logf("%s was killed while it wrote the mail about %s", m.name, number)
			f.launch(m)
		}
		wg.Wait()
		for i := range answers {
			require.NoError(t, errs[i])
			require.Equal(t, answers[0].Event, answers[i].Event, "both name the same event")
		}
		return answers[0].Event
	}
	for _, kill := range []bool{false, true, true} {
		vendor.Mute(true) // the test announces the ticket itself
		number := vendor.Open("eve", "Router is down", "No light at all.")
		vendor.Mute(false)
		var killed chan *member
		if kill {
			killed = make(chan *member, 1)
			var once sync.Once
			smtp.OnMail(func(m smtptest.Mail) {
				once.Do(func() {
					for _, x := range f.members {
						if x.name == m.Hello {
							x.child.kill()
							killed <- x
						}
					}
				})
			})
		}
		id := announce(number, killed)
		smtp.OnMail(nil)
		f.allReady()
		if kill {
			f.until("it is parked", func() bool { return f.event(id).State == bridge.StateParked })
		} else {
			f.until("it is done", func() bool { return f.event(id).State == bridge.StateDone })
		}
		require.Equal(t, id, announce(number, nil), "a repeat is a duplicate")

		task, err := f.ssp.Opened(ssptest.Ticket{Title: "Router is down"}, number)
		require.NoError(t, err)
		require.NoError(t, f.ssp.Assign(task, alpha))
		f.until("the call that carries the reference settles it", func() bool { e := f.event(id); return e.State == bridge.StateDone && e.Task == task })
		require.Equal(t, map[bool]bridge.Reason{false: bridge.Delivered, true: bridge.ByEvidence}[kill], f.event(id).Reason)
		_, err = vendor.Reply(number, "eve", "part is ordered", true)
		require.NoError(t, err)
		require.NoError(t, f.ssp.UserUpdate(task, "we are waiting"))
		f.settled()
		f.nothingStuck()
		require.Equal(t, []string{"part is ordered"}, f.texts(task))
		require.Contains(t, f.ledger(alpha, number), "comment we are waiting")

		detail, err := f.api.Event(t.Context(), id)
		require.NoError(t, err)
		unknown := 0
		for _, a := range detail.Attempts {
			if a.Outcome == bridge.OutcomeUnknown && a.Then != bridge.ThenPark { // parked without a mail
				unknown++
			}
		}
		require.Equal(t, map[bool]int{false: 0, true: 1}[kill], unknown, "%+v", detail.Attempts)
		require.Equal(t, 1, mails(number), "SSP has one mail about %s", number)
	}
	f.stop()
}
