package mailin

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Another bridge's mail is known by any one of its signs; none of it becomes a text, even where everything
// automatic is read. Our own address to answer to is no such sign: a ticket system may keep it.
func TestAnotherBridgeIsKnownByEachSign(t *testing.T) {
	theirs, err := mailmark.New(mailmark.Config{Domain: "other.example.net", Secret: config.Secrets{{Text: secret.New("another-secret-0123456789")}}})
	require.NoError(t, err)
	b := box(t)
	for _, a := range b.Providers {
		a.Automatic = "read"
	}
	r := NewReader(map[string]*Mailbox{"support": b}, marks(t), ReaderOptions{})
	read := func(header string) *Reading {
		return r.read(r.boxes["support"], fmt.Appendf(nil, "From: Jo Helper <jo@acme.example>\r\nTo: support@example.com\r\nSubject: Re: Printer burns\r\n%s\r\n\r\n[[Task]]: 4711\r\n[[Message]]: theirs\r\n", header))
	}
	for _, sign := range []string{
		"Message-ID: <1@acme.example>\r\nX-Pergabridge: other.example.net",
		"Message-ID: <" + theirs.MessageID("north", "4711", "e") + ">",
		"Message-ID: <1@acme.example>\r\nReply-To: " + theirs.ReplyAddress("support@acme.example", "north", "4711"),
	} {
		x := read(sign)
		require.Equal(t, Ignored, x.Kind, sign)
		require.Contains(t, x.Why, "another bridge wrote it")
	}
	for _, sign := range []string{
		"Message-ID: <1@acme.example>\r\nReply-To: jo+pbx@acme.example",
		"Message-ID: <1@acme.example>\r\nReply-To: " + marks(t).ReplyAddress("support@example.com", "acme", "4711"),
	} {
		x := read(sign)
		require.Equal(t, "update", x.Kind, "%s: %s", sign, x.Why)
		require.Equal(t, "theirs", x.Text)
	}
}
