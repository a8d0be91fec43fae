package mapping

import (
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// source returns what a scalar says, and a problem for anything else.
func source(n *config.Node, what string) (string, bool) {
	switch n.Kind() {
	case config.Scalar:
		if s, ok := n.Value().(string); ok {
			return s, true
		}
		return n.String(), true
	case config.Null:
		n.Problemf("write "+what+" after it, or remove the key", "has no value")
	default:
		n.Problemf("", "must be %s, not %s", what, n.Kind())
	}
	return "", false
}

const exprHint = "fields are written body.name, texts in quotes; see docs of expr-lang and the functions of the bridge"

// UnmarshalConfig compiles the expression; what is wrong with it is reported at its place.
func (e *Expr) UnmarshalConfig(n *config.Node) {
	src, ok := source(n, "an expression")
	if !ok {
		return
	}
	got, err := ParseExpr(src)
	if err != nil {
		n.Problemf(exprHint, "%v", err)
	}
	*e = got
	e.at = n
}

// Within reports names that cannot be used at this place of the config.
func (e Expr) Within(scope []string) { within(e.at, e.parts, scope) }

// Tables returns the tables the expression calls by a constant name.
func (e Expr) Tables() []string { return tablesOf(e.parts) }

// ConfigSchema describes an expression.
func (Expr) ConfigSchema() map[string]any {
	return map[string]any{"type": []any{"string", "number", "boolean"}, "description": "an expression, for instance body.ticket.number"}
}

// UnmarshalConfig compiles the template.
func (t *Text) UnmarshalConfig(n *config.Node) {
	src, ok := source(n, "a text")
	if !ok {
		return
	}
	got, err := ParseText(src)
	if err != nil {
		n.Problemf(exprHint, "%v", err)
	}
	*t = got
	t.at = n
}

// Within reports names that cannot be used at this place of the config.
func (t Text) Within(scope []string) { within(t.at, t.parts, scope) }

// Tables returns the tables the template calls by a constant name.
func (t Text) Tables() []string { return tablesOf(t.parts) }

// ConfigSchema describes a template.
func (Text) ConfigSchema() map[string]any {
	return map[string]any{"type": []any{"string", "number", "boolean"}, "description": "a text; expressions stand in ${…}"}
}

// UnmarshalConfig compiles the address template.
func (u *URL) UnmarshalConfig(n *config.Node) {
	src, ok := source(n, "an address")
	if !ok {
		return
	}
	got, err := ParseURL(src)
	if err != nil {
		n.Problemf("", "%v", err)
	}
	*u = got
	u.at = n
}

// Within reports names that cannot be used at this place of the config.
func (u URL) Within(scope []string) { within(u.at, u.parts, scope) }

// Tables returns the tables the address calls by a constant name.
func (u URL) Tables() []string { return tablesOf(u.parts) }

// ConfigSchema describes an address template.
func (URL) ConfigSchema() map[string]any {
	return map[string]any{"type": "string", "minLength": 1, "description": "an address, absolute or beginning with /; ${…} after the host only, escaped"}
}

// UnmarshalConfig compiles the tree; each string reports at its own place.
func (t *Tree) UnmarshalConfig(n *config.Node) {
	t.root, t.at = grow(n), n
}

func grow(n *config.Node) *branch {
	switch n.Kind() {
	case config.Mapping:
		b := &branch{at: n}
		for _, p := range n.Pairs() {
			b.keys, b.kids = append(b.keys, p.Name), append(b.kids, grow(p.Node))
		}
		if b.keys == nil {
			b.lit = map[string]any{}
		}
		return b
	case config.Sequence:
		b := &branch{at: n, list: true}
		for _, item := range n.Items() {
			b.kids = append(b.kids, grow(item))
		}
		return b
	default:
		s, ok := n.Value().(string)
		if !ok {
			return &branch{at: n, lit: n.Value()}
		}
		parts, err := parseParts(s)
		if err != nil {
			n.Problemf(exprHint, "%v", err)
		}
		return &branch{at: n, parts: parts, text: true}
	}
}

// Within reports names that cannot be used at this place of the config.
func (t Tree) Within(scope []string) {
	t.root.each(func(b *branch) { within(b.at, b.parts, scope) })
}

// Tables returns the tables the tree calls by a constant name.
func (t Tree) Tables() []string {
	var out []string
	t.root.each(func(b *branch) { out = append(out, tablesOf(b.parts)...) })
	return out
}

// ConfigSchema describes a tree: any value.
func (Tree) ConfigSchema() map[string]any {
	return map[string]any{"description": "any value; strings may hold ${expression}"}
}

// UnmarshalConfig takes any value.
func (d *Default) UnmarshalConfig(n *config.Node) { d.Value = n.Value() }

// ConfigSchema describes a default: any value.
func (Default) ConfigSchema() map[string]any { return map[string]any{} }

// ValidateConfig reports keys that are the same.
func (t *Table) ValidateConfig(n *config.Node) {
	if err := t.prepare(); err != nil {
		n.Key("values").Problemf("", "%v", err)
	}
}

// Check reports calls of tables that do not exist.
func (ts Tables) Check(n *config.Node, called []string) {
	for _, name := range called {
		if ts[name] == nil {
			n.Problemf("tables: {"+name+": {values: {…}}}", "there is no table %q", name)
		}
	}
}

func within(n *config.Node, parts []part, scope []string) {
	for _, p := range parts {
		if p.prog == nil {
			continue
		}
		for _, name := range p.prog.outside(scope) {
			n.Problemf("known here: "+strings.Join(scope, ", "), "%s", fmt.Sprintf("%q is not known here", name))
		}
	}
}

func tablesOf(parts []part) []string {
	var out []string
	for _, p := range parts {
		if p.prog == nil {
			continue
		}
		for t := range p.prog.tables {
			out = append(out, t)
		}
	}
	return out
}
