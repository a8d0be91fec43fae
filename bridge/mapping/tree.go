package mapping

import (
	"fmt"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// MaxDepth bounds the nesting of trees and of decoded input.
const MaxDepth = 64

// Tree is a value of maps, lists and scalars whose strings are templates.
type Tree struct {
	root *branch
	at   *config.Node
}

type branch struct {
	parts []part // a string
	text  bool
	keys  []string // an object, in the order written
	kids  []*branch
	list  bool
	lit   any // any other scalar
	at    *config.Node
}

// IsZero reports whether nothing was configured.
func (t Tree) IsZero() bool { return t.root == nil }

// Eval fills the tree in.
func (t Tree) Eval(env map[string]any) (any, error) {
	if t.root == nil {
		return nil, nil
	}
	return t.root.eval(env)
}

func (b *branch) eval(env map[string]any) (any, error) {
	switch {
	case b.text && len(b.parts) == 0:
		return "", nil
	case b.text:
		v, err := evalParts(b.parts, env)
		if r, ok := v.(Raw); ok {
			v = string(r)
		}
		return v, err
	case b.list:
		out := make([]any, 0, len(b.kids))
		for i, k := range b.kids {
			v, err := k.eval(env)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			out = append(out, v)
		}
		return out, nil
	case b.keys != nil:
		out := make(map[string]any, len(b.keys))
		for i, k := range b.keys {
			v, err := b.kids[i].eval(env)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
			out[k] = v
		}
		return out, nil
	default:
		return b.lit, nil
	}
}

// Mentions reports whether an expression in the tree uses name.
func (t Tree) Mentions(name string) bool {
	found := false
	t.root.each(func(b *branch) { found = found || mentions(b.parts, name) })
	return found
}

// Text returns the template of a tree that is a single string; ok is false for any other tree.
func (t Tree) Text() (text Text, ok bool) {
	if t.root == nil || !t.root.text {
		return Text{}, false
	}
	return Text{parts: t.root.parts, at: t.at}, true
}

// IsObject reports whether the tree is an object.
func (t Tree) IsObject() bool {
	if t.root == nil {
		return false
	}
	_, empty := t.root.lit.(map[string]any)
	return empty || t.root.keys != nil
}

func (b *branch) each(visit func(*branch)) {
	if b == nil {
		return
	}
	visit(b)
	for _, k := range b.kids {
		k.each(visit)
	}
}
