package initial_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/initial"
)

func answers(kind string) initial.Answers {
	return initial.Answers{SSP: "https://ssp.example.com/Workflow/WebService/WorkflowService.asmx", Provider: "my-desk", Kind: kind, Listen: "127.0.0.1:8080", Admin: "127.0.0.1:8081"}
}

// Every kind gives a config that passes the check as soon as the secrets are there that others give.
func TestEveryKindBeginsWell(t *testing.T) {
	require.Greater(t, len(initial.Kinds()), 9)
	for _, kind := range initial.Kinds() {
		t.Run(kind, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "new", "pergabridge.yaml")
			d, err := initial.Make(t.Context(), answers(kind), file)
			require.NoError(t, err)
			made, err := d.Write(file)
			require.NoError(t, err)
			require.Equal(t, file, made[len(made)-1])
			_, err = app.LoadWithoutSecrets(file)
			require.NoError(t, err)
			missing := d.Missing(file)
			require.Len(t, d.Secrets, len(made)-1+len(missing))
			if _, err := app.Load(file); len(missing) > 0 {
				require.ErrorContains(t, err, "does not exist")
			}
			for _, path := range missing {
				if strings.HasSuffix(path, "_account") { // only its owner has one; a form of it is no secret to make up
					return
				}
				require.NoError(t, os.WriteFile(path, []byte("whsec_c2VjcmV0LW9mLXRoZS1vdGhlci1zaWRl\n"), 0o600))
			}
			c, err := app.Load(file)
			require.NoError(t, err)
			require.Len(t, c.Providers, 1)
			require.NotContains(t, d.Text, "{env: ")
			for _, s := range d.Secrets {
				if s.Value != "" {
					info, err := os.Stat(filepath.Join(filepath.Dir(file), s.File))
					require.NoError(t, err)
					require.Zero(t, info.Mode().Perm()&0o077, "nobody else reads a secret")
					require.NotContains(t, d.Text, s.Value)
				}
			}
		})
	}
}

func TestNothingThatIsThereIsTouched(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "pergabridge.yaml")
	key := filepath.Join(dir, "secrets", "ssp_intake_key")
	require.NoError(t, os.MkdirAll(filepath.Dir(key), 0o700))
	require.NoError(t, os.WriteFile(key, []byte("mine"), 0o600))
	d, err := initial.Make(t.Context(), answers("http"), file)
	require.NoError(t, err)
	made, err := d.Write(file)
	require.NoError(t, err)
	require.NotContains(t, made, key)
	text, err := os.ReadFile(key)
	require.NoError(t, err)
	require.Equal(t, "mine", string(text))
	_, err = d.Write(file)
	require.ErrorContains(t, err, "is there already")
}

func TestTwoConfigsHaveNoSecretInCommon(t *testing.T) {
	a, err := initial.Make(t.Context(), answers("http"), "a.yaml")
	require.NoError(t, err)
	b, err := initial.Make(t.Context(), answers("http"), "a.yaml")
	require.NoError(t, err)
	require.Equal(t, a.Text, b.Text)
	require.NotEqual(t, a.Secrets, b.Secrets)
}

func TestWhatDoesNotFitIsSaid(t *testing.T) {
	for want, change := range map[string]func(*initial.Answers){
		`"nope" is neither a kind nor a recipe`:      func(a *initial.Answers) { a.Kind = "nope" },
		`"ssp" is the portal itself`:                 func(a *initial.Answers) { a.Provider = "ssp" },
		`"My Desk" cannot be the name of a provider`: func(a *initial.Answers) { a.Provider = "My Desk" },
		`"a: b" cannot be the name of a provider`:    func(a *initial.Answers) { a.Provider = "a: b" },
		"no such file":                                  func(a *initial.Answers) { a.WSDL = "none.wsdl" },
		`"nowhere" is not host:port`:                    func(a *initial.Answers) { a.Listen = "nowhere" },
		"a provider of kind mail has no single address": func(a *initial.Answers) { a.Kind, a.ProviderURL = "mail", "https://x" },
		"does not say enough to begin with":             func(a *initial.Answers) { a.WSDL = "../../../webhooks/processcall/intake.wsdl" },
	} {
		a := answers("http")
		change(&a)
		_, err := initial.Make(t.Context(), a, "x.yaml")
		require.ErrorContains(t, err, want)
	}
}

func TestFromSSPsOwnDescription(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile("../../../soap/workflow/WorkflowService.wsdl")
	require.NoError(t, err)
	wsdl := filepath.Join(dir, "WorkflowService.wsdl")
	require.NoError(t, os.WriteFile(wsdl, text, 0o600))
	for ssp, url := range map[string]string{"": `url: "http://127.0.0.1/Workflow/WebService/WorkflowService.asmx"`, "https://x.example/a.asmx": "url: 'https://x.example/a.asmx'"} {
		a := answers("http")
		a.SSP, a.WSDL = ssp, wsdl
		d, err := initial.Make(t.Context(), a, filepath.Join(dir, "pergabridge.yaml"))
		require.NoError(t, err)
		require.Contains(t, d.Text, url)
		require.Contains(t, d.Text, "wsdl: 'WorkflowService.wsdl'", "relative to the config")
		require.Contains(t, d.Text, "processInstanceTaskId: task")
		require.Equal(t, 1, strings.Count(d.Text, "\n  url:"))
	}
}
