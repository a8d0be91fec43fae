package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
)

// previous is the commit whose program the replicas of this one have to work with on one Redis: the last
// release, or the first commit with the number that the layout of the keys has now (schemaVersion of the
// Redis store), whichever is later.
//
// Whoever makes a release puts the commit of its tag here afterwards; whoever raises the number, that
// very commit.
const previous = "7e4549754ac28df71225b174515c2ca4efae77aa"

// An olderProgram is the one that replicas of this version have beside them.
type olderProgram struct{ path, what string }

// previousBinary returns the program of that commit: PERGABRIDGE_PREVIOUS, or built once out of the
// history, with the flags of a release, so that it shares what the build of a release has compiled. A
// shallow clone has no history: there it is this commit under another version, and the test says so.
var previousBinary = sync.OnceValues(func() (older olderProgram, err error) {
	older.what = "pergabridge of the previous version"
	if path := os.Getenv("PERGABRIDGE_PREVIOUS"); path != "" {
		older.path, err = filepath.Abs(path)
		return older, err
	}
	dir, err := os.MkdirTemp(buildDir, "previous-") // goes away with it
	if err != nil {
		return older, err
	}
	from := previous
	if exec.Command("git", "cat-file", "-e", previous+"^{commit}").Run() != nil {
		from = "HEAD"
		older.what = "pergabridge of this commit under another version (a shallow clone; git fetch --unshallow brings the previous one)"
	}
	c := exec.Command("bash", "-euo", "pipefail", "-c", `
top=$(git rev-parse --show-toplevel)
mkdir "$2/source"
git -C "$top" archive "$1" | tar -x -C "$2/source"
cd "$2/source"
CGO_ENABLED=0 GOWORK=off go build -trimpath -buildvcs=false -tags nomsgpack -ldflags "-X main.version=0.0.0-previous" -o "$2/pergabridge" ./cmd/pergabridge
rm -r "$2/source"`, "build", from, dir)
	if out, err := c.CombinedOutput(); err != nil {
		return older, &notBuilt{string(out), err}
	}
	older.path = filepath.Join(dir, "pergabridge")
	return older, nil
})

type notBuilt struct {
	said string
	err  error
}

func (e *notBuilt) Error() string { return strings.TrimSpace(e.said) + ": " + e.err.Error() }

// Replicas of this commit and of the previous version share a Redis, are killed with it under load, and
// one of them comes back now as the one version, now as the other, as in an upgrade that is taken back.
// The verdict is that of a fleet of one version.
func TestKillTwoVersionsSideBySide(t *testing.T) {
	t.Parallel()
	older, err := previousBinary()
	require.NoError(t, err)
	t.Attr("peer", older.what)
	old := older.path
	r := redistest.Start(t)
	f, l, seed := newStorm(t, onRedis(r.URL(), ""))
	always, turning := f.members[1], f.members[2]
	always.program, turning.program = old, old
	f.start()
	turns := 0
	v := storm(t, f, l, r, seed, func(m *member) {
		switch {
		case m != turning:
		case m.program == "":
			m.program = old
			turns++
		default:
			m.program = ""
			turns++
		}
	})
	under := v.configs()
	for _, m := range f.members {
		text, err := os.ReadFile(m.file)
		require.NoError(t, err)
		s, err := m.api.Status(t.Context())
		require.NoError(t, err)
		require.Equal(t, version(string(text)), s.Config)
		require.Equal(t, m.program != "", s.Version != "0.0.0-test")
		require.Positive(t, under[s.Config], "%s, version %s, delivered nothing", m.name, s.Version)
		t.Logf("%s, in the end version %s: %d tries", m.name, s.Version, under[s.Config])
	}
	require.Len(t, under, 3)
	t.Logf("one of the replicas changed its version %d times", turns)
	f.stop()
}
