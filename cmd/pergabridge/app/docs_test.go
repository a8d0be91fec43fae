package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
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
	for _, pattern := range []string{"*.md", "docs/*.md"} {
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
		if b.lang != "yaml" {
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

// docReader returns the reader of SSP's calls to acme under a config.
func docReader(t *testing.T, config string) *processcall.Reader {
	t.Helper()
	setDocSecrets(t, config)
	c, err := Parse(filepath.Join(t.TempDir(), "pergabridge.yaml"), []byte(config))
	require.NoError(t, err)
	return processcall.New("acme", c.intake)
}

func docRead(t *testing.T, r *processcall.Reader, contentType, body string) bridge.Event {
	t.Helper()
	got, err := r.Read(bridge.Inbound{ContentType: contentType, Body: []byte(body), Received: docNow()})
	require.NoError(t, err)
	require.Empty(t, got.Event.Quarantine, got.Event.Detail)
	require.NotEmpty(t, got.Event.Task)
	require.NotEmpty(t, got.Event.Kind)
	return got.Event
}

var docSlot = regexp.MustCompile(`#([A-Z]+)\|\|JSON#`)

func TestProcessCallsInTheDocsAreRead(t *testing.T) {
	plain := docBlock{mark: "intake", text: "auth: {none: true}"}.whole(t)
	n := map[string]int{}
	for _, b := range docBlocks(t) {
		if b.lang != "json" {
			continue
		}
		n[b.mark]++
		switch b.mark {
		case "call":
			docRead(t, docReader(t, plain), "application/json", b.text)
		case "template":
			values := map[string]string{"TASK": "4711", "REQUESTTYPE": "Update", "DIRECTION": "Out", "TEXT": "say \"hi\"\nand \\ go"}
			filled := docSlot.ReplaceAllStringFunc(b.text, func(s string) string {
				v, err := json.Marshal(values[docSlot.FindStringSubmatch(s)[1]])
				require.NoError(t, err)
				return string(v)
			})
			e := docRead(t, docReader(t, plain), "application/json", filled)
			require.Equal(t, values["TEXT"], e.Text)
			require.Equal(t, bridge.Update, e.Kind)
			got, err := docReader(t, plain).Read(bridge.Inbound{ContentType: "application/json", Body: []byte(b.text)})
			require.NoError(t, err)
			require.Equal(t, bridge.Unreadable, got.Event.Quarantine, "the bare template")
			for name := range values {
				require.Contains(t, b.text, "#"+name+"||JSON#")
			}
		}
	}
	require.NotZero(t, n["call"])
	require.Equal(t, 1, n["template"])
}

func TestTheHashInTheDocsIsRight(t *testing.T) {
	var intake, call string
	for _, b := range docBlocks(t) {
		switch {
		case b.mark == "intake" && strings.Contains(b.text, "hash:"):
			intake = b.whole(t)
		case b.mark == "hash":
			call = b.text
		}
	}
	require.NotEmpty(t, intake)
	require.NotEmpty(t, call)
	setDocSecrets(t, intake)
	t.Setenv("SSP_INTAKE_KEY", "0123456789abcdef0123456789abcdef")
	c, err := Parse(filepath.Join(t.TempDir(), "pergabridge.yaml"), []byte(intake))
	require.NoError(t, err)
	r := processcall.New("acme", c.intake)
	require.Equal(t, bridge.Close, docRead(t, r, "application/json", call).Kind)
	_, err = r.Read(bridge.Inbound{ContentType: "application/json", Body: []byte(strings.Replace(call, "4711", "4712", 1))})
	var denied *scheme.Denied
	require.ErrorAs(t, err, &denied)
}

// docXSLT applies a sheet where there is a processor; the results it must give are in the repository.
func docXSLT(t *testing.T, sheet, input string) (string, bool) {
	t.Helper()
	program, err := exec.LookPath("xsltproc")
	if err != nil {
		return "", false
	}
	var stderr bytes.Buffer
	c := exec.Command(program, "--nonet", filepath.Join(repository, "docs/ssp", sheet), input)
	c.Stderr = &stderr
	out, err := c.Output()
	require.NoError(t, err, stderr.String())
	t.Attr("peer", "xsltproc")
	return string(out), true
}

func TestTheSheetForCallsMakesAnEnvelope(t *testing.T) {
	file := func(name string) string {
		text, err := os.ReadFile(filepath.Join(repository, "docs/ssp", name))
		require.NoError(t, err)
		return string(text)
	}
	envelope := file("envelope.xml")
	if made, ok := docXSLT(t, "xslt-in.xslt", filepath.Join(repository, "docs/ssp/call.xml")); ok {
		require.Equal(t, envelope, made)
	}
	r := docReader(t, docBlock{mark: "intake", text: "auth: {none: true}"}.whole(t))
	e := docRead(t, r, "text/xml; charset=utf-8", envelope)
	require.Equal(t, bridge.Event{
		Provider: "acme", Task: "4711", Dir: bridge.Out, Kind: bridge.Update, Reference: "ACME-1001", Entrance: bridge.ByProcessCall,
		Received: docNow(), Text: "Still burning & smoking; \"é\" and 漢字 <arrive>.\nSecond line.", Ticket: "T-1001", Title: "Printer on fire",
		Priority: "1", Requester: bridge.Person{Name: "Jane Doe", Email: "jane.doe@example.com"},
		Fields: map[string]any{"LOCATION": "Floor 3"}, Inbound: e.Inbound,
	}, e)
	same := docRead(t, r, "text/xml", file("call.xml"))
	require.Equal(t, e.ContentHash(), same.ContentHash(), "the document that the sheet is applied to")
	for _, b := range docBlocks(t) {
		if strings.HasPrefix(b.mark, "xslt-") {
			require.Equal(t, file(b.mark+".xslt"), b.text, "%s shows %s", b.file, b.mark)
		}
	}
}

func TestTheSheetForAnswersPicksTheReference(t *testing.T) {
	for want, a := range map[string]processcall.Answer{
		"ACME-1001": {Event: "e", Status: "bonded", Reference: "ACME-1001"},
		"":          {Event: "e", Status: "accepted"},
	} {
		for _, f := range []processcall.Format{processcall.SOAP11, processcall.SOAP12} {
			_, body := a.Write(f)
			path := filepath.Join(t.TempDir(), "answer.xml")
			require.NoError(t, os.WriteFile(path, body, 0o600))
			require.Contains(t, string(body), "<ProcessCallResponse", "what the sheet looks for")
			if want != "" {
				require.Contains(t, string(body), "<reference>"+want+"</reference>")
			}
			if got, ok := docXSLT(t, "xslt-out.xslt", path); ok {
				require.Equal(t, want, got)
			}
		}
	}
}

// docGenerated makes a section of a document.
var docGenerated = map[string]func(t *testing.T) string{
	"keys": keyTable, "schemes": schemeTable, "names": nameTable, "functions": functionTable,
	"top": topTable,
}

var docSection = regexp.MustCompile(`(?s)<!-- generated: ([a-z]+) -->\n(.*?)<!-- end -->`)

func TestGeneratedSectionsAreUpToDate(t *testing.T) {
	update := os.Getenv("PERGABRIDGE_UPDATE_DOCS") != ""
	seen := map[string]bool{}
	for name, text := range docTexts(t) {
		made := docSection.ReplaceAllStringFunc(text, func(s string) string {
			what := docSection.FindStringSubmatch(s)[1]
			seen[what] = true
			make := docGenerated[what]
			require.NotNil(t, make, "%s: nothing makes the section %s", name, what)
			return "<!-- generated: " + what + " -->\n" + make(t) + "<!-- end -->"
		})
		if update {
			require.NoError(t, os.WriteFile(filepath.Join(repository, name), []byte(made), 0o644))
			continue
		}
		require.Equal(t, made, text, "%s is not up to date: set PERGABRIDGE_UPDATE_DOCS=1 and run this test", name)
	}
	require.Len(t, seen, len(docGenerated))
}

// docCell makes a text fit for a table.
func docCell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func docSchema(t *testing.T) map[string]any {
	t.Helper()
	raw, err := json.Marshal(Schema())
	require.NoError(t, err)
	var s map[string]any
	require.NoError(t, json.Unmarshal(raw, &s))
	return s
}

const docKeyHead = "| key | default | meaning |\n|---|---|---|\n"

// topTable lists every key of a config file outside the providers.
func topTable(t *testing.T) string {
	s := docSchema(t)
	props := docAt(s, "properties")
	props["providers"] = map[string]any{"description": docAt(props, "providers")["description"]}
	var b strings.Builder
	b.WriteString(docKeyHead)
	docKeys(&b, "", s)
	return b.String()
}

// keyTable lists every key of a provider of kind http, from the schema.
func keyTable(t *testing.T) string {
	kinds := docAt(docSchema(t), "properties", "providers", "additionalProperties")["anyOf"].([]any)
	var b strings.Builder
	b.WriteString(docKeyHead)
	for _, k := range kinds {
		k := k.(map[string]any)
		if docAt(k, "properties", "kind")["const"] == "http" {
			docKeys(&b, "", k)
		}
	}
	return b.String()
}

func docAt(m map[string]any, path ...string) map[string]any {
	for _, p := range path {
		m = m[p].(map[string]any)
	}
	return m
}

// docKeys writes a row for every key of an object; lists and maps of objects are gone into.
func docKeys(b *strings.Builder, path string, s map[string]any) {
	props, _ := s["properties"].(map[string]any)
	first := ""
	for _, name := range slices.Sorted(maps.Keys(props)) {
		p := props[name].(map[string]any)
		text, _ := p["description"].(string)
		if enum, ok := p["enum"].([]any); ok {
			var words []string
			for _, w := range enum {
				words = append(words, fmt.Sprint(w))
			}
			text = strings.TrimSpace(text + " (" + strings.Join(words, ", ") + ")")
		}
		def := ""
		if d, ok := p["default"]; ok {
			def = "`" + fmt.Sprint(d) + "`"
		}
		fmt.Fprintf(b, "| `%s%s` | %s | %s |\n", path, name, def, docCell(text))
		if docIsSecret(p) {
			continue
		}
		inner := path + name + "."
		if path == "send." || path == "find." { // all calls have the same keys
			if first != "" {
				continue
			}
			first, inner = name, path+"*."
		}
		docKeysInside(b, inner, p)
	}
}

func docKeysInside(b *strings.Builder, path string, p map[string]any) {
	docKeys(b, path, p)
	for _, next := range []string{"items", "additionalProperties"} {
		if n, ok := p[next].(map[string]any); ok {
			docKeysInside(b, strings.TrimSuffix(path, ".")+map[string]string{"items": "[].", "additionalProperties": ".NAME."}[next], n)
		}
	}
	for _, some := range []string{"anyOf", "oneOf"} {
		list, _ := p[some].([]any)
		for _, n := range list {
			if n, ok := n.(map[string]any); ok && n["properties"] != nil {
				docKeysInside(b, path, n)
			}
		}
	}
}

// docIsSecret reports whether a key holds {env: NAME} or {file: PATH}, or a list of them.
func docIsSecret(p map[string]any) bool {
	some, _ := p["anyOf"].([]any)
	for _, s := range some {
		if s, ok := s.(map[string]any); ok && docIsSecret(s) {
			return true
		}
	}
	one, _ := p["oneOf"].([]any)
	raw, err := json.Marshal(one)
	return err == nil && p["properties"] == nil && bytes.Contains(raw, []byte("holds the secret"))
}

// schemeTable lists the signature schemes from the presets.
func schemeTable(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(repository, "webhooks/scheme/presets.yaml"))
	require.NoError(t, err)
	type preset struct {
		Kind, Header, Prefix, Algorithm, Encoding, Signed string
		Timestamp                                         struct{ Header, Tolerance string }
		Delivery                                          []string
	}
	var presets map[string]preset
	require.NoError(t, yaml.Unmarshal(raw, &presets))
	require.ElementsMatch(t, scheme.Names(), slices.Collect(maps.Keys(presets)))
	code := func(s string) string {
		if s == "" {
			return ""
		}
		return "`" + docCell(s) + "`"
	}
	var b strings.Builder
	b.WriteString("| `scheme` | proof | what is signed | delivery id |\n|---|---|---|---|\n")
	for _, name := range scheme.Names() {
		p := presets[name]
		var proof string
		switch p.Kind {
		case "hmac":
			header := code(p.Header)
			if header == "" {
				header = "the header named by `header`"
			}
			proof = fmt.Sprintf("HMAC-%s in %s, in %s", strings.ToUpper(p.Algorithm), p.Encoding, header)
			if p.Prefix != "" {
				proof += ", behind " + code(p.Prefix)
			}
		case "header":
			proof = "the secret itself in " + code(p.Header)
			if p.Header == "" {
				proof = "the secret itself in the header named by `header`"
			}
		case "basic":
			proof = "HTTP Basic; `username` is required"
		case "token":
			proof = "the secret as last part of the path"
		}
		signed := code(p.Signed)
		if p.Timestamp.Header != "" {
			signed += "; time in " + code(p.Timestamp.Header) + ", ± " + p.Timestamp.Tolerance
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(name), proof, signed, code(strings.Join(p.Delivery, ", ")))
	}
	return b.String()
}

func nameTable(*testing.T) string {
	var b strings.Builder
	b.WriteString("| where | names |\n|---|---|\n")
	for _, s := range []struct {
		where string
		names []string
	}{
		{"what is sent: url, query, headers, body", mapping.Outgoing},
		{"the answer: success, retry_if, reference, comment, found", mapping.Answer},
		{"inbound rules", mapping.Incoming},
		{"poll: url, query, headers, body", mapping.Polling},
		{"poll: items, cursor, next, success", mapping.Polled},
	} {
		fmt.Fprintf(&b, "| %s | `%s` |\n", s.where, strings.Join(s.names, "`, `"))
	}
	return b.String()
}

func functionTable(*testing.T) string {
	var b strings.Builder
	b.WriteString("| function | what it gives |\n|---|---|\n")
	for _, f := range mapping.Functions() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.Usage, docCell(f.Doc))
	}
	return b.String()
}

