package app

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// The documents are held against the program: every config in them is parsed, every call in them is
// read, and what they list is what there is. Sections between <!-- generated: NAME --> and
// <!-- end --> are written by this test when PERGABRIDGE_UPDATE_DOCS is set.

const repository = "../../.."

func docNow() time.Time { return time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC) }

// docTexts are the documents of the repository, by path from its root.
func docTexts(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		files, err := filepath.Glob(filepath.Join(repository, pattern))
		require.NoError(t, err)
		for _, f := range files {
			text, err := os.ReadFile(f)
			require.NoError(t, err)
			name, err := filepath.Rel(repository, f)
			require.NoError(t, err)
			out[filepath.ToSlash(name)] = string(text)
		}
	}
	require.NotEmpty(t, out["README.md"])
	return out
}

// A docBlock is a fenced piece of a document. mark is what stands behind the language.
type docBlock struct{ file, lang, mark, text string }

var docFence = regexp.MustCompile("(?ms)^```([a-z]*)[ \t]*([^\n]*)\n(.*?)^```$")

func docBlocks(t *testing.T) []docBlock {
	t.Helper()
	var out []docBlock
	all := docTexts(t)
	for _, file := range slices.Sorted(maps.Keys(all)) {
		for _, m := range docFence.FindAllStringSubmatch(all[file], -1) {
			out = append(out, docBlock{file, m[1], strings.TrimSpace(m[2]), m[3]})
		}
	}
	return out
}

// docSecret serves every scheme: long enough, base64 behind whsec_, and fit for a path.
const docSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"

var docEnvName = regexp.MustCompile(`\benv: ([A-Z][A-Z0-9_]*)`)

// setDocSecrets sets every environment variable that a text names.
func setDocSecrets(t *testing.T, text string) {
	t.Helper()
	for _, m := range docEnvName.FindAllStringSubmatch(text, -1) {
		t.Setenv(m[1], docSecret)
	}
}

func docIndented(text string, n int) string {
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+pad) + "\n"
}

const (
	docSSP      = "ssp:\n  url: https://ssp.example.com/WorkflowService.asmx\n"
	docIntake   = "  intake: {auth: {none: true}}\n"
	docProvider = "kind: http\nsend: {submit: {url: \"https://acme.example.com/tickets\", reference: answer.id}, update: skip, close: skip}\nrepeat: continue\n"
)

const (
	docMail    = "mail: {domain: bridge.example.com, secret: {env: PERGABRIDGE_MAIL_SECRET}}\n"
	docMailbox = "imap: imaps://imap.example.com\nusername: support@example.com\nproviders:\n  acme: {senders: [acme.example]}\n"
)

// whole makes a config file of a yaml block.
func (b docBlock) whole(t *testing.T) string {
	t.Helper()
	provider := func(section string) string { return "providers:\n  acme:\n" + docIndented(section, 4) }
	switch b.mark {
	case "config":
		return b.text
	case "top": // sections beside those that every config has
		return b.text + docSSP + docIntake + provider(docProvider)
	case "provider":
		return docSSP + docIntake + provider(b.text)
	case "intake":
		return docSSP + "  intake:\n" + docIndented(b.text, 4) + provider(docProvider)
	case "webhook":
		return docSSP + docIntake + provider(docProvider+"webhook:\n"+docIndented(b.text, 2)+"inbound: {rules: [{kind: ignore}]}\n")
	case "ssp":
		text := b.text
		if !strings.Contains(text, "\n  url:") {
			text = strings.Replace(text, "ssp:\n", docSSP, 1)
		}
		if !strings.Contains(text, "\n  intake:") {
			text += docIntake
		}
		if strings.Contains(text, "\n  mail:") {
			text += docMail
		}
		return text + provider(docProvider)
	case "sections": // everything but ssp
		return docSSP + docIntake + b.text
	case "mailbox":
		login := ""
		if !strings.Contains(b.text, "oauth2:") {
			login = "password: {env: MAILBOX_PASSWORD}\n"
		}
		return docSSP + docIntake + docMail + "mailboxes:\n  support:\n" + docIndented(docMailbox+login+b.text, 4) + provider(docProvider)
	case "mailbox-provider":
		return docSSP + docIntake + docMail + "mailboxes:\n  support:\n" +
			docIndented(strings.Replace(docMailbox, "acme: {senders: [acme.example]}", "acme:\n    senders: [acme.example]\n"+docIndented(b.text, 4), 1)+"password: {env: MAILBOX_PASSWORD}\n", 4) + provider(docProvider)
	}
	t.Fatalf("%s: a yaml block is marked config, top, sections, provider, intake, ssp, webhook, mailbox or mailbox-provider, not %q:\n%s", b.file, b.mark, b.text)
	return ""
}

func TestConfigsInTheDocsAreFine(t *testing.T) {
	n := map[string]int{}
	for i, b := range docBlocks(t) {
		if b.lang != "yaml" || b.mark == "prometheus" { // that is not ours
			continue
		}
		n[b.mark]++
		t.Run(fmt.Sprintf("%s/%d", b.file, i), func(t *testing.T) {
			text := b.whole(t)
			setDocSecrets(t, text)
			prepare := func(*config.Node) {}
			if strings.Contains(text, "tls: {cert:") { // the files of a document are nowhere
				prepare = (*config.Node).StandInSecrets
			}
			c, err := parse(filepath.Join(t.TempDir(), "pergabridge.yaml"), []byte(text), prepare)
			require.NoError(t, err, "%s", text)
			p, err := build(c, slog.New(slog.DiscardHandler), time.Now)
			require.NoError(t, err)
			p.close()
		})
	}
	for _, mark := range []string{"config", "provider", "intake", "ssp", "webhook"} {
		require.NotZero(t, n[mark], "no yaml block is marked %s", mark)
	}
}

func TestTheExampleInTheDocsIsTheFile(t *testing.T) {
	file, err := os.ReadFile(filepath.Join(repository, "docs/example.yaml"))
	require.NoError(t, err)
	for _, b := range docBlocks(t) {
		if b.file == "docs/config.md" && b.mark == "config" {
			require.Equal(t, string(file), b.text)
			return
		}
	}
	t.Fatal("docs/config.md shows no config")
}
