package webhooks

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryProblemIsInTheTable(t *testing.T) {
	known := map[string]bool{}
	for _, p := range Problems() {
		require.False(t, known[p.Word], p.Word)
		known[p.Word] = true
		require.NotEmpty(t, p.Means)
		require.NotEmpty(t, p.Do)
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	used := 0
	for _, f := range files {
		source, err := os.ReadFile(f)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\bword: "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1) {
			require.True(t, known[m[1]], "%s: %s", f, m[1])
			used++
		}
	}
	require.Greater(t, used, 5)
}
