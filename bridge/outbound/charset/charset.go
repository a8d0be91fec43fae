// Package charset turns bodies in old character sets into UTF-8.
//
// Portals and ticket systems still answer in windows-1252 or latin-1, and some say so only in the
// XML declaration, or not at all. The character set of a body is, in this order: its byte order
// mark, the charset of its content type, the encoding of its XML declaration, UTF-8. A body that
// says UTF-8 and is not is read as windows-1252, the usual culprit; a label nobody knows is an
// error, never a guess. As browsers do, "latin-1" is read as windows-1252, of which it is a part.
package charset

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// The declaration must be the first thing in the document; 256 bytes are more than any needs.
const declarationMax = 256

var declared = regexp.MustCompile(`^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']`)

// UTF8 returns body in UTF-8, without byte order mark, and with an XML declaration that says so.
// The result has at most three times the length of body. A body that is UTF-8 already is returned
// as it is.
func UTF8(contentType string, body []byte) ([]byte, error) {
	label := labelOf(contentType, body)
	enc, err := find(label)
	if err != nil {
		return nil, err
	}
	if enc == nil {
		body = bytes.TrimPrefix(body, bomUTF8)
		if !utf8.Valid(body) {
			enc = charmap.Windows1252
		}
	}
	if enc != nil {
		if body, err = enc.NewDecoder().Bytes(body); err != nil {
			return nil, fmt.Errorf("charset: not %s: %w", label, err)
		}
	}
	return redeclare(body), nil
}

// Text returns s, a value out of a message of that content type, in UTF-8. It is not looked at for marks
// and declarations as a body is: it may well be the text of a document.
func Text(contentType, s string) (string, error) {
	label := said(contentType)
	enc, err := find(label)
	switch {
	case err != nil:
		return "", err
	case enc == nil && utf8.ValidString(s):
		return s, nil
	case enc == nil:
		enc = charmap.Windows1252
	}
	if s, err = enc.NewDecoder().String(s); err != nil {
		return "", fmt.Errorf("charset: not %s: %w", label, err)
	}
	return s, nil
}

// Reader decodes r from the named character set; it fits [encoding/xml.Decoder.CharsetReader].
func Reader(label string, r io.Reader) (io.Reader, error) {
	enc, err := find(strings.ToLower(strings.TrimSpace(label)))
	if err != nil {
		return nil, err
	}
	if enc == nil {
		return r, nil
	}
	return enc.NewDecoder().Reader(r), nil
}

var (
	bomUTF8 = []byte("\xef\xbb\xbf")
	bomBE   = []byte("\xfe\xff")
	bomLE   = []byte("\xff\xfe")
)

// labelOf returns the lower-case name of the character set that body is in, by what it and its
// content type say.
func labelOf(contentType string, body []byte) string {
	switch {
	case bytes.HasPrefix(body, bomUTF8):
		return "utf-8"
	case bytes.HasPrefix(body, bomBE):
		return "utf-16be"
	case bytes.HasPrefix(body, bomLE):
		return "utf-16le"
	}
	if l := said(contentType); l != "" {
		return l
	}
	if m := declared.FindSubmatch(body[:min(len(body), declarationMax)]); m != nil {
		l := strings.ToLower(string(m[1]))
		if strings.HasPrefix(l, "utf-16") || strings.HasPrefix(l, "ucs-2") {
			return "utf-8" // it could be read as bytes, so it cannot be true
		}
		return l
	}
	return "utf-8"
}

// said returns the character set that a content type names, "" if it names none.
func said(contentType string) string {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.Trim(params["charset"], ` "'`))
}

// find returns nil for UTF-8.
func find(label string) (encoding.Encoding, error) {
	switch label {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return nil, nil
	case "utf-16", "utf-16le":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), nil
	case "utf-16be":
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM), nil
	case "latin-1":
		return charmap.Windows1252, nil
	}
	enc, err := htmlindex.Get(label)
	if err != nil || enc == encoding.Replacement {
		return nil, fmt.Errorf("charset: unknown character set %q", label)
	}
	return enc, nil
}

// redeclare makes the XML declaration of a document that is UTF-8 now say so, because XML decoders
// believe it.
func redeclare(body []byte) []byte {
	m := declared.FindSubmatchIndex(body[:min(len(body), declarationMax)])
	if m == nil || strings.EqualFold(string(body[m[2]:m[3]]), "utf-8") {
		return body
	}
	out := make([]byte, 0, len(body)+8)
	out = append(out, body[:m[2]]...)
	out = append(out, "utf-8"...)
	return append(out, body[m[3]:]...)
}
