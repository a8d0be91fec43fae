//go:build linux

package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	fence = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	link  = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
)

// Whoever unpacks the archive can follow every link of the documents in it, to other pages, pictures and files.
func TestLinksInTheArchiveLeadSomewhere(t *testing.T) {
	r := release{out: t.TempDir(), dirty: true}
	require.NoError(t, r.identify(t.Context()))
	bin := filepath.Join(r.out, "pergabridge")
	require.NoError(t, os.WriteFile(bin, nil, 0o755))
	packed, err := r.files(bin)
	require.NoError(t, err)
	there := map[string]bool{}
	for _, f := range packed {
		require.False(t, there[f.name], "%s is packed twice", f.name)
		there[f.name] = true
	}
	links := 0
	for _, f := range packed {
		if path.Ext(f.name) != ".md" {
			continue
		}
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(string(f.data), ""), -1) {
			links++
			to := path.Join(path.Dir(f.name), strings.TrimSuffix(m[1], "/"))
			require.True(t, there[to], "%s links to %s, which is not in the archive", f.name, m[1])
		}
	}
	require.Greater(t, links, 50)
}
