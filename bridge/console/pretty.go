package console

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// Bounds of what is laid out anew; texts beyond are shown as they are. What is nested deeply grows by the square of
// its depth, so that a sender could fill the memory with a few brackets.
const (
	maxPretty = 256 << 10 // bytes
	maxDepth  = 32
)

// pretty lays JSON and XML out for reading. Text before a body (the head of a request) is kept;
// what cannot be read stays as it is.
func pretty(s string) string {
	if len(s) > maxPretty {
		return s
	}
	head, body := "", s
	if i := strings.Index(s, "\n\n"); i >= 0 && !strings.HasPrefix(strings.TrimSpace(s), "{") && !strings.HasPrefix(strings.TrimSpace(s), "<") {
		head, body = s[:i+2], s[i+2:]
	}
	trimmed := strings.TrimSpace(body)
	switch {
	case strings.HasPrefix(trimmed, "{"), strings.HasPrefix(trimmed, "["):
		var out bytes.Buffer
		if shallow(trimmed) && json.Indent(&out, []byte(trimmed), "", "  ") == nil {
			return head + out.String()
		}
	case strings.HasPrefix(trimmed, "<"):
		if out, ok := prettyXML(trimmed); ok {
			return head + out
		}
	}
	return s
}

// shallow reports whether brackets are not nested too deeply. Those within texts count as well: nobody writes so many.
func shallow(s string) bool {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{', '[':
			if depth++; depth > maxDepth {
				return false
			}
		case '}', ']':
			depth--
		}
	}
	return true
}

// prettyXML puts every element on its own line. Prefixes stay as they were written; ok is false for
// what is not well-formed.
func prettyXML(s string) (out string, ok bool) {
	const opened, closed, text = 1, 2, 3
	d := xml.NewDecoder(strings.NewReader(s))
	var b strings.Builder
	depth, last := 0, 0
	line := func() {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.Repeat("  ", depth))
	}
	for {
		from := d.InputOffset()
		token, err := d.RawToken()
		if err != nil {
			return b.String(), errors.Is(err, io.EOF) && depth == 0
		}
		raw := s[from:d.InputOffset()]
		switch token.(type) {
		case xml.StartElement:
			line()
			b.WriteString(raw)
			if depth++; depth > maxDepth {
				return "", false
			}
			last = opened
		case xml.EndElement:
			if depth--; depth < 0 {
				return "", false
			}
			if raw != "" { // <x/> ends with nothing more
				if last == closed {
					line()
				}
				b.WriteString(raw)
			}
			last = closed
		case xml.CharData:
			if strings.TrimSpace(raw) != "" {
				b.WriteString(raw)
				last = text
			}
		default:
			line()
			b.WriteString(raw)
			last = closed
		}
	}
}
