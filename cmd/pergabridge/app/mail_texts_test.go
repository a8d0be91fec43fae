package app

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMailTextsAreDecoded(t *testing.T) {
	head := "From: desk@example.org\r\nTo: bridge@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
	for _, raw := range []string{
		head + "quoted-printable\r\n\r\nask ann=\r\n@example.com\r\n",
		head + "base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte("ask ann@example.com")) + "\r\n",
	} {
		texts := strings.Join(mailTexts([]byte(raw)), "\n")
		require.Contains(t, texts, "ask ann@example.com")
		require.Contains(t, texts, "desk@example.org")
	}
	require.Empty(t, mailTexts(nil))
}
