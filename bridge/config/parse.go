package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Parse reads a YAML document. The error is of type [Problems] and means that the text cannot be
// read as YAML at all. Anything less (a duplicate key, an unknown alias) is collected in the
// document like every later problem: after Parse and Decode, ask [Node.Problems].
//
// file is used for messages and as the place to which file paths in the document are relative; it
// need not exist.
func Parse(file string, data []byte) (*Node, error) {
	doc := &document{file: file}
	root, ok := parse(doc, data)
	if !ok {
		return nil, doc.all()
	}
	return root, nil
}

// ReadFile is [Parse] for a file. An error that is not of type [Problems] comes from the file system.
func ReadFile(file string) (*Node, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return Parse(file, data)
}

func parse(doc *document, data []byte) (root *Node, ok bool) {
	start := func(hint, format string, args ...any) {
		doc.add(Problem{File: doc.file, Line: 1, Col: 1, Hint: hint, Msg: fmt.Sprintf(format, args...)})
	}
	if len(data) > MaxBytes {
		start("", "the file is larger than %s", Size(MaxBytes))
		return nil, false
	}
	if p, bad := badByte(data); bad {
		p.File = doc.file
		doc.add(p)
		return nil, false
	}
	// The parser is not ours; a panic in it must not take down a bridge that is asked to reload.
	defer func() {
		if r := recover(); r != nil {
			start("look for unusual punctuation, or halve the file to find the line", "the file cannot be read as YAML: the reader gave up")
			root, ok = nil, false
		}
	}()
	tokens := lexer.Tokenize(strings.TrimPrefix(string(data), "\uFEFF"))
	if !precheck(doc, tokens) {
		return nil, false
	}
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		doc.add(syntaxProblem(doc.file, err))
		return nil, false
	}
	b := &builder{doc: doc, anchors: map[string]ast.Node{}, open: map[ast.Node]bool{}}
	root = b.document(f)
	return root, !b.overflow
}

// badByte finds the first byte that cannot stand in a text file.
func badByte(data []byte) (Problem, bool) {
	line, col := 1, 1
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			return Problem{Line: line, Col: col, Msg: fmt.Sprintf("byte 0x%02x is not UTF-8", data[i]), Hint: "save the file as UTF-8"}, true
		case r < ' ' && r != '\n' && r != '\r' && r != '\t', r == 0x7f:
			return Problem{Line: line, Col: col, Msg: fmt.Sprintf("control character 0x%02x", r), Hint: "remove it"}, true
		case r == '\n':
			line, col = line+1, 1
		default:
			col++
		}
		i += size
	}
	return Problem{}, false
}

// syntaxProblem turns the parser's error into ours. The parser's source excerpt is left out: it may
// show a secret.
func syntaxProblem(file string, err error) Problem {
	p := Problem{File: file, Line: 1, Col: 1, Msg: "not readable as YAML"}
	var e yaml.Error
	if !errors.As(err, &e) {
		return p
	}
	p.Msg = "not readable as YAML: " + shorten(e.GetMessage(), 120)
	if tk := e.GetToken(); tk != nil && tk.Position != nil {
		p.Line, p.Col = max(tk.Position.Line, 1), max(tk.Position.Column, 1)
	}
	p.Hint = syntaxHint(e.GetMessage())
	return p
}

func syntaxHint(msg string) string {
	switch {
	case strings.Contains(msg, "tab character"), strings.Contains(msg, "'\t'"):
		return "indent with spaces"
	case strings.Contains(msg, "quoted text"):
		return "close the quote"
	case strings.Contains(msg, "mapping value is not allowed"):
		return "check the indentation of this and the next line; text that contains \": \" goes in quotes"
	case strings.Contains(msg, "value is not allowed in this context"):
		return "check the indentation"
	case strings.Contains(msg, "must be specified"):
		return "close the bracket"
	}
	return "look at this line and the one before it: indentation, quotes, brackets"
}

// A builder turns the parser's tree into ours: aliases followed, merge keys applied, scalars typed.
type builder struct {
	doc      *document
	anchors  map[string]ast.Node
	open     map[ast.Node]bool // anchored values being built, to find aliases to themselves
	nodes    int
	overflow bool
}

