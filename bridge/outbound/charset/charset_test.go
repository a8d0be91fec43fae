package charset_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/outbound/charset"
)

func TestUTF8(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body, want string
	}{
		{"plain ascii", "text/plain", "abc", "abc"},
		{"utf-8 said", "text/xml; charset=utf-8", "é漢", "é漢"},
		{"utf-8 mark is dropped", "text/xml", "\xef\xbb\xbf<a/>", "<a/>"},
		{"windows-1252 said", `text/xml; charset="windows-1252"`, "caf\xe9 \x80", "café €"},
		{"latin-1 said", "text/xml; charset=ISO-8859-1", "\xfcber", "über"},
		{"latin-1 by its other name", "text/plain; charset=Latin-1", "\xfcber", "über"},
		{"latin-9", "text/plain; charset=iso-8859-15", "\xa4", "€"},
		{"only the declaration says it", "text/xml", `<?xml version="1.0" encoding="windows-1252"?><a>` + "\xe9</a>",
			`<?xml version="1.0" encoding="utf-8"?><a>é</a>`},
		{"content type wins over declaration", "text/xml; charset=utf-8", `<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>`,
			`<?xml version='1.0' encoding='utf-8'?><a>é</a>`},
		{"says utf-8 and is not", "text/xml; charset=utf-8", "caf\xe9", "café"},
		{"utf-16 with mark", "text/xml; charset=utf-16", "\xff\xfea\x00\xe9\x00", "aé"},
		{"utf-16be with mark, wrong label", "text/xml; charset=utf-8", "\xfe\xff\x00a\x00\xe9", "aé"},
		{"utf-16 without mark", "text/xml; charset=utf-16be", "\x00a", "a"},
		{"a declaration that cannot be true", "text/xml", `<?xml version="1.0" encoding="utf-16"?><a>é</a>`,
			`<?xml version="1.0" encoding="utf-8"?><a>é</a>`},
		{"broken content type", "text/xml;;;=", "é", "é"},
		{"empty", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := charset.UTF8(c.contentType, []byte(c.body))
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
		})
	}
}

func TestTextIsNoDocument(t *testing.T) {
	for _, c := range []struct{ contentType, s, want string }{
		{"application/x-www-form-urlencoded", "é", "é"},
		{"application/x-www-form-urlencoded", "caf\xe9", "café"},
		{"application/x-www-form-urlencoded; charset=ISO-8859-15", "\xa4", "€"},
		{"", `<?xml version="1.0" encoding="utf-16"?>`, `<?xml version="1.0" encoding="utf-16"?>`},
		{"", "\xef\xbb\xbfx", "\ufeffx"},
	} {
		got, err := charset.Text(c.contentType, c.s)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	_, err := charset.Text("text/plain; charset=klingon", "x")
	require.ErrorContains(t, err, "unknown character set")
}

func TestUnknownLabelIsAnErrorNotAGuess(t *testing.T) {
	for _, label := range []string{"klingon", "iso-2022-cn"} {
		_, err := charset.UTF8("text/xml; charset="+label, []byte("x"))
		require.ErrorContains(t, err, "unknown character set", label)
		_, err = charset.Reader(label, strings.NewReader("x"))
		require.Error(t, err, label)
	}
}

func TestReaderServesAnXMLDecoder(t *testing.T) {
	d := xml.NewDecoder(bytes.NewReader([]byte(`<?xml version="1.0" encoding="Windows-1252"?><a>` + "\x93x\x94</a>")))
	d.CharsetReader = charset.Reader
	var s string
	require.NoError(t, d.Decode(&s))
	require.Equal(t, "“x”", s)

	r, err := charset.Reader("UTF-8", strings.NewReader("é"))
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "é", string(b))
}

func FuzzUTF8(f *testing.F) {
	f.Add("text/xml; charset=windows-1252", []byte("caf\xe9"))
	f.Add("text/xml", []byte(`<?xml version="1.0" encoding="iso-8859-15"?><a>`+"\xa4"))
	f.Add("text/xml; charset=utf-16", []byte("\xff\xfea\x00\x00\xd8"))
	f.Add("", []byte("\xef\xbb\xbf"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		out, err := charset.UTF8(contentType, body)
		if err != nil {
			return
		}
		require.True(t, utf8.Valid(out))
		require.LessOrEqual(t, len(out), 3*len(body)+8)
	})
}
