package xmltext

import (
	"bytes"
	"encoding/xml"
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
	f.Add([]byte(`<!--> a --><!DOCTYPE html><a>`)) // the comment has not ended at its first >
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
			if err != nil {
				return
			}
			switch tok := tok.(type) {
			case xml.StartElement:
				return
			case xml.Directive:
				if s := bytes.TrimSpace(data); len(s) > 0 && s[0] == '<' {
					t.Fatalf("missed a declaration in %q", data)
				}
				return
			case xml.CharData:
				if len(bytes.TrimSpace(tok)) > 0 {
					return // text before the root: Sniff stops there
				}
			}
		}
	})
}
