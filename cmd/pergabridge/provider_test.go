package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/provider/http/recipe"
	"github.com/pergabridge/pergabridge/bridge/provider/tehden/tehdentest"
	"github.com/pergabridge/pergabridge/bridge/provider/tesamanager/tesatest"
	"github.com/pergabridge/pergabridge/bridge/provider/tesseron/tesserontest"
)

// operate runs the command line and returns what it printed.
func operate(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, &o, &e)
	return code, o.String(), e.String()
}

func indent(section string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(section, "\n"), "\n", "\n    ") + "\n"
}

// operatorConfig writes a config with the three vendors' fakes.
func operatorConfig(t *testing.T) (string, *tesatest.Vendor, *tesserontest.Vendor) {
	t.Helper()
	tesa, err := tesatest.Start(nil)
	require.NoError(t, err)
	t.Cleanup(tesa.Close)
	desk, err := tesserontest.Start("2024-05")
	require.NoError(t, err)
	t.Cleanup(desk.Close)
	erp, err := tehdentest.Start()
	require.NoError(t, err)
	t.Cleanup(erp.Close)
	for k, v := range map[string]string{tesa.Env(): tesa.Account(), "TESSERON_BASIC": tesserontest.BasicKey, "TESSERON_TICKET": tesserontest.TicketKey,
		"TEHDEN_SECRET": tehdentest.ClientSecret, "TEHDEN_PASSWORD": tehdentest.Password, "SSP_INTAKE_KEY": "intake-key-1"} {
		t.Setenv(k, v)
	}
	file := filepath.Join(t.TempDir(), "pergabridge.yaml")
	text := "server: {listen: \"127.0.0.1:0\", admin: \"127.0.0.1:0\"}\nstore: sqlite:x.db\nssp:\n  url: http://127.0.0.1:1/WorkflowService.asmx\n  contract: assumed\n" +
		"  intake: {auth: {header: {name: X-Bridge-Key, secret: {env: SSP_INTAKE_KEY}}}}\nproviders:\n  fibre:\n" + indent(tesa.Config("")) +
		"  desk:\n" + indent(desk.Config("enterprise: {id: 100}\nrate: {per_minute: 6000}\n")) + "  erp:\n" + indent(erp.Config(""))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file, tesa, desk
}

func TestProviderVerbs(t *testing.T) {
	file, tesa, desk := operatorConfig(t)
	code, out, errOut := operate(t, "check", "--config", file)
	require.Equal(t, exitFine, code, out+errOut)
	for _, name := range []string{"fibre", "desk", "erp"} {
		code, out, errOut := operate(t, "provider", "check", name, "--config", file)
		require.Equal(t, exitFine, code, name+out+errOut)
		require.Contains(t, out, "assumed")
	}
	code, out, _ = operate(t, "provider", "call", "fibre", "--config", file)
	require.Equal(t, exitFine, code)
	require.Contains(t, out, "createPortA")
	require.Contains(t, out, "disabled")

	in := filepath.Join(t.TempDir(), "body.json")
	require.NoError(t, os.WriteFile(in, []byte(`{"org":"telco","externalReference":"X","observations":"o"}`), 0o600))
	before := len(tesa.Server.Calls())
	code, out, _ = operate(t, "provider", "call", "fibre", "resolveIncident", "--in", in, "--config", file)
	require.Equal(t, exitFine, code)
	require.Contains(t, out, "nothing was sent")
	require.Len(t, tesa.Server.Calls(), before)
	code, out, _ = operate(t, "provider", "call", "fibre", "resolveIncident", "--in", in, "--send", "--json", "--config", file)
	require.Equal(t, exitFailed, code) // there is no such request
	var got struct {
		Sent          bool
		Answer, Error string
	}
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.True(t, got.Sent)
	require.Contains(t, got.Answer, "no such request")

	require.NoError(t, os.WriteFile(in, []byte(`{"referenceNumber":"R","ticketPositionText":"t","ticketPositionType":0}`), 0o600))
	code, out, _ = operate(t, "provider", "call", "desk", "CreateTicketPosition", "--in", in, "--send", "--config", file)
	require.Equal(t, exitFailed, code)
	require.NotContains(t, out, tesserontest.TicketKey)
	require.Empty(t, desk.Violations())
	for _, bad := range [][]string{{"provider", "check", "nobody"}, {"provider", "call", "fibre", "createPortB"}, {"provider", "call", "fibre", "cancel", "--in", "none.json"},
		{"provider", "check", "fibre", "--code", "x"}} {
		code, _, errOut := operate(t, append(bad, "--config", file)...)
		require.Equal(t, exitFailed, code, bad)
		require.NotEmpty(t, errOut)
	}
}

func TestRecipesVerbs(t *testing.T) {
	code, out, _ := operate(t, "recipes", "list")
	require.Equal(t, exitFine, code)
	for _, r := range recipe.List() {
		require.Contains(t, out, r.Name)
		code, text, _ := operate(t, "recipes", "show", r.Name, "--as", "desk")
		require.Equal(t, exitFine, code)
		require.Contains(t, text, "  desk:\n    # ")
	}
	code, _, errOut := operate(t, "recipes", "show", "remedy")
	require.Equal(t, exitFailed, code)
	require.Contains(t, errOut, "known are")
	code, _, errOut = operate(t, "recipes", "show", "zammad", "--as", "Help Desk")
	require.Equal(t, exitFailed, code)
	require.Contains(t, errOut, "cannot be the name of a provider")
}
