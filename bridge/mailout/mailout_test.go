package mailout_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mailout"
	"github.com/pergabridge/pergabridge/bridge/mailout/smtptest"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/outbound/mailauth"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func letter() mailout.Letter {
	return mailout.Letter{
		From: "SSP Service <support@example.com>", ReplyTo: "support+pbx@example.com", To: []string{"Höfer <help@acme.example>"}, Cc: []string{"cc@acme.example"},
		Subject: "Störung\r\nBcc: evil@x.example " + strings.Repeat("lang ", 60), Text: "Grüße\n.\n" + strings.Repeat("x", 2000), HTML: "<p>Grüße</p>",
		MessageID: "pb1.abc@bridge.example.com", InReplyTo: "pb1.first@bridge.example.com", References: []string{"a@b.example", "pb1.first@bridge.example.com"},
		Header: map[string]string{"Auto-Submitted": "auto-generated", "X-Evil": "a\r\nX-Injected: b"}, Date: time.Unix(1767600000, 0),
	}
}

func client(t *testing.T, s *smtptest.Server, with func(*mailout.Config)) *mailout.Client {
	t.Helper()
	c := mailout.Config{SMTP: "smtp://" + s.Addr, Plain: true, Timeout: config.Duration(2 * time.Second)}
	if with != nil {
		with(&c)
	}
	k, err := mailout.New("acme", c, outbound.Options{})
	require.NoError(t, err)
	t.Cleanup(k.Close)
	return k
}

func TestDeliver(t *testing.T) {
	s := smtptest.Start(t, smtptest.Options{})
	o := client(t, s, nil).Deliver(t.Context(), letter())
	require.Equal(t, bridge.OutcomeDone, o.Kind, o.Detail)
	require.Contains(t, o.Request, "Message-ID: <pb1.abc@bridge.example.com>")
	require.Contains(t, o.Answer, "4711")
	m := s.Mails()[0]
	require.Equal(t, "support@example.com", m.From)
	require.Equal(t, []string{"help@acme.example", "cc@acme.example"}, m.To)
	require.Equal(t, "<pb1.abc@bridge.example.com>", m.Header.Get("Message-Id"))
	require.Equal(t, "<pb1.first@bridge.example.com>", m.Header.Get("In-Reply-To"))
	require.Equal(t, "<a@b.example> <pb1.first@bridge.example.com>", m.Header.Get("References"))
	require.Empty(t, m.Header.Get("Bcc"), "a line break in a value begins no header")
	require.Empty(t, m.Header.Get("X-Injected"))
	require.Equal(t, "auto-generated", m.Header.Get("Auto-Submitted"))
	require.Contains(t, m.Header.Get("Content-Type"), "multipart/alternative")
}

