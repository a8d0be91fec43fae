package mailin

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// A report that our mail about another provider did not arrive is ours: it waits for the config.
func TestAReportAboutAProviderThatIsNotAttachedIsKept(t *testing.T) {
	raw := fmt.Appendf(nil, "From: MAILER-DAEMON@x.example\r\nReturn-Path: <>\r\nSubject: Undelivered Mail Returned to Sender\r\nMessage-ID: <b@x.example>\r\n\r\n550 no\r\nMessage-ID: <%s>\r\n",
		marks(t).MessageID("north", "4711", "e-1"))
	x, events := reader(t).Read(inbound(raw))
	require.Equal(t, bridge.NoRule, events[0].Quarantine)
	require.Contains(t, x.Why, "event e-1 of task 4711 was not delivered, but its provider north is not attached")
	b := box(t)
	b.Providers["north"] = nil
	_, events = NewReader(map[string]*Mailbox{"support": b}, marks(t), ReaderOptions{}).Read(inbound(raw))
	require.Equal(t, []string{"north", "e-1"}, []string{events[0].Provider, events[0].Bounced}, "read again under another config")
}

// A report tells when the mail was written that it is about: an event may have been sent again since.
func TestAReportTellsOfWhichMail(t *testing.T) {
	id := bridge.NewID()
	read := func(date string) bridge.Event {
		_, events := reader(t).Read(inbound(fmt.Appendf(nil, "From: MAILER-DAEMON@acme.example\r\nReturn-Path: <>\r\nDate: Mon, 5 Jan 2026 11:30:00 +0100\r\nMessage-ID: <b@acme.example>\r\n"+
			"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nIt did not arrive.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"+
			"Reporting-MTA: dns; mx.acme.example\r\n\r\nFinal-Recipient: rfc822; help@acme.example\r\nAction: failed\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"+
			"%sMessage-ID: <%s>\r\n--b--\r\n", date, marks(t).MessageID("acme", "4711", id))))
		require.Len(t, events, 1)
		require.Equal(t, id, events[0].Bounced)
		return events[0]
	}
	require.Equal(t, time.Date(2026, 1, 5, 9, 0, 7, 0, time.UTC), read("Date: Mon, 5 Jan 2026 10:00:07 +0100\r\n").BouncedAt)
	require.Zero(t, read("").BouncedAt, "the report's own date is another matter")
}
