package binding

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxParts bounds the calls that one text becomes; what is longer still is cut.
const maxParts = 50

// width counts a text as .NET does, in UTF-16 units.
func width(s string) (n int) {
	for _, r := range s {
		n += units(r)
	}
	return n
}

func units(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// head returns the longest beginning of s that is at most n wide.
func head(s string, n int) string {
	for i, r := range s {
		if n -= units(r); n < 0 {
			return s[:i]
		}
	}
	return s
}

// cut shortens s to limit, ending in an ellipsis.
func cut(s string, limit int) string {
	if width(s) <= limit {
		return s
	}
	return strings.TrimRightFunc(head(s, limit-1), unicode.IsSpace) + "…"
}

// split divides s into parts that are at most limit wide, each with its mark. whole is false when
// the end had to be cut.
func split(s string, limit int) (parts []string, whole bool) {
	if width(s) <= limit {
		return []string{s}, true
	}
	room := limit - width(mark(maxParts, maxParts))
	whole = true
	for s != "" {
		if len(parts) == maxParts-1 && width(s) > room {
			s, whole = cut(s, room), false
		}
		h := head(s, room)
		if len(h) < len(s) {
			h = h[:breakAt(h)]
		}
		s = strings.TrimLeftFunc(s[len(h):], unicode.IsSpace)
		parts = append(parts, strings.TrimRightFunc(h, unicode.IsSpace))
	}
	for i := range parts {
		parts[i] = mark(i+1, len(parts)) + parts[i]
	}
	return parts, whole
}

func mark(i, n int) string { return fmt.Sprintf("(%d/%d) ", i, n) }

// breakAt returns where to end a part: after the last line, else after the last word, if that does
// not waste more than half of it.
func breakAt(h string) int {
	if i := strings.LastIndexByte(h, '\n'); i >= len(h)/2 {
		return i + 1
	}
	if i := strings.LastIndexFunc(h, unicode.IsSpace); i >= len(h)/2 {
		_, n := utf8.DecodeRuneInString(h[i:])
		return i + n
	}
	return len(h)
}
