package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// script writes the completion of a shell to a file.
func script(t *testing.T, shell string) string {
	t.Helper()
	r := command(t, t.TempDir(), os.Environ(), "completion", shell)
	require.Zero(t, r.code, r.err)
	file := filepath.Join(t.TempDir(), "_pergabridge")
	require.NoError(t, os.WriteFile(file, []byte(r.out), 0o600))
	return file
}

// The shells themselves complete what is asked.
func TestCompletion(t *testing.T) {
	t.Parallel()
	cases := map[string][]string{ // line up to the cursor -> some of what must be offered, and only what fits
		"pergabridge ev":                                 {"events"},
		"pergabridge events ":                            {"list", "show", "retry", "ignore", "settle"},
		"pergabridge --config x.yaml events l":           {"list"},
		"pergabridge serve --log ":                       {"debug", "info", "warn", "error"},
		"pergabridge completion ":                        {"bash", "zsh", "fish", "powershell"},
		"pergabridge service -c events.yaml install --u": {"--user"},
		"pergabridge check --with":                       {"--without-secrets"},
	}
	t.Run("bash", func(t *testing.T) {
		t.Attr("peer", "bash")
		file := script(t, "bash")
		for line, want := range cases {
			words := strings.Split(line, " ")
			quoted := "'" + strings.Join(words, "' '") + "'"
			out, err := exec.Command("bash", "-c", "compopt() { :; }; . "+file+"; COMP_WORDS=("+quoted+"); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _pergabridge; printf '%s\\n' \"${COMPREPLY[@]}\"").CombinedOutput()
			require.NoError(t, err, "%s", out)
			offered(t, line, want, strings.Fields(string(out)))
		}
	})
	t.Run("fish", func(t *testing.T) {
		t.Attr("peer", "fish")
		file := script(t, "fish")
		for line, want := range cases {
			c := exec.Command("fish", "--no-config", "-c", "source "+file+"; complete -C '"+line+"'")
			c.Env = append(os.Environ(), "HOME="+t.TempDir())
			out, err := c.CombinedOutput()
			require.NoError(t, err, "%s", out)
			var got []string
			for l := range strings.Lines(string(out)) {
				word, _, _ := strings.Cut(strings.TrimSpace(l), "\t")
				got = append(got, word)
			}
			offered(t, line, want, got)
		}
	})
	t.Run("zsh", func(t *testing.T) {
		t.Attr("peer", "zsh")
		file := script(t, "zsh")
		for line, want := range cases {
			if strings.HasSuffix(line, " ") { // a menu is drawn on a terminal; what is unique is filled in
				continue
			}
			// A pseudo terminal with a real line editor: type the line, press tab, look at the line.
			c := exec.Command("zsh", "-f", "-c", `
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1=; unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; source `+file+`; echo RE""ADY'
zpty -r z out '*READY*'
zpty -w -n z '`+line+`'$'\t'
zpty -w -n z $'\x01'"echo '<<"$'\x05'">>'"$'\n'
zpty -r z out '*<<*>>*<<*>>*'
print -r -- $out
zpty -d z`)
			c.Env = append(os.Environ(), "HOME="+t.TempDir(), "TERM=dumb")
			out, err := c.CombinedOutput()
			require.NoError(t, err, "%s", out)
			all := regexp.MustCompile(`<<(pergabridge[^<>\r\n]*)>>`).FindAllStringSubmatch(string(out), -1)
			require.NotEmpty(t, all, "%s", out)
			require.Equal(t, line[:strings.LastIndexByte(line, ' ')+1]+want[0], strings.TrimSpace(all[len(all)-1][1]), "%s", out)
		}
	})
	t.Run("powershell", func(t *testing.T) { // has every verb and flag; no PowerShell runs here
		text, err := os.ReadFile(script(t, "powershell"))
		require.NoError(t, err)
		for _, want := range []string{"'events' = @(", "@('list', ", "'service install' = @(", "@('--without-secrets', ", "'--log' = @('debug', 'info', 'warn', 'error')"} {
			require.Contains(t, string(text), want)
		}
		require.Equal(t, strings.Count(string(text), "{"), strings.Count(string(text), "}"))
		require.Equal(t, strings.Count(string(text), "("), strings.Count(string(text), ")"))
		require.Zero(t, strings.Count(string(text), "'")%2)
	})
	r := command(t, t.TempDir(), os.Environ(), "completion", "tcsh")
	require.Equal(t, 2, r.code)
}

func offered(t *testing.T, line string, want, got []string) {
	t.Helper()
	require.Subset(t, got, want, line)
	last := line[strings.LastIndexByte(line, ' ')+1:]
	for _, g := range got {
		require.True(t, strings.HasPrefix(g, last), "%q offers %q", line, g)
	}
}

// man reads the page without a complaint, and every verb of the help is in it.
func TestManPage(t *testing.T) {
	t.Parallel()
	t.Attr("peer", "groff")
	r := command(t, t.TempDir(), os.Environ(), "man")
	require.Zero(t, r.code, r.err)
	file := filepath.Join(t.TempDir(), "pergabridge.1")
	require.NoError(t, os.WriteFile(file, []byte(r.out), 0o600))
	c := exec.Command("groff", "-man", "-Tutf8", "-ww", "-P-c", file)
	var complaints strings.Builder
	c.Stderr = &complaints
	text, err := c.Output()
	require.NoError(t, err)
	require.Empty(t, complaints.String())
	page := regexp.MustCompile(`.\x08`).ReplaceAllString(string(text), "")
	for _, want := range []string{"events list", "service install", "completion SHELL", "backup FILE", "--without‐secrets", "EXIT STATUS", "/etc/pergabridge/pergabridge.yaml"} {
		require.Contains(t, strings.ReplaceAll(page, "‐", "-"), strings.ReplaceAll(want, "‐", "-"))
	}
}
