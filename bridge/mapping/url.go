package mapping

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// URL is the template of an address, absolute or beginning with "/". Values are escaped for the
// place they stand in: one path segment, or one query value. Scheme, host and port are literal, so
// that no message can choose where a call goes.
type URL struct {
	src   string
	parts []part
	at    *config.Node
}

// ParseURL compiles an address template.
func ParseURL(s string) (URL, error) {
	u := URL{src: s}
	parts, err := parseParts(strings.TrimSpace(s))
	if err != nil {
		return u, err
	}
	u.parts = parts
	if len(parts) == 0 || parts[0].prog != nil {
		return u, errors.New("a URL begins with http://, https:// or /, written literally")
	}
	head := parts[0].lit
	switch {
	case strings.HasPrefix(head, "//"):
		return u, errors.New("a URL begins with http://, https:// or /, written literally")
	case strings.HasPrefix(head, "/"):
	case strings.HasPrefix(head, "http://"), strings.HasPrefix(head, "https://"):
		_, rest, _ := strings.Cut(head, "://")
		if len(parts) > 1 && !strings.Contains(rest, "/") {
			return u, errors.New("the host of a URL is written literally: a ${…} comes after the first / only")
		}
		p, err := url.Parse(head)
		if err != nil || p.Host == "" {
			return u, fmt.Errorf("not a URL: %q", s)
		}
		if p.User != nil {
			return u, errors.New("a URL holds no user name or password; use auth")
		}
	default:
		return u, errors.New("a URL begins with http://, https:// or /, written literally")
	}
	for _, p := range parts {
		if strings.ContainsAny(p.lit, " \t\r\n#") {
			return u, errors.New("a URL holds no white space and no fragment")
		}
	}
	return u, nil
}

// IsZero reports whether nothing was configured.
func (u URL) IsZero() bool { return u.src == "" }

// Source returns the template as written.
func (u URL) Source() string { return u.src }

// Literal returns the literal text the address begins with.
func (u URL) Literal() string {
	if len(u.parts) == 0 {
		return ""
	}
	return u.parts[0].lit
}

// Eval fills the template in. An empty value in the path, or one that a server would take for a
// step in the path ("..", "."), is an error.
func (u URL) Eval(env map[string]any) (string, error) {
	var b strings.Builder
	inQuery := false
	for _, p := range u.parts {
		if p.prog == nil {
			b.WriteString(p.lit)
			inQuery = inQuery || strings.Contains(p.lit, "?")
			continue
		}
		s, raw, err := p.text(env)
		switch {
		case err != nil:
			return "", err
		case raw:
			b.WriteString(s)
		case inQuery:
			b.WriteString(url.QueryEscape(s))
		case strings.TrimSpace(s) == "":
			return "", &EvalError{Expr: p.prog.src, Err: errors.New("is empty, in the path of a URL")}
		default:
			b.WriteString(url.PathEscape(s))
		}
	}
	path, _, _ := strings.Cut(b.String(), "?")
	for _, seg := range strings.Split(path, "/") {
		if seg == "." || seg == ".." {
			return "", &EvalError{Expr: u.src, Err: fmt.Errorf("gives a path with %q in it", seg)}
		}
	}
	return b.String(), nil
}

// Mentions reports whether an expression in the address uses name.
func (u URL) Mentions(name string) bool { return mentions(u.parts, name) }
