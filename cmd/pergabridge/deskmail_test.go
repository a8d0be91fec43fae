package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/mailin/dovecottest"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// Tesseron publishes no call that returns texts; they come by mail, into a real mailbox that is attached to
// the provider. What a person at the desk writes, and what Tesseron's own notifications say about a
// ticket, reaches the task by the ticket number in the subject; the notification of our own text does not
// come back; the state still comes by poll.
func TestTextsOfTesseronComeByMail(t *testing.T) {
	t.Parallel()
	w := newKinds(t)
	desk, box := w.tesseron("2024-05"), dovecottest.Start(t, dovecottest.Options{})
	w.env = append(w.env, "MAIL_SECRET=deskmail-secret-0123456789", "MAIL_PASSWORD="+dovecottest.Password)
	w.top = fmt.Sprintf(`mail: {domain: bridge.example.com, secret: {env: MAIL_SECRET}}
mailboxes:
  support:
    imap: imaps://%s
    tls: {ca: %s}
    username: %s
    password: {env: MAIL_PASSWORD}
    start: 2020-01-01
    done: {move: Processed}
    providers:
      desk:
        senders: [desk.example]
        reference: ['\bA-\d{4}\b']
        automatic: read
        rules:
          - {when: 'body.automatic != "" && body.subject startsWith "Ticket closed"', kind: ignore} # the poll tells
          - {when: 'body.text contains "wrote:"', kind: update, text: 'trim(split(body.text, "wrote:", 2)[1])'}
`, box.IMAPS, box.CA, dovecottest.User)
	w.configure(map[string]string{"desk": desk.Config(deskParty)})
	w.start()
	task := w.assign("desk")
	number := w.referred(task)
	inbox, letters := box.Client(t), 0
	mail := func(from, subject, header, text string) {
		letters++
		dovecottest.Append(t, inbox, "INBOX", time.Now(), fmt.Appendf(nil, "From: %s\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%d@desk.example>\r\n%s\r\n%s\r\n",
			from, dovecottest.User, subject, letters, header, strings.ReplaceAll(text, "\n", "\r\n")))
	}
	mail("Jo Helper <jo@desk.example>", "Your request ["+number+"]", "", "We are on it.")
	w.told(task, "We are on it.")
	const notice = "Auto-Submitted: auto-generated\r\n"
	mail("Tesseron <noreply@desk.example>", "Ticket "+number+": new position", notice, "Jo Helper wrote:\nThe part is here.")
	w.told(task, "The part is here.")

	require.NoError(t, w.ssp.UserUpdate(task, "Please ring twice."))
	w.until("our text is at the desk", func() bool { l := desk.Ledger(); return l[len(l)-1].Operation == "CreateTicketPosition" })
	mail("Tesseron <noreply@desk.example>", "Ticket "+number+": new position", notice, "SSP wrote:\nPlease ring twice.")
	mail("Stranger <x@elsewhere.example>", "Ticket "+number, "", "Believe me.")
	mail("Tesseron <noreply@desk.example>", "Ticket closed "+number, notice, "Bye.")
	w.until("all mail is read", func() bool {
		return dovecottest.Count(t, inbox, "INBOX")+dovecottest.Count(t, inbox, "Processed") == letters && dovecottest.Count(t, inbox, "Processed") >= 4
	})
	desk.SetStatus(number, "Solved")
	w.solved(task, "Rebooted.")
	w.settled()

	require.Equal(t, []string{"We are on it.", "The part is here.", "Rebooted."}, w.texts(task), "each once, in order, nothing of our own")
	echoes := 0
	for _, e := range w.events("--task", task, "--direction", "in") {
		if e.Reason == bridge.IsEcho {
			echoes++
			require.Equal(t, "Please ring twice.", e.Text)
		}
	}
	require.Equal(t, 1, echoes)
	held := w.events("--state", string(bridge.StateQuarantined))
	require.Len(t, held, 1)
	require.Equal(t, bridge.NoRule, held[0].Reason, "a stranger's mail is for a person")
	x, _ := w.ssp.Task(task)
	require.Equal(t, ssptest.Solved, x.Status)
	w.stop()
	w.secretless(dovecottest.Password, "deskmail-secret-0123456789")
}
