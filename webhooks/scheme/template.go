package scheme

import (
	"fmt"
	"net/textproto"
	"strings"
)

// A part of a signed template: a literal text, or what stands for a variable.
type part struct {
	literal string
	what    variable
	header  string // for varHeader
}

type variable int

const (
	varNone variable = iota
	varBody
	varTimestamp
	varDelivery
	varHeader
)

// parseSigned reads a signed template such as ${timestamp}.${body}.
func parseSigned(s string) ([]part, error) {
	var parts []part
	body := false
	for s != "" {
		i := strings.Index(s, "${")
		if i < 0 {
			parts = append(parts, part{literal: s})
			break
		}
		if i > 0 {
			parts = append(parts, part{literal: s[:i]})
		}
		s = s[i+2:]
		name, rest, ok := strings.Cut(s, "}")
		if !ok {
			return nil, fmt.Errorf("${%s has no closing brace", s)
		}
		s = rest
		switch name = strings.TrimSpace(name); {
		case name == "body":
			parts, body = append(parts, part{what: varBody}), true
		case name == "timestamp":
			parts = append(parts, part{what: varTimestamp})
		case name == "delivery":
			parts = append(parts, part{what: varDelivery})
		case strings.HasPrefix(name, "header.") && len(name) > len("header."):
			parts = append(parts, part{what: varHeader, header: textproto.CanonicalMIMEHeaderKey(name[len("header."):])})
		default:
			return nil, fmt.Errorf("${%s} is not one of ${body}, ${timestamp}, ${delivery}, ${header.NAME}", name)
		}
	}
	if !body {
		return nil, fmt.Errorf("the signed text does not hold ${body}, so anybody could change the body")
	}
	return parts, nil
}

func uses(parts []part, v variable) bool {
	for _, p := range parts {
		if p.what == v {
			return true
		}
	}
	return false
}
