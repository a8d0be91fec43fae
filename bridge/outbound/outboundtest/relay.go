package outboundtest

import (
	"net"
	"sync"
	"testing"
)

// Relay stands before the server at to until the test ends, and returns its address. Each connection is
// handed to pass with the one that was opened to the server for it; pass moves the bytes, and returns when
// neither side has more. Both are closed at the end of the test at the latest.
func Relay(t testing.TB, to string, pass func(in, out net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("outboundtest: %v", err)
	}
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		open    []net.Conn
		over    bool
	)
	enter := func(in, out net.Conn) bool {
		mu.Lock()
		defer mu.Unlock()
		open = append(open, in, out)
		return !over
	}
	running.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			if !enter(in, out) { // the test is over
				_, _ = in.Close(), out.Close()
				return
			}
			running.Go(func() { pass(in, out) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		over = true
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return l.Addr().String()
}
