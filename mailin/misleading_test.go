package mailin

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// misleading makes a mail of one of acme's people.
func misleading(header, body string) []byte {
	return fmt.Appendf(nil, "From: Jo Helper <jo@acme.example>\r\nTo: support@example.com\r\nDate: Mon, 5 Jan 2026 10:00:00 +0100\r\nMessage-ID: <h1@acme.example>\r\nMIME-Version: 1.0\r\n%s\r\n\r\n%s\r\n", header, body)
}

// answers is the header of an answer to the mail about event e of task 4711.
func answers(t testing.TB) string {
	return "In-Reply-To: <" + marks(t).MessageID("acme", "4711", "e") + ">\r\n"
}

// A ticket may be about mail that is lost. What answers by itself repeats its title, comes from nobody as
// reports do, and answers our mail: so that has arrived.
func TestAnAnswerAboutLostMailIsNoReport(t *testing.T) {
	for _, subject := range []string{
		"Automatic reply: Mail delivery failed for Mrs Maier (task 4711)", "Abwesenheitsnotiz: E-Mail unzustellbar (task 4711)",
		"Re: Mail delivery failed for Mrs Maier (task 4711)", "AW: Zustellung fehlgeschlagen (task 4711)", "[Ticket#2026010500000001] Delivery failure (task 4711)",
	} {
		x, _ := reader(t).Read(inbound(misleading(answers(t)+"Return-Path: <>\r\nAuto-Submitted: auto-replied\r\nSubject: "+subject, "I am away.")))
		require.Empty(t, x.Bounced, subject)
		require.Equal(t, "replied", string(x.automatic), subject)
	}
	x, _ := reader(t).Read(inbound(misleading(answers(t)+"Return-Path: <>\r\nSubject: [EXTERN] Undeliverable: Mail delivery failed (task 4711)", "550 no")))
	require.Equal(t, "e", x.Bounced)
}
