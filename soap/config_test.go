package soap

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
)

func read(t *testing.T, src string) (*Config, config.Problems) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ssp.wsdl"), []byte(mono(t)), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "page.wsdl"), []byte("<html>login</html>"), 0o600))
	n, err := config.Parse(filepath.Join(dir, "pergabridge.yaml"), []byte(src))
	require.NoError(t, err)
	c := new(Config)
	config.Decode(n, c)
	return c, n.Problems()
}

func TestConfigDefaults(t *testing.T) {
	c, problems := read(t, "url: http://ssp.example.com/Workflow/WebService/WorkflowService.asmx")
	require.Empty(t, problems)
	require.Equal(t, OnFault{Server: FaultRetry, Client: FaultRefused}, c.OnFault)
	require.Equal(t, "1.1", c.Version)
	require.False(t, c.Delivery.Observe())
	require.False(t, c.Intake.Exists())
}

func TestConfigWhole(t *testing.T) {
	c, problems := read(t, `
url: https://ssp.example.com/Workflow/WebService/WorkflowService.asmx
wsdl: ssp.wsdl
version: "1.1"
on_fault: {server: refused, client: retry}
auth: {none: true}
timeout: {total: 20s}
mode: observe
limits: {in_flight: 3}
on_refused: {update: park}
unknown: {resolve: {wait: 5s}}
intake: {auth: {header: {name: X-Bridge-Key, secret: {env: NOWHERE}}}}
`)
	require.Empty(t, problems)
	require.Equal(t, OnFault{Server: FaultRefused, Client: FaultRetry}, c.OnFault)
	require.True(t, filepath.IsAbs(string(c.WSDL)))
	require.True(t, c.Delivery.Observe())
	require.Equal(t, 3, c.Delivery.Limit().InFlight)
	require.Equal(t, map[string]string{"update": "park"}, c.Delivery.OnRefused)
	require.True(t, c.Outbound.Auth.None)
	require.True(t, c.Intake.Exists())
	d, err := New(*c, Deps{})
	require.NoError(t, err)
	d.Close()
}

func TestConfigMistakes(t *testing.T) {
	for src, want := range map[string]string{
		"mode: deliver":                                       "1:1: ",
		"url: ssp.example.com":                                "1:6: url: not the address of a web service",
		"url: http://u:p@ssp/x.asmx":                          "1:6: url: holds a user or password",
		"url: http://ssp/x.asmx?wsdl":                         "1:6: url: is the address of the description, not of the service",
		"url: http://ssp/x.asmx?op=y":                         "1:6: url: is the address of the description, not of the service",
		"url: http://ssp/\ncontract: checked":                 "2:11: contract: ",
		"url: http://ssp/\nversion: \"1.3\"":                  "2:10: version: ",
		"url: http://ssp/\non_fault: {server: no}":            "2:20: on_fault.server: ",
		"url: http://ssp/\nunknown: {submit: {}}":             "2:11: unknown.submit: ",
		"url: http://ssp/\nroute: {submit: mail}":             "2:9: route.submit: there is no such kind of event here",
		"url: http://ssp/\nroute: {update: mail}":             "2:17: route.update: goes by mail, but there is no section mail",
		"url: http://ssp/\nroute: {open: soap}":               "2:15: route.open: SSP's web service has no operation that opens a ticket",
		"url: http://ssp/\nwsdll: x":                          "2:1: wsdll: ",
		"url: http://ssp/\nwsdl: ssp.wsdl\ncontract: assumed": "3:11: contract: assumed together with wsdl",
	} {
		_, problems := read(t, src)
		require.Len(t, problems, 1, "%s: %v", src, problems)
		_, place, _ := strings.Cut(problems[0].Error(), "pergabridge.yaml:")
		require.True(t, strings.HasPrefix(place, want), "%s\ngot  %s\nwant %s", src, place, want)
	}
}

func TestConfigSchema(t *testing.T) {
	properties, ok := config.Schema(Config{})["properties"].(map[string]any)
	require.True(t, ok)
	for _, key := range []string{"url", "wsdl", "contract", "version", "on_fault", "operations", "fingerprint", "auth", "timeout", "mode", "limits", "retry", "on_refused", "unknown", "intake"} {
		require.Contains(t, properties, key)
	}
}

// What is wrong with the description itself is found by the check of the contract, not by reading the
// config: the bridge has to start all the same.
func TestCheckContract(t *testing.T) {
	other := strings.ReplaceAll(mono(t), `name="message"`, `name="p_strMessage"`)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "other.wsdl"), []byte(other), 0o600))
	bound := "\noperations:\n  acknowledge: {arguments: {processInstanceTaskId: task, externalReference: reference}}\n" +
		"  update: {arguments: {processInstanceTaskId: task, p_strMessage: message}}\n  resolve: {arguments: {processInstanceTaskId: task, solution: solution}}"
	for src, want := range map[string]string{
		"wsdl: ssp.wsdl":     "",
		"contract: assumed":  "",
		"wsdl: missing.wsdl": "2:7: wsdl: stat ",
		"wsdl: page.wsdl":    "2:7: wsdl: wsdl: this is a web page",
		"wsdl: " + filepath.Join(dir, "other.wsdl"): "1:1: ProcessInstanceTaskExternalUpdateMessage takes (processInstanceTaskId, p_strMessage), expected (processInstanceTaskId, message)" +
			" (pergabridge contract inspect proposes what to write under ssp.operations)",
		"wsdl: " + filepath.Join(dir, "other.wsdl") + bound:                                  "",
		"wsdl: ssp.wsdl" + bound:                                                             `5:67: operations.update.arguments.p_strMessage: ProcessInstanceTaskExternalUpdateMessage has no argument "p_strMessage" (it takes `,
		"wsdl: ssp.wsdl\nfingerprint: v1-00000000000000000000000000000000":                   "3:14: fingerprint: the contract has changed since it was confirmed: its fingerprint is v1-",
		"version: \"1.2\"\nwsdl: ssp.wsdl\nfingerprint: v1-00000000000000000000000000000000": "4:14: fingerprint: the contract has changed since it was confirmed: its fingerprint is v1-",
	} {
		c, problems := read(t, "url: http://ssp/\n"+src)
		require.Empty(t, problems, src)
		problems, err := c.CheckContract(t.Context(), outbound.Options{})
		require.NoError(t, err, src)
		if want == "" {
			require.Empty(t, problems, src)
			continue
		}
		require.NotEmpty(t, problems, src)
		_, place, _ := strings.Cut(problems[0].Error(), "pergabridge.yaml:")
		require.True(t, strings.HasPrefix(place, want), "%s\ngot  %s\nwant %s", src, place, want)
		d, err := New(*c, Deps{})
		require.NoError(t, err, "the bridge starts")
		d.Close()
	}
	c, problems := read(t, "url: http://127.0.0.1:1/")
	require.Empty(t, problems)
	problems, err := c.CheckContract(t.Context(), outbound.Options{})
	require.ErrorContains(t, err, "ssp: contract (http://127.0.0.1:1/?WSDL): ")
	require.Empty(t, problems)
	_, problems = read(t, "url: http://ssp/\nfingerprint: x")
	require.Contains(t, problems.Error(), "2:14: fingerprint: not a fingerprint")
	_, problems = read(t, "url: http://ssp/\ncontract: assumed\nfingerprint: v1-00000000000000000000000000000000")
	require.Contains(t, problems.Error(), "3:14: fingerprint: means nothing with contract: assumed")
}
