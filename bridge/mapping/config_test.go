package mapping

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
)

type section struct {
	URL    URL    `yaml:"url"`
	Body   Tree   `yaml:"body"`
	When   Expr   `yaml:"when"`
	Note   Text   `yaml:"note"`
	Tables Tables `yaml:"tables"`
}

func read(t *testing.T, src string) (*section, *config.Node) {
	t.Helper()
	n, err := config.Parse("c.yaml", []byte(src))
	require.NoError(t, err)
	s := &section{}
	config.Decode(n, s)
	return s, n
}

func TestConfigReadsAllKinds(t *testing.T) {
	s, n := read(t, `
url: /t/${bond.reference}
body: {a: "${attempt}", b: [1, "${event.text}"], c: {}}
when: true
note: 5
tables:
  p: {values: {High: 1}, default: 2}
`)
	require.Empty(t, n.Problems())
	v, err := s.Body.Eval(LeaseEnv(lease()))
	require.NoError(t, err)
	require.Equal(t, map[string]any{"a": 2, "b": []any{int64(1), "a & b"}, "c": map[string]any{}}, v)
	require.True(t, s.Body.IsObject())
	ok, err := s.When.Bool(nil)
	require.NoError(t, err)
	require.True(t, ok)
	note, err := s.Note.Eval(nil)
	require.NoError(t, err)
	require.Equal(t, "5", note)
	x, err := s.Tables["p"].Lookup("HIGH")
	require.NoError(t, err)
	require.EqualValues(t, 1, x)
	x, err = s.Tables["p"].Lookup("?")
	require.NoError(t, err)
	require.EqualValues(t, 2, x)
}

func TestConfigReportsEveryMistakeAtItsPlace(t *testing.T) {
	s, n := read(t, `url: https://${event.text}/
body:
  a: "${event.txt}"
  b: ["${body.x}"]
when: [1]
note: "${table('none', 1)}"
tables:
  p: {values: {A: 1, a: 2}}
`)
	s.Body.Within(Outgoing)
	s.Tables.Check(n.Key("note"), s.Note.Tables())
	var got []string
	for _, p := range n.Problems() {
		got = append(got, p.Path)
	}
	require.Equal(t, []string{"url", "body.a", "body.b[0]", "when", "note", "tables.p.values"}, got)
}

func TestSchemas(t *testing.T) {
	s := config.Schema(section{})
	require.Len(t, s["properties"], 5)
}
