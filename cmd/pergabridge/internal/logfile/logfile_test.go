package logfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "p.log")
	l, err := Open(path, 10, 2)
	require.NoError(t, err)
	for i := range 4 {
		_, err := fmt.Fprintf(l, "line %d..\n", i) // one fills a file
		require.NoError(t, err)
	}
	require.NoError(t, l.Close())
	require.Equal(t, "line 3..\n", text(t, path))
	require.Equal(t, "line 2..\n", text(t, path+".1"))
	require.Equal(t, "line 1..\n", text(t, path+".2"))
	require.NoFileExists(t, path+".3")
	_, err = l.Write([]byte("x"))
	require.ErrorIs(t, err, os.ErrClosed)

	l, err = Open(path, 100, 2) // a restart goes on in the same file
	require.NoError(t, err)
	_, err = l.Write([]byte("after\n"))
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.Equal(t, "line 3..\nafter\n", text(t, path))
}

// Somebody is in the way of the old files: the lines stay, all of them.
func TestRotationThatCannotBe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.log")
	require.NoError(t, os.MkdirAll(filepath.Join(path+".1", "a folder that cannot be replaced"), 0o700))
	l, err := Open(path, 10, 1)
	require.NoError(t, err)
	for range 3 {
		_, err := l.Write([]byte("12345678\n"))
		require.NoError(t, err)
	}
	require.NoError(t, l.Close())
	require.Equal(t, strings.Repeat("12345678\n", 3), text(t, path))
	_, err = Open(filepath.Join(path, "below a file"), 10, 1)
	require.ErrorContains(t, err, "logfile: ")
}

func TestManyWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.log")
	l, err := Open(path, 500, 1000)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				_, _ = l.Write([]byte("a line that stays in one piece\n")) // counted below
			}
		})
	}
	wg.Wait()
	require.NoError(t, l.Close())
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	n := 0
	for _, f := range files {
		body := text(t, f)
		require.LessOrEqual(t, len(body), 500)
		require.Equal(t, body, strings.Repeat("a line that stays in one piece\n", strings.Count(body, "\n")))
		n += strings.Count(body, "\n")
	}
	require.Equal(t, 800, n)
}

// The folder is gone for a while: lines of that time have nowhere to go, those after it are written again.
func TestRotationWithoutAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	path := filepath.Join(dir, "p.log")
	l, err := Open(path, 10, 1)
	require.NoError(t, err)
	_, err = l.Write([]byte("before..\n"))
	require.NoError(t, err)
	require.NoError(t, os.Rename(dir, dir+" away"))
	_, err = l.Write([]byte("meanwhile\n"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.Rename(dir+" away", dir))
	_, err = l.Write([]byte("after\n"))
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.Contains(t, text(t, path), "after\n")
}
