package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// maxSource bounds the length of one expression.
const maxSource = 16 << 10

// program is one compiled expression and what it mentions.
type program struct {
	src    string
	vm     *vm.Program
	names  map[string]bool // names and dotted paths: "event", "event.text"
	tables map[string]bool // tables called by a constant name
}

// EvalError is the failure of one expression at run time.
type EvalError struct {
	Expr string // the expression as written
	Err  error
}

// Error names the expression and what went wrong, in one line.
func (e *EvalError) Error() string {
	return fmt.Sprintf("expression %q: %s", e.Expr, oneLine(e.Err))
}

// Unwrap returns the cause.
func (e *EvalError) Unwrap() error { return e.Err }

func compile(src string) (*program, error) {
	src = strings.TrimSpace(src)
	if src == "" {
		return nil, errors.New("empty expression")
	}
	if len(src) > maxSource {
		return nil, fmt.Errorf("expression longer than %d bytes", maxSource)
	}
	p := &program{src: src, names: map[string]bool{}, tables: map[string]bool{}}
	opts := append([]expr.Option{expr.Env(environment{}), expr.DisableBuiltin("now"), expr.Patch(p)}, functions...)
	compiled, err := expr.Compile(src, opts...)
	if err != nil {
		return nil, fmt.Errorf("expression %q: %s", src, oneLine(err))
	}
	p.vm = compiled
	return p, nil
}

// Visit collects what the expression mentions; it changes nothing.
func (p *program) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		p.names[n.Value] = true
	case *ast.MemberNode:
		if path, ok := dotted(n); ok {
			p.names[path] = true
		}
	case *ast.CallNode:
		callee, ok := n.Callee.(*ast.IdentifierNode)
		if !ok || callee.Value != "table" || len(n.Arguments) == 0 {
			return
		}
		if name, ok := n.Arguments[0].(*ast.StringNode); ok {
			p.tables[name.Value] = true
		}
	}
}

func dotted(n *ast.MemberNode) (string, bool) {
	prop, ok := n.Property.(*ast.StringNode)
	if !ok {
		return "", false
	}
	switch of := n.Node.(type) {
	case *ast.IdentifierNode:
		return of.Value + "." + prop.Value, true
	case *ast.ChainNode:
		if m, ok := of.Node.(*ast.MemberNode); ok {
			base, ok := dotted(m)
			return base + "." + prop.Value, ok
		}
	case *ast.MemberNode:
		base, ok := dotted(of)
		return base + "." + prop.Value, ok
	}
	return "", false
}

// run evaluates the expression; a panic inside a function becomes an error.
func (p *program) run(env map[string]any) (out any, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, &EvalError{Expr: p.src, Err: fmt.Errorf("%v", r)}
		}
	}()
	var e environment
	e.fill(env)
	out, err = expr.Run(p.vm, &e)
	if err != nil {
		return nil, &EvalError{Expr: p.src, Err: err}
	}
	return out, nil
}

// outside returns the names used that scope does not allow.
func (p *program) outside(scope []string) []string {
	var out []string
	for _, name := range Names() {
		if p.names[name] && !slices.Contains(scope, name) {
			out = append(out, name)
		}
	}
	return out
}

// oneLine drops the picture of the source that expr appends to its messages.
func oneLine(err error) string {
	var fe *file.Error
	if errors.As(err, &fe) {
		if fe.Line > 1 {
			return fmt.Sprintf("%s (line %d, column %d of the expression)", fe.Message, fe.Line, fe.Column+1)
		}
		return fmt.Sprintf("%s (column %d of the expression)", fe.Message, fe.Column+1)
	}
	s, _, _ := strings.Cut(err.Error(), "\n")
	return s
}
