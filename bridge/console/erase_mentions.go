package console

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pergabridge/pergabridge/bridge"
)

// mentions reports whether an address stands in what an event says, in the input it was made of, or in one of its
// tries: as it is, or as JSON, forms, HTML and mails write it. It is not found in somebody else's address that
// contains it, and not in what only an attachment's own program can read. readMail is that of [Options].
func mentions(e *bridge.Event, attempts []bridge.Attempt, address string, readMail func([]byte) []string) bool {
	address = strings.ToLower(address)
	in := func(text string) bool {
		for _, t := range plain(text) {
			if holds(strings.ToLower(t), address) {
				return true
			}
		}
		return false
	}
	texts := []string{e.Text, e.Description, e.Title, e.Requester.Email}
	if said, err := json.Marshal(e); err == nil { // what cannot be marshalled has no fields of its own
		texts = append(texts, string(said))
	}
	if i := e.Inbound; i != nil {
		texts = append(texts, string(i.Body))
		for _, v := range i.Header {
			texts = append(texts, v)
		}
		for _, v := range i.Query {
			texts = append(texts, v)
		}
		if readMail != nil && (i.Entrance == bridge.ByMailbox || strings.HasPrefix(i.ContentType, "message/")) {
			texts = append(texts, readMail(i.Body)...)
		}
	}
	for _, a := range attempts {
		texts = append(texts, a.Request, a.Answer, a.Detail)
	}
	for _, t := range texts {
		if in(t) {
			return true
		}
	}
	return false
}

// holds reports whether an address stands in a text as a whole. Both are in small letters.
func holds(text, address string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], address)
		if i < 0 {
			return false
		}
		i += at
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		if !ofAddress(before) && ends(text[i+len(address):]) {
			return true
		}
		at = i + 1
	}
}

// ofAddress reports whether an address that goes on to the right would begin earlier.
func ofAddress(c rune) bool {
	return c != utf8.RuneError && (unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("._%+-", c))
}

// ends reports whether a domain does not go on in rest: a full stop may end a sentence.
func ends(rest string) bool {
	goesOn := func(s string) bool {
		c, _ := utf8.DecodeRuneInString(s)
		return c != utf8.RuneError && (unicode.IsLetter(c) || unicode.IsDigit(c))
	}
	switch {
	case rest == "":
		return true
	case rest[0] == '-':
		return false
	case rest[0] == '.':
		return !goesOn(rest[1:])
	}
	return !goesOn(rest)
}

// plain returns a text in the forms in which an address in it can be read. Of JSON and forms these are their values
// alone: in the text of JSON a line break before an address looks like a letter of it.
func plain(text string) []string {
	var value any
	if json.Unmarshal([]byte(text), &value) == nil {
		var out []string
		for _, s := range values(value, nil) {
			out = append(out, unescaped(s)...)
		}
		return out
	}
	out := unescaped(text)
	if !strings.ContainsAny(text, " \t\r\n<{") && strings.Contains(text, "=") {
		if form, err := url.ParseQuery(text); err == nil { // where + is a space
			for name, vs := range form {
				out = append(out, name)
				for _, v := range vs {
					out = append(out, unescaped(v)...)
				}
			}
		}
	}
	return append(out, unescapeJSON(text)) // JSON that was cut, or stands in something else
}

// values returns the texts of a JSON value, names too.
func values(v any, out []string) []string {
	switch v := v.(type) {
	case string:
		out = append(out, v)
		var inner any // JSON within JSON
		if t := strings.TrimSpace(v); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
			if json.Unmarshal([]byte(t), &inner) == nil {
				out = values(inner, out)
			}
		}
	case []any:
		for _, x := range v {
			out = values(x, out)
		}
	case map[string]any:
		for name, x := range v {
			out = values(x, append(out, name))
		}
	}
	return out
}

// unescaped returns a text as it is and, if that differs, without the escapes of HTML and of addresses.
func unescaped(text string) []string {
	out := []string{text}
	if strings.Contains(text, "&") {
		out = append(out, html.UnescapeString(text))
	}
	if strings.Contains(text, "%") {
		out = append(out, percent.ReplaceAllStringFunc(text, func(s string) string {
			n, _ := strconv.ParseUint(s[1:], 16, 8) // two digits, says the pattern
			return string([]byte{byte(n)})
		}))
	}
	return out
}

var (
	percent    = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	escapeJSON = regexp.MustCompile(`\\(?:u[0-9A-Fa-f]{4}|.)`)
)

// unescapeJSON takes the escapes of JSON out of a text that need not be JSON.
func unescapeJSON(text string) string {
	return escapeJSON.ReplaceAllStringFunc(text, func(s string) string {
		switch s[1] {
		case 'u':
			if len(s) == 6 {
				n, _ := strconv.ParseUint(s[2:], 16, 16) // four digits, says the pattern
				return string(rune(n))
			}
		case 'n', 'r', 't', 'b', 'f':
			return " "
		}
		return s[1:]
	})
}
