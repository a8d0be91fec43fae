package main_test

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends the child when the thread that started it ends, so that a test that is
// interrupted or runs into its time limit leaves nothing behind.
func dieWithParent(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
