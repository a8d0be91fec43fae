package processcall

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// decodeJSON flattens one JSON object. Numbers stay as they were written, null is an absent
// field, a list of plain values is its name repeated, a list of objects is numbered from 0.
func decodeJSON(text []byte, b bounds) ([]Field, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	first, err := d.Token()
	if err != nil {
		return nil, explainJSON(text, err)
	}
	if first != json.Delim('{') {
		return nil, errors.New(`the JSON body is not an object: it has to be {"task": …, "request_type": …}`)
	}
	j := jsonReader{d: d, text: text, c: collector{bounds: b}}
	if err := j.object("", 1); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the JSON body goes on after its closing brace%s", where(text, d.InputOffset()))
	}
	return j.c.out, nil
}

type jsonReader struct {
	d    *json.Decoder
	text []byte
	c    collector
}

func (j *jsonReader) token() (json.Token, error) {
	t, err := j.d.Token()
	if err != nil {
		return nil, explainJSON(j.text, err)
	}
	return t, nil
}

func (j *jsonReader) object(path string, depth int) error {
	if depth > j.c.depth {
		return fmt.Errorf("the JSON body is nested deeper than %d", j.c.depth)
	}
	for {
		t, err := j.token()
		if err != nil {
			return err
		}
		if t == json.Delim('}') {
			return nil
		}
		key, _ := t.(string) // the decoder has checked that keys are strings
		name, err := join(path, key)
		if err != nil {
			return err
		}
		if err := j.value(name, depth, ""); err != nil {
			return err
		}
	}
}

// value reads one value; index is its place if it stands in a list.
func (j *jsonReader) value(name string, depth int, index string) error {
	t, err := j.token()
	if err != nil {
		return err
	}
	return j.take(t, name, depth, index)
}

func (j *jsonReader) take(t json.Token, name string, depth int, index string) error {
	switch v := t.(type) {
	case json.Delim:
		var err error
		if index != "" {
			if name, err = join(name, index); err != nil {
				return err
			}
		}
		if v == '{' {
			return j.object(name, depth+1)
		}
		return j.list(name, depth+1)
	case string:
		return j.c.add(name, v)
	case json.Number:
		return j.c.add(name, v.String())
	case bool:
		return j.c.add(name, strconv.FormatBool(v))
	}
	return nil // null
}

func (j *jsonReader) list(name string, depth int) error {
	if depth > j.c.depth {
		return fmt.Errorf("the JSON body is nested deeper than %d", j.c.depth)
	}
	for i := 0; ; i++ {
		t, err := j.token()
		if err != nil {
			return err
		}
		if t == json.Delim(']') {
			return nil
		}
		if err := j.take(t, name, depth, strconv.Itoa(i)); err != nil {
			return err
		}
	}
}

var (
	leftPlaceholder = regexp.MustCompile(`#[A-Za-z][A-Za-z0-9_. -]{0,80}(\|\|[A-Za-z]+)?#`)
	valueStart      = regexp.MustCompile(`:\s*$`)
)

// explainJSON says where a body stops being JSON and, for the mistakes that SSP's templates
// invite, what to change in the template. The place is found by checking the whole text once more,
// because a token reader does not tell it.
func explainJSON(text []byte, err error) error {
	var whole json.RawMessage
	var syntax *json.SyntaxError
	if !errors.As(json.Unmarshal(text, &whole), &syntax) {
		return fmt.Errorf("the body is not valid JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	err = syntax
	at := int(min(max(syntax.Offset-1, 0), int64(len(text))))
	place := where(text, int64(at))
	if strings.HasPrefix(syntax.Error(), "unexpected end") {
		return fmt.Errorf("the JSON body ends too early%s", where(text, int64(len(text))))
	}
	if hint := jsonHint(text, at); hint != "" {
		return fmt.Errorf("the body is not valid JSON%s: %s", place, hint)
	}
	return fmt.Errorf("the body is not valid JSON%s: %s", place, strings.TrimPrefix(err.Error(), "json: "))
}

func jsonHint(text []byte, at int) string {
	before, c := text[:at], text[at]
	around := text[max(0, at-1):min(len(text), at+100)]
	switch m := leftPlaceholder.Find(around); {
	case m != nil && bytes.HasPrefix(bytes.TrimLeft(around, " \t:"), m):
		return fmt.Sprintf("the placeholder %s was not replaced; it has to be defined as an input field of the web service call", m)
	case c < 0x20:
		return "a line break or control character stands inside a value; write the placeholder in the template as #NAME||JSON#, without quotes"
	case c == '\\':
		return "a backslash stands outside a value; write the placeholder in the template as #NAME||JSON#, without quotes"
	case bytes.HasSuffix(before, []byte(`""`)):
		return "a value is quoted twice; ||JSON adds the quotes itself, so remove those around the placeholder in the template"
	case bytes.HasSuffix(bytes.TrimRight(before, " \t"), []byte(`"`)) && c != '}' && c != ']':
		return "a value holds a quote or is quoted twice; write the placeholder in the template as #NAME||JSON#, without quotes"
	case valueStart.Match(before) && (c == ',' || c == '}'):
		return "a value is missing; an empty placeholder has to be written as #NAME||JSON#, without quotes"
	case valueStart.Match(before):
		return "a value is not quoted; write the placeholder in the template as #NAME||JSON#, without quotes"
	case bareValue(before):
		return "a value is not quoted or not escaped; write the placeholder in the template as #NAME||JSON#, without quotes"
	}
	return ""
}

// bareValue reports whether the text before the mistake is the beginning of an unquoted value,
// such as the number in 4711-A or the t of a bare word.
func bareValue(before []byte) bool {
	i := bytes.LastIndexByte(before, ':')
	if i < 0 {
		return false
	}
	v := bytes.TrimSpace(before[i+1:])
	return len(v) > 0 && v[0] != '"' && !bytes.ContainsAny(v, ",{}[]")
}

// where names the line and column of an offset.
func where(text []byte, offset int64) string {
	before := text[:min(max(offset, 0), int64(len(text)))]
	line := bytes.Count(before, []byte{'\n'}) + 1
	col := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf(" at line %d, column %d", line, col)
}
