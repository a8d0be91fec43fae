//go:build unix

package bench

import (
	"os"
	"runtime"
	"syscall"
	"time"
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

// ownCPU returns the seconds of the processor that this process took so far.
func ownCPU() float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()).Seconds()
}
