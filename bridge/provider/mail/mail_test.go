package mailprovider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/mailout/smtptest"
	"github.com/pergabridge/pergabridge/bridge/provider"
	mailprovider "github.com/pergabridge/pergabridge/bridge/provider/mail"
	"github.com/pergabridge/pergabridge/mailin"
	"github.com/pergabridge/pergabridge/mailin/message"
)

func submit() bridge.Lease {
	return bridge.Lease{
		Event: bridge.Event{
			ID: "0192f000-0000-7000-8000-000000000001", Provider: "acme", Task: "4711", Dir: bridge.Out, Kind: bridge.Submit, Mode: bridge.ModeNew, Ticket: "T-1001", Title: "Printer burns",
			Description: "It burns.\n[[Task]]: 666\n[[Status]]: Closed", Priority: "1", Requester: bridge.Person{Name: "Ann", Email: "ann@example.com"}, Fields: map[string]any{"floor": 3},
		},
		Bond: bridge.Bond{Provider: "acme", Task: "4711", State: bridge.BondPending},
	}
}

func sent(t *testing.T, s *smtptest.Server, p *provider.Provider, l bridge.Lease) *message.Message {
	t.Helper()
	o := p.Destination.Deliver(t.Context(), l)
	require.Equal(t, bridge.OutcomeDone, o.Kind, o.Detail)
	all := s.Mails()
	m, err := message.Parse(all[len(all)-1].Raw)
	require.NoError(t, err)
	return m
}

func made(t *testing.T, more string) (*smtptest.Server, *provider.Provider, *mailmark.Marks) {
	t.Helper()
	s := smtptest.Start(t, smtptest.Options{})
	m := marks(t)
	src := fmt.Sprintf("kind: mail\nsmtp: smtp://%s\nunencrypted: true\nfrom: SSP Service <support@example.com>\nto: [help@acme.example]\n", s.Addr)
	p, err := mailprovider.New("acme", read(t, src+more), provider.Deps{Marks: m, Now: func() time.Time { return time.Unix(1767600000, 0) }})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return s, p, m
}

func TestSubmit(t *testing.T) {
	s, p, marks := made(t, "subject_token: true\ntags: {Floor: \"${event.fields.floor}\", Nothing: \"${event.fields.none}\"}")
	m := sent(t, s, p, submit())
	require.Equal(t, "Printer burns (task 4711) "+marks.SubjectToken("acme", "4711"), m.Subject)
	k, ok := marks.ReadMessageID(m.ID)
	require.True(t, ok)
	require.Equal(t, mailmark.Mark{Provider: "acme", Task: "4711", Event: "0192f000-0000-7000-8000-000000000001"}, k)
	_, ok = marks.ReadAddress(m.ReplyTo.Email)
	require.True(t, ok, m.ReplyTo.Email)
	require.Equal(t, "auto-generated", m.Header.Get("Auto-Submitted"))
	text := message.Split(m.Text, marks.IsTag)
	tags := marks.Parse(text.New)
	require.Equal(t, []string{"4711"}, tags.All(mailmark.Task), "the user's text cannot smuggle a tag in")
	require.Equal(t, "New", tags.Get(mailmark.Status))
	require.Equal(t, "It burns.\n[ [Task]]: 666\n[ [Status]]: Closed", tags.Get(mailmark.Message))
	require.Contains(t, m.Text, "[[Floor]]: 3\n")
	require.NotContains(t, m.Text, "Nothing")
	require.Contains(t, m.Text, "[[Requester]]: Ann <ann@example.com>")

	again := sent(t, s, p, submit())
	require.Equal(t, m.ID, again.ID, "a repeat is recognisable")
}

func TestLaterMailsBelongToTheThread(t *testing.T) {
	s, p, marks := made(t, "html: false\nsend:\n  close: skip\n  update:\n    subject: S\n    text: \"Hallo,\\n{{tags}}\\n${event.text}\"\n")
	l := submit()
	l.Event.ID, l.Event.Kind, l.Event.Text, l.Event.Author = "0192f000-0000-7000-8000-000000000002", bridge.Update, "Is it done?\n[[Status]]: Closed", "Ann"
	l.Bond.Submit, l.Bond.Reference = submit().Event.ID, "INC0012345"
	m := sent(t, s, p, l)
	first := marks.MessageID("acme", "4711", submit().Event.ID)
	require.Equal(t, []string{first}, m.InReplyTo)
	require.Equal(t, []string{first}, m.References)
	require.Equal(t, "S", m.Subject)
	require.False(t, m.FromHTML)
	require.Equal(t, "Hallo,\n[[Task]]: 4711\n[[Ticket]]: T-1001\n[[Reference]]: INC0012345\n[[Status]]: Updated\n[[Author]]: Ann\nIs it done?\n[ [Status]]: Closed", m.Text)
	l.Event.Kind = bridge.Close
	o := p.Destination.Deliver(t.Context(), l)
	require.Equal(t, bridge.Skipped, o.Reason)
	require.Len(t, s.Mails(), 1)
}

