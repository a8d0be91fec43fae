package service

import (
	"bytes"
	_ "embed"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

// A Definition says what one service is.
type Definition struct {
	Name   string // of the service, its state folder and, on Linux, its unit
	Exec   string // absolute path of the binary
	User   string // account it runs as; Windows: empty for the service's own virtual account
	Config string // absolute path of the config file
	Paths  Paths
	// Writable are further folders it has to write to: that of a ledger outside Paths.State.
	Writable []string
	// LowPorts lets it listen below 1024.
	LowPorts bool
}

// Arguments are what the binary is started with.
func (d Definition) Arguments() []string {
	args := []string{"serve", "--config", d.Config}
	if d.Paths.Log != "" {
		args = append(args, "--log-file", d.Paths.Log)
	}
	return args
}

//go:embed pergabridge.service.tmpl
var unitText string

var unitTemplate = template.Must(template.New("unit").Funcs(template.FuncMap{"line": line, "word": word, "exec": execWord}).Parse(unitText))

var unitName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,30}$`)

// Unit returns the systemd unit of the service.
func (d Definition) Unit() (string, error) {
	if !unitName.MatchString(d.Name) {
		return "", fmt.Errorf("service: the name %q: use small letters, digits, - and _, beginning with a letter", d.Name)
	}
	if !unitName.MatchString(d.User) {
		return "", fmt.Errorf("service: the account %q: use small letters, digits, - and _, beginning with a letter", d.User)
	}
	places := append([]string{d.Exec, d.Config, d.Paths.Secrets, d.Paths.Environment}, d.Writable...)
	for _, p := range places {
		if !path.IsAbs(p) {
			return "", fmt.Errorf("service: %q is no absolute path", p)
		}
		if strings.ContainsAny(p, "\n\r\x00{}:") || strings.TrimSpace(p) != p {
			return "", fmt.Errorf("service: systemd cannot have the path %q: it holds a line end, a colon, a brace or a blank at an end", p)
		}
	}
	v := struct {
		Definition
		Home    bool
		Command []string
	}{d, slices.ContainsFunc(places, inHome), append([]string{d.Exec}, d.Arguments()...)}
	var b bytes.Buffer
	if err := unitTemplate.Execute(&b, v); err != nil {
		return "", fmt.Errorf("service: %w", err)
	}
	return b.String(), nil
}

func inHome(p string) bool {
	return strings.HasPrefix(p, "/home/") || strings.HasPrefix(p, "/root/") || strings.HasPrefix(p, "/run/user/")
}

// line writes a value that systemd reads to the end of the line, quotes included.
func line(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// word writes a value so that systemd reads it as it is: no specifiers, no splitting.
func word(s string) string {
	s = line(s)
	if !strings.ContainsAny(s, " \t\"'\\;") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// execWord is [word] for a command line, where $ would be a variable.
func execWord(s string) string { return strings.ReplaceAll(word(s), "$", "$$") }
