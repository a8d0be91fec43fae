//go:build unix

package asptest

import (
	"os/exec"
	"syscall"
)

// isolate puts the process into a group of its own: Mono's server is a script that starts another
// process.
func isolate(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func kill(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
