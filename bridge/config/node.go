package config

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// Kind is the shape of a node.
type Kind int

// The shapes of nodes.
const (
	Absent   Kind = iota // the key is not in the file; problems are shown at the section that lacks it
	Null                 // written without a value (key:), or as null or ~
	Scalar               // text, number, true or false
	Mapping              // key: value pairs
	Sequence             // a list
)

// String returns the kind as it is named in messages.
func (k Kind) String() string {
	switch k {
	case Null:
		return "nothing"
	case Scalar:
		return "a single value"
	case Mapping:
		return "a section of keys"
	case Sequence:
		return "a list"
	}
	return "absent"
}

// A Node is one value of a config file. It knows its place and where to report what is wrong with it.
// Nodes come from [Parse] and [Node.Key]; all methods may be called on a nil Node, which is absent
// and belongs to no document.
type Node struct {
	doc    *document
	parent *Node
	name   string // under which the parent holds it: a key, or "[3]"
	kind   Kind

	line, col       int // where its problems are shown
	keyLine, keyCol int // of its key, when it has one

	value any    // of a Scalar: string, int64, uint64, float64 or bool
	text  string // of a Scalar: the text without quotes, as written
	bad   bool   // could not be read and is reported; nothing more is said about it
	shape *shape // the struct it was decoded into last
	pairs []Pair
	items []*Node
}

// A Pair is one key of a Mapping with its value.
type Pair struct {
	Name string
	Node *Node
}

// Kind returns the shape of n.
func (n *Node) Kind() Kind {
	if n == nil {
		return Absent
	}
	return n.kind
}

// Exists reports whether n is written in the file.
func (n *Node) Exists() bool { return n.Kind() != Absent }

// Key returns the value of a key. It never returns nil for a non-nil n: for a key that is not there
// it returns an Absent node that reports its problems at n.
func (n *Node) Key(name string) *Node {
	if n == nil {
		return nil
	}
	for _, p := range n.pairs {
		if p.Name == name {
			return p.Node
		}
	}
	return &Node{doc: n.doc, parent: n, name: name, line: n.line, col: n.col}
}

// Item returns element i of a list, or an Absent node that reports at n.
func (n *Node) Item(i int) *Node {
	if n == nil {
		return nil
	}
	if i >= 0 && i < len(n.items) {
		return n.items[i]
	}
	return &Node{doc: n.doc, parent: n, name: index(i), line: n.line, col: n.col}
}

// Items returns the elements of a Sequence.
func (n *Node) Items() []*Node {
	if n == nil {
		return nil
	}
	return n.items
}

// Pairs returns the keys of a Mapping with their values, in the order of the file.
func (n *Node) Pairs() []Pair {
	if n == nil {
		return nil
	}
	return n.pairs
}

// Value returns what the node holds: nil, string, int64, uint64 (only above the range of int64),
// float64, bool, []any or map[string]any.
func (n *Node) Value() any {
	switch n.Kind() {
	case Scalar:
		return n.value
	case Mapping:
		m := make(map[string]any, len(n.pairs))
		for _, p := range n.pairs {
			m[p.Name] = p.Node.Value()
		}
		return m
	case Sequence:
		s := make([]any, len(n.items))
		for i, item := range n.items {
			s[i] = item.Value()
		}
		return s
	}
	return nil
}

// String returns the text of a Scalar as it is written, without its quotes, and "" for anything else.
func (n *Node) String() string {
	if n == nil {
		return ""
	}
	return n.text
}

// Name returns the key or list index under which n stands in its parent.
func (n *Node) Name() string {
	if n == nil {
		return ""
	}
	return n.name
}

// File returns the name of the file, as given to [Parse].
func (n *Node) File() string {
	if n == nil {
		return ""
	}
	return n.doc.file
}

// Pos returns the line and column at which problems of n are shown.
func (n *Node) Pos() (line, col int) {
	if n == nil {
		return 0, 0
	}
	return n.line, n.col
}

// Path returns the way to n: "providers.acme.url", "rules[2].when"; "" for the document.
func (n *Node) Path() string {
	var names []string
	for ; n != nil && n.parent != nil; n = n.parent {
		names = append(names, n.name)
	}
	var b strings.Builder
	for i := len(names) - 1; i >= 0; i-- {
		name := names[i]
		switch {
		case strings.HasPrefix(name, "["):
			b.WriteString(name)
		case strings.ContainsAny(name, ".[] \t\n\"") || name == "":
			b.WriteString("[" + quote(name) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(printable(shorten(name, 60)))
		}
	}
	return b.String()
}

// Abs returns a file path of the config as it is to be opened: relative paths are relative to the
// folder of the config file, not to where the bridge was started.
func (n *Node) Abs(path string) string {
	if n == nil || path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(n.doc.file), filepath.FromSlash(path))
}

// Problems returns everything that was collected in this document so far, sorted by position.
func (n *Node) Problems() Problems {
	if n == nil {
		return nil
	}
	return n.doc.all()
}

// Problemf collects a problem at n. The hint says what to do about it and may be empty.
func (n *Node) Problemf(hint, format string, args ...any) {
	if n == nil {
		return
	}
	n.problemAt(n.line, n.col, hint, format, args...)
}

// ProblemAtKey is [Node.Problemf], shown at the key of n instead of its value.
func (n *Node) ProblemAtKey(hint, format string, args ...any) {
	if n == nil {
		return
	}
	if n.keyLine == 0 {
		n.Problemf(hint, format, args...)
		return
	}
	n.problemAt(n.keyLine, n.keyCol, hint, format, args...)
}

func (n *Node) problemAt(line, col int, hint, format string, args ...any) {
	n.doc.add(Problem{File: n.doc.file, Line: line, Col: col, Path: n.Path(), Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// show is how a scalar appears in a message: text in quotes, anything else as written.
func (n *Node) show() string {
	if _, ok := n.value.(string); ok {
		return quote(n.text)
	}
	return shorten(n.text, 40)
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }
