package processcall

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/outbound/charset"
)

// decodeForm reads application/x-www-form-urlencoded. The percent-decoded values are in the
// character set of the content type.
func decodeForm(contentType string, body []byte, b bounds) ([]Field, error) {
	c := collector{bounds: b}
	for rest := string(body); rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := formText(rawName, contentType)
		if err != nil {
			return nil, fmt.Errorf("form field %q: %w", clip(rawName, 60), err)
		}
		if len(name) > maxName {
			return nil, fmt.Errorf("the field name %q is longer than %d bytes", clip(name, 60), maxName)
		}
		value, err := formText(rawValue, contentType)
		if err != nil {
			return nil, fmt.Errorf("form field %q: %w", clip(name, 60), err)
		}
		if err := c.add(strings.TrimSpace(name), value); err != nil {
			return nil, err
		}
	}
	return c.out, nil
}

// formText decodes one name or value.
func formText(raw, contentType string) (string, error) {
	s, err := url.QueryUnescape(raw)
	if err != nil {
		return "", fmt.Errorf("not form-encoded (%w): an & or %% inside a value has to be escaped", err)
	}
	return charset.Text(contentType, s)
}
