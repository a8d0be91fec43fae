package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

func compile(t *testing.T, v any) *jsonschema.Schema {
	t.Helper()
	raw, err := json.Marshal(SchemaDocument(v, "sample"))
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("mem:///sample.json", doc))
	s, err := c.Compile("mem:///sample.json") // checks the schema against its own dialect first
	require.NoError(t, err)
	return s
}

// instance reads a file as the editor of an operator would: plain YAML.
func instance(t *testing.T, file string) (any, bool) {
	t.Helper()
	n, err := ReadFile(file)
	if err != nil || len(n.Problems()) > 0 {
		return nil, false
	}
	raw, err := json.Marshal(n.Value())
	require.NoError(t, err)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(t, err)
	return v, true
}

func TestSchemaAcceptsTheGoodFile(t *testing.T) {
	v, ok := instance(t, "testdata/good.yaml")
	require.True(t, ok)
	require.NoError(t, compile(t, sample{}).Validate(v))
}

// TestSchemaRefusesWhatDecodeRefuses proves that an editor with the schema and the bridge itself say
// the same, but for what only the bridge can know.
func TestSchemaRefusesWhatDecodeRefuses(t *testing.T) {
	onlyTheBridgeKnows := map[string]bool{
		"secret_env_unset": true, "secret_env_empty": true, "secret_env_not_a_name": true,
		"secret_file_missing": true, "secret_file_empty": true, "secret_file_is_folder": true,
		"validator_speaks": true, "duration_too_long": true, "number_too_large": true, "required_but_blank": true,
	}
	s := compile(t, sample{})
	files, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(t, err)
	checked := 0
	for _, file := range files {
		v, ok := instance(t, file)
		if !ok {
			continue // not readable, or no plain YAML value
		}
		checked++
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if onlyTheBridgeKnows[name] {
			require.NoError(t, s.Validate(v), name)
		} else {
			require.Error(t, s.Validate(v), name)
		}
	}
	require.Greater(t, checked, 50)
}

func TestSchemaSaysWhatTheTagsSay(t *testing.T) {
	got, err := json.MarshalIndent(Schema(&sample{}), "", "  ")
	require.NoError(t, err)
	const golden = "testdata/schema.golden.json"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got)+"\n")
}

type family struct {
	Name     string            `yaml:"name" required:"true"`
	Children []family          `yaml:"children"`
	ByName   map[string]family `yaml:"by_name"`
}

func TestSchemaOfATypeThatContainsItselfEnds(t *testing.T) {
	s := compile(t, family{})
	require.NoError(t, s.Validate(map[string]any{"name": "a", "children": []any{map[string]any{"name": "b"}}}))
	require.Error(t, s.Validate(map[string]any{"children": []any{}}))
	require.Error(t, s.Validate(map[string]any{"name": "a", "children": []any{"b"}}))
}

func TestSchemaRefusesDefaultsThatDoNotFit(t *testing.T) {
	require.Panics(t, func() {
		Schema(struct {
			Mode string `yaml:"mode" enum:"a|b" default:"c"`
		}{})
	})
	require.Panics(t, func() {
		Schema(struct {
			N int `yaml:"n" default:"many"`
		}{})
	})
	require.Panics(t, func() {
		Schema(struct {
			D Duration `yaml:"d" default:"10"`
		}{})
	})
}
