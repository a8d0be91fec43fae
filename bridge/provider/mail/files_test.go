package mailprovider_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/mailout/smtptest"
	"github.com/pergabridge/pergabridge/bridge/provider"
	mailprovider "github.com/pergabridge/pergabridge/bridge/provider/mail"
)

func TestFilesAreAttached(t *testing.T) {
	one := func(n int, name, media, data string) bridge.File {
		sum := sha256.Sum256([]byte(data))
		return bridge.File{N: n, Name: name, Type: media, Size: len(data), SHA256: hex.EncodeToString(sum[:]), Data: []byte(data)}
	}
	list := []bridge.File{one(1, "bürö.pdf", "application/pdf", "%PDF\x00\xff"), one(2, "huge.bin", "", strings.Repeat("h", 2000)), one(3, "m.eml", "message/rfc822", "From: a@b.c\r\n\r\nx")}
	for _, attach := range []bool{true, false} {
		s := smtptest.Start(t, smtptest.Options{})
		src := fmt.Sprintf("kind: mail\nsmtp: smtp://%s\nunencrypted: true\nfrom: SSP Service <support@example.com>\nto: [help@acme.example]\nattachments: %t\n", s.Addr, attach)
		p, err := mailprovider.New("acme", read(t, src), provider.Deps{Marks: marks(t), Now: func() time.Time { return time.Unix(1767600000, 0) }, Files: &files.Opener{
			Max: 1000, Total: 1500, Readers: map[bridge.Entrance]files.Reader{bridge.ByProcessCall: func(*bridge.Inbound) ([]bridge.File, error) { return list, nil }},
		}})
		require.NoError(t, err)
		l := submit()
		l.Event.Entrance, l.Event.Inbound = bridge.ByProcessCall, &bridge.Inbound{Body: []byte("raw")}
		l.Event.Fields = map[string]any{"attachments": bridge.FileField(list)}
		m := sent(t, s, p, l)
		require.Contains(t, m.Text, "huge.bin (2kB)")
		require.Contains(t, m.Text, "Not attached to this mail.")
		if !attach {
			require.Empty(t, m.Attachments)
			require.Contains(t, m.Text, "bürö.pdf")
			p.Close()
			continue
		}
		require.NotContains(t, m.Text, "bürö.pdf")
		require.Len(t, m.Attachments, 2)
		require.Equal(t, "bürö.pdf", m.Attachments[0].Name)
		require.Equal(t, list[0].SHA256, m.Attachments[0].SHA256)
		require.Equal(t, "application/pdf", m.Attachments[0].Type)
		require.Equal(t, list[2].SHA256, m.Attachments[1].SHA256)
		text, err := p.Destination.(bridge.Renderer).Render(l)
		require.NoError(t, err)
		require.Contains(t, text, "Attached: bürö.pdf (6B)")
		p.Close()
	}
}
