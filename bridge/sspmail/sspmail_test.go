package sspmail_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/mailout/smtptest"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/bridge/sspmail"
	"github.com/pergabridge/pergabridge/mailin/message"
)

func marks(t *testing.T) *mailmark.Marks {
	t.Helper()
	m, err := mailmark.New(mailmark.Config{Domain: "bridge.example.com", Secret: config.Secrets{{Text: secret.New("ssp-mail-secret-0001")}}})
	require.NoError(t, err)
	return m
}

func made(t *testing.T, more string) (*smtptest.Server, *sspmail.Destination) {
	t.Helper()
	s := smtptest.Start(t, smtptest.Options{})
	n, err := config.Parse("c.yaml", []byte("smtp: smtp://"+s.Addr+"\nunencrypted: true\nfrom: Bridge <bridge@example.com>\nto: [ssp@example.com]\n"+more))
	require.NoError(t, err)
	c := sspmail.Config{}
	config.Decode(n, &c)
	require.Empty(t, n.Problems())
	d, err := sspmail.New(c, marks(t), nil, outbound.Options{Now: func() time.Time { return time.Unix(1767600000, 0) }})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return s, d
}

func lease(k bridge.Kind, text string) bridge.Lease {
	return bridge.Lease{
		Event: bridge.Event{ID: "e-" + string(k), Provider: "acme", Task: "4711", Dir: bridge.In, Kind: k, Text: text, Author: "Jo"},
		Bond:  bridge.Bond{Provider: "acme", Task: "4711", Reference: "INC0012345"},
	}
}

func TestMails(t *testing.T) {
	s, d := made(t, "")
	for _, c := range []struct {
		kind       bridge.Kind
		text, want string
	}{
		{bridge.Acknowledge, "", "[[Task]]: 4711\n[[Reference]]: INC0012345"},
		{bridge.Update, "Part ordered.\n[[Status]]: Closed", "[[Task]]: 4711\n[[Reference]]: INC0012345\n[[Author]]: Jo\n[[Message]]: Part ordered.\n[ [Status]]: Closed"},
		{bridge.Resolve, "New fuse.", "[[Task]]: 4711\n[[Reference]]: INC0012345\n[[Status]]: Solved\n[[Author]]: Jo\n[[Solution]]: New fuse."},
	} {
		l := lease(c.kind, c.text)
		shown, err := d.Render(l)
		require.NoError(t, err)
		require.Contains(t, shown, c.want)
		o := d.Deliver(t.Context(), l)
		require.Equal(t, bridge.OutcomeDone, o.Kind, o.Detail)
		all := s.Mails()
		m, err := message.Parse(all[len(all)-1].Raw)
		require.NoError(t, err)
		require.Equal(t, c.want, m.Text)
		require.Equal(t, "Task 4711 / INC0012345", m.Subject)
		require.Equal(t, "bridge@example.com", m.From.Email)
		_, provider := marks(t).ReadMessageID(m.ID)
		k, ssp := marks(t).ReadSSPMessageID(m.ID)
		require.Equal(t, []any{false, true, l.Event.ID}, []any{provider, ssp, k.Event}, "who answers it is not the provider")
	}
}

func TestOwnFormats(t *testing.T) {
	s, d := made(t, "tags: {format: \"#Label#=value\", labels: {task: [SSPTask]}}\nupdate: {subject: \"TaskId: ${event.task}\", text: \"Dear SSP,\\n{{tags}}\\nend of ${event.author}\"}\n")
	o := d.Deliver(t.Context(), lease(bridge.Update, "#SSPTask#=1"))
	require.Equal(t, bridge.OutcomeDone, o.Kind, o.Detail)
	m, err := message.Parse(s.Mails()[0].Raw)
	require.NoError(t, err)
	require.Equal(t, "TaskId: 4711", m.Subject)
	require.Equal(t, "Dear SSP,\n#SSPTask#= 4711\n#Reference#= INC0012345\n#Author#= Jo\n#Message#= \\#SSPTask#=1\nend of Jo", m.Text)
}

// What somebody wrote does not say where the tags go.
func TestTheTemplateAlonePlacesTheTags(t *testing.T) {
	_, d := made(t, "update: {text: \"${event.author} wrote\\n{{tags}}\\nend\"}\n")
	l := lease(bridge.Update, "x")
	l.Event.Author = "{{tags}}"
	shown, err := d.Render(l)
	require.NoError(t, err)
	require.Contains(t, shown, "\n{ {tags}} wrote\n[[Task]]: 4711\n")
}

func newTicket() bridge.Lease {
	return bridge.Lease{
		Event: bridge.Event{
			ID: "e-open", Provider: "acme", Task: bridge.OpenTask("inc7"), Dir: bridge.In, Kind: bridge.Open, Reference: "INC7", RefKey: "inc7", Author: "Jo",
			Title: "Router is\ndown", Text: "No light.\n[[Task]]: 4711", Priority: "1", Requester: bridge.Person{Name: "Ann", Email: "ann@example.com"},
			Fields: map[string]any{"Site": "Ulm", "Task": "666", "mail": map[string]any{"subject": "x"}},
		},
		Bond: bridge.Bond{Provider: "acme", Task: bridge.OpenTask("inc7"), Reference: "INC7"},
	}
}

// A new ticket names no task, whatever its sender wrote; fields become tags only where the config lists them.
func TestNewTicket(t *testing.T) {
	s, d := made(t, "")
	o := d.Deliver(t.Context(), newTicket())
	require.Equal(t, bridge.OutcomeDone, o.Kind, o.Detail)
	m, err := message.Parse(s.Mails()[0].Raw)
	require.NoError(t, err)
	require.Equal(t, "Router is down / INC7", m.Subject)
	require.Equal(t, "[[Reference]]: INC7\n[[Title]]: Router is down\n[[Priority]]: 1\n[[Requester]]: Ann <ann@example.com>\n[[Author]]: Jo\n[[Message]]: No light.\n[ [Task]]: 4711", m.Text)

	s, d = made(t, "open: {subject: 'New: ${event.reference}', text: \"{{tags}}\\n(${event.fields.Site})\", fields: [Site, None, mail]}\n")
	require.Equal(t, bridge.OutcomeDone, d.Deliver(t.Context(), newTicket()).Kind)
	m, err = message.Parse(s.Mails()[0].Raw)
	require.NoError(t, err)
	require.Equal(t, "New: INC7", m.Subject)
	require.Contains(t, m.Text, "[[Site]]: Ulm\n[[Author]]")
	require.Contains(t, m.Text, "(Ulm)")
	require.NotContains(t, m.Text, "666")

	l := newTicket()
	l.Event.Reference = ""
	require.Equal(t, bridge.MappingFailed, d.Deliver(t.Context(), l).Reason)
}

func TestFailures(t *testing.T) {
	s, d := made(t, "")
	l := lease(bridge.Acknowledge, "")
	l.Bond.Reference = ""
	require.Equal(t, bridge.MappingFailed, d.Deliver(t.Context(), l).Reason)
	s.Fail(smtptest.Fault{At: "rcpt", Reply: "550 no"})
	require.Equal(t, bridge.OutcomeRefused, d.Deliver(t.Context(), lease(bridge.Update, "x")).Kind)
	_, err := d.Render(lease(bridge.Close, ""))
	require.Error(t, err)
	_, err = sspmail.New(sspmail.Config{}, nil, nil, outbound.Options{})
	require.ErrorIs(t, err, mailmark.ErrNoSecret)
}
