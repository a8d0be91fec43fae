package mailin

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/mailin/message"
)

func decode(t *testing.T, src string) (*Mailbox, config.Problems) {
	t.Helper()
	t.Setenv("BOX_PASSWORD", "box-password")
	n, err := config.Parse("c.yaml", []byte(src))
	require.NoError(t, err)
	b := &Mailbox{}
	config.Decode(n, b)
	return b, n.Problems()
}

const minimal = "imap: imaps://imap.example.com\nusername: u\npassword: {env: BOX_PASSWORD}\n"

func TestConfigDefaults(t *testing.T) {
	b, problems := decode(t, minimal+"providers: {acme: {senders: [acme.example]}}\ndone: {move: Processed}")
	require.Empty(t, problems)
	full := b.withDefaults()
	require.Equal(t, []string{"INBOX"}, full.Folders)
	require.Equal(t, "Processed", full.Failed.Move, "as done")
	require.Equal(t, "update", full.Providers["acme"].Untagged)
	require.Equal(t, "acknowledge", full.Providers["acme"].Automatic)
	require.Equal(t, "acme", full.standard())
	address, host, implicit, problem := full.address()
	require.Empty(t, problem)
	require.Equal(t, "imap.example.com:993", address)
	require.Equal(t, "imap.example.com", host)
	require.True(t, implicit)
	require.NotEmpty(t, config.Schema(Mailbox{}))
}

func TestConfigProblems(t *testing.T) {
	for src, path := range map[string]string{
		"providers: {}":                                                                          "providers",
		"providers: {a: {senders: [nonsense]}}":                                                  "providers.a.senders[0]",
		"providers: {a: {reference: ['('], senders: [x.example]}}":                               "providers.a.reference[0]",
		"providers: {a: {reference: ['x*'], senders: [x.example]}}":                              "providers.a.reference[0]",
		"providers: {a: {reference: ['x']}}":                                                     "providers.a.reference",
		"providers: {a: {rules: [{kind: update}, {kind: ignore, when: 'true'}]}}":                "providers.a.rules[0]",
		"providers: {a: {rules: [{kind: submit}]}}":                                              "providers.a.rules[0].kind",
		"providers: {a: {rules: [{kind: update, when: 'event.text == \"x\"'}]}}":                 "providers.a.rules[0].when",
		"providers: {a: {senders: [x.example]}}\nstart: soon":                                    "start",
		"providers: {a: {senders: [x.example]}}\npoll: 10ms":                                     "poll",
		"providers: {a: {senders: [x.example]}}\nidle_renew: 2h":                                 "idle_renew",
		"providers: {a: {senders: [x.example]}}\ndone: gone":                                     "done",
		"providers: {a: {senders: [x.example]}}\ndone: {move: A, keyword: B}":                    "done",
		"providers: {a: {senders: [x.example]}}\ndone: {keyword: 'two words'}":                   "done.keyword",
		"providers: {a: {senders: [x.example]}}\nfolders: [A, A]":                                "folders[1]",
		"providers: {a: {senders: [x.example]}}\nfolders: [Processed]\ndone: {move: Processed}":  "folders[0]",
		"providers: {a: {senders: [x.example]}}\ndefault: b":                                     "default",
		"providers: {a: {senders: [x.example]}}\nunencrypted: true":                              "unencrypted",
		"providers: {a: {senders: [x.example]}}\nmax_message: 1GiB":                              "max_message",
		"providers: {a: {senders: [x.example], verify: {server: mx.example.com, require: spf}}}": "providers.a.verify.require",
	} {
		_, problems := decode(t, minimal+src)
		require.NotEmpty(t, problems, src)
		require.Equal(t, path, problems[0].Path, "%s: %v", src, problems)
	}
	_, problems := decode(t, "imap: imaps://imap.example.com\nproviders: {a: {senders: [x.example]}}")
	require.Len(t, problems, 1)
	require.Equal(t, "username", problems[0].Path)
	_, problems = decode(t, minimal+"providers: {a: {senders: [x.example]}}\nstart: soon")
	require.Contains(t, fmt.Sprint(problems), `"soon" is neither new nor a date`)
}

func TestSenders(t *testing.T) {
	s := Senders{"help@a.example", "b.example", "*.c.example", "@d.example"}
	for email, want := range map[string]bool{
		"HELP@A.example": true, "x@a.example": false, "x@b.example": true, "x@sub.b.example": false, "x@sub.c.example": true, "x@c.example": false,
		"x@evilc.example": false, "x@d.example": true, "": false, "x@b.example.evil": false,
	} {
		require.Equal(t, want, s.Match(message.Address{Email: email}), email)
	}
	require.True(t, Senders{"*"}.Match(message.Address{Email: "x@y.example"}))
}
