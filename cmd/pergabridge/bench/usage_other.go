//go:build !unix

package bench

import "os"

// interrupt has no way to ask a process to end; what it wrote is durable all the same.
func interrupt(p *os.Process) error { return p.Kill() }

func usage(s *os.ProcessState) Usage {
	return Usage{User: s.UserTime().Seconds(), System: s.SystemTime().Seconds()}
}

// ownCPU is not known here.
func ownCPU() float64 { return 0 }
