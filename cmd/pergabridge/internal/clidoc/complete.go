package clidoc

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Shells are the shells that [Complete] knows.
const Shells = "bash,zsh,fish,powershell"

// Complete returns the completion script of one of [Shells]; another name is a mistake of the caller and
// gives an empty script.
func Complete(app *kong.Application, shell string) string {
	vs := verbs(app)
	switch shell {
	case "bash":
		return bash(app.Name, vs)
	case "zsh":
		return zsh(app.Name, vs)
	case "fish":
		return fish(app.Name, vs)
	case "powershell":
		return powershell(app.Name, vs)
	}
	return ""
}

// words are what may stand next at a verb: commands and flags.
func (v verb) words() []string {
	var out []string
	for _, s := range v.subs {
		out = append(out, s.name)
	}
	for _, a := range v.args {
		if a.Enum != "" {
			out = append(out, strings.Split(a.Enum, ",")...)
		}
	}
	for _, f := range v.flags {
		out = append(out, "--"+f.name)
	}
	return out
}

// valueFlags lists the flags that a value follows, of all verbs.
func valueFlags(vs []verb) (all []string, choices map[string][]string, files []string) {
	choices = map[string][]string{}
	seen := map[string]bool{}
	for _, v := range vs {
		for _, f := range v.flags {
			if f.value == "" || seen[f.name] {
				continue
			}
			seen[f.name] = true
			all = append(all, "--"+f.name)
			switch {
			case f.choices != nil:
				choices["--"+f.name] = f.choices
			case f.file:
				files = append(files, "--"+f.name)
			}
			if f.short != "" {
				all = append(all, "-"+f.short)
				if f.file {
					files = append(files, "-"+f.short)
				}
			}
		}
	}
	return all, choices, files
}

func sortedKeys(m map[string][]string, order []string) []string {
	var out []string
	for _, k := range order {
		if m[k] != nil {
			out = append(out, k)
		}
	}
	return out
}

func bash(name string, vs []verb) string {
	var b strings.Builder
	all, choices, files := valueFlags(vs)
	fmt.Fprintf(&b, "# bash completion of %[1]s, made by: %[1]s completion bash\n_%[1]s() {\n", name)
	b.WriteString("  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at='' i word skip='' words files=''\n  COMPREPLY=()\n  case $prev in\n")
	for _, f := range sortedKeys(choices, all) {
		fmt.Fprintf(&b, "    %s) mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\"); return ;;\n", f, strings.Join(choices[f], " "))
	}
	fmt.Fprintf(&b, "    %s) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n", strings.Join(files, "|"))
	fmt.Fprintf(&b, "    %s) return ;;\n  esac\n", strings.Join(all, "|"))
	b.WriteString("  for ((i = 1; i < COMP_CWORD; i++)); do\n    word=${COMP_WORDS[i]}\n    if [ -n \"$skip\" ]; then skip=''; continue; fi\n    case $word in\n")
	fmt.Fprintf(&b, "      %s) skip=1; continue ;;\n      -*) continue ;;\n    esac\n    case \"$at $word\" in\n", strings.Join(all, "|"))
	for _, v := range vs {
		if len(v.path) > 0 {
			fmt.Fprintf(&b, "      ' %s') at=' %s' ;;\n", strings.Join(v.path, " "), strings.Join(v.path, " "))
		}
	}
	b.WriteString("    esac\n  done\n  case $at in\n")
	for _, v := range vs {
		at := ""
		if len(v.path) > 0 {
			at = " " + strings.Join(v.path, " ")
		}
		more := ""
		if v.takesFile() {
			more = " files=1"
		}
		fmt.Fprintf(&b, "    '%s') words='%s'%s ;;\n", at, strings.Join(v.words(), " "), more)
	}
	b.WriteString("  esac\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n")
	b.WriteString("  if [ -n \"$files\" ] && [[ $cur != -* ]]; then compopt -o filenames; mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -f -- \"$cur\"); fi\n}\n")
	fmt.Fprintf(&b, "complete -F _%[1]s %[1]s\n", name)
	return b.String()
}

// forms are the ways to write a flag.
func (f flag) forms() []string {
	if f.short == "" {
		return []string{"--" + f.name}
	}
	return []string{"-" + f.short, "--" + f.name}
}

func zshText(s string) string {
	return strings.NewReplacer(`'`, `'\''`, `[`, `\[`, `]`, `\]`, `:`, `\:`).Replace(s)
}

func zsh(name string, vs []verb) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#compdef %[1]s\n# zsh completion of %[1]s, made by: %[1]s completion zsh\n\n", name)
	for _, v := range vs {
		fmt.Fprintf(&b, "%s() {\n", zshFunction(name, v.path))
		if len(v.subs) > 0 {
			b.WriteString("  local line state\n  _arguments -C -A '-*'")
		} else {
			b.WriteString("  _arguments")
		}
		for _, f := range v.flags {
			spec := "[" + zshText(f.help) + "]"
			switch {
			case f.choices != nil:
				spec += ":" + f.value + ":(" + strings.Join(f.choices, " ") + ")"
			case f.file:
				spec += ":" + f.value + ":_files"
			case f.value != "":
				spec += ":" + zshText(f.value) + ": "
			}
			for _, form := range f.forms() {
				fmt.Fprintf(&b, " \\\n    '%s%s'", form, spec)
			}
		}
		for i, a := range v.args {
			action := " "
			if a.Enum != "" {
				action = "(" + strings.ReplaceAll(a.Enum, ",", " ") + ")"
			} else if isFile(a) {
				action = "_files"
			}
			fmt.Fprintf(&b, " \\\n    '%d:%s:%s'", i+1, zshText(a.Name), action)
		}
		if len(v.subs) == 0 {
			b.WriteString("\n}\n\n")
			continue
		}
		b.WriteString(" \\\n    '1: :->verb' '*:: :->rest'\n  case $state in\n  verb)\n    local -a verbs=(\n")
		for _, s := range v.subs {
			fmt.Fprintf(&b, "      '%s:%s'\n", s.name, zshText(s.help))
		}
		b.WriteString("    )\n    _describe verb verbs ;;\n  rest)\n    case $line[1] in\n")
		for _, s := range v.subs {
			fmt.Fprintf(&b, "    %s) %s ;;\n", s.name, zshFunction(name, append(append([]string{}, v.path...), s.name)))
		}
		b.WriteString("    esac ;;\n  esac\n}\n\n")
	}
	fmt.Fprintf(&b, "if [ \"$funcstack[1]\" = _%[1]s ]; then _%[1]s \"$@\"; else compdef _%[1]s %[1]s; fi\n", name)
	return b.String()
}

