//go:build unix

package dovecot

import (
	"os/exec"
	"syscall"
)

// ownGroup gives the program a process group of its own, so that none of its children outlives it.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends the program and its children at once. What is gone already is no error.
func killGroup(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