// Words above the tags may be the message itself; it is one message all the same.
func TestTheMessageStandsOnce(t *testing.T) {
	_, p, _ := made(t, "send: {submit: {intro: \"${event.text}\"}}\n")
	l := submit()
	l.Event.Text, l.Event.Description = "It burns.", ""
	shown, err := p.Destination.(bridge.Renderer).Render(l)
	require.NoError(t, err)
	text, html, _ := strings.Cut(shown, "---- HTML ----")
	require.Equal(t, []int{1, 1}, []int{strings.Count(text, "[[Message]]"), strings.Count(html, "[[Message]]")}, shown)
}

// What somebody wrote does not say where the tags go.
func TestTheTemplateAlonePlacesTheTags(t *testing.T) {
	_, p, _ := made(t, "send: {submit: {text: \"${event.title}\\n{{tags}}\\nend\", html: \"<b>${event.title}</b><p>{{tags}}</p>\"}}\n")
	l := submit()
	l.Event.Title = "{{tags}}"
	shown, err := p.Destination.(bridge.Renderer).Render(l)
	require.NoError(t, err)
	require.Contains(t, shown, "\n{ {tags}}\n[[Task]]: 4711\n")
	require.Contains(t, shown, "<b>{ {tags}}</b><p>[[Task]]: 4711")
}

// What one bridge writes and a person answers is read back with the right task; and two bridges that
// read each other's mail have nothing to say to each other.
func TestAnswersAndLoops(t *testing.T) {
	s, p, m := made(t, "")
	out := sent(t, s, p, submit())
	raw := s.Mails()[0].Raw
	pattern, err := mailin.NewPattern(`INC\d{7}`)
	require.NoError(t, err)
	here := mailin.NewReader(map[string]*mailin.Mailbox{"box": {Providers: map[string]*mailin.Attached{"acme": {Senders: mailin.Senders{"acme.example"}, Reference: []mailin.Pattern{pattern}}}}}, m, mailin.ReaderOptions{})
	quoted := "> " + strings.ReplaceAll(out.Text, "\n", "\r\n> ")
	reply := "From: Jo <jo@acme.example>\r\nTo: support@example.com\r\nSubject: RE: x INC0012345\r\nMessage-ID: <r1@acme.example>\r\nReferences: <" + out.ID + ">\r\n\r\nOn it.\r\n\r\n" + quoted
	x, events := here.Read(bridge.Inbound{Body: []byte(reply), Header: map[string]string{mailin.HeaderMailbox: "box"}})
	require.Len(t, events, 1, x.Why)
	require.Equal(t, bridge.Update, events[0].Kind)
	require.Equal(t, "4711", events[0].Task)
	require.Equal(t, "INC0012345", events[0].Reference)
	require.Equal(t, "On it.", events[0].Text)

	x, events = here.Read(bridge.Inbound{Body: raw, Header: map[string]string{mailin.HeaderMailbox: "box"}})
	require.Equal(t, bridge.Automatic, events[0].Ignore)
	require.Contains(t, x.Why, "our own mail")

	otherMarks, err := mailmark.New(mailmark.Config{Domain: "other.example.net"})
	require.NoError(t, err)
	there := mailin.NewReader(map[string]*mailin.Mailbox{"box": {Providers: map[string]*mailin.Attached{"us": {Senders: mailin.Senders{"example.com"}, Automatic: "read"}}}}, otherMarks, mailin.ReaderOptions{})
	x, events = there.Read(bridge.Inbound{Body: raw, Header: map[string]string{mailin.HeaderMailbox: "box"}})
	require.Equal(t, bridge.Automatic, events[0].Ignore, "another bridge's mail becomes no text: %s", x.Why)
}

func TestConfigProblems(t *testing.T) {
	for src, path := range map[string]string{
		"from: nonsense":                                   "from",
		"to: [nonsense]":                                   "to[0]",
		"send: {submit: skip}":                             "send.submit",
		"send: {update: no}":                               "send.update",
		"send: {update: {subject: '${body.x}'}}":           "send.update.subject",
		"remind: -3h":                                      "remind",
		"tags: {A: '${table(\"none\", event.title)}'}":     "tags",
		"reply_to: x y":                                    "reply_to",
		"send: {submit: {message: '${event.nonsense}'}}":   "send.submit.message",
		"password: {env: NO_SUCH_VARIABLE}\nusername: abc": "password.env",
	} {
		base := map[string]string{"from": "from: a@example.com", "to": "to: [b@example.com]"}
		for k := range base {
			if strings.HasPrefix(src, k+":") {
				delete(base, k)
			}
		}
		full := "kind: mail\nsmtp: smtps://x.example\n" + src
		for _, l := range base {
			full += "\n" + l
		}
		n, err := config.Parse("c.yaml", []byte(full))
		require.NoError(t, err)
		config.Decode(n, &mailprovider.Config{})
		require.NotEmpty(t, n.Problems(), src)
		require.Equal(t, path, n.Problems()[0].Path, "%s: %v", src, n.Problems())
	}
	_, err := mailprovider.New("acme", &mailprovider.Config{}, provider.Deps{})
	require.ErrorIs(t, err, mailmark.ErrNoSecret)
}
