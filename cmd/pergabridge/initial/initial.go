package initial

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/provider/http/recipe"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
	"github.com/pergabridge/pergabridge/soap"
)

//go:embed kinds
var kinds embed.FS

// Answers are what a first config is made of.
type Answers struct {
	SSP         string // address of WorkflowService.asmx; empty: as the description has it
	WSDL        string // file with SSP's own description; empty: SSP is asked when the bridge runs
	Provider    string
	Kind        string // one of [Kinds]
	ProviderURL string // empty: as the template has it, to be changed
	Listen      string
	Admin       string
}

// Kinds lists what a provider can be: kinds and recipes.
func Kinds() []string {
	out := []string{"http", "mail", "tesamanager", "tesseron", "tehden"}
	for _, r := range recipe.List() {
		out = append(out, r.Name)
	}
	return out
}

// A Secret is one secret of a first config.
type Secret struct {
	File string // relative to the config's folder
	// Value is what was made up for it; empty: somebody else has to give it.
	Value string
}

// A Draft is a first config that has not been written yet.
type Draft struct {
	Text    string
	Secrets []Secret
}

var reference = regexp.MustCompile(`\{(env: ([A-Z0-9_]+)|file: (secrets/[a-z0-9_-]+))\}`)

// Make writes the text and checks it. The error says which answer does not fit.
func Make(ctx context.Context, a Answers, file string) (*Draft, error) {
	if err := app.FitProviderName(a.Provider); err != nil { // before it becomes a part of the text
		return nil, err
	}
	provider, err := section(a)
	if err != nil {
		return nil, err
	}
	ssp, err := portal(ctx, a, filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# A bridge between SSP and %[1]s, begun by pergabridge init. Look at every line that says "your".
# Check it:   pergabridge check         (every problem, with line and column)
# Change it:  pergabridge reload        (while the bridge runs; a broken config changes nothing)
# Secrets stand in files beside this one, never in here.
server:
  listen: %[2]q                     # SSP and %[1]s call here; HTTPS and proxies: docs/proxies.md
  admin: %[3]q                      # console, API and metrics, for this machine alone without admin_token
store: sqlite:data/pergabridge.db              # beside this file; or a Redis: docs/redis.md
`, a.Provider, a.Listen, a.Admin)
	b.WriteString(ssp)
	b.WriteString(provider)
	d := &Draft{}
	d.Text = reference.ReplaceAllStringFunc(b.String(), func(m string) string {
		parts := reference.FindStringSubmatch(m)
		name := parts[3]
		if name == "" {
			name = "secrets/" + strings.ToLower(parts[2])
		}
		if !slices.ContainsFunc(d.Secrets, func(s Secret) bool { return s.File == name }) {
			d.Secrets = append(d.Secrets, Secret{name, madeUp(name)})
		}
		return "{file: " + name + "}"
	})
	if err := app.CheckText(file, []byte(d.Text)); err != nil {
		return nil, fmt.Errorf("these answers make no config that could be used:\n%w", err)
	}
	return d, nil
}

// madeUp returns a secret that both sides are told by us; empty for those that others give.
func madeUp(file string) string {
	raw := make([]byte, 24)
	_, _ = rand.Read(raw) // never fails
	switch {
	case file == "secrets/zendesk_webhook_secret": // Zendesk makes it and shows it once
	case strings.HasSuffix(file, "_webhook_secret"):
		return "whsec_" + base64.StdEncoding.EncodeToString(raw)
	case strings.HasSuffix(file, "_intake_key"), strings.HasSuffix(file, "_mail_secret"), strings.HasSuffix(file, "_webhook_token"), strings.HasSuffix(file, "_webhook_key"):
		return hex.EncodeToString(raw)
	}
	return ""
}

// portal writes the section ssp.
func portal(ctx context.Context, a Answers, dir string) (string, error) {
	const intake = `  intake:                                      # how SSP's process calls prove that they are SSP's
    auth: {header: {name: X-Bridge-Key, secret: {env: SSP_INTAKE_KEY}}}
`
	if a.WSDL == "" {
		return "ssp:\n  url: " + quoted(a.SSP) + "\n  auth: {none: true}                           # or basic, ntlm, header: how the bridge proves itself to SSP\n" + intake, nil
	}
	r, err := soap.Inspect(ctx, a.WSDL, soap.InspectOptions{})
	if err != nil {
		return "", err
	}
	if !r.Complete() {
		return "", fmt.Errorf("%s does not say enough to begin with:\n%s\n`pergabridge contract inspect %s` shows it all; begin without --from-wsdl and write ssp.operations by hand", a.WSDL, r.Text(), a.WSDL)
	}
	text := strings.TrimPrefix(r.YAML(), "ssp:\n")
	if a.SSP != "" {
		text = regexp.MustCompile(`(?m)^  url: .*\n`).ReplaceAllString(text, "")
		text = "  url: " + quoted(a.SSP) + "\n" + text
	}
	wsdl, err := filepath.Abs(a.WSDL)
	if err != nil {
		return "", err
	}
	if abs, err := filepath.Abs(dir); err == nil {
		if rel, err := filepath.Rel(abs, wsdl); err == nil && !strings.HasPrefix(rel, "..") {
			wsdl = rel
		}
	}
	return "ssp:\n" + text + "  wsdl: " + quoted(filepath.ToSlash(wsdl)) + "           # what was read; nothing is sent that does not fit it\n" +
		"  auth: {none: true}                           # or basic, ntlm, header: how the bridge proves itself to SSP\n" + intake, nil
}

// quoted writes a text so that nothing in it means something else.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// own is a secret of the provider in a template; its file has the provider's name.
var own = regexp.MustCompile(`\{env: ACME_([A-Z0-9_]+)\}`)

var baseLine = regexp.MustCompile(`(?m)^(    base: )(\S+)`)

// section writes the section of the provider, and what its kind needs beside it.
func section(a Answers) (string, error) {
	var text, top string
	body, err := kinds.ReadFile("kinds/" + a.Kind + ".yaml")
	switch {
	case err == nil:
		text = "providers:\n  " + a.Provider + ":                                        # SSP calls POST /ssp/" + a.Provider + "\n" + indented(string(body))
	default:
		if text, err = recipe.Section(a.Kind, a.Provider); err != nil {
			return "", fmt.Errorf("%q is neither a kind nor a recipe: choose one of %s", a.Kind, strings.Join(Kinds(), ", "))
		}
	}
	if more, err := kinds.ReadFile("kinds/" + a.Kind + ".top.yaml"); err == nil {
		top = strings.ReplaceAll(string(more), "      acme:", "      "+a.Provider+":")
	}
	if a.ProviderURL != "" {
		if !baseLine.MatchString(text) {
			return "", fmt.Errorf("a provider of kind %s has no single address: leave --provider-url out and look into the file", a.Kind)
		}
		text = baseLine.ReplaceAllString(text, "${1}"+strings.ReplaceAll(quoted(a.ProviderURL), "$", "$$"))
	}
	return top + own.ReplaceAllStringFunc(text, func(m string) string {
		return "{file: secrets/" + a.Provider + "_" + strings.ToLower(own.FindStringSubmatch(m)[1]) + "}"
	}), nil
}

func indented(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ") + "\n"
}

// Write writes config and secrets. Nothing that is there is changed: a config is refused, a secret is kept.
func (d *Draft) Write(file string) (made []string, err error) {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(file); err == nil {
		return nil, fmt.Errorf("%s is there already: init begins a config and never changes one; name another with --config", file)
	}
	for _, s := range d.Secrets {
		if s.Value == "" {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(s.File))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return made, err
		}
		switch err := create(path, s.Value+"\n", 0o600); {
		case errors.Is(err, fs.ErrExist):
		case err != nil:
			return made, err
		default:
			made = append(made, path)
		}
	}
	if err := create(file, d.Text, 0o640); err != nil {
		return made, err
	}
	return append(made, file), nil
}

func create(path, text string, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// Missing returns the secrets that somebody else has to give and that are not there yet.
func (d *Draft) Missing(file string) (out []string) {
	for _, s := range d.Secrets {
		path := filepath.Join(filepath.Dir(file), filepath.FromSlash(s.File))
		if _, err := os.Stat(path); s.Value == "" && err != nil {
			out = append(out, path)
		}
	}
	return out
}
