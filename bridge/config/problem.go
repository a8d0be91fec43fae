package config

import (
	"fmt"
	"sort"
	"strings"
	"unicode"

	"github.com/pergabridge/pergabridge/bridge/secret"
)

// A Problem is one thing that is wrong with a config file, at the place where it is to be mended.
type Problem struct {
	File string `json:"file"`           // as given to Parse
	Line int    `json:"line"`           // from 1
	Col  int    `json:"column"`         // from 1, in characters
	Path string `json:"path,omitempty"` // providers.acme.url; empty for the document itself
	Msg  string `json:"message"`        // what is wrong
	Hint string `json:"hint,omitempty"` // what to do about it; may be empty
}

// Error returns "file:line:col: path: msg (hint)".
func (p Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Col)
	if p.Path != "" {
		b.WriteString(p.Path)
		b.WriteString(": ")
	}
	b.WriteString(p.Msg)
	if p.Hint != "" {
		b.WriteString(" (")
		b.WriteString(p.Hint)
		b.WriteString(")")
	}
	return b.String()
}

// Problems are all problems of one document, sorted by position.
type Problems []Problem

// Error returns the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Err returns ps as an error, or nil when there is no problem.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

func (ps Problems) sort() {
	sort.SliceStable(ps, func(i, j int) bool {
		a, b := ps[i], ps[j]
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		if a.Col != b.Col {
			return a.Col < b.Col
		}
		return a.Path < b.Path
	})
}

// A document is what all nodes of one file share: its name and its collected problems.
type document struct {
	file        string
	problems    Problems
	more        int             // problems beyond MaxProblems
	broken      map[string]bool // paths that failed while decoding
	validating  int             // > 0 while a ValidateConfig runs
	standIns    bool            // secrets that are not here are made up
	secretFiles []string        // files that secrets were read from
}

// add collects p once. While a validator runs, a path that already failed to decode keeps quiet: the
// validator sees a zero value there and would complain about what was never read.
func (d *document) add(p Problem) {
	p.Msg, p.Hint = printable(p.Msg), printable(p.Hint)
	if d.validating > 0 && d.broken[p.Path] {
		return
	}
	for _, q := range d.problems {
		if q == p {
			return
		}
	}
	if d.full() {
		d.more++
		return
	}
	if d.validating == 0 {
		d.breaks(p.Path)
	}
	d.problems = append(d.problems, p)
}

func (d *document) all() Problems {
	out := append(Problems(nil), d.problems...)
	out.sort()
	for i := range out { // a secret that is known by now may stand elsewhere in clear
		out[i].Msg, out[i].Hint = secret.Mask(out[i].Msg), secret.Mask(out[i].Hint)
	}
	if d.more > 0 {
		last := out[len(out)-1]
		out = append(out, Problem{File: d.file, Line: last.Line, Col: last.Col,
			Msg: fmt.Sprintf("and %d more problems", d.more), Hint: "mend these first"})
	}
	return out
}

// breaks notes that the value at path could not be decoded.
func (d *document) breaks(path string) {
	if d.broken == nil {
		d.broken = map[string]bool{}
	}
	d.broken[path] = true
}

func (d *document) count() int { return len(d.problems) + d.more }

// full reports whether further problems are only counted.
func (d *document) full() bool { return len(d.problems) >= MaxProblems }

// quote shows a value from the file in a message: short, printable, on one line.
func quote(s string) string {
	return fmt.Sprintf("%q", shorten(s, 60))
}

// shorten cuts s to n characters and says so.
func shorten(s string, n int) string {
	count := 0
	for i := range s {
		if count == n {
			return s[:i] + "…"
		}
		count++
	}
	return s
}

// printable replaces what would break a line of the report or drive the terminal that shows it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
