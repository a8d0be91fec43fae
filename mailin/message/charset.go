package message

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
)

// toUTF8 decodes text. What the bytes show wins over what the label says: valid UTF-8 with a
// character beyond ASCII is UTF-8, whatever a careless program wrote above it; and what is labelled
// UTF-8, ASCII, or nothing, and is not, is read as windows-1252, the usual culprit.
func toUTF8(label string, b []byte) string {
	label = strings.ToLower(strings.Trim(strings.TrimSpace(label), `"'`))
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	enc := find(label)
	ascii := isASCII(b)
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}) || bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		enc = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	case ascii && (enc == nil || singleByte(enc)):
		return string(b)
	case utf8.Valid(b) && (enc == nil || singleByte(enc)) && !ascii:
		return string(b)
	case enc == nil:
		enc = charmap.Windows1252
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil || !utf8.Valid(out) {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

// find returns the encoding of a label; nil for UTF-8, ASCII and labels that nobody knows.
func find(label string) encoding.Encoding {
	switch label {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "unknown-8bit", "default", "x-unknown", "binary":
		return nil
	case "ansi", "x-ansi", "cp-1252", "windows-ansi":
		return charmap.Windows1252
	case "cp850", "ibm850":
		return charmap.CodePage850
	case "utf-16", "utf16":
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	}
	if strings.HasPrefix(label, "cp125") {
		label = "windows-" + label[2:]
	}
	if e, err := htmlindex.Get(label); err == nil {
		if e == unicode.UTF8 {
			return nil
		}
		return e
	}
	if e, err := ianaindex.MIME.Encoding(label); err == nil {
		return e
	}
	return nil
}

// singleByte reports whether e is a plain eight-bit set, so that ASCII bytes mean ASCII in it and
// valid UTF-8 hardly happens by accident.
func singleByte(e encoding.Encoding) bool {
	_, ok := e.(*charmap.Charmap)
	return ok
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
