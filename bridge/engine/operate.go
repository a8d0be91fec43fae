package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Operate implements [bridge.Operator]: the store carries the command out, the loop goes on.
func (e *Engine) Operate(ctx context.Context, c bridge.Command) (bridge.CommandResult, error) {
	c.Task, c.Reference = strings.TrimSpace(c.Task), strings.TrimSpace(c.Reference)
	c.Note = cut(secret.Mask(c.Note), MaxLine)
	if len(c.Task) > MaxID || len(c.Reference) > MaxID {
		return bridge.CommandResult{}, &bridge.CommandError{Msg: fmt.Sprintf("task and reference may have at most %d bytes", MaxID)}
	}
	if c.Reference != "" && c.RefKey == "" {
		provider, err := e.commandProvider(ctx, c)
		if err != nil {
			return bridge.CommandResult{}, err
		}
		c.RefKey = bridge.ReferenceKey(c.Reference, e.o.CaseSensitive[provider])
	}
	if c.Provider != "" && (c.Provider == bridge.SSP || e.dests[c.Provider] == nil) {
		return bridge.CommandResult{}, &bridge.CommandError{Msg: fmt.Sprintf("%q is not a provider of this bridge", c.Provider)}
	}
	var done bridge.CommandResult
	err := e.observed("operate", func() (err error) {
		done, err = e.o.Store.Operate(ctx, c)
		return err
	})
	if err != nil {
		return done, fmt.Errorf("engine: %s: %w", c.Verb, err)
	}
	e.o.Log.Info("a person acted", slog.String("verb", string(c.Verb)), slog.String("person", c.Person),
		slog.String(LogEvent, c.Event), slog.String(LogProvider, c.Provider), slog.String(LogTask, c.Task))
	for i := range done.Receipts {
		if i < len(c.Events) {
			e.waiters.tell(c.Events[i].Provider, done.Receipts[i].Task)
		}
	}
	e.waiters.tell(c.Provider, c.Task)
	e.lag.signal()
	e.ring()
	return done, nil
}

// commandProvider returns the provider whose rule compares the command's reference.
func (e *Engine) commandProvider(ctx context.Context, c bridge.Command) (string, error) {
	if c.Provider != "" || c.Event == "" {
		return c.Provider, nil
	}
	ev, _, err := e.o.Store.Event(ctx, c.Event)
	if err != nil {
		return "", fmt.Errorf("engine: event %s: %w", c.Event, err)
	}
	return ev.Provider, nil
}

// Reread reads a quarantined input again under the config that is in force now, and accepts what
// it means in place of the quarantined event. Input that still cannot be read stays as it is; the
// error, a [*bridge.CommandError], says why.
func (e *Engine) Reread(ctx context.Context, person, eventID string) (bridge.CommandResult, error) {
	var none bridge.CommandResult
	ev, _, err := e.o.Store.Event(ctx, eventID)
	if err != nil {
		return none, fmt.Errorf("engine: event %s: %w", eventID, err)
	}
	if ev.State != bridge.StateQuarantined {
		return none, &bridge.CommandError{Msg: fmt.Sprintf("event %s is %s, not quarantined; there is nothing to read again", eventID, ev.State)}
	}
	in := ev.Inbound
	if in == nil {
		return none, &bridge.CommandError{Msg: fmt.Sprintf("event %s has no input of its own to read again; assign or discard it", eventID)}
	}
	receiver := e.o.Receivers[ReceiverKey(ev.Provider, ev.Entrance)]
	if receiver == nil {
		return none, &bridge.CommandError{Msg: fmt.Sprintf("nothing reads %s input of provider %q any more", ev.Entrance, ev.Provider)}
	}
	events, err := receive(ctx, receiver, *in)
	if err != nil {
		return none, &bridge.CommandError{Msg: "still cannot be read: " + secret.Mask(err.Error())}
	}
	for i := range events {
		if events[i].Provider == "" {
			events[i].Provider = ev.Provider
		}
		if events[i].Entrance == "" {
			events[i].Entrance = ev.Entrance
		}
		if events[i].Received.IsZero() {
			events[i].Received = ev.Received
		}
	}
	ready, err := e.prepare(events)
	if err != nil {
		return none, &bridge.CommandError{Msg: "still cannot be read: " + err.Error()}
	}
	var wrong []string
	for i := range ready {
		if ready[i].Quarantine != "" {
			wrong = append(wrong, fmt.Sprintf("%s: %s", ready[i].Quarantine, ready[i].Detail))
		}
	}
	if len(wrong) > 0 && len(wrong) == len(ready) {
		return none, &bridge.CommandError{Msg: "still cannot be read: " + strings.Join(wrong, "; ")}
	}
	return e.Operate(ctx, bridge.Command{Verb: bridge.VerbReread, Person: person, Event: eventID, Events: ready})
}

// receive is Receive without its panics.
func receive(ctx context.Context, r bridge.Receiver, in bridge.Inbound) (events []bridge.Event, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New(panicText(p))
		}
	}()
	return r.Receive(ctx, in)
}
