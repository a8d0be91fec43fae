package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

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