func zshFunction(name string, path []string) string {
	return "_" + strings.Join(append([]string{name}, path...), "_")
}

func fishText(s string) string { return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) }

func fish(name string, vs []verb) string {
	var b strings.Builder
	all, _, _ := valueFlags(vs)
	fmt.Fprintf(&b, `# fish completion of %[1]s, made by: %[1]s completion fish
function __%[1]s_at
    # the verbs on the line, without flags and their values, are exactly those of the arguments
    set -l words (commandline -opc)[2..-1]
    set -l verbs
    set -l skip 0
    for word in $words
        if test $skip = 1
            set skip 0
        else if contains -- $word %[2]s
            set skip 1
        else if not string match -q -- '-*' $word
            set -a verbs $word
        end
    end
    set -l n (count $argv)
    if test $n = 0
        test (count $verbs) = 0
        return
    end
    test (count $verbs) -ge $n; and test "$verbs[1..$n]" = "$argv"
end
complete -c %[1]s -f
`, name, strings.Join(all, " "))
	for _, v := range vs {
		when := fmt.Sprintf("-n '__%s_at %s'", name, strings.Join(v.path, " "))
		for _, s := range v.subs {
			fmt.Fprintf(&b, "complete -c %s %s -a %s -d '%s'\n", name, when, s.name, fishText(s.help))
		}
		for _, a := range v.args {
			if a.Enum != "" {
				fmt.Fprintf(&b, "complete -c %s %s -a '%s'\n", name, when, strings.ReplaceAll(a.Enum, ",", " "))
			} else if isFile(a) {
				fmt.Fprintf(&b, "complete -c %s %s -F\n", name, when)
			}
		}
		if len(v.subs) > 0 && len(v.path) > 0 {
			continue
		}
		for _, f := range v.flags {
			more := ""
			switch {
			case f.choices != nil:
				more = " -x -a '" + strings.Join(f.choices, " ") + "'"
			case f.file:
				more = " -r -F"
			case f.value != "":
				more = " -x"
			}
			if f.short != "" {
				more = " -s " + f.short + more
			}
			fmt.Fprintf(&b, "complete -c %s %s -l %s%s -d '%s'\n", name, when, f.name, more, fishText(f.help))
		}
	}
	return b.String()
}

func powershellText(s string) string { return strings.ReplaceAll(s, "'", "''") }

func powershell(name string, vs []verb) string {
	var b strings.Builder
	all, choices, _ := valueFlags(vs)
	fmt.Fprintf(&b, "# PowerShell completion of %[1]s, made by: %[1]s completion powershell\nRegister-ArgumentCompleter -Native -CommandName '%[1]s','%[1]s.exe' -ScriptBlock {\n", name)
	b.WriteString("    param($wordToComplete, $commandAst, $cursorPosition)\n    $verbs = @{\n")
	for _, v := range vs {
		var words []string
		for _, s := range v.subs {
			words = append(words, fmt.Sprintf("@('%s', '%s')", s.name, powershellText(s.help)))
		}
		for _, a := range v.args {
			if a.Enum != "" {
				for e := range strings.SplitSeq(a.Enum, ",") {
					words = append(words, fmt.Sprintf("@('%s', '%s')", e, e))
				}
			}
		}
		for _, f := range v.flags {
			words = append(words, fmt.Sprintf("@('--%s', '%s')", f.name, powershellText(f.help)))
		}
		fmt.Fprintf(&b, "        '%s' = @(\n            %s\n        )\n", strings.Join(v.path, " "), strings.Join(words, ",\n            "))
	}
	b.WriteString("    }\n    $choices = @{\n")
	for _, f := range sortedKeys(choices, all) {
		fmt.Fprintf(&b, "        '%s' = @('%s')\n", f, strings.Join(choices[f], "', '"))
	}
	quoted := "'" + strings.Join(all, "', '") + "'"
	fmt.Fprintf(&b, `    }
    $at = ''; $previous = ''; $skip = $false
    foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
        $word = $element.ToString()
        if ($element.Extent.EndOffset -ge $cursorPosition -and $wordToComplete) { break }
        $previous = $word
        if ($skip) { $skip = $false; continue }
        if ($word -in @(%s)) { $skip = $true; continue }
        $next = ($at + ' ' + $word).Trim()
        if ($verbs.ContainsKey($next)) { $at = $next }
    }
    if ($choices.ContainsKey($previous)) {
        $choices[$previous] | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
        return
    }
    $verbs[$at] | Where-Object { $_[0] -like "$wordToComplete*" } | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $(if ($_[1]) { $_[1] } else { $_[0] }))
    }
}
`, quoted)
	return b.String()
}
