package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// typed runs init with somebody at the keyboard.
func typed(t *testing.T, x initCmd, file, lines string) (out, asked string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	x.Listen, x.Admin = "127.0.0.1:8080", "127.0.0.1:8081"
	con := &console{ctx: t.Context(), out: &o, err: &e}
	if lines != "" {
		con.in = strings.NewReader(lines)
	}
	err = x.Run(&cli{Config: file}, con)
	return o.String(), e.String(), err
}

func TestInitAsks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.yaml")
	out, asked, err := typed(t, initCmd{}, file, "https://ssp.example.com/a.asmx\n\nzammad\nhttps://zammad.acme.example\n")
	require.NoError(t, err)
	require.Equal(t, 4, strings.Count(asked, ": "))
	require.Contains(t, asked, "[acme]")
	require.Contains(t, asked, "zammad")
	require.Contains(t, out, "wrote "+file)
	require.Contains(t, out, "write what the other side gave you into "+filepath.Join(filepath.Dir(file), "secrets", "zammad_token"))
	require.Contains(t, out, "POST http://127.0.0.1:8080/ssp/acme")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(text), "url: 'https://ssp.example.com/a.asmx'")
	require.Contains(t, string(text), "base: 'https://zammad.acme.example'")

	_, asked, err = typed(t, initCmd{SSPURL: "https://ssp.example.com/a.asmx"}, file, "x\n")
	require.ErrorContains(t, err, "is there already")
	require.Empty(t, asked, "before anything is asked")
}

func TestInitAsksOnlyWhatItWasNotTold(t *testing.T) {
	dir := t.TempDir()
	all := initCmd{SSPURL: "https://ssp.example.com/a.asmx", Provider: "acme", Kind: "http", ProviderURL: "https://acme.example.com"}
	_, asked, err := typed(t, all, filepath.Join(dir, "a.yaml"), "never read\n")
	require.NoError(t, err)
	require.Empty(t, asked)
	_, asked, err = typed(t, initCmd{SSPURL: "https://ssp.example.com/a.asmx", Yes: true}, filepath.Join(dir, "b.yaml"), "never read\n")
	require.NoError(t, err)
	require.Empty(t, asked)
	_, _, err = typed(t, initCmd{SSPURL: "https://ssp.example.com/a.asmx"}, filepath.Join(dir, "c.yaml"), "acme\n")
	require.ErrorContains(t, err, "nothing was written: --kind was not answered")
	require.NoFileExists(t, filepath.Join(dir, "c.yaml"))
	for _, wrong := range []initCmd{{Yes: true}, {SSPURL: "ssp", Yes: true}, {SSPURL: "https://ssp.example.com/a.asmx", ProviderURL: "ftp://x", Yes: true}} {
		_, _, err = typed(t, wrong, filepath.Join(dir, "d.yaml"), "")
		var usage usageError
		require.ErrorAs(t, err, &usage)
	}
	require.NoFileExists(t, filepath.Join(dir, "d.yaml"))
}
