//go:build unix

package main_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The real binary talks to a service manager: ready when it serves, alive while it works, stopping
// before it ends.
func TestServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	socket := filepath.Join(t.TempDir(), "n")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	require.NoError(t, err)
	defer c.Close()
	next := func() string {
		b := make([]byte, 4096)
		require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
		n, err := c.Read(b)
		require.NoError(t, err)
		return string(b[:n])
	}
	w.env = append(w.env, "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=600000")
	child := spawn(t, w.dir, w.env, "serve")
	defer child.kill()
	until := func(want string) (before []string) {
		for {
			got := next()
			if strings.HasPrefix(got, want) {
				return append(before, got)
			}
			before = append(before, got)
		}
	}
	first := until("READY=1")
	require.Len(t, first, 1, "no sign of life before it is ready")
	require.Contains(t, first[0], "STATUS=serving "+w.public)
	require.Len(t, until("WATCHDOG=1"), 1)
	// It stands still: nobody hears from it, and it is back when it goes on.
	require.NoError(t, child.cmd.Process.Signal(syscall.SIGSTOP))
	require.NoError(t, child.cmd.Process.Signal(syscall.SIGCONT))
	until("WATCHDOG=1")
	require.NoError(t, child.cmd.Process.Signal(syscall.SIGHUP))
	until("RELOADING=1")
	until("READY=1")
	child.terminate(t)
	until("STOPPING=1")
	require.Zero(t, child.exit(t), child.log.tail(2000))
}

// A bridge that was started once by root leaves files that its service may not touch; it says so.
func TestServeSaysWhoseFilesTheyAre(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		w := newWorld(t, options{}) // the other way round: what belongs to nobody here
		require.NoError(t, os.MkdirAll(filepath.Join(w.dir, "data"), 0o500))
		r := w.run("serve")
		require.Equal(t, 1, r.code)
		require.Contains(t, r.err, "may not be written by")
		return
	}
	w := newWorld(t, options{})
	w.start()
	w.stop()
	for dir := w.dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	require.NoError(t, os.Chmod(filepath.Join(w.dir, "data"), 0o755))
	require.NoError(t, os.Chmod(w.file, 0o644))
	bin := filepath.Join(w.dir, "pergabridge")
	b, err := os.ReadFile(binary(t))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(bin, b, 0o755))
	const nobody = 65534
	c := exec.Command(bin, "serve")
	c.Dir, c.Env = w.dir, w.env
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := c.CombinedOutput()
	require.Error(t, err)
	require.NoError(t, os.Chmod(w.file, 0o600))
	c = exec.Command(bin, "lanes", "list")
	c.Dir, c.Env, c.SysProcAttr = w.dir, w.env, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	said, err := c.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(said), "pergabridge.yaml: permission denied; only an administrator and the service itself may read the config of a service: put sudo before the command")
	require.Regexp(t, `pergabridge\.db belongs to root and may not be written by (nobody|`+strconv.Itoa(nobody)+`), who runs the bridge: chown -R`, string(out))
}

// Nobody but an administrator installs services, and a machine without a service manager is told what to run.
func TestServiceVerbs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	r := w.run("service", "status")
	require.Equal(t, 1, r.code)
	require.Regexp(t, `not installed|No service system|services are installed with systemd and on Windows only`, r.out+r.err)
	r = w.run("service", "install", "--name", "../evil")
	require.NotZero(t, r.code)
	require.Contains(t, r.err, "small letters")
	r = w.run("service")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.out+r.err, "install")
	w.edit("providers:", "provders:")
	r = w.run("service", "install")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "provders")
	require.Contains(t, r.err, "problem(s)")
}
