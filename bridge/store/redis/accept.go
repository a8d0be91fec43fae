package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/pergabridge/pergabridge/bridge"
)

// maxEventsPerCall bounds how many events one script call takes, and with it how long Redis is busy
// with it: results of deliveries go by calls of their own and never wait long.
const maxEventsPerCall = 256

// acceptors is how many calls of accept one replica has under way at once: while Redis commits one,
// the next gathers.
const acceptors = 2

// An offer is what one caller of Accept brings.
type offer struct {
	args     []any // eventArguments each
	events   []bridge.Event
	n        int
	receipts []bridge.Receipt
	err      error
	done     chan struct{}
}

// offers gathers callers of Accept, so that many of them share one round trip and one commit.
type offers struct {
	mu     sync.Mutex
	queue  []*offer
	closed bool
	ready  chan struct{} // holds one token while there may be offers
}

func (q *offers) put(o *offer) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.queue = append(q.queue, o)
	q.kick()
	return true
}

func (q *offers) kick() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *offers) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.kick()
}

// take returns the next offers; nil when the queue is closed and empty.
func (q *offers) take() []*offer {
	for {
		q.mu.Lock()
		var batch []*offer
		n := 0
		for len(q.queue) > 0 && (n == 0 || n+q.queue[0].n <= maxEventsPerCall) {
			n += q.queue[0].n
			batch = append(batch, q.queue[0])
			q.queue[0] = nil
			q.queue = q.queue[1:]
		}
		if len(q.queue) > 0 || q.closed {
			q.kick() // for the other acceptor
		}
		closed := q.closed
		q.mu.Unlock()
		if len(batch) > 0 || closed {
			return batch
		}
		<-q.ready
	}
}

// Accept implements [bridge.Store]. Callers at the same time share calls to Redis.
func (s *Store) Accept(ctx context.Context, events []bridge.Event) ([]bridge.Receipt, error) {
	if len(events) == 0 {
		return nil, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("redis: accept: %w", err)
	}
	o := &offer{args: make([]any, 0, eventArguments*len(events)), events: make([]bridge.Event, 0, len(events)), n: len(events), done: make(chan struct{})}
	var err error
	for _, e := range events {
		if err = s.add(o, e); err != nil {
			return nil, err
		}
	}
	if !s.offers.put(o) {
		return nil, fmt.Errorf("redis: closed: %w", bridge.ErrUnavailable)
	}
	<-o.done // bounded by Options.Timeout
	return o.receipts, o.err
}

// add prepares one event for an offer.
func (s *Store) add(o *offer, e bridge.Event) error {
	s.prepare(&e)
	var err error
	o.args, err = s.eventArgs(o.args, e)
	o.events = append(o.events, e)
	return err
}

// accepting is one acceptor goroutine.
func (s *Store) accepting() {
	for {
		batch := s.offers.take()
		if batch == nil {
			return
		}
		s.acceptBatch(batch)
		for _, o := range batch {
			close(o.done)
		}
	}
}

// acceptBatch runs offers in one call. If Redis refuses it, each is run in one of its own, so that
// one that cannot be taken takes no other with it.
func (s *Store) acceptBatch(batch []*offer) {
	err := s.acceptCall(context.Background(), fence{}, batch)
	for _, o := range batch {
		switch {
		case err == nil:
		case len(batch) > 1 && refusal(err) && s.wasReset() == nil:
			o.err = s.acceptCall(context.Background(), fence{}, []*offer{o})
		default:
			o.err = err
		}
	}
}

// A fence names the duty by which events come, if they do.
type fence struct{ duty, session, epoch, cursor string }

func (s *Store) acceptCall(ctx context.Context, f fence, batch []*offer) error {
	n := 0
	for _, o := range batch {
		n += o.n
	}
	args := append(newCall(5+eventArguments*n), f.duty, f.session, f.epoch, f.cursor, n)
	for _, o := range batch {
		args = append(args, o.args...)
	}
	r, err := s.write(ctx, acceptScript, rand.Text(), args)
	if err != nil {
		return err
	}
	if len(r) != 2+receiptTexts*n {
		return errors.Join(fmt.Errorf("redis: accept: %d texts for %d receipts", len(r)-2, n), bridge.ErrUnavailable)
	}
	i := 2
	for _, o := range batch {
		o.receipts = make([]bridge.Receipt, o.n)
		for j := range o.receipts {
			o.receipts[j] = r.receipt(i)
			if o.receipts[j].State == bridge.StateQueued && o.receipts[j].Event == o.events[j].ID {
				body, _ := o.args[(j+1)*eventArguments-1].([]byte)
				s.said.put(r.str(i+5), o.events[j], len(body))
			}
			i += receiptTexts
		}
	}
	return nil
}
