package soap

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// What the documentation shows is what the config takes.
func TestDocumentation(t *testing.T) {
	for _, name := range []string{"SSP_PASSWORD", "SSP_INTAKE_KEY", "SSP_ARGUMENT_PASSWORD", "SSP_HASH_SECRET"} {
		t.Setenv(name, "value-of-"+name)
	}
	text, err := os.ReadFile(filepath.Join("..", "docs", "contract.md"))
	require.NoError(t, err)
	blocks := 0
	for i, part := range strings.Split(string(text), "```yaml\n") {
		yaml, _, closed := strings.Cut(part, "```")
		if i == 0 || !closed {
			continue
		}
		blocks++
		if !strings.Contains(yaml, "ssp:") {
			yaml = "ssp:\n" + yaml
		}
		if !strings.Contains(yaml, "url:") {
			yaml = strings.Replace(yaml, "ssp:\n", "ssp:\n  url: https://ssp.example.com/x.asmx\n", 1)
		}
		n, err := config.Parse(filepath.Join(t.TempDir(), "pergabridge.yaml"), []byte(yaml))
		require.NoError(t, err, "%s", yaml)
		c := new(Config)
		config.Decode(n.Key("ssp"), c)
		require.Empty(t, n.Problems(), "%s", yaml)
	}
	require.Equal(t, 3, blocks)
}
