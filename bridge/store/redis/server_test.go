package redisstore_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

var ctx = context.Background()

// A server is a redis-server of a test's own, on a free port, in a folder of its own.
type server struct {
	port int
	dir  string
	args []string
	cmd  *exec.Cmd
}

// freePort returns a port that nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// startServer starts a redis-server that keeps every write on disk before it answers; settings
// change that.
func startServer(t testing.TB, settings ...string) *server {
	t.Helper()
	t.Attr("peer", "redis-server")
	dir, err := os.MkdirTemp("", "pb-redis-*") // not t.TempDir: its path may be too long for logs of many tests
	require.NoError(t, err)
	s := &server{port: freePort(t), dir: dir}
	s.args = append([]string{"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--auto-aof-rewrite-percentage", "0", "--appendonly", "yes", "--appendfsync", "always",
		"--logfile", filepath.Join(dir, "log"), "--daemonize", "no", "--enable-debug-command", "yes"}, settings...)
	s.start(t)
	t.Cleanup(func() {
		s.kill()
		// A child that was writing a snapshot may outlive its server for a moment.
		require.Eventually(t, func() bool { return os.RemoveAll(dir) == nil }, 10*time.Second, 20*time.Millisecond)
	})
	return s
}

func (s *server) start(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command("redis-server", s.args...)
	require.NoError(t, s.cmd.Start())
	c := redis.NewClient(&redis.Options{Addr: s.addr(), MaxRetries: -1, DialerRetries: 1})
	defer c.Close()
	require.Eventually(t, func() bool {
		err := c.Ping(ctx).Err()
		return err == nil || redis.HasErrorPrefix(err, "NOAUTH")
	}, 20*time.Second, 20*time.Millisecond, "redis-server starts")
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *server) addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

func (s *server) url() string { return "redis://" + s.addr() + "/0" }
