package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
)

func TestANodeIsWrittenAsYAML(t *testing.T) {
	const text = "a: &x {token: {env: TOKEN}, n: 5, t: \"5\", no: ~} # why\nb: [1, {c: *x}, \"two\\nlines\\n\"]\n"
	n, err := config.Parse("x.yaml", []byte(text))
	require.NoError(t, err)
	again, err := config.Parse("y.yaml", []byte(n.YAML()))
	require.NoError(t, err, n.YAML())
	require.Equal(t, n.Value(), again.Value())
	require.Equal(t, n.YAML(), again.YAML())
	require.Contains(t, n.YAML(), "env: TOKEN")
	require.NotContains(t, n.YAML(), "why")
	require.Contains(t, n.Key("a").YAML(), ": 5\n")
	require.Empty(t, n.Key("none").YAML())
}
