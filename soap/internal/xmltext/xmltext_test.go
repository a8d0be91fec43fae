package xmltext

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestLegal(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"plain & <b> \" é 漢 🙂":     "plain & <b> \" é 漢 🙂",
		"a\r\nb\tc\n":              "a\r\nb\tc\n",
		"bell\x07 nul\x00 esc\x1b": "bell nul esc",
		"page\fline\vend":          "page line end",
		"bad \xff byte":            "bad \uFFFD byte",
		"kept \uFFFD":              "kept \uFFFD",
		"non\uFFFEchar\uFFFF":      "nonchar",
		"c1 \u0085 del \x7f":       "c1 \u0085 del \x7f",
	} {
		require.Equal(t, want, Legal(in), "%q", in)
	}
}

func FuzzLegal(f *testing.F) {
	f.Add("a\r\nb\x00\x0b\xff\uFFFE é")
	f.Fuzz(func(t *testing.T, s string) {
		l := Legal(s)
		require.True(t, utf8.ValidString(l))
		require.Equal(t, l, Legal(l), "Legal must leave legal text alone")
		// What is legal survives an encoder and a parser unchanged.
		var b bytes.Buffer
		require.NoError(t, xml.EscapeText(&b, []byte(l)))
		var got string
		require.NoError(t, xml.Unmarshal([]byte("<a>"+b.String()+"</a>"), &got))
		require.Equal(t, l, got)
	})
}

func TestUTF8(t *testing.T) {
	utf16le := func(s string) string {
		var b strings.Builder
		for _, r := range s { // only characters of the basic plane
			b.WriteByte(byte(r))
			b.WriteByte(byte(r >> 8))
		}
		return b.String()
	}
	for name, c := range map[string]struct{ data, contentType, want, err string }{
		"utf-8":                     {`<?xml version="1.0" encoding="utf-8"?><a>é</a>`, "text/xml; charset=utf-8", "<a>é</a>", ""},
		"nothing said":              {`<a>é</a>`, "", "<a>é</a>", ""},
		"byte-order mark":           {"\xEF\xBB\xBF<?xml version='1.0'?><a>é</a>", "text/xml; charset=windows-1252", "<a>é</a>", ""},
		"windows-1252 in header":    {"<a>\xe9\x80</a>", "text/xml; charset=windows-1252", "<a>é€</a>", ""},
		"latin-1 in declaration":    {"<?xml version=\"1.0\" encoding='ISO-8859-1' ?>\n<a>\xe9</a>", "text/xml", "\n<a>é</a>", ""},
		"header beats declaration":  {"<?xml version=\"1.0\" encoding=\"utf-8\"?><a>\xe9</a>", "text/xml; charset=iso-8859-1", "<a>é</a>", ""},
		"utf-16 with mark":          {"\xFF\xFE" + utf16le(`<?xml version="1.0" encoding="utf-16"?><a>é</a>`), "text/xml", "<a>é</a>", ""},
		"utf-16 claimed, not there": {`<?xml version="1.0" encoding="utf-16"?><a>é</a>`, "text/xml; charset=utf-16", "<a>é</a>", ""},
		"invalid bytes":             {"<a>\xe9</a>", "text/xml; charset=utf-8", "<a>\uFFFD</a>", ""},
		"unknown encoding":          {"<a/>", "text/xml; charset=klingon", "", `unknown character encoding "klingon"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := UTF8([]byte(c.data), c.contentType)
			if c.err != "" {
				require.EqualError(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
		})
	}
}

func FuzzUTF8(f *testing.F) {
	f.Add([]byte("<?xml version=\"1.0\" encoding='ISO-8859-1' ?>\n<a>\xe9</a>"), "text/xml; charset=windows-1252")
	f.Add([]byte("\xFF\xFEa"), "")
	f.Fuzz(func(t *testing.T, data []byte, contentType string) {
		out, err := UTF8(data, contentType)
		if err != nil {
			return
		}
		require.True(t, utf8.Valid(out))
		require.LessOrEqual(t, len(out), 4*len(data)+4, "a document must not grow without bound")
	})
}

func TestSniff(t *testing.T) {
	for in, want := range map[string]Head{
		"":         {Empty: true},
		" \r\n\t ": {Empty: true},
		`<?xml version="1.0"?><!-- a > b --><soap:Envelope xmlns:soap="x">`: {Root: "Envelope"},
		"<Envelope/>":                                   {Root: "Envelope"},
		"<!DOCTYPE html><html><body>":                   {Doctype: true, HTML: true, Root: "html"},
		"\n<!doctype HTML PUBLIC \"-//W3C//DTD\">\n<p>": {Doctype: true, HTML: true, Root: "p"},
		"<HTML>": {HTML: true, Root: "HTML"},
		`<!DOCTYPE a [<!ENTITY x "y">]><Envelope/>`: {Doctype: true},
		"not xml":            {},
		"<!-- never closed":  {},
		"<?xml never closed": {},
		`{"json":true}`:      {},
	} {
		require.Equal(t, want, Sniff([]byte(in)), "%q", in)
	}
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte(`<?xml version="1.0"?><!-- a --><!DOCTYPE html><a:b>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h := Sniff(data)
		require.LessOrEqual(t, len(h.Root), 256)
		if h.Doctype || h.HTML {
			return
		}
		// If a parser meets a document type declaration before the root, Sniff has seen it too.
		d := xml.NewDecoder(bytes.NewReader(data))
		for {
			tok, err := d.RawToken()
			if err != nil || err == io.EOF {
				return
			}
			switch tok.(type) {
			case xml.StartElement:
				return
			case xml.Directive:
				if s := bytes.TrimSpace(data); len(s) > 0 && s[0] == '<' {
					t.Fatalf("missed a declaration in %q", data)
				}
				return
			case xml.CharData:
				if len(bytes.TrimSpace(tok.(xml.CharData))) > 0 {
					return // text before the root: Sniff stops there
				}
			}
		}
	})
}
