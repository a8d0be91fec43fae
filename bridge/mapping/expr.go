package mapping

import (
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// Expr is one expression.
type Expr struct {
	src   string
	parts []part // more than one, or a literal: it was written as a template
	at    *config.Node
}

// ParseExpr compiles an expression. A source that holds ${…} is read as a string of a [Tree].
func ParseExpr(s string) (Expr, error) {
	if strings.Contains(s, "${") {
		parts, err := parseParts(s)
		return Expr{src: s, parts: parts}, err
	}
	p, err := compile(s)
	if err != nil {
		return Expr{src: s}, err
	}
	return Expr{src: s, parts: []part{{prog: p}}}, nil
}

// IsZero reports whether nothing was configured.
func (e Expr) IsZero() bool { return len(e.parts) == 0 && e.src == "" }

// Source returns the expression as written.
func (e Expr) Source() string { return e.src }

// Value evaluates the expression; an expression that was not configured is nil.
func (e Expr) Value(env map[string]any) (any, error) { return evalParts(e.parts, env) }

// String evaluates the expression to a text, trimmed of nothing; an absent value is "".
func (e Expr) String(env map[string]any) (string, error) {
	v, err := e.Value(env)
	if err != nil {
		return "", err
	}
	s, err := Stringify(v)
	if err != nil {
		return "", &EvalError{Expr: e.src, Err: err}
	}
	return s, nil
}

// Bool evaluates a condition. An absent value is false; anything but a truth value is an error,
// so that a mistaken condition cannot pass for a decision.
func (e Expr) Bool(env map[string]any) (bool, error) {
	v, err := e.Value(env)
	if err != nil {
		return false, err
	}
	switch b := v.(type) {
	case nil:
		return false, nil
	case bool:
		return b, nil
	default:
		return false, &EvalError{Expr: e.src, Err: fmt.Errorf("gave %T, wanted true or false", v)}
	}
}

// List evaluates to a list. An absent value is an empty list; a single object is a list of one, as
// XML cannot tell the two apart.
func (e Expr) List(env map[string]any) ([]any, error) {
	v, err := e.Value(env)
	if err != nil {
		return nil, err
	}
	switch l := v.(type) {
	case nil:
		return nil, nil
	case []any:
		return l, nil
	case map[string]any:
		return []any{l}, nil
	default:
		return nil, &EvalError{Expr: e.src, Err: fmt.Errorf("gave %T, wanted a list", v)}
	}
}

// Mentions reports whether the expression uses name, for instance "event.text".
func (e Expr) Mentions(name string) bool { return mentions(e.parts, name) }

func evalParts(parts []part, env map[string]any) (any, error) {
	switch {
	case len(parts) == 0:
		return nil, nil
	case len(parts) == 1 && parts[0].prog != nil:
		return parts[0].prog.run(env)
	default:
		return Text{parts: parts}.Eval(env)
	}
}
