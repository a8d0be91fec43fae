//go:build !unix

package dovecot

import "os/exec"

func ownGroup(*exec.Cmd) {}

// killGroup ends the program. What is gone already is no error.
func killGroup(c *exec.Cmd) { _ = c.Process.Kill() }