func TestTheRunbookHasEveryReason(t *testing.T) {
	text := docTexts(t)["docs/runbook.md"]
	for _, r := range bridge.Reasons() {
		assert.True(t, strings.Contains(text, "\n| `"+string(r)+"` |"), "the runbook has no row for %s", r)
	}
	known := map[bridge.Reason]bool{}
	for _, r := range bridge.Reasons() {
		known[r] = true
	}
	_, runbook, _ := strings.Cut(text, "## Every reason")
	runbook, _, _ = strings.Cut(runbook, "\n## ")
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(runbook, -1) {
		require.True(t, known[bridge.Reason(m[1])], "%s is no reason", m[1])
	}
}

func TestTheRunbookHasEveryAlert(t *testing.T) {
	rules, err := os.ReadFile(filepath.Join(repository, "docs/monitoring/alerts.yaml"))
	require.NoError(t, err)
	var alerts, rows []string
	for _, m := range regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllSubmatch(rules, -1) {
		alerts = append(alerts, string(m[1]))
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(Pergabridge\\w+)` \\|").FindAllStringSubmatch(docTexts(t)["docs/runbook.md"], -1) {
		rows = append(rows, m[1])
	}
	require.NotEmpty(t, alerts)
	require.Equal(t, alerts, rows, "the rows of the runbook, in the order of the rules")
}

func TestTheDocsNameEveryMetric(t *testing.T) {
	c := &Config{Store: Store{Path: filepath.Join(t.TempDir(), "a.db")}}
	store, err := c.Store.open(t.Context(), docNow, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer store.Close()
	all := make(chan *prometheus.Desc)
	go func() {
		newObserver(c, Options{Now: docNow}, store).Registry().Describe(all)
		close(all)
	}()
	text, n := docTexts(t)["docs/operations.md"], 0
	for d := range all {
		name := regexp.MustCompile(`fqName: "([a-z_]+)"`).FindStringSubmatch(d.String())[1]
		if strings.HasPrefix(name, "pergabridge_") {
			n++
			assert.True(t, strings.Contains(text, "`"+name+"`"), "the metric %s is not named", name)
		}
	}
	require.NotZero(t, n)
}

var docLink = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

func TestLinksInTheDocsLeadSomewhere(t *testing.T) {
	for name, text := range docTexts(t) {
		for _, m := range docLink.FindAllStringSubmatch(docFence.ReplaceAllString(text, ""), -1) {
			_, err := os.Stat(filepath.Join(repository, filepath.Dir(name), m[1]))
			require.NoError(t, err, "%s links to %s", name, m[1])
		}
	}
}

// Documents name tests as TestName, and rules of the store as "subject: rule".
var (
	docTestName = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9]*)`")
	docRuleName = regexp.MustCompile("`storetest: ([a-z_]+)`")
)

func TestTestsThatTheDocsNameExist(t *testing.T) {
	var code strings.Builder
	require.NoError(t, filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		if strings.HasSuffix(path, "_test.go") || strings.Contains(filepath.ToSlash(path), "storetest/") {
			text, err := os.ReadFile(path)
			code.Write(text)
			return err
		}
		return nil
	}))
	n := 0
	for name, text := range docTexts(t) {
		for _, m := range docTestName.FindAllStringSubmatch(text, -1) {
			n++
			require.Contains(t, code.String(), "func "+m[1]+"(", "%s names %s", name, m[1])
		}
		for _, m := range docRuleName.FindAllStringSubmatch(text, -1) {
			n++
			require.Contains(t, code.String(), "{\""+m[1]+"\", ", "%s names the rules %s", name, m[1])
		}
	}
	require.NotZero(t, n)
}
