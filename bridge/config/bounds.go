package config

import (
	"fmt"

	"github.com/goccy/go-yaml/token"
)

// The bounds of a config file. They are far beyond any sensible file; they stop a broken or hostile
// one from eating the machine.
const (
	MaxBytes    = 1 << 20 // of the file
	MaxDepth    = 64      // sections within sections
	MaxTokens   = 50_000  // words and punctuation marks; about 15,000 lines
	MaxNodes    = 50_000  // values, counted after aliases are followed
	MaxProblems = 100     // collected; the rest is counted
)

// precheck looks at the tokens before the recursive parser does. It refuses what would nest too deep
// for it, and what this format leaves out.
func precheck(doc *document, tokens token.Tokens) bool {
	at := func(tk *token.Token, hint, format string, args ...any) {
		doc.add(Problem{File: doc.file, Line: tk.Position.Line, Col: tk.Position.Column, Hint: hint, Msg: fmt.Sprintf(format, args...)})
	}
	if len(tokens) > MaxTokens { // the parser's time grows with their square
		at(tokens[MaxTokens], "look for what should not be in this file", "the file is too long: it holds more than %d words and marks", MaxTokens)
		return false
	}
	ok := true
	flow, line, nest, anchors := 0, 0, 0, 0
	for _, tk := range tokens {
		if tk.Position.Line != line {
			line, nest = tk.Position.Line, 0
		}
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingValueType:
			if flow == 0 {
				nest++
			}
		case token.AnchorType:
			anchors++
		case token.TagType:
			at(tk, "remove it; text that looks like a number goes in quotes", "a yaml tag (%s) is not allowed here", shorten(tk.Value, 20))
			ok = false
		case token.MappingKeyType:
			at(tk, "write key: value", "a key written with ? is not allowed here")
			ok = false
		}
		if flow > MaxDepth || nest > MaxDepth {
			at(tk, "", "sections are nested more than %d deep", MaxDepth)
			return false
		}
		if anchors > MaxNodes/100 {
			at(tk, "", "there are more than %d anchors", MaxNodes/100)
			return false
		}
	}
	return ok
}
