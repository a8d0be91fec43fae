package webhooks_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/webhooks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// acceptor is an engine in memory: it keeps what it is given and knows repeats by their key.
type acceptor struct {
	mu     sync.Mutex
	events []bridge.Event
	first  map[string]string
	err    error                               // answer of Accept
	status func(e bridge.Event) bridge.Receipt // overrides the receipt
	await  func(ctx context.Context, task string) (string, error)

	seen   sync.Mutex
	served []webhooks.Served
}

func (a *acceptor) Accept(ctx context.Context, events []bridge.Event) ([]bridge.Receipt, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return nil, a.err
	}
	out := make([]bridge.Receipt, len(events))
	for i, e := range events {
		a.events = append(a.events, e)
		id := fmt.Sprintf("event-%d", len(a.events))
		out[i] = bridge.Receipt{Status: bridge.Accepted, Event: id, Task: e.Task}
		switch {
		case a.status != nil:
			out[i] = a.status(e)
		case e.Quarantine != "":
			out[i].Status = bridge.Quarantined
		case e.Echo == bridge.EchoByDirection:
			out[i].Status = bridge.Echoed
		case e.Key != "" && a.first[e.Key] != "":
			a.events = a.events[:len(a.events)-1]
			out[i] = bridge.Receipt{Status: bridge.Duplicate, Event: a.first[e.Key], First: a.first[e.Key], Task: e.Task}
		case e.Key != "":
			if a.first == nil {
				a.first = map[string]string{}
			}
			a.first[e.Key] = id
		}
	}
	return out, nil
}

func (a *acceptor) AwaitReference(ctx context.Context, _, task string) (string, error) {
	if a.await == nil {
		<-ctx.Done()
		return "", ctx.Err()
	}
	return a.await(ctx, task)
}

func (a *acceptor) Served(s webhooks.Served) {
	a.seen.Lock()
	defer a.seen.Unlock()
	a.served = append(a.served, s)
}

func (a *acceptor) all() []bridge.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]bridge.Event(nil), a.events...)
}

func (a *acceptor) last() webhooks.Served {
	a.seen.Lock()
	defer a.seen.Unlock()
	return a.served[len(a.served)-1]
}
