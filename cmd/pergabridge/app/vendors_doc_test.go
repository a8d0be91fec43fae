package app

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/http/recipe"
)

// docs/vendors.md names every operation of the three kinds, with its assumed path where it is assumed.
func TestVendorsPageIsComplete(t *testing.T) {
	page, err := os.ReadFile("../../../docs/vendors.md")
	require.NoError(t, err)
	for k, v := range map[string]string{"A_SECRET": "a-secret-value-1"} {
		t.Setenv(k, v)
	}
	sections := map[string]string{
		"tesamanager": "kind: tesamanager\nbase: http://127.0.0.1:1\norg: o\nauth: {bearer: {env: A_SECRET}}\nsend: {submit: {operation: activate}, update: skip, reject_solution: skip, close: skip}\n",
		"tesseron":    "kind: tesseron\nbase: http://127.0.0.1:1\nprofile: \"2024-03\"\nkeys: {ticket: {env: A_SECRET}}\nenterprise: {id: 1}\nticket: {areaId: 1, entranceType: 1}\n",
		"tehden":      "kind: tehden\ncompany: c\nauth: {bearer: {env: A_SECRET}}\nexternal_system: {identifier: \"${event.requester.email}\"}\ncreate: never\ncustomer: {name: x}\nsend: {update: skip, reject_solution: skip, close: skip}\n",
	}
	for kind, src := range sections {
		n, err := config.Parse("c.yaml", []byte("providers:\n  x:\n"+indented(src)))
		require.NoError(t, err)
		var c struct {
			Providers map[string]Provider `yaml:"providers"`
		}
		config.Decode(n, &c)
		require.Empty(t, n.Problems())
		tool, err := NewTool(&Config{Providers: c.Providers}, "x", io.Discard)
		require.NoError(t, err)
		list, err := tool.Operations()
		require.NoError(t, err)
		require.NotEmpty(t, list)
		for _, o := range list {
			require.Contains(t, string(page), "| `"+o.Name+"`", kind)
			if len(o.Assumed) > 0 {
				require.Contains(t, string(page), o.Method+" `"+o.Path+"`", kind)
			}
		}
		tool.Close()
		_, ok := provider.Lookup(kind)
		require.True(t, ok)
	}
}

// docs/vendors.md names every recipe.
func TestVendorsPageNamesTheRecipes(t *testing.T) {
	page, err := os.ReadFile("../../../docs/vendors.md")
	require.NoError(t, err)
	for _, r := range recipe.List() {
		require.Contains(t, string(page), "| `"+r.Name+"` |")
	}
}

// The examples of docs/vendors.md are configs without problems.
func TestVendorsPageExamples(t *testing.T) {
	page, err := os.ReadFile("../../../docs/vendors.md")
	require.NoError(t, err)
	dir := t.TempDir()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	account, err := json.Marshal(map[string]string{"private_key_id": "1", "client_email": "a@example.com", "token_uri": "https://example.com/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "service-account.json"), account, 0o600))
	for _, name := range []string{"TESSERON_BASIC", "TESSERON_TICKET", "TEHDEN_SECRET", "TEHDEN_PASSWORD"} {
		t.Setenv(name, "a-secret-value-1")
	}
	parts := strings.Split(string(page), "```yml\n")[1:]
	require.Len(t, parts, 3)
	for _, part := range parts {
		src, _, _ := strings.Cut(part, "```")
		n, err := config.Parse(filepath.Join(dir, "c.yaml"), []byte("providers:\n"+indented(src)))
		require.NoError(t, err)
		var c struct {
			Providers map[string]Provider `yaml:"providers"`
		}
		config.Decode(n, &c)
		require.Empty(t, n.Problems(), src)
		for name := range c.Providers {
			tool, err := NewTool(&Config{Providers: c.Providers}, name, io.Discard)
			require.NoError(t, err)
			tool.Close()
		}
	}
}

func indented(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ") + "\n"
}
