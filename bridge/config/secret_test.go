package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStandInsTakeThePlaceOfSecretsThatAreNotHere(t *testing.T) {
	n, err := Parse("c.yaml", []byte("a: {env: SURELY_NOT_SET}\nb: {file: nowhere}\nc: literal\n"))
	require.NoError(t, err)
	n.StandInSecrets()
	var got struct {
		A Secret `yaml:"a"`
		B Secret `yaml:"b"`
		C Secret `yaml:"c"`
	}
	Decode(n, &got)
	require.Len(t, n.Problems(), 1)
	require.Contains(t, n.Problems().Error(), "c: a secret must not be written into this file")
	require.Equal(t, standIn, got.A.Reveal())
	require.Equal(t, standIn, got.B.Reveal())
}

// systemd hands the files of a folder over as credentials; the config names the files all the same.
func TestSecretsFromSystemd(t *testing.T) {
	etc, credentials := t.TempDir(), t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(etc, "secrets"), 0o700))
	for path, text := range map[string]string{
		filepath.Join(etc, "secrets", "acme"): "of the file\n", filepath.Join(etc, "secrets", "other"): "not handed over\n",
		filepath.Join(credentials, "secrets_acme"): "of systemd\n",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	read := func() (a, b string, files []string) {
		n, err := Parse(filepath.Join(etc, "c.yaml"), []byte("a: {file: secrets/acme}\nb: {file: secrets/other}\n"))
		require.NoError(t, err)
		var got struct {
			A Secret `yaml:"a"`
			B Secret `yaml:"b"`
		}
		Decode(n, &got)
		require.Empty(t, n.Problems())
		return got.A.Reveal(), got.B.Reveal(), n.SecretFiles()
	}
	a, b, files := read()
	require.Equal(t, []string{"of the file", "not handed over"}, []string{a, b})
	require.Equal(t, []string{filepath.Join(etc, "secrets", "acme"), filepath.Join(etc, "secrets", "other")}, files)
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	a, b, files = read()
	require.Equal(t, []string{"of systemd", "not handed over"}, []string{a, b})
	require.Equal(t, []string{filepath.Join(etc, "secrets", "other")}, files)
}
