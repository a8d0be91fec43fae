package config

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func mustParse(t *testing.T, text string) *Node {
	t.Helper()
	n, err := Parse("dir/c.yaml", []byte(text))
	require.NoError(t, err)
	return n
}

func TestAbsentKeysReportAtTheirSection(t *testing.T) {
	n := mustParse(t, "a: 1\nb:\n  c: 2\n")
	missing := n.Key("b").Key("x").Key("y")
	require.False(t, missing.Exists())
	require.Equal(t, Absent, missing.Kind())
	missing.Problemf("hint", "is %s", "gone")
	n.Key("b").Item(3).Problemf("", "no list")
	require.Equal(t, Problems{
		{File: "dir/c.yaml", Line: 2, Col: 1, Path: "b.x.y", Msg: "is gone", Hint: "hint"},
		{File: "dir/c.yaml", Line: 2, Col: 1, Path: "b[3]", Msg: "no list"},
	}, n.Problems())
}

func TestNilNodeIsAbsent(t *testing.T) {
	var n *Node
	n.Problemf("", "lost")
	n.ProblemAtKey("", "lost")
	require.Nil(t, n.Key("a"))
	require.Nil(t, n.Item(0))
	require.Nil(t, n.Items())
	require.Nil(t, n.Pairs())
	require.Nil(t, n.Value())
	require.Empty(t, n.Path()+n.File()+n.Name()+n.String())
	require.Empty(t, n.Problems())
	require.Equal(t, "x", n.Abs("x"))
	var s sample
	Decode(n, &s)
	require.Equal(t, sample{}, s)
}

func TestValuesAreTypedByYAML12(t *testing.T) {
	n := mustParse(t, "{a: 1, b: -2.5, c: yes, d: \"1\", e: true, f: ~, g: 18446744073709551615, h: 0x10, i: 2026-01-02, j: [1, {k: v}], 200: ok}")
	require.NoError(t, n.Problems().Err())
	require.Equal(t, map[string]any{"a": int64(1), "b": -2.5, "c": "yes", "d": "1", "e": true, "f": nil,
		"g": uint64(18446744073709551615), "h": int64(16), "i": "2026-01-02", "j": []any{int64(1), map[string]any{"k": "v"}}, "200": "ok"}, n.Value())
	require.Equal(t, "-2.5", n.Key("b").String())
	line, col := n.Key("j").Item(1).Key("k").Pos()
	require.Equal(t, [2]int{1, 108}, [2]int{line, col})
	require.Equal(t, "j[1].k", n.Key("j").Item(1).Key("k").Path())
}

func TestMergeKeepsWhatIsWrittenAndTheFirstOfSeveral(t *testing.T) {
	n := mustParse(t, "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\n")
	require.NoError(t, n.Problems().Err())
	require.Equal(t, map[string]any{"x": int64(3), "y": int64(1), "z": int64(2)}, n.Key("c").Value())
	require.Equal(t, "c.y", n.Key("c").Key("y").Path())
}

func TestFilesAreRelativeToTheConfig(t *testing.T) {
	n := mustParse(t, "a: 1")
	require.Equal(t, filepath.Join("dir", "x", "y"), n.Abs("x/y"))
	abs := filepath.Join(t.TempDir(), "z")
	require.Equal(t, abs, n.Abs(abs))
}

func TestProblemsOfAProgramPanic(t *testing.T) {
	n := mustParse(t, "a: 1")
	var notAPointer sample
	require.Panics(t, func() { Decode(n, notAPointer) })
	require.Panics(t, func() { Decode(n, (*sample)(nil)) })
	require.Panics(t, func() {
		Decode(n, &struct {
			A chan int `yaml:"a"`
		}{})
	})
	require.Panics(t, func() {
		Decode(n, &struct {
			A int `yaml:"a"`
			B int `yaml:"a"`
		}{})
	})
	require.Panics(t, func() {
		Decode(n, &struct {
			A int `yaml:",inline"`
		}{})
	})
	require.Panics(t, func() {
		Decode(n, &struct {
			A int `yaml:",omitempty"`
		}{})
	})
}

func TestTextUnmarshalersAndOptionalValues(t *testing.T) {
	type section struct {
		Level slog.Level     `yaml:"level" default:"INFO"`
		On    *bool          `yaml:"on"`
		Off   *bool          `yaml:"off"`
		Wait  *time.Duration `yaml:"wait"`
		Skip  string         `yaml:"-"`
		Big   uint64         `yaml:"big"`
		Limit float32        `yaml:"limit" default:"2"`
	}
	n := mustParse(t, "level: warn\non: false\nwait: 2m\nbig: 18446744073709551615\n")
	var c section
	Decode(n, &c)
	require.NoError(t, n.Problems().Err())
	require.Equal(t, slog.LevelWarn, c.Level)
	require.NotNil(t, c.On)
	require.False(t, *c.On)
	require.Nil(t, c.Off)
	require.Equal(t, 2*time.Minute, *c.Wait)
	require.Equal(t, uint64(18446744073709551615), c.Big)
	require.Equal(t, float32(2), c.Limit)

	n = mustParse(t, "level: loud\n")
	Decode(n, &c)
	require.Len(t, n.Problems(), 1)
	require.Contains(t, n.Problems()[0].Msg, `"loud" cannot be used here`)
}

func TestAFileOfTooManyBytesIsNotRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "big.yaml")
	require.NoError(t, os.WriteFile(file, []byte("# "+strings.Repeat("x", MaxBytes)), 0o600))
	_, err := ReadFile(file)
	require.EqualError(t, err, file+":1:1: the file is larger than 1MiB")
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("a:\n", MaxTokens)), 0o600))
	_, err = ReadFile(file)
	require.ErrorContains(t, err, "the file is too long")
}

func TestAMissingFileIsNotAProblemOfItsText(t *testing.T) {
	_, err := ReadFile(filepath.Join(t.TempDir(), "none.yaml"))
	require.ErrorIs(t, err, os.ErrNotExist)
	var ps Problems
	require.NotErrorAs(t, err, &ps)
}

func TestSecretsAreMaskedInLaterMessages(t *testing.T) {
	t.Setenv("PB_TEST_MASKED", "s3cret-in-url")
	n := mustParse(t, "url: 'http://x?key=s3cret-in-url'\nkey: {env: PB_TEST_MASKED}\n")
	var c struct {
		URL string `yaml:"url" enum:"a|b"`
		Key Secret `yaml:"key"`
	}
	Decode(n, &c)
	require.Len(t, n.Problems(), 1)
	require.NotContains(t, n.Problems().Error(), "s3cret-in-url")
	require.Contains(t, n.Problems().Error(), "[secret]")
}

func TestOneTrailingLineEndOfASecretIsCut(t *testing.T) {
	for written, want := range map[string]string{"abcdef": "abcdef", "abcdef\n": "abcdef", "abcdef\r\n": "abcdef", "abc\ndef\n\n": "abc\ndef\n", " abc ": " abc "} {
		file := filepath.Join(t.TempDir(), "s")
		require.NoError(t, os.WriteFile(file, []byte(written), 0o600))
		n := mustParse(t, fmt.Sprintf("key: {file: %q}\nkeys: {file: %q}\n", file, file))
		var c struct {
			Key  Secret  `yaml:"key"`
			Keys Secrets `yaml:"keys"`
		}
		require.True(t, c.Keys.Empty())
		Decode(n, &c)
		require.NoError(t, n.Problems().Err())
		require.Equal(t, want, c.Key.Reveal())
		require.Len(t, c.Keys.Texts(), 1)
		require.Equal(t, want, c.Keys.Texts()[0].Reveal())
	}
}

func TestASecretFileIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s")
	require.NoError(t, os.WriteFile(file, make([]byte, maxSecretBytes+1), 0o600))
	n := mustParse(t, fmt.Sprintf("key: {file: %q}\n", file))
	var c struct {
		Key Secret `yaml:"key"`
	}
	Decode(n, &c)
	require.ErrorContains(t, n.Problems(), "it is larger than 64KiB")
	require.True(t, c.Key.Empty())
}

type needsKey struct {
	Key Secret `yaml:"key"`
}

func (c *needsKey) ValidateConfig(n *Node) {
	if c.Key.Empty() {
		n.Key("key").Problemf("", "is needed")
	}
}

func TestAValidatorKeepsQuietAboutASecretThatCouldNotBeRead(t *testing.T) {
	n := mustParse(t, "key: {env: PB_TEST_UNSET_VARIABLE}\n")
	Decode(n, &needsKey{})
	require.Len(t, n.Problems(), 1)
	require.Equal(t, "key.env", n.Problems()[0].Path)
	n = mustParse(t, "{}")
	Decode(n, &needsKey{})
	require.Len(t, n.Problems(), 1)
	require.Equal(t, "is needed", n.Problems()[0].Msg)
}

func TestMessagesAreOnePrintableLine(t *testing.T) {
	n := mustParse(t, "\"a\\e[31m\\nb\": 1\nlist: *x\u202ey\n")
	n.Key("z").Problemf("do\nthis", "bad\x1b[0m")
	Decode(n, &sample{})
	require.GreaterOrEqual(t, len(n.Problems()), 4)
	for _, p := range n.Problems() {
		require.NotContains(t, p.Error(), "\n")
		require.NotContains(t, p.Error(), "\x1b")
		require.NotContains(t, p.Error(), "\u202e")
	}
}

func TestHintsForMistypedKeys(t *testing.T) {
	known := []string{"admin_token", "listen", "url", "timeout", "max_answer"}
	for typed, want := range map[string]string{
		"adminToken": "admin_token", "ADMIN-TOKEN": "admin_token", "listne": "listen", "ulr": "url", "timeouts": "timeout",
		"max_anwser": "max_answer", "colour": "", "x": "", strings.Repeat("listen", 20): "",
	} {
		require.Equal(t, want, nearest(typed, known), typed)
	}
}