func (b *builder) document(f *ast.File) *Node {
	root := &Node{doc: b.doc, kind: Null, line: 1, col: 1}
	seen := false
	for _, d := range f.Docs {
		if d.Body == nil {
			continue
		}
		if d.Body.Type() == ast.DirectiveType {
			continue // %YAML 1.2
		}
		if seen {
			line, col := position(d.Body)
			b.doc.add(Problem{File: b.doc.file, Line: line, Col: col, Msg: "a second document begins here", Hint: "remove the line --- before it"})
			break
		}
		seen = true
		b.fill(root, d.Body, 0)
	}
	return root
}

// fill gives n the content of a.
func (b *builder) fill(n *Node, a ast.Node, depth int) {
	if b.overflow {
		return
	}
	b.nodes++
	if b.nodes > MaxNodes || depth > MaxDepth {
		b.overflow = true
		if depth > MaxDepth {
			n.Problemf("", "sections are nested more than %d deep", MaxDepth)
		} else {
			n.Problemf("aliases multiply what they name", "the file holds more than %d values", MaxNodes)
		}
		return
	}
	switch v := a.(type) {
	case nil:
		n.kind = Null
	case *ast.AnchorNode:
		b.anchor(n, v, depth)
	case *ast.AliasNode:
		if target, ok := b.alias(n, v); ok {
			b.open[target] = true
			b.fill(n, target, depth)
			delete(b.open, target)
		}
	case *ast.MappingNode:
		n.kind = Mapping
		b.place(n, a)
		b.mapping(n, v.Values, depth)
	case *ast.MappingValueNode:
		n.kind = Mapping
		b.place(n, a)
		b.mapping(n, []*ast.MappingValueNode{v}, depth)
	case *ast.SequenceNode:
		n.kind = Sequence
		b.place(n, a)
		for i, item := range v.Values {
			child := &Node{doc: b.doc, parent: n, name: index(i)}
			child.line, child.col = position(item)
			b.fill(child, item, depth+1)
			n.items = append(n.items, child)
		}
	default:
		b.scalar(n, a)
	}
}

// place sets where problems of a section or list are shown: at its key, or where it begins.
func (b *builder) place(n *Node, a ast.Node) {
	if n.keyLine > 0 {
		n.line, n.col = n.keyLine, n.keyCol
		return
	}
	if n.parent != nil {
		n.line, n.col = position(a)
	}
}

func (b *builder) anchor(n *Node, v *ast.AnchorNode, depth int) {
	name := v.Name.GetToken().Value
	if was, twice := b.anchors[name]; twice && was != v.Value { // the same one comes again under an alias
		n.Problemf("give it another name", "anchor &%s is set twice", shorten(name, 40))
	}
	b.anchors[name] = v.Value
	if v.Value == nil {
		n.kind = Null
		return
	}
	b.open[v.Value] = true
	b.fill(n, v.Value, depth)
	delete(b.open, v.Value)
}

// alias finds what an alias names.
func (b *builder) alias(n *Node, v *ast.AliasNode) (ast.Node, bool) {
	name := v.Value.GetToken().Value
	target, ok := b.anchors[name]
	line, col := position(v)
	n.bad = !ok || target == nil || b.open[target]
	if !ok {
		if b.doc.full() {
			b.doc.more++
			return nil, false
		}
		names := make([]string, 0, len(b.anchors))
		for a := range b.anchors {
			names = append(names, a)
		}
		hint := "an anchor must stand above its alias; text that begins with * goes in quotes"
		if best := nearest(name, names); best != "" {
			hint = "did you mean *" + best + "?"
		}
		n.problemAt(line, col, hint, "alias *%s names no anchor", shorten(name, 40))
		return nil, false
	}
	if b.open[target] {
		n.problemAt(line, col, "", "alias *%s stands inside the value it names", shorten(name, 40))
		return nil, false
	}
	return target, true
}

