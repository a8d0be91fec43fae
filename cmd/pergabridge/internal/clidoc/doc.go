// Package clidoc makes the shell completions and the man page from the command line itself, so that none
// of them can say something else than the program does.
package clidoc

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// A verb is one command with everything that may follow it.
type verb struct {
	path  []string // from below the program's name
	help  string
	subs  []sub
	flags []flag
	args  []*kong.Value
	leaf  bool
}

type sub struct{ name, help string }

type flag struct {
	name, short, help, value string // value is the placeholder; empty: a switch
	choices                  []string
	file                     bool
}

// verbs lists the program itself and every command that is not hidden, parents first.
func verbs(app *kong.Application) []verb {
	var out []verb
	var walk func(n *kong.Node, path []string, inherited []flag)
	walk = func(n *kong.Node, path []string, inherited []flag) {
		v := verb{path: path, help: n.Help, args: n.Positional, leaf: len(n.Children) == 0, flags: slices.Clone(inherited)}
		for _, f := range n.Flags {
			if !f.Hidden {
				v.flags = append(v.flags, toFlag(f))
			}
		}
		for _, c := range n.Children {
			if !c.Hidden && c.Type == kong.CommandNode {
				v.subs = append(v.subs, sub{c.Name, c.Help})
			}
		}
		out = append(out, v)
		for _, c := range n.Children {
			if !c.Hidden && c.Type == kong.CommandNode {
				walk(c, append(slices.Clone(path), c.Name), v.flags)
			}
		}
	}
	walk(app.Node, nil, nil)
	return out
}

func toFlag(f *kong.Flag) flag {
	out := flag{name: f.Name, help: f.Help}
	if f.Short != 0 {
		out.short = string(f.Short)
	}
	if f.Enum != "" {
		out.choices = strings.Split(f.Enum, ",")
	}
	if !f.IsBool() {
		out.value = f.PlaceHolder
		if out.value == "" {
			out.value = strings.ToUpper(f.Name)
		}
		out.file = out.value == "FILE"
	}
	return out
}

// isFile reports whether an argument names a file.
func isFile(a *kong.Value) bool { return a.Name == "file" || a.Name == "FILE" }

// takesFile reports whether the verb is followed by the name of a file.
func (v verb) takesFile() bool { return slices.ContainsFunc(v.args, isFile) }
