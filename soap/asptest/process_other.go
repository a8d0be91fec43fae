//go:build !unix

package asptest

import "os/exec"

func isolate(*exec.Cmd) {}

func kill(c *exec.Cmd) { _ = c.Process.Kill() }
