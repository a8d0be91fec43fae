// Package fake is what the strict fakes of vendors have in common: a server on a free loopback port that
// can be shut and opened again, fails single calls as it is told, and keeps what was asked of it.
package fake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"
)

// A FaultKind is a way for a call to fail.
type FaultKind string

// The ways to fail.
const (
	Status FaultKind = "status" // Fault.Status is answered, nothing is done
	Drop   FaultKind = "drop"   // it is done, but the connection ends without an answer
	Hang   FaultKind = "hang"   // it is done, but no answer comes
	Answer FaultKind = "answer" // it is done, but Fault.Body is answered with Fault.Status
	Gate   FaultKind = "gate"   // it is done when Fault.Open is closed
)

// A Fault makes calls fail.
type Fault struct {
	Kind   FaultKind
	Match  func(*http.Request) bool // nil: every call
	Times  int                      // zero: one
	Status int
	Header map[string]string
	Body   string
	Open   chan struct{}
	Met    chan struct{} // closed when the call begins to fail, if it is not nil
}

// Server is the server of a fake.
type Server struct {
	handle Handler
	addr   string

	mu       sync.Mutex
	faults   []*Fault
	calls    []Call
	server   *http.Server
	serving  chan struct{}
	stopping chan struct{}
}

// A Handler answers a request, whose body has been read.
type Handler func(w http.ResponseWriter, r *http.Request, body []byte)

// A Call is one request that came in.
type Call struct {
	Method, Path, Query string
	Header              http.Header
	Body                []byte
	At                  time.Time
}

// Start serves handle.
func Start(handle Handler) (*Server, error) {
	s := &Server{handle: handle, stopping: make(chan struct{})}
	return s, s.listen("127.0.0.1:0")
}

func (s *Server) listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("fake: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addr, s.serving = l.Addr().String(), make(chan struct{})
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	go func(h *http.Server, done chan struct{}) {
		defer close(done)
		if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(err)
		}
	}(s.server, s.serving)
	return nil
}

// URL returns the address, without a slash at the end.
func (s *Server) URL() string { return "http://" + s.addr }

// Down closes the host: connections are refused until Up.
func (s *Server) Down() {
	s.mu.Lock()
	h, done := s.server, s.serving
	s.server = nil
	s.mu.Unlock()
	if h != nil {
		_ = h.Close()
		<-done
	}
}

// Up opens the host again, on the same address.
func (s *Server) Up() error {
	s.mu.Lock()
	up := s.server != nil
	s.mu.Unlock()
	if up {
		return nil
	}
	return s.listen(s.addr)
}

// Close stops everything, also calls that hang.
func (s *Server) Close() {
	s.mu.Lock()
	select {
	case <-s.stopping:
	default:
		close(s.stopping)
	}
	s.mu.Unlock()
	s.Down()
}

// Fail makes calls fail from now on.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Times = max(1, f.Times)
	s.faults = append(s.faults, &f)
}

// Calls returns every request that came in.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *Server) fault(r *http.Request, body []byte) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, Call{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Clone(), body, time.Now()})
	for i, f := range s.faults {
		if f.Match != nil && !f.Match(r) {
			continue
		}
		if f.Times--; f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f
	}
	return nil
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<20))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	f := s.fault(r, body)
	if f == nil {
		s.handle(w, r, body)
		return
	}
	if f.Kind == Status {
		f.answer(w)
		return
	}
	if f.Kind == Gate {
		f.met()
		select {
		case <-f.Open:
			s.handle(w, r, body)
		case <-s.stopping:
		}
		return
	}
	s.handle(httptest.NewRecorder(), r, body)
	switch f.Kind {
	case Answer:
		f.answer(w)
		return
	case Hang:
		f.met()
		select {
		case <-r.Context().Done():
		case <-s.stopping:
		}
	default:
		f.met()
	}
	panic(http.ErrAbortHandler)
}

func (f *Fault) met() {
	if f.Met != nil {
		close(f.Met)
	}
}

func (f *Fault) answer(w http.ResponseWriter) {
	for k, v := range f.Header {
		w.Header().Set(k, v)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(f.Body))
	f.met()
}

// JSON answers with a value.
func JSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}
