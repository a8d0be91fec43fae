// Package sdnotify tells systemd how the process is doing: ready, reloading, stopping, alive
// (sd_notify(3), for units of Type=notify with WatchdogSec).
//
// The protocol is one datagram of NAME=VALUE lines to the unix socket that NOTIFY_SOCKET names. Where
// that variable is not set, nobody listens and everything here does nothing: the same code runs in a
// terminal, in a container and on Windows.
//
// # Failure classes
//
// A socket that cannot be written to is an error of the call; the caller logs it and goes on, because
// systemd's own time-outs decide what follows from its not hearing.
package sdnotify

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// A Notifier sends states to the service manager. The nil Notifier and the zero one send nothing.
type Notifier struct {
	socket   string
	watchdog time.Duration
}

// FromEnv returns the notifier that the environment of this process describes; nobody listens where
// it describes none.
func FromEnv() *Notifier { return newNotifier(os.Getenv, os.Getpid()) }

func newNotifier(env func(string) string, pid int) *Notifier {
	n := &Notifier{socket: env("NOTIFY_SOCKET")}
	if n.socket == "" || !strings.HasPrefix(n.socket, "/") && !strings.HasPrefix(n.socket, "@") {
		return &Notifier{}
	}
	if p := env("WATCHDOG_PID"); p != "" && p != strconv.Itoa(pid) {
		return n // meant for another process of the unit
	}
	if us, err := strconv.ParseInt(env("WATCHDOG_USEC"), 10, 64); err == nil && us > 0 && us < int64(365*24*time.Hour/time.Microsecond) {
		n.watchdog = time.Duration(us) * time.Microsecond
	}
	return n
}

// Ready says that the process serves; status is shown by systemctl status.
func (n *Notifier) Ready(status string) error { return n.send("READY=1", "STATUS="+oneLine(status)) }

// Reloading says that a new config is being read; [Notifier.Ready] ends it. A unit of
// Type=notify-reload needs the time of the kernel's monotonic clock with it.
func (n *Notifier) Reloading() error {
	lines := []string{"RELOADING=1"}
	if us, ok := monotonic(); ok {
		lines = append(lines, "MONOTONIC_USEC="+strconv.FormatInt(us, 10))
	}
	return n.send(lines...)
}

// Stopping says that the process ends in an orderly way.
func (n *Notifier) Stopping() error { return n.send("STOPPING=1") }

// Interval returns how often a sign of life is expected at least, zero if none is.
func (n *Notifier) Interval() time.Duration {
	if n == nil {
		return 0
	}
	return n.watchdog
}

// KeepAlive sends a sign of life three times in every interval for as long as alive returns nil, until ctx
// ends. An alive that fails or does not return in time withholds the sign, and tells failed: systemd
// restarts the process when none came for a whole interval.
func (n *Notifier) KeepAlive(ctx context.Context, alive func(context.Context) error, failed func(error)) {
	every := n.Interval() / 3
	if every <= 0 {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		look, cancel := context.WithTimeout(ctx, every)
		err := alive(look)
		cancel()
		if err == nil {
			err = n.send("WATCHDOG=1")
		}
		if err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (n *Notifier) send(lines ...string) error {
	if n == nil || n.socket == "" {
		return nil
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("sdnotify: %w", err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(strings.Join(lines, "\n"))); err != nil {
		return fmt.Errorf("sdnotify: %w", err)
	}
	return nil
}

// oneLine keeps a text from becoming a state of its own.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
