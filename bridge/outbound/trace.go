package outbound

import (
	"context"
	"sync"
)

type traceKey struct{}

// A Trace records what became of the last call made under a context, for callers that reach the
// client through somebody else's code, which keeps neither phase nor answer.
type Trace struct {
	mu     sync.Mutex
	answer Answer
	err    error
	called bool
}

// WithTrace returns a context whose calls are recorded in the returned Trace.
func WithTrace(ctx context.Context) (context.Context, *Trace) {
	t := &Trace{}
	return context.WithValue(ctx, traceKey{}, t), t
}

func record(ctx context.Context, a Answer, err error) {
	if t, ok := ctx.Value(traceKey{}).(*Trace); ok {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.answer, t.err, t.called = a, err, true
	}
}

// Result returns the answer and the error (an [*Error] or nil) of the last call, as [Client.Do]
// gave them, and whether there was a call at all. They fit [Classify].
func (t *Trace) Result() (a Answer, err error, called bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.answer, t.err, t.called
}

// Phase returns how far the last call got; NotSent when there was none.
func (t *Trace) Phase() Phase {
	a, err, called := t.Result()
	if e, ok := err.(*Error); ok {
		return e.Phase
	}
	if called && a.Status != 0 {
		return Answered
	}
	return NotSent
}
