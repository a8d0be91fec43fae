// Package xmltext holds what package soap and its neighbours need to know about XML as text: which
// characters it may hold, and what a document is before anybody parses it.
package xmltext

import (
	"strings"
	"unicode/utf8"
)

// Legal returns s with everything removed that XML 1.0 cannot hold, not even escaped: control
// characters other than tab, line feed and carriage return, surrogates, U+FFFE and U+FFFF. Vertical
// tab and form feed separate words, so a space takes their place; bytes that are not UTF-8 become
// U+FFFD. A legal s is returned as it is.
//
// Line ends stay as they are: an encoder has to write a carriage return as a character reference
// (encoding/xml does), because a parser turns a literal CR LF into LF.
func Legal(s string) string {
	if legal(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s { // a byte that is not UTF-8 comes as U+FFFD
		switch {
		case r == '\v' || r == '\f':
			b.WriteByte(' ')
		case isChar(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

func legal(s string) bool {
	for i, r := range s {
		if !isChar(r) {
			return false
		}
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n <= 1 {
				return false
			}
		}
	}
	return true
}

// isChar is the production Char of XML 1.0.
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' ||
		r >= 0x20 && r <= 0xD7FF ||
		r >= 0xE000 && r <= 0xFFFD ||
		r >= 0x10000 && r <= 0x10FFFF
}
