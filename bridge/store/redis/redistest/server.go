// Package redistest starts real Redis servers for tests: one server, a master and a replica under
// Sentinels, and a proxy that does to connections what networks do. Everything listens on the
// loopback interface and ends with the test. The tests fail where redis-server is not installed.
package redistest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/listener/freeport"
)

// patience is how long a server may take to do what it always does.
const patience = 30 * time.Second

// A Server is a redis-server of a test's own, on a free port, in a folder of its own.
type Server struct {
	// Port is where it listens; the same after a restart.
	Port int
	// Dir holds its append-only file and its log.
	Dir string

	args []string
	cmd  *exec.Cmd
}

// FreePort returns a port of the loopback interface that nobody listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freeport.Port()
	require.NoError(t, err)
	return port
}

// Start starts a redis-server that keeps every write on disk before it answers; settings change
// that.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	return StartAt(t, FreePort(t), settings...)
}

// StartInMemory is [Start] with files in memory, where the machine has a folder for that: for many rules that do
// not ask what survives a crash of Redis, and would wait for the disk at each step.
func StartInMemory(t testing.TB, settings ...string) *Server {
	t.Helper()
	return startIn(t, memory(), FreePort(t), settings...)
}

// StartAt is [Start] on a port that the test has chosen.
func StartAt(t testing.TB, port int, settings ...string) *Server {
	t.Helper()
	return startIn(t, "", port, settings...)
}

func startIn(t testing.TB, where string, port int, settings ...string) *Server {
	t.Helper()
	t.Attr("peer", "redis-server")
	dir, err := os.MkdirTemp(where, "pb-redis-*") // not t.TempDir: its path may be too long for logs of many tests
	require.NoError(t, err)
	s := &Server{Port: port, Dir: dir}
	s.args = append([]string{"--port", strconv.Itoa(s.Port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--auto-aof-rewrite-percentage", "0", "--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0",
		"--logfile", filepath.Join(dir, "log"), "--daemonize", "no", "--enable-debug-command", "yes"}, settings...)
	s.Start(t)
	t.Cleanup(func() {
		s.Kill()
		// A child that was writing a snapshot may outlive its server for a moment.
		require.Eventually(t, func() bool { return os.RemoveAll(dir) == nil }, 10*time.Second, 20*time.Millisecond)
	})
	return s
}

// Start starts a killed server again and returns when it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command("redis-server", s.args...)
	require.NoError(t, s.cmd.Start())
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1, DialerRetries: 1})
	defer c.Close()
	require.Eventually(t, func() bool {
		err := c.Ping(context.Background()).Err()
		return err == nil || redis.HasErrorPrefix(err, "NOAUTH")
	}, patience, 20*time.Millisecond, "redis-server starts")
}

// Kill ends the server as kill -9 does.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Addr is host:port.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }

// URL is the address as the config writes it.
func (s *Server) URL() string { return "redis://" + s.Addr() + "/0" }

// Client returns a client of the server for the test itself.
func (s *Server) Client(t testing.TB) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), DialerRetries: 1})
	t.Cleanup(func() { _ = c.Close() })
	return c
}
