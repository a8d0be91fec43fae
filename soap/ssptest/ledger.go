package ssptest

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Operation is one of the three operations, without the common part of its name.
type Operation string

// The operations.
const (
	Acknowledgement Operation = "ProcessInstanceTaskExternalAcknowledgement"
	UpdateMessage   Operation = "ProcessInstanceTaskExternalUpdateMessage"
	Reassignment    Operation = "ProcessInstanceTaskExternalReassignment"
)

// An Effect is one call of the bridge that changed a task.
type Effect struct {
	Seq       int // from 1, in order
	Time      time.Time
	Operation Operation
	Task      string
	// Text is the reference, message or solution.
	Text string
	// Args are the arguments by name, as they came.
	Args map[string]string
}

// A Call is one SOAP call, whatever became of it.
type Call struct {
	Time      time.Time
	Version   string // "1.1" or "1.2"
	Action    string // SOAPAction as it was sent, with its quotes
	Operation Operation
	Args      map[string]string // those given; a missing one was null
	Body      []byte            // the whole envelope; see [Options]
}

// Effects returns everything that took effect, in order; with names, only that of those tasks.
func (s *Server) Effects(tasks ...string) []Effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Effect
	for _, e := range s.effects {
		if len(tasks) == 0 || slices.Contains(tasks, e.Task) {
			e.Args = maps.Clone(e.Args)
			out = append(out, e)
		}
	}
	return out
}

// Calls returns every SOAP call that could be read, in order of arrival, those that failed too.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// ProcessCalls returns every process call, in the order in which they were fired.
func (s *Server) ProcessCalls() []ProcessCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]ProcessCall, len(s.processes))
	for i, p := range s.processes {
		out[i] = p.call
	}
	return out
}

// Wait waits until done returns true. It asks at once and after every change; done may ask the
// server anything.
func (s *Server) Wait(ctx context.Context, done func() bool) error {
	for {
		s.mu.Lock()
		changed := s.change
		s.mu.Unlock()
		if done() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Idle waits until every process call that was fired has been delivered or given up.
func (s *Server) Idle(ctx context.Context) error {
	return s.Wait(ctx, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.queues) == 0
	})
}

// changed wakes everybody who waits. The lock is held.
func (s *Server) changed() {
	close(s.change)
	s.change = make(chan struct{})
}
