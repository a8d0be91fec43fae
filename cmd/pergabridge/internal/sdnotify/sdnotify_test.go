package sdnotify

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen is the side of systemd.
func listen(t *testing.T, name string) (env map[string]string, next func() string) {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return map[string]string{"NOTIFY_SOCKET": name}, func() string {
		b := make([]byte, 4096)
		require.NoError(t, c.SetReadDeadline(time.Now().Add(30*time.Second)))
		n, err := c.Read(b)
		require.NoError(t, err)
		return string(b[:n])
	}
}

func from(env map[string]string) *Notifier {
	return newNotifier(func(k string) string { return env[k] }, 42)
}

func TestStates(t *testing.T) {
	for name, socket := range map[string]string{"file": filepath.Join(t.TempDir(), "notify"), "abstract": "@pergabridge-test-" + strings.ReplaceAll(t.TempDir(), "/", "-")} {
		t.Run(name, func(t *testing.T) {
			env, next := listen(t, socket)
			n := from(env)
			require.NoError(t, n.Ready("serving on :8080\nSTOPPING=1"))
			require.Equal(t, "READY=1\nSTATUS=serving on :8080 STOPPING=1", next(), "a status cannot smuggle in a state")
			require.NoError(t, n.Reloading())
			require.Regexp(t, `^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*$`, next())
			require.NoError(t, n.Stopping())
			require.Equal(t, "STOPPING=1", next())
			require.Zero(t, n.Interval())
		})
	}
}

func TestNobodyListens(t *testing.T) {
	for _, n := range []*Notifier{nil, {}, from(nil), from(map[string]string{"NOTIFY_SOCKET": "relative"})} {
		require.NoError(t, n.Ready("x"))
		require.Zero(t, n.Interval())
		n.KeepAlive(t.Context(), nil, nil) // returns at once
	}
	gone := from(map[string]string{"NOTIFY_SOCKET": filepath.Join(t.TempDir(), "gone")})
	require.ErrorContains(t, gone.Ready("x"), "sdnotify: ")
}

func TestInterval(t *testing.T) {
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"30000000", "", 30 * time.Second}, {"30000000", "42", 30 * time.Second}, {"30000000", "43", 0},
		{"", "", 0}, {"0", "", 0}, {"-5", "", 0}, {"x", "", 0}, {"9223372036854775807", "", 0},
	} {
		require.Equal(t, c.want, from(map[string]string{"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": c.usec, "WATCHDOG_PID": c.pid}).Interval(), "%+v", c)
	}
}

// The sign of life depends on the health: it stays away when alive fails or hangs, and comes again.
func TestKeepAlive(t *testing.T) {
	env, next := listen(t, filepath.Join(t.TempDir(), "notify"))
	env["WATCHDOG_USEC"] = "60000"
	health := make(chan error)
	failures := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		from(env).KeepAlive(ctx, func(look context.Context) error {
			select {
			case err := <-health:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}, func(err error) { failures <- err })
	}()
	health <- nil
	require.Equal(t, "WATCHDOG=1", next())
	health <- errors.New("the loop stands")
	require.EqualError(t, <-failures, "the loop stands")
	health <- nil
	require.Equal(t, "WATCHDOG=1", next())
	cancel()
	<-ended

	// one that hangs is cut off by its context
	ctx, cancel = context.WithCancel(t.Context())
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		from(env).KeepAlive(ctx, func(look context.Context) error { <-look.Done(); return look.Err() }, func(err error) { failures <- err })
	}()
	require.ErrorIs(t, <-failures, context.DeadlineExceeded)
	cancel()
	for open := true; open; {
		select {
		case <-failures:
		case <-ended:
			open = false
		}
	}
}
