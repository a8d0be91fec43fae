package mailin

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
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

// The mailbox that SSP reads may answer what we write to it: that is not the provider's word. Delivered, it
// would be answered again. A report that such a mail was lost names its event all the same.
func TestWhatSSPAnswersIsNotTheProviders(t *testing.T) {
	id := marks(t).SSPMessageID("acme", "4711", "e")
	answer := func(header string) []byte {
		return misleading("In-Reply-To: <"+id+">\r\nSubject: Re: Task 4711 / INC0000001\r\n"+header, "Your mail was added to the task.\r\n\r\n> [[Task]]: 4711")
	}
	b := box(t)
	b.Providers["acme"].Senders = Senders{"*"} // even where anybody may write for the provider
	x, events := NewReader(map[string]*Mailbox{"support": b}, marks(t), ReaderOptions{}).Read(inbound(answer("X-Mailer: SSP")))
	require.Equal(t, bridge.NoRule, events[0].Quarantine)
	require.Contains(t, x.Why, "it answers a mail of ours to SSP about task 4711")
	x, _ = reader(t).Read(inbound(answer("Auto-Submitted: auto-replied")))
	require.Equal(t, Ignored, x.Kind, "a program's answer needs nobody")
	b.Strangers = "ignore"
	x, _ = NewReader(map[string]*Mailbox{"support": b}, marks(t), ReaderOptions{}).Read(inbound(answer("X-Mailer: SSP")))
	require.Equal(t, Ignored, x.Kind)
	x, _ = reader(t).Read(inbound(misleading("Return-Path: <>\r\nX-Failed-Recipients: ssp@example.com\r\nSubject: Undeliverable", "550 no\r\nMessage-ID: <"+id+">")))
	require.Equal(t, "e", x.Bounced)
}

// An old thread is taken up for another task, or a subject names two tickets: a person decides, because the
// first of two is as often the wrong one.
func TestTwoTasksInOneMail(t *testing.T) {
	other := marks(t).ReplyAddress("support@example.com", "acme", "4712")
	for _, header := range []string{
		answers(t) + "Subject: Re: x " + marks(t).SubjectToken("acme", "4712"),
		answers(t) + "Cc: " + other + "\r\nSubject: Re: x",
		"Cc: " + other + "\r\nSubject: Re: x " + marks(t).SubjectToken("acme", "4711"),
		"Subject: INC0000001 is the same as INC0000002",
	} {
		x, _ := reader(t).Read(inbound(misleading(header, "hi")))
		require.Equal(t, bridge.NoRule, x.Quarantine, header)
		require.Empty(t, x.Found)
	}
	for header, reference := range map[string]string{
		answers(t) + "Subject: Re: x " + marks(t).SubjectToken("acme", "4711"):  "", // both name one task
		answers(t) + "Subject: Re: x " + marks(t).SubjectToken("north", "4711"): "", // which was another provider's once
		answers(t) + "Subject: INC0000001 is the same as INC0000002":            "", // the mark tells which task
		"Subject: INC0000001 (was inc0000001)":                                  "INC0000001",
	} {
		x, _ := reader(t).Read(inbound(misleading(header, "hi")))
		require.Empty(t, x.Quarantine, header)
		require.Equal(t, reference, x.Reference, header)
	}
}

// Old mail systems say in the subject only that nobody is there.
func TestAbsenceIsKnownByItsSubject(t *testing.T) {
	for _, subject := range []string{
		"Automated reply: x", "I am out of the office Re: x", "I’m out of office", "Abwesenheitsbenachrichtigung: x", "Abwesenheitsmitteilung: x", "Außer Haus: x", "Ich bin nicht im Büro",
		"Afwezigheidsbericht: x", "Afwezigheidsmelding", "Message d’absence : x", "Notification d'absence", "Automaattivastaus: x", "Olen poissa: x", "Poissaoloilmoitus: x",
	} {
		x, _ := reader(t).Read(inbound(misleading(answers(t)+"Content-Type: text/plain; charset=utf-8\r\nSubject: "+subject, "I am away.")))
		require.Equal(t, Ignored, x.Kind, subject)
		x, _ = reader(t).Read(inbound(misleading(answers(t)+"Subject: Re: "+subject, "I am here.")))
		require.Equal(t, "update", x.Kind, "a person answers on a task about it: %s", subject)
	}
}

// Who answers below the quote, as Thunderbird proposes, has said it all there: also in HTML, where marks
// tell the beginning of a quote. History without quote marks goes to the end.
func TestAnAnswerBelowTheQuoteInHTML(t *testing.T) {
	quote := `<blockquote type="cite"><p>[[Task]]: 4711</p><p>[[Message]]: The printer burns.</p></blockquote>`
	thunderbird := `<div class="moz-cite-prefix">Den 05.01.2026 skrev SSP:<br></div>` + quote
	gmail := `<div class="gmail_quote"><div class="gmail_attr">On Mon, Jan 5, 2026 at 9:00 AM SSP &lt;support@example.com&gt; wrote:<br></div>` +
		`<blockquote class="gmail_quote">older<div class="gmail_quote"><blockquote class="gmail_quote">oldest</blockquote></div></blockquote></div>`
	outlook := `<div id="divRplyFwdMsg"><b>From:</b> SSP<br><b>Sent:</b> Monday, 9:00<br><b>Subject:</b> Printer:</div>`
	for _, c := range []struct{ body, kind, text string }{
		{"<p>Hello,</p>" + thunderbird + "<p>put it out</p>", "update", "Hello,\n\nput it out"},
		{thunderbird + "<p>[[Solution]]: put it out</p>", "resolve", "put it out"},
		{thunderbird + "<p>yes</p>" + quote + "<p>and no</p>", "update", "yes\n\nand no"},
		{gmail + "<p>put it out</p>", "update", "put it out"},
		{"<p>put it out</p>" + outlook + quote + "<p>The printer burns.</p>", "update", "put it out"},
		{"<p>put it out</p>" + `<div class="yahoo_quoted"><div>On Monday SSP wrote:</div><div>The printer burns.</div></div>`, "update", "put it out"},
	} {
		x, events := reader(t).Read(inbound(misleading(answers(t)+"Content-Type: text/html; charset=utf-8\r\nSubject: Re: x", "<html><body>"+c.body+"</body></html>")))
		require.Equal(t, []string{c.kind, c.text}, []string{x.Kind, events[0].Text}, c.body)
		require.Empty(t, x.Quarantine)
	}
}
