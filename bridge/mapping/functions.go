package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr"
)

// A Function documents one function that expressions can call beside those of expr itself.
type Function struct {
	Name, Usage, Doc string
}

// Functions lists the functions of this package for documentation.
func Functions() []Function {
	out := []Function{
		{"htmlToText", "htmlToText(html)", "plain text of HTML: paragraphs, lists, links and entities; scripts and styles dropped"},
		{"textToHtml", "textToHtml(text)", "HTML of plain text: escaped, line breaks as <br>"},
		{"jiraToText", "jiraToText(text)", "plain text of Jira wiki markup, or of Jira's document format (ADF)"},
		{"truncate", "truncate(text, n)", "at most n characters; what is cut ends in …"},
		{"date", "date(value, format[, zone])", "a time in another format: iso, date, unix, unixms, or a pattern like dd.MM.yyyy HH:mm"},
		{"authorPrefix", "authorPrefix(author, text)", "the text with its author before it: \"Ann: …\""},
		{"links", "links(list[, name, url])", "attachments as lines of name and link, to be added to a text"},
		{"table", "table(name, value)", "the value translated by one of the provider's tables"},
		{"raw", "raw(text)", "text that is not escaped in a URL or an XML body"},
		{"xml", "xml(text)", "text escaped for XML"},
		{"sha256", "sha256(text)", "the hash of a text, in hex"},
		{"text", "text(value)", "any single value as text; nothing for an absent one"},
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

var functions = []expr.Option{
	stringFunc("htmlToText", HTMLToText),
	stringFunc("textToHtml", TextToHTML),
	stringFunc("xml", EscapeXML),
	stringFunc("text", func(s string) string { return s }),
	stringFunc("sha256", func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}),
	expr.Function("jiraToText", func(p ...any) (any, error) { return JiraToText(p[0]) }, new(func(any) string)),
	expr.Function("raw", func(p ...any) (any, error) {
		s, err := Stringify(p[0])
		return Raw(s), err
	}, new(func(any) Raw)),
	expr.Function("truncate", func(p ...any) (any, error) {
		s, err := Stringify(p[0])
		if err != nil {
			return nil, err
		}
		n, ok := p[1].(int)
		if !ok || n < 0 {
			return nil, fmt.Errorf("truncate: %v is not a length", p[1])
		}
		return Truncate(s, n), nil
	}, new(func(any, int) string)),
	expr.Function("date", func(p ...any) (any, error) {
		format, _ := p[1].(string)
		zone := ""
		if len(p) > 2 {
			zone, _ = p[2].(string)
		}
		return FormatDate(p[0], format, zone)
	}, new(func(any, string) string), new(func(any, string, string) string)),
	expr.Function("authorPrefix", func(p ...any) (any, error) {
		author, err := Stringify(p[0])
		if err != nil {
			return nil, err
		}
		text, err := Stringify(p[1])
		return AuthorPrefix(author, text), err
	}, new(func(any, any) string)),
	expr.Function("links", func(p ...any) (any, error) {
		name, url := "", ""
		if len(p) > 2 {
			name, _ = p[1].(string)
			url, _ = p[2].(string)
		}
		return Links(p[0], name, url)
	}, new(func(any) string), new(func(any, string, string) string)),
}

func stringFunc(name string, f func(string) string) expr.Option {
	return expr.Function(name, func(p ...any) (any, error) {
		s, err := Stringify(p[0])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return f(s), nil
	}, new(func(any) string))
}

// Truncate returns at most n characters of s; a text that was cut ends in "…".
func Truncate(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	if n == 0 {
		return ""
	}
	r := []rune(s)
	return strings.TrimRight(string(r[:n-1]), " \t\r\n") + "…"
}

// AuthorPrefix returns "author: text"; a part that is empty is left out with the colon.
func AuthorPrefix(author, text string) string {
	author = strings.TrimSpace(author)
	if author == "" || text == "" {
		return author + text
	}
	return author + ": " + text
}

// EscapeXML escapes s for XML text and attributes, and drops the characters XML 1.0 cannot carry.
func EscapeXML(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r == '\'':
			b.WriteString("&#39;")
		case r == '\r':
			b.WriteString("&#13;")
		case r < 0x20 && r != '\t' && r != '\n', r == 0xFFFE, r == 0xFFFF:
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// maxLinks bounds the attachments listed in one text.
const maxLinks = 100

// linkNames and linkURLs are the keys under which systems name an attachment and its address.
var (
	linkNames = []string{"name", "filename", "file_name", "fileName", "title"}
	linkURLs  = []string{"url", "href", "content_url", "contentUrl", "content", "link", "self", "download_url"}
)

// Links lists attachments as lines "- name: address", with a line break before each, so that it
// can be added to a text; it is empty when there are none. Only http and https addresses count.
func Links(list any, nameKey, urlKey string) (string, error) {
	var items []any
	switch l := list.(type) {
	case nil:
		return "", nil
	case []any:
		items = l
	case map[string]any, string:
		items = []any{l}
	default:
		return "", fmt.Errorf("links: a %T is not a list of attachments", list)
	}
	var b strings.Builder
	for i, it := range items {
		if i == maxLinks {
			fmt.Fprintf(&b, "\n- … and %d more", len(items)-i)
			break
		}
		name, link := "", ""
		switch x := it.(type) {
		case string:
			link = x
		case map[string]any:
			name = pick(x, nameKey, linkNames, func(string) bool { return true })
			link = pick(x, urlKey, linkURLs, isLink)
		}
		link = strings.TrimSpace(link)
		name = strings.Join(strings.Fields(name), " ")
		switch {
		case isLink(link) && name != "":
			b.WriteString("\n- " + name + ": " + link)
		case isLink(link):
			b.WriteString("\n- " + link)
		case name != "":
			b.WriteString("\n- " + name)
		}
	}
	return b.String(), nil
}

func pick(m map[string]any, key string, usual []string, fits func(string) bool) string {
	if key != "" {
		usual = []string{key}
	}
	for _, k := range usual {
		if s, ok := m[k].(string); ok && s != "" && fits(s) {
			return s
		}
	}
	return ""
}

func isLink(s string) bool {
	return (strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")) && !strings.ContainsAny(s, " \t\r\n<>\"")
}
