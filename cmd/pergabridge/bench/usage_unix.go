//go:build unix

package bench

import (
	"os"
	"runtime"
	"syscall"
)

func interrupt(p *os.Process) error { return p.Signal(os.Interrupt) }

func usage(s *os.ProcessState) Usage {
	u := Usage{User: s.UserTime().Seconds(), System: s.SystemTime().Seconds()}
	if r, ok := s.SysUsage().(*syscall.Rusage); ok {
		u.Memory = int64(r.Maxrss)
		if runtime.GOOS != "darwin" && runtime.GOOS != "ios" {
			u.Memory <<= 10 // kilobytes everywhere else
		}
	}
	return u
}
