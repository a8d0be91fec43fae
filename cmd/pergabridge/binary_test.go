// Package main_test holds the acceptance tests: each starts the real binary as a child process, with
// a config file in a temporary folder, between a fake SSP and fake vendors (or a real ASP.NET host),
// and looks only at what a person or the two ends can see: HTTP, verbs, exit codes, effects.
//
// The harness is in three files: binary_test.go builds and runs the binary, world_test.go makes
// the ends and the config, sender_test.go calls in. Every other file is one subject.
package main_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// peerBinary is how the summary of the tests names the real binary.
const peerBinary = "pergabridge binary"

// buildDir holds what the tests build.
var buildDir string

// overlap is how many tests run at once, unless -parallel says otherwise: nearly all of them wait for other processes.
const overlap = "4"

func TestMain(m *testing.M) {
	flag.Parse()
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "test.parallel" })
	if !told {
		if err := flag.Set("test.parallel", overlap); err != nil {
			panic(err)
		}
	}
	var err error
	if buildDir, err = os.MkdirTemp("", "pergabridge-test-"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(buildDir) // the system empties its temporary folder anyway
		os.Exit(code)
	}))
}

// built builds the binary as the Makefile does.
func built(name string, more ...string) (path string, err error) {
	path = filepath.Join(buildDir, name)
	args := append([]string{"build", "-tags", "nomsgpack", "-buildvcs=false", "-ldflags", "-X main.version=0.0.0-test", "-o", path}, more...)
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return "", errors.New(string(out) + err.Error())
	}
	return path, nil
}

// The binary, and the one without the race detector, each built once.
var (
	watchedBinary = sync.OnceValues(func() (string, error) {
		if raceDetector {
			return built("pergabridge", "-race", "-gcflags=modernc.org/sqlite/lib=-race=false", "-gcflags=modernc.org/libc=-race=false") // as `make test` does
		}
		return plainBinary()
	})
	plainBinary = sync.OnceValues(func() (string, error) { return built("pergabridge-plain") })
)

// binary returns the path of the binary; with the race detector if the tests have it.
func binary(t testing.TB) string {
	t.Helper()
	t.Attr("peer", peerBinary)
	path, err := watchedBinary()
	require.NoError(t, err)
	return path
}

// A ran is the end of a verb.
type ran struct {
	out, err string
	code     int
}

// command runs the binary to its end.
func command(t testing.TB, dir string, env []string, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	c := exec.CommandContext(ctx, binary(t), args...)
	var out, errOut bytes.Buffer
	c.Dir, c.Env, c.Stdout, c.Stderr = dir, env, &out, &errOut
	err := c.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	require.NoError(t, ctx.Err(), "pergabridge %v does not end\n%s%s", args, out.String(), errOut.String())
	noAccident(t, errOut.String())
	return ran{out.String(), errOut.String(), c.ProcessState.ExitCode()}
}

// noAccident fails the test if a process reported a data race or a panic.
func noAccident(t testing.TB, log string) {
	t.Helper()
	for _, sign := range []string{"WARNING: DATA RACE", "panic: ", "fatal error: "} {
		if i := strings.Index(log, sign); i >= 0 {
			t.Errorf("the binary had an accident:\n%.8000s", log[i:])
		}
	}
}

// A child is a running binary.
type child struct {
	cmd   *exec.Cmd
	log   log
	ended chan struct{}
}

// spawn starts the binary; it may end by itself.
func spawn(t testing.TB, dir string, env []string, args ...string) *child {
	t.Helper()
	return spawnProgram(t, binary(t), dir, env, args...)
}

// spawnProgram starts a binary that may be of another version.
func spawnProgram(t testing.TB, program, dir string, env []string, args ...string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(program, args...), ended: make(chan struct{})}
	c.cmd.Dir, c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr = dir, env, &c.log, &c.log
	dieWithParent(c.cmd)
	started := make(chan error, 1)
	go func() {
		defer close(c.ended)
		runtime.LockOSThread() // the child dies with this thread
		err := c.cmd.Start()
		started <- err
		if err == nil {
			_ = c.cmd.Wait() // how it ended is read from its state
		}
		runtime.UnlockOSThread()
	}()
	require.NoError(t, <-started)
	return c
}

// kill ends the process without giving it time for anything.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended by itself
	<-c.ended
}

// terminate asks the process to end.
func (c *child) terminate(t testing.TB) {
	t.Helper()
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM), "log:\n%s", c.log.String())
}

// exit waits for the end of the process and returns its exit code.
func (c *child) exit(t testing.TB) int {
	t.Helper()
	select {
	case <-c.ended:
	case <-time.After(patience):
		c.kill()
		t.Fatalf("the process does not end; log:\n%s", c.log.String())
	}
	return c.cmd.ProcessState.ExitCode()
}

// log collects what a process writes, the beginning and the end of it.
type log struct {
	mu   sync.Mutex
	text []byte
}

const maxLog = 4 << 20

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	if n := len(l.text); n > maxLog {
		l.text = append(l.text[:maxLog/2:maxLog/2], l.text[n-maxLog/4:]...)
	}
	return len(b), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// tail returns the last n bytes.
func (l *log) tail(n int) string {
	s := l.String()
	return s[max(0, len(s)-n):]
}
