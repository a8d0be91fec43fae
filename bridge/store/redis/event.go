package redisstore

import (
	"encoding/json"
	"fmt"

	"github.com/pergabridge/pergabridge/bridge"
)

// eventArgs adds the arguments that read_event in core.lua takes; the hashes of texts, which Lua
// cannot make, come with them.
func (s *Store) eventArgs(args []any, e bridge.Event) ([]any, error) {
	s.prepare(&e)
	body, err := json.Marshal(&e)
	if err != nil {
		return nil, fmt.Errorf("redis: event %s cannot be stored: %w", e.ID, err)
	}
	content := ""
	if e.Key != "" || e.Quarantine != "" || e.Ignore != "" {
		content = e.ContentHash()
	}
	merge := ""
	if e.Key == "" {
		merge = e.MergeHash()
	}
	return append(args, e.ID, e.Provider, e.Task, string(e.Dir), string(e.Kind), e.Reference, e.RefKey, string(e.Mode), e.Key,
		e.Window.Microseconds(), string(e.Echo), e.Comment, string(e.Entrance), micros(e.Received), e.Detail, string(e.Quarantine), string(e.Ignore),
		content, merge, bridge.TextHash(e.Text), bridge.TextHash(e.Description), body), nil
}

// prepare makes an event as it is stored.
func (s *Store) prepare(e *bridge.Event) {
	e.Normalize()
	if e.ID == "" {
		e.ID = bridge.NewID()
	}
	if e.Received.IsZero() {
		e.Received = s.now().UTC()
	}
	e.Received = e.Received.Round(0) // as it is read back: without the monotonic clock
	e.Seq = 0
}

// eventTexts is how many texts event_out makes of an event; bondTexts likewise; eventArguments
// is how many arguments read_event takes.
const (
	eventArguments = 22
	eventTexts     = 17
	bondTexts      = 10
	receiptTexts   = 8
)

// event reads what event_out wrote at i, and the body. The columns win over the body: they are what
// the store decided.
func (r reply) event(i int, body string) (bridge.Event, error) {
	var e bridge.Event
	if body != "" {
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			return e, fmt.Errorf("redis: event %s: the stored body is damaged: %w", r.str(i+1), err)
		}
	}
	e.Seq, e.ID, e.Provider, e.Task = r.num(i), r.str(i+1), r.str(i+2), r.str(i+3)
	e.Dir, e.Kind, e.Reference, e.RefKey = bridge.Dir(r.str(i+4)), bridge.Kind(r.str(i+5)), r.str(i+6), r.str(i+7)
	e.Mode, e.Entrance = bridge.SubmitMode(r.str(i+8)), bridge.Entrance(r.str(i+9))
	e.State, e.Reason, e.Detail, e.First = bridge.EventState(r.str(i+10)), bridge.Reason(r.str(i+11)), r.str(i+12), r.str(i+13)
	e.Repeat, e.Ended = int(r.num(i+14)), fromMicros(r.num(i+16))
	if e.Received.IsZero() {
		e.Received = fromMicros(r.num(i + 15))
	}
	return e, nil
}

func (r reply) bond(i int) bridge.Bond {
	return bridge.Bond{
		Provider: r.str(i), Task: r.str(i + 1), State: bridge.BondState(r.str(i + 2)), Reference: r.str(i + 3), RefKey: r.str(i + 4),
		Resolves: int(r.num(i + 5)), Submit: r.str(i + 6), Acknowledged: r.bool(i + 7), Created: fromMicros(r.num(i + 8)), Changed: fromMicros(r.num(i + 9)),
	}
}

func (r reply) receipt(i int) bridge.Receipt {
	return bridge.Receipt{
		Status: bridge.ReceiptStatus(r.str(i)), Event: r.str(i + 1), First: r.str(i + 2), State: bridge.EventState(r.str(i + 3)),
		Reason: bridge.Reason(r.str(i + 4)), Seq: r.num(i + 5), Task: r.str(i + 6), Reference: r.str(i + 7),
	}
}
