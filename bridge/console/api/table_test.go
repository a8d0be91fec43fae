package api_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

func TestTheTablesAreCompleteAndPublished(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/errors.md")
	require.NoError(t, err)
	doc := string(raw)
	seen := map[api.Code]bool{}
	for _, c := range api.Codes() {
		require.False(t, seen[c.Code], c.Code)
		seen[c.Code] = true
		require.GreaterOrEqual(t, c.Status, 400)
		for _, cell := range []string{c.Title, c.Means, c.Again, c.Do} {
			require.NotEmpty(t, cell, c.Code)
		}
		require.Contains(t, doc, "| `"+string(c.Code)+"` |", "run go generate ./bridge/console/api")
		require.Contains(t, doc, c.Means)
	}
	var reasons []bridge.Reason
	for _, r := range api.Reasons() {
		reasons = append(reasons, r.Reason)
		for _, cell := range []string{r.Means, r.Again, r.Do} {
			require.NotEmpty(t, cell, r.Reason)
		}
		require.Contains(t, doc, strings.ReplaceAll("| `"+string(r.Reason)+"` | "+r.Means, "||", `\|`))
	}
	require.ElementsMatch(t, bridge.Reasons(), reasons, "each reason once")
}
