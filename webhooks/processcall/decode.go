package processcall

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/pergabridge/pergabridge/bridge/outbound/charset"
)

// A Field is one named value of a call, as flat text. Values nested in others carry dotted names
// (requester.name); a name may occur more than once.
type Field struct{ Name, Value string }

// A Call is a process call before anybody knows what its fields mean.
type Call struct {
	Format Format
	Fields []Field
}

// Bounds of one call, where the config gives none.
const (
	MaxBody   = 1 << 20
	MaxDepth  = 32
	MaxFields = 1000
	maxName   = 256
)

// bounds holds what one body may spend.
type bounds struct{ depth, fields int }

// Decode reads a body into flat fields. The error says in words what is wrong with the body and
// what the sender's administrator can do about it. Bounds of zero are the defaults.
func Decode(contentType string, body []byte, depth, fields int) (Call, error) {
	if depth <= 0 {
		depth = MaxDepth
	}
	if fields <= 0 {
		fields = MaxFields
	}
	format, ok := FormatOf(contentType, body)
	if !ok {
		return Call{}, fmt.Errorf("content type %q is not one of JSON, form, XML and SOAP", clip(contentType, 80))
	}
	c := Call{Format: format}
	if len(bytes.TrimSpace(body)) == 0 {
		return c, errors.New("the body is empty")
	}
	if is := looksLike(body); is != nil && !slices.Contains(is.formats, format) {
		return c, fmt.Errorf("the body looks like %s, but its Content-Type is %q: send it as %s", is.name, clip(contentType, 80), is.media)
	}
	b := bounds{depth, fields}
	if format == Form {
		var err error
		c.Fields, err = decodeForm(contentType, body, b)
		return c, err
	}
	text, err := charset.UTF8(contentType, body)
	if err != nil {
		return c, err
	}
	if format == JSON {
		c.Fields, err = decodeJSON(text, b)
		return c, err
	}
	return decodeXML(format, text, b)
}

// A look is what a body can be known by, whatever its content type says.
type look struct {
	begins      *regexp.Regexp
	formats     []Format
	name, media string
}

// looks are told apart by what no body of the other formats begins with.
var looks = []look{
	{regexp.MustCompile(`^\s*[{\[]`), []Format{JSON}, "JSON", "application/json"},
	{regexp.MustCompile(`^\s*<`), []Format{XML, SOAP11, SOAP12}, "XML", "text/xml"},
	{regexp.MustCompile(`^[A-Za-z0-9_.%+-]{1,100}=`), []Format{Form}, "a form", "application/x-www-form-urlencoded"},
}

// looksLike returns what a body begins like, nil if that says nothing. Clients that are not told
// otherwise send JSON as a form.
func looksLike(body []byte) *look {
	for i := range looks {
		if looks[i].begins.Match(body[:min(len(body), 256)]) {
			return &looks[i]
		}
	}
	return nil
}

// collector gathers fields within bounds.
type collector struct {
	bounds
	out []Field
}

func (c *collector) add(name, value string) error {
	if len(c.out) >= c.fields {
		return fmt.Errorf("the body has more than %d fields", c.fields)
	}
	c.out = append(c.out, Field{Name: name, Value: value})
	return nil
}

// join makes the dotted name of a nested value.
func join(path, name string) (string, error) {
	if path != "" {
		name = path + "." + name
	}
	if len(name) > maxName {
		return "", fmt.Errorf("the field name %q is longer than %d bytes", clip(name, 60), maxName)
	}
	return name, nil
}

// clip shortens s for a message, at a character boundary.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
