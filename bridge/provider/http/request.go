package httpprovider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/outbound"
)

// maxBody bounds the body of one call: 16 MiB, and what files take in base64 on top.
const maxBody = 64 << 20

// request builds the call. Its errors are mistakes of the mapping.
func (c *Config) request(call *Call, env map[string]any, ask bool) (outbound.Request, error) {
	r := outbound.Request{Method: call.Method, Header: http.Header{}}
	if r.Method == "" {
		r.Method = http.MethodPost
		if ask && call.Body.IsZero() {
			r.Method = http.MethodGet
		}
	}
	address, err := call.URL.Eval(env)
	if err != nil {
		return r, fmt.Errorf("url: %w", err)
	}
	if strings.HasPrefix(address, "/") {
		address = strings.TrimRight(c.Base, "/") + address
	}
	if r.URL, err = addQuery(address, call.Query, env); err != nil {
		return r, err
	}
	media, err := c.body(&r, call, env)
	if err != nil {
		return r, err
	}
	r.Header.Set("Accept", "application/json")
	if call.As == "xml" {
		r.Header.Set("Accept", "application/xml, text/xml")
	}
	if len(r.Body) > 0 {
		r.Header.Set("Content-Type", media)
	}
	for _, headers := range []map[string]mapping.Text{c.Headers, call.Headers} {
		for name, t := range headers {
			v, err := t.Eval(env)
			if err != nil {
				return r, fmt.Errorf("headers: %s: %w", name, err)
			}
			if v = headerValue(v); v == "" {
				continue
			}
			r.Header.Set(name, v)
		}
	}
	return r, nil
}

// headerValue puts a text on one line: a line break would end the header.
func headerValue(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s))
}

func addQuery(address string, query map[string]mapping.Text, env map[string]any) (string, error) {
	names := make([]string, 0, len(query))
	for n := range query {
		names = append(names, n)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString(address)
	sep := "?"
	if strings.Contains(address, "?") {
		sep = "&"
	}
	for _, n := range names {
		v, err := query[n].Eval(env)
		if err != nil {
			return "", fmt.Errorf("query: %s: %w", n, err)
		}
		if v == "" {
			continue
		}
		b.WriteString(sep + url.QueryEscape(n) + "=" + url.QueryEscape(v))
		sep = "&"
	}
	return b.String(), nil
}

// body writes the body in the wanted form and returns its media type.
func (c *Config) body(r *outbound.Request, call *Call, env map[string]any) (string, error) {
	if call.Body.IsZero() {
		return "", nil
	}
	media := "application/json"
	switch call.As {
	case "text", "xml":
		t, _ := call.Body.Text()
		media = "text/plain; charset=utf-8"
		var escape func(string) string
		if call.As == "xml" {
			media, escape = "application/xml; charset=utf-8", mapping.EscapeXML
		}
		s, err := t.Escaped(env, escape)
		if err != nil {
			return "", fmt.Errorf("body: %w", err)
		}
		r.Body = []byte(s)
	default:
		v, err := call.Body.Eval(env)
		if err != nil {
			return "", fmt.Errorf("body: %w", err)
		}
		if call.OmitEmpty {
			v = withoutEmpty(v)
		}
		switch call.As {
		case "form":
			media = "application/x-www-form-urlencoded"
			r.Body, err = encodeForm(v)
		case "multipart":
			media, r.Body, err = encodeMultipart(v)
		default:
			r.Body, err = encodeJSON(v)
		}
		if err != nil {
			return "", fmt.Errorf("body: %w", err)
		}
	}
	if len(r.Body) > maxBody {
		return "", fmt.Errorf("body: larger than %d bytes", maxBody)
	}
	return media, nil
}

// withoutEmpty drops members of objects that are absent or empty texts.
func withoutEmpty(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, y := range x {
			if y = withoutEmpty(y); y != nil && y != "" {
				out[k] = y
			}
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, y := range x {
			out[i] = withoutEmpty(y)
		}
		return out
	}
	return v
}

func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func encodeForm(v any) ([]byte, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a form is made of names and values, not of a %T", v)
	}
	q := url.Values{}
	for k, x := range m {
		list, ok := x.([]any)
		if !ok {
			list = []any{x}
		}
		for _, y := range list {
			s, err := mapping.Stringify(y)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
			q.Add(k, s)
		}
	}
	return []byte(q.Encode()), nil
}

// mentions reports whether the call uses name.
func (call *Call) mentions(name string) bool {
	if call.URL.Mentions(name) || call.Body.Mentions(name) {
		return true
	}
	for _, m := range []map[string]mapping.Text{call.Query, call.Headers} {
		for _, t := range m {
			if t.Mentions(name) {
				return true
			}
		}
	}
	return false
}
