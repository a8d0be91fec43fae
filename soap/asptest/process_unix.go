//go:build unix

package asptest

import (
	"os/exec"
	"syscall"
)

// isolate puts the process into a group of its own, which is killed as a whole: a server may start
// others, and an interrupt typed at the test's terminal must not reach it before the test ends.
func isolate(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func kill(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