func (b *builder) mapping(n *Node, values []*ast.MappingValueNode, depth int) {
	seen := map[string]*Node{}
	var merged []Pair
	for _, mv := range values {
		line, col := position(mv.Key)
		if mv.Key.IsMergeKey() {
			merged = append(merged, b.merge(n, mv.Value, line, col, depth)...)
			continue
		}
		name, ok := keyName(mv.Key)
		child := &Node{doc: b.doc, parent: n, name: name, line: line, col: col, keyLine: line, keyCol: col}
		if !ok {
			child.Problemf("write the key as plain text", "this cannot be a key")
			continue
		}
		if first := seen[name]; first != nil {
			child.ProblemAtKey("keep one of them", "this key stands here twice, first at line %d", first.keyLine)
			continue
		}
		seen[name] = child
		b.fill(child, mv.Value, depth+1)
		n.pairs = append(n.pairs, Pair{name, child})
	}
	for _, p := range merged {
		if seen[p.Name] == nil {
			seen[p.Name] = p.Node
			n.pairs = append(n.pairs, p)
		}
	}
}

// merge returns the keys that <<: *base or <<: [*one, *two] brings in.
func (b *builder) merge(n *Node, a ast.Node, line, col, depth int) []Pair {
	from := &Node{doc: b.doc, parent: n, name: "<<", line: line, col: col, keyLine: line, keyCol: col}
	b.fill(from, a, depth+1)
	list := []*Node{from}
	if from.kind == Sequence {
		list = from.items
	}
	var out []Pair
	for _, m := range list {
		if m.bad {
			return nil
		}
		if m.kind != Mapping {
			from.Problemf("write <<: *name", "only sections can be merged with <<")
			return nil
		}
		for _, p := range m.pairs {
			p.Node.parent = n
			out = append(out, p)
		}
	}
	return out
}

// scalar types a single value by the YAML 1.2 core rules.
func (b *builder) scalar(n *Node, a ast.Node) {
	n.kind = Scalar
	n.line, n.col = position(a)
	text := a.GetToken().Value
	switch v := a.(type) {
	case *ast.NullNode:
		n.kind = Null
		if a.GetToken().Type == token.ImplicitNullType && n.keyLine > 0 {
			n.line, n.col = n.keyLine, n.keyCol
		}
	case *ast.StringNode:
		n.value, n.text = v.Value, v.Value
	case *ast.LiteralNode:
		n.value, n.text = v.Value.Value, v.Value.Value
	case *ast.BoolNode:
		n.value, n.text = v.Value, text
	case *ast.IntegerNode:
		n.text = text
		b.integer(n, v)
	case *ast.FloatNode:
		n.value, n.text = v.Value, text
		if strings.Contains(text, "_") {
			n.ambiguous()
		}
	case *ast.InfinityNode, *ast.NanNode:
		n.value, n.text = text, text
		n.bad = true
		n.Problemf("", "%s is not a number that can be used here", text)
	default:
		n.bad = true
		n.Problemf("", "this cannot be a value")
	}
}

func (b *builder) integer(n *Node, v *ast.IntegerNode) {
	switch i := v.Value.(type) {
	case int64:
		n.value = i
	case uint64:
		n.value = i
		if i <= 1<<63-1 {
			n.value = int64(i)
		}
	default:
		n.value = n.text
	}
	digits := strings.TrimLeft(n.text, "+-")
	leadingZero := len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9'
	if leadingZero || strings.Contains(digits, "_") {
		n.ambiguous()
	}
}

func (n *Node) ambiguous() {
	n.bad = true
	n.Problemf(fmt.Sprintf("write \"%s\" in quotes if it is text, or the plain number", shorten(n.text, 40)),
		"%s is read as different numbers by different YAML readers", shorten(n.text, 40))
}

func keyName(k ast.MapKeyNode) (string, bool) {
	switch v := k.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.IntegerNode, *ast.BoolNode, *ast.FloatNode, *ast.NullNode:
		return k.GetToken().Value, true
	}
	return "", false
}

// position returns where a begins. The parser gives a block mapping the position of its first colon.
func position(a ast.Node) (line, col int) {
	switch v := a.(type) {
	case *ast.MappingNode:
		if !v.IsFlowStyle && len(v.Values) > 0 {
			return position(v.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(v.Key)
	}
	if a == nil {
		return 1, 1
	}
	tk := a.GetToken()
	if tk == nil || tk.Position == nil {
		return 1, 1
	}
	return max(tk.Position.Line, 1), max(tk.Position.Column, 1)
}
