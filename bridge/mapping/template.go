package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// part is a piece of a template: literal text, or an expression.
type part struct {
	lit  string
	prog *program
}

// parseParts splits s into literals and expressions.
func parseParts(s string) ([]part, error) {
	var (
		parts []part
		lit   strings.Builder
	)
	flush := func() {
		if lit.Len() > 0 {
			parts = append(parts, part{lit: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], "$${"):
			lit.WriteString("${")
			i += 3
		case strings.HasPrefix(s[i:], "${"):
			end, err := closing(s, i+2)
			if err != nil {
				return nil, err
			}
			p, err := compile(s[i+2 : end])
			if err != nil {
				return nil, err
			}
			flush()
			parts = append(parts, part{prog: p})
			i = end + 1
		default:
			lit.WriteByte(s[i])
			i++
		}
	}
	flush()
	return parts, nil
}

// closing returns the index of the brace that closes the expression starting at from: braces
// nest, and those inside quotes do not count.
func closing(s string, from int) (int, error) {
	depth := 0
	for i := from; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\'', '`':
			j := i + 1
			for j < len(s) && s[j] != c {
				if s[j] == '\\' && c != '`' {
					j++
				}
				j++
			}
			if j >= len(s) {
				return 0, fmt.Errorf("text in %c without its end in %q", c, s[from:])
			}
			i = j
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return i, nil
			}
			depth--
		}
	}
	return 0, fmt.Errorf("${ without its closing brace in %q", s)
}

// Raw is text that must not be escaped; the function raw makes it.
type Raw string

// Stringify returns v as it is written into a text: absent values as nothing, numbers without an
// exponent, times as RFC 3339. Lists and objects have no such form.
func Stringify(v any) (string, error) {
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	case Raw:
		return string(x), nil
	case bool:
		return strconv.FormatBool(x), nil
	case int:
		return strconv.Itoa(x), nil
	case int64:
		return strconv.FormatInt(x, 10), nil
	case uint64:
		return strconv.FormatUint(x, 10), nil
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return "", errors.New("not a number")
		}
		return strconv.FormatFloat(x, 'f', -1, 64), nil
	case json.Number:
		return x.String(), nil
	case time.Time:
		return x.Format(time.RFC3339), nil
	case time.Duration:
		return x.String(), nil
	case []byte:
		return string(x), nil
	default:
		return "", fmt.Errorf("a value of type %T cannot be part of a text; use toJSON()", v)
	}
}

// Text is a template: literal text with expressions in ${…}.
type Text struct {
	src   string
	parts []part
	at    *config.Node
}

// ParseText compiles a template.
func ParseText(s string) (Text, error) {
	parts, err := parseParts(s)
	return Text{src: s, parts: parts}, err
}

// IsZero reports whether nothing was configured.
func (t Text) IsZero() bool { return t.src == "" && len(t.parts) == 0 }

// Source returns the template as written.
func (t Text) Source() string { return t.src }

// Eval fills the template in.
func (t Text) Eval(env map[string]any) (string, error) { return t.Escaped(env, nil) }

// Escaped fills the template in and passes every value through escape, unless it was marked by raw().
func (t Text) Escaped(env map[string]any, escape func(string) string) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.prog == nil {
			b.WriteString(p.lit)
			continue
		}
		s, raw, err := p.text(env)
		if err != nil {
			return "", err
		}
		if escape != nil && !raw {
			s = escape(s)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func (p part) text(env map[string]any) (s string, raw bool, err error) {
	v, err := p.prog.run(env)
	if err != nil {
		return "", false, err
	}
	if s, err = Stringify(v); err != nil {
		return "", false, &EvalError{Expr: p.prog.src, Err: err}
	}
	_, raw = v.(Raw)
	return s, raw, nil
}

// Mentions reports whether an expression in the template uses name, for instance "bond.reference".
func (t Text) Mentions(name string) bool { return mentions(t.parts, name) }

func mentions(parts []part, name string) bool {
	for _, p := range parts {
		if p.prog != nil && p.prog.names[name] {
			return true
		}
	}
	return false
}
