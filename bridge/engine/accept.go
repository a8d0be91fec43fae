package engine

import (
	"context"
	"fmt"

	"github.com/pergabridge/pergabridge/bridge"
)

// Accept implements [bridge.Acceptor]: it completes the events and makes them durable.
func (e *Engine) Accept(ctx context.Context, events []bridge.Event) ([]bridge.Receipt, error) {
	return e.accept(ctx, events, e.o.Store.Accept)
}

// accept is Accept with another way into the store: a duty's, which saves a cursor as well.
func (e *Engine) accept(ctx context.Context, events []bridge.Event, into func(context.Context, []bridge.Event) ([]bridge.Receipt, error)) ([]bridge.Receipt, error) {
	ready, err := e.prepare(events)
	if err != nil {
		return nil, fmt.Errorf("engine: accept: %w", err)
	}
	if err := e.lag.pace(ctx, e.o.LagLimit, e.o.PaceLimit); err != nil {
		return nil, fmt.Errorf("engine: accept: %w", err)
	}
	var receipts []bridge.Receipt
	err = e.observed("accept", func() (err error) {
		receipts, err = into(ctx, ready)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("engine: accept: %w", err)
	}
	if len(receipts) != len(ready) {
		return nil, fmt.Errorf("engine: accept: the store gave %d receipts for %d events", len(receipts), len(ready))
	}
	queued := false
	for i := range receipts {
		r, ev := &receipts[i], &ready[i]
		queued = queued || r.Status == bridge.Accepted || r.Status == bridge.Echoed // an echo is a receipt
		if r.Reference != "" {
			e.waiters.tell(ev.Provider, r.Task)
		}
		e.o.Observer.Accepted(ev.Provider, ev.Entrance, r.Status)
	}
	if queued {
		e.lag.signal()
		e.ring()
	}
	return receipts, nil
}