func TestOutcomes(t *testing.T) {
	s := smtptest.Start(t, smtptest.Options{})
	k := client(t, s, nil)
	for _, c := range []struct {
		fault  smtptest.Fault
		kind   bridge.OutcomeKind
		reason bridge.Reason
		mails  int
	}{
		{smtptest.Fault{At: "connect", Reply: "421 4.3.2 closing"}, bridge.OutcomeRetry, bridge.Throttled, 0},
		{smtptest.Fault{At: "connect", Reply: "554 5.7.1 go away"}, bridge.OutcomeRetry, bridge.NotSent, 0},
		{smtptest.Fault{At: "mail", Reply: "451 4.7.1 greylisted"}, bridge.OutcomeRetry, bridge.Throttled, 0},
		{smtptest.Fault{At: "mail", Reply: "550 5.7.1 sender rejected"}, bridge.OutcomeRefused, bridge.RefusedAnswer, 0},
		{smtptest.Fault{At: "rcpt", Reply: "550 5.1.1 no such user"}, bridge.OutcomeRefused, bridge.RefusedAnswer, 0},
		{smtptest.Fault{At: "rcpt", Reply: "452 4.2.2 mailbox full"}, bridge.OutcomeRetry, bridge.Throttled, 0},
		{smtptest.Fault{At: "data", Reply: "554 5.5.1 no"}, bridge.OutcomeRefused, bridge.RefusedAnswer, 0},
		{smtptest.Fault{At: "data"}, bridge.OutcomeRetry, bridge.NotSent, 0},
		{smtptest.Fault{At: "dot", Reply: "552 5.3.4 too large"}, bridge.OutcomeRefused, bridge.RefusedAnswer, 0},
		{smtptest.Fault{At: "dot", Reply: "451 4.3.0 later"}, bridge.OutcomeRetry, bridge.Throttled, 0},
		{smtptest.Fault{At: "dot"}, bridge.OutcomeUnknown, bridge.NoAnswer, 1},
		{smtptest.Fault{At: "dot", Hang: true}, bridge.OutcomeUnknown, bridge.NoAnswer, 1},
	} {
		before := len(s.Mails())
		s.Fail(c.fault)
		o := k.Deliver(t.Context(), letter())
		require.Equal(t, c.kind, o.Kind, "%+v: %s", c.fault, o.Detail)
		require.Equal(t, c.reason, o.Reason, "%+v: %s", c.fault, o.Detail)
		require.NotEmpty(t, o.Detail)
		require.Len(t, s.Mails(), before+c.mails, "%+v", c.fault)
		if c.reason == bridge.Throttled {
			require.Equal(t, mailout.Wait, o.After)
			require.True(t, o.Down)
		}
	}
	s.Down(t)
	o := k.Deliver(t.Context(), letter())
	require.Equal(t, bridge.NotSent, o.Reason)
	require.True(t, o.Down)
	s.Up(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o = k.Deliver(ctx, letter())
	require.Equal(t, bridge.Canceled, o.Reason)
	require.False(t, o.Down)
	bad := letter()
	bad.To = []string{"no address"}
	require.Equal(t, bridge.MappingFailed, k.Deliver(t.Context(), bad).Reason)
}

func TestLoginsAndTLS(t *testing.T) {
	web := httptest.NewUnstartedServer(nil) // for its certificate
	web.StartTLS()
	defer web.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600))
	secure := &tls.Config{Certificates: web.TLS.Certificates}
	_, err := x509.ParseCertificate(web.Certificate().Raw)
	require.NoError(t, err)
	password := config.Secret{Text: secret.New("smtp-password")}
	for _, implicit := range []bool{false, true} {
		for _, mechanisms := range []string{"PLAIN", "LOGIN"} {
			s := smtptest.Start(t, smtptest.Options{TLS: secure, Implicit: implicit, User: "u", Password: "smtp-password", Mechanisms: mechanisms})
			with := func(c *mailout.Config) {
				c.Plain, c.TLS = false, outbound.TLS{CA: config.Path(ca), ServerName: "example.com"}
				c.Auth = mailauth.Config{Username: "u", Password: password}
				if implicit {
					c.SMTP = "smtps://" + s.Addr
				}
			}
			o := client(t, s, with).Deliver(t.Context(), letter())
			require.Equal(t, bridge.OutcomeDone, o.Kind, "%v %s: %s", implicit, mechanisms, o.Detail)
			sent := len(s.Mails())
			said, err := client(t, s, with).Check(t.Context())
			require.NoError(t, err)
			require.Equal(t, "the mail server let us in", said)
			require.Len(t, s.Mails(), sent, "nothing is sent")
			_, err = client(t, s, func(c *mailout.Config) {
				with(c)
				c.Auth.Password = config.Secret{Text: secret.New("other-password")}
			}).Check(t.Context())
			require.Error(t, err)
			o = client(t, s, func(c *mailout.Config) {
				with(c)
				c.Auth.Password = config.Secret{Text: secret.New("other-password")}
			}).Deliver(t.Context(), letter())
			require.Equal(t, bridge.Unauthorized, o.Reason, o.Detail)
			require.NotContains(t, o.Detail+o.Request, "other-password")
			o = client(t, s, func(c *mailout.Config) { with(c); c.TLS = outbound.TLS{} }).Deliver(t.Context(), letter())
			require.Equal(t, bridge.NotSent, o.Reason, "an unknown authority: %s", o.Detail)
		}
	}
	plain := smtptest.Start(t, smtptest.Options{})
	o := client(t, plain, func(c *mailout.Config) { c.Plain = false }).Deliver(t.Context(), letter())
	require.Equal(t, bridge.NotSent, o.Reason, "a server without STARTTLS gets nothing")
	require.Empty(t, plain.Mails())
}

func TestConfig(t *testing.T) {
	for src, want := range map[string]string{
		"smtp: smtps://mail.example.com":                    "",
		"smtp: http://x":                                    "smtp",
		"smtp: smtp://u:p@x":                                "smtp",
		"smtp: smtp://x/y":                                  "smtp",
		"smtp: smtp://x:99999":                              "smtp",
		"smtp: smtps://x\nunencrypted: true":                "unencrypted",
		"username: u\nsmtp: smtps://x":                      "password",
		"smtp: smtps://mail.example.com\ntimeout: nonsense": "timeout",
	} {
		n, err := config.Parse("c.yaml", []byte(src))
		require.NoError(t, err)
		config.Decode(n, &mailout.Config{})
		if want == "" {
			require.Empty(t, n.Problems())
			continue
		}
		require.Len(t, n.Problems(), 1, src)
		require.Equal(t, want, n.Problems()[0].Path)
	}
}

func TestShow(t *testing.T) {
	l := letter()
	shown := l.Show()
	require.Contains(t, shown, "From: SSP Service <support@example.com>\n")
	require.Contains(t, shown, "X-Evil: a X-Injected: b\n")
	require.Contains(t, shown, "<p>Grüße</p>")
	raw, err := l.Raw()
	require.NoError(t, err)
	require.Contains(t, string(raw), "\r\n\r\n")
	require.Error(t, mailout.CheckAddress("x"))
	require.NoError(t, mailout.CheckAddress("Jo <jo@x.example>"))
	require.Equal(t, "jo@x.example", mailout.Bare("Jo <jo@x.example>"))
}
