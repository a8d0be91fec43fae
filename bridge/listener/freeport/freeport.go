// Package freeport finds a port of the loopback interface for a server that is started by a program of its own, and
// perhaps started again: a real peer of a test or of a measurement.
//
// Ports that the system gives (":0") are wrong for that: as soon as they are closed an outgoing connection may get them,
// or the next who asks. These lie below the range of outgoing connections (Linux: 32768), by chance, so that packages whose
// tests run beside each other do not meet, and none is given twice by one process.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The range: above what services are known for, below what systems give.
const (
	lowest = 14_000
	beyond = 32_000
)

var (
	mu    sync.Mutex
	given = map[int]bool{}
)

// Port returns a port that nothing listens on at 127.0.0.1.
func Port() (int, error) {
	mu.Lock()
	defer mu.Unlock()
	for range 500 {
		port := lowest + rand.IntN(beyond-lowest)
		if given[port] {
			continue
		}
		l, err := net.Listen("tcp", address(port))
		if err != nil {
			continue // somebody has it
		}
		given[port] = true
		return port, l.Close()
	}
	return 0, errors.New("freeport: no free port was found on 127.0.0.1")
}

// Address returns 127.0.0.1 with a [Port].
func Address() (string, error) {
	port, err := Port()
	return address(port), err
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
