package xmltext

import (
	"bytes"
	"fmt"
	"mime"
	"regexp"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

var (
	bomUTF8    = []byte{0xEF, 0xBB, 0xBF}
	bomUTF16BE = []byte{0xFE, 0xFF}
	bomUTF16LE = []byte{0xFF, 0xFE}

	declaration = regexp.MustCompile(`^\s*<\?xml\s[^>]*\?>`)
	declared    = regexp.MustCompile(`\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)
)

// UTF8 returns an XML document as UTF-8 without byte-order mark and without XML declaration, so
// that a parser that knows nothing but UTF-8 can read it. The encoding is that of the byte-order
// mark, else the charset of contentType, else that of the declaration, else UTF-8. Bytes that are
// invalid in the encoding become U+FFFD.
func UTF8(data []byte, contentType string) ([]byte, error) {
	label := ""
	if _, p, err := mime.ParseMediaType(contentType); err == nil {
		label = p["charset"]
	}
	var enc encoding.Encoding
	switch {
	case bytes.HasPrefix(data, bomUTF8):
		data, label = data[len(bomUTF8):], ""
	case bytes.HasPrefix(data, bomUTF16BE), bytes.HasPrefix(data, bomUTF16LE):
		enc = unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM)
	case label == "":
		if m := declared.FindSubmatch(declaration.Find(data)); m != nil {
			label = string(m[1])
		}
	}
	if enc == nil && label != "" {
		e, err := htmlindex.Get(label)
		if err != nil {
			return nil, fmt.Errorf("unknown character encoding %q", label)
		}
		// Whoever writes "utf-16" into a declaration that reads as ASCII has not written UTF-16;
		// .NET programs do that all the time.
		if name, _ := htmlindex.Name(e); name != "utf-8" && !(asciiXML(data) && (name == "utf-16le" || name == "utf-16be")) {
			enc = e
		}
	}
	if enc != nil {
		var err error
		if data, err = enc.NewDecoder().Bytes(data); err != nil {
			return nil, fmt.Errorf("decode %s: %w", label, err)
		}
	}
	if !utf8.Valid(data) {
		data = bytes.ToValidUTF8(data, []byte("\uFFFD"))
	}
	if d := declaration.FindIndex(data); d != nil {
		data = data[d[1]:]
	}
	return data, nil
}

// asciiXML reports whether data begins like XML in an encoding that contains ASCII.
func asciiXML(data []byte) bool {
	d := bytes.TrimLeft(data, " \t\r\n")
	return len(d) > 1 && d[0] == '<' && d[1] != 0
}
