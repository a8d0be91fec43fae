package mailprovider_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/mailout/smtptest"
	"github.com/pergabridge/pergabridge/bridge/provider"
	mailprovider "github.com/pergabridge/pergabridge/bridge/provider/mail"
	"github.com/pergabridge/pergabridge/bridge/provider/providertest"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/mailin"
	"github.com/pergabridge/pergabridge/mailin/message"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func marks(t testing.TB) *mailmark.Marks {
	t.Helper()
	m, err := mailmark.New(mailmark.Config{Domain: "bridge.example.com", Secret: config.Secrets{{Text: secret.New("conformance-secret-1")}}})
	require.NoError(t, err)
	return m
}

// read decodes a section.
func read(t testing.TB, src string) *mailprovider.Config {
	t.Helper()
	n, err := config.Parse("c.yaml", []byte(src))
	require.NoError(t, err)
	c := &mailprovider.Config{}
	config.Decode(n, c)
	require.Empty(t, n.Problems())
	return c
}

const section = `
kind: mail
smtp: smtp://%s
unencrypted: true
timeout: 2s
username: bridge
password: {env: CONFORMANCE_SMTP}
from: SSP Service <support@example.com>
to: [help@acme.example]
`

// peer lets the suite see and break the fake mail server.
type peer struct {
	*smtptest.Server
	marks *mailmark.Marks
	t     testing.TB
}

func (p *peer) Effects() []providertest.Effect {
	var out []providertest.Effect
	for _, m := range p.Mails() {
		x, err := message.Parse(m.Raw)
		require.NoError(p.t, err)
		tags := p.marks.Parse(message.Split(x.Text, p.marks.IsTag).New)
		out = append(out, providertest.Effect{Kind: bridge.Kind(x.Header.Get("X-Pergabridge-Kind")), Reference: tags.Get(mailmark.Reference), Text: tags.Get(mailmark.Message)})
	}
	return out
}

func (p *peer) Fail(f providertest.Failure) bool {
	fault, ok := map[providertest.Failure]smtptest.Fault{
		providertest.Refuse: {At: "rcpt", Reply: "550 5.1.1 no such user"}, providertest.Throttle: {At: "mail", Reply: "421 4.7.0 too many mails"},
		providertest.ServerError: {At: "dot", Reply: "451 4.3.0 disk full"}, providertest.Drop: {At: "dot"}, providertest.Hang: {At: "dot", Hang: true},
	}[f]
	if ok {
		p.Server.Fail(fault)
	}
	return ok
}

func (p *peer) Resolve(testing.TB, string) {}

func TestConformance(t *testing.T) {
	t.Setenv("CONFORMANCE_SMTP", "conformance-smtp-password")
	providertest.Run(t, func(t testing.TB) *providertest.Fixture {
		s := smtptest.Start(t, smtptest.Options{User: "bridge", Password: "conformance-smtp-password"})
		log, logger := providertest.NewLog()
		m := marks(t)
		p, err := mailprovider.New("acme", read(t, fmt.Sprintf(section, s.Addr)), provider.Deps{Log: logger, Marks: m})
		require.NoError(t, err)
		t.Cleanup(p.Close)
		pattern, err := mailin.NewPattern(`INC\d+`)
		require.NoError(t, err)
		box := &mailin.Mailbox{IMAP: "imaps://x.example", Providers: map[string]*mailin.Attached{"acme": {Senders: mailin.Senders{"acme.example"}, Reference: []mailin.Pattern{pattern}}}}
		p.Receiver = mailin.NewReader(map[string]*mailin.Mailbox{"support": box}, m, mailin.ReaderOptions{Now: func() time.Time { return time.Unix(1, 0) }})
		reply := func(body string) bridge.Inbound {
			return bridge.Inbound{
				Provider: "acme", Entrance: bridge.ByMailbox, ContentType: mailin.ContentType, Received: time.Unix(2, 0),
				Body: []byte("From: Jo <jo@acme.example>\r\nSubject: Re: x\r\nMessage-ID: <a@acme.example>\r\nIn-Reply-To: <" + m.MessageID("acme", "4711", "e1") + ">\r\n\r\n" + body),
			}
		}
		unknown := reply("hello")
		unknown.Body = []byte("From: Jo <jo@acme.example>\r\nSubject: x\r\nMessage-ID: <b@acme.example>\r\n\r\nhello")
		unreadable := reply("")
		unreadable.Body = []byte("\x00\x01")
		return &providertest.Fixture{
			Provider: p, Peer: &peer{s, m, t}, Secrets: []string{"conformance-smtp-password", "conformance-secret-1"}, Log: log,
			Inputs: map[bridge.Kind]bridge.Inbound{
				bridge.Acknowledge: reply("[[Reference]]: INC1"), bridge.Update: reply("The part is ordered."), bridge.Resolve: reply("[[Solution]]: done"),
			},
			Unknown: unknown, Unreadable: unreadable,
		}
	})
}
