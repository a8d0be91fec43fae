package sqlite

import (
	"context"
	"fmt"
	"sync"

	"github.com/pergabridge/pergabridge/bridge"
)

// maxEventsPerCommit bounds how many new events one commit takes, so that results of deliveries
// and people never wait long behind a flood.
const maxEventsPerCommit = 512

// An op is one operation of a caller, run inside a commit.
type op struct {
	run  func(t *tx) error // an error undoes this op only
	size int               // events it brings; 0: goes first
	err  error
	done chan struct{}
}

// queue holds operations until the writer takes them: first those that settle, then new events.
type queue struct {
	mu     sync.Mutex
	first  []*op
	rest   []*op
	closed bool
	ready  chan struct{} // holds one token while there may be work
}

func (q *queue) init() { q.ready = make(chan struct{}, 1) }

func (q *queue) put(o *op) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	if o.size == 0 {
		q.first = append(q.first, o)
	} else {
		q.rest = append(q.rest, o)
	}
	q.kick()
	return true
}

func (q *queue) kick() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.kick()
}

// take returns the next batch; nil when the queue is closed and empty.
func (q *queue) take() []*op {
	for {
		q.mu.Lock()
		batch := q.first
		q.first = nil
		events := 0
		for len(q.rest) > 0 && (events == 0 || events+q.rest[0].size <= maxEventsPerCommit) {
			events += q.rest[0].size
			batch = append(batch, q.rest[0])
			q.rest[0] = nil
			q.rest = q.rest[1:]
		}
		if len(q.rest) > 0 {
			q.kick()
		}
		closed := q.closed
		q.mu.Unlock()
		if len(batch) > 0 || closed {
			return batch
		}
		<-q.ready
	}
}

// do runs one operation in the next commit and waits for it.
func (s *Store) do(ctx context.Context, events int, run func(t *tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	o := &op{run: run, size: events, done: make(chan struct{})}
	if !s.ops.put(o) {
		return fmt.Errorf("sqlite: closed: %w", bridge.ErrUnavailable)
	}
	<-o.done // bounded by a commit; leaving early would make the answer a guess
	return o.err
}

// write is the writer goroutine.
func (s *Store) write() {
	defer close(s.done)
	for {
		batch := s.ops.take()
		if batch == nil {
			return
		}
		s.commit(batch)
		for _, o := range batch {
			close(o.done)
		}
		if s.tx.woke {
			s.tx.woke = false
			s.signal()
		}
	}
}

// commit runs a batch in one transaction; when any operation fails, each in one of its own.
func (s *Store) commit(batch []*op) {
	err := s.tx.run(func(t *tx) error {
		for _, o := range batch {
			if err := o.run(t); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err == nil:
	case len(batch) == 1:
		batch[0].err = err
	default:
		woke := false
		for _, o := range batch {
			o.err = s.tx.run(o.run)
			woke = woke || s.tx.woke
		}
		s.tx.woke = woke
	}
}
