package storetest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// An option changes an event that is being built.
type option func(*bridge.Event)

func at(provider string) option       { return func(e *bridge.Event) { e.Provider = provider } }
func ref(reference string) option     { return func(e *bridge.Event) { e.Reference = reference } }
func key(k string) option             { return func(e *bridge.Event) { e.Key = k } }
func text(s string) option            { return func(e *bridge.Event) { e.Text = s } }
func comment(id string) option        { return func(e *bridge.Event) { e.Comment = id } }
func echo(by bridge.EchoBy) option    { return func(e *bridge.Event) { e.Echo = by } }
func window(d time.Duration) option   { return func(e *bridge.Event) { e.Window = d } }
func unread(why bridge.Reason) option { return func(e *bridge.Event) { e.Quarantine = why } }
func body(raw string) option {
	return func(e *bridge.Event) {
		e.Inbound = &bridge.Inbound{Provider: e.Provider, Entrance: e.Entrance, Body: []byte(raw), Received: e.Received}
	}
}

// noKey takes the sender's id away.
func noKey(e *bridge.Event) { e.Key = "" }

// noText takes the text away.
func noText(e *bridge.Event) { e.Text = "" }

// out builds an event from SSP for acme, with a key and a text of its own.
func (h *harness) out(kind bridge.Kind, task string, opts ...option) bridge.Event {
	return h.build(bridge.Out, bridge.ByProcessCall, kind, task, opts)
}

// in builds an event from acme for SSP, with a key and a text of its own.
func (h *harness) in(kind bridge.Kind, task string, opts ...option) bridge.Event {
	return h.build(bridge.In, bridge.ByWebhook, kind, task, opts)
}

func (h *harness) build(dir bridge.Dir, by bridge.Entrance, kind bridge.Kind, task string, opts []option) bridge.Event {
	h.n++
	e := bridge.Event{
		ID: bridge.NewID(), Provider: acme, Task: task, Dir: dir, Kind: kind, Entrance: by, Received: h.now(),
		Key: fmt.Sprintf("key-%d", h.n), Text: fmt.Sprintf("text %d", h.n),
	}
	for _, o := range opts {
		o(&e)
	}
	return e
}

// again builds the same event as a sender that repeats itself would: a new record, the same words.
func (h *harness) again(e bridge.Event) bridge.Event {
	e.ID, e.Received = bridge.NewID(), h.now()
	return e
}

// offer accepts one event.
func (h *harness) offer(e bridge.Event) bridge.Receipt {
	h.t.Helper()
	return h.offerAll(e)[0]
}

// offerAll accepts events in one call.
func (h *harness) offerAll(es ...bridge.Event) []bridge.Receipt {
	h.t.Helper()
	rs, err := h.store().Accept(h.ctx, es)
	require.NoError(h.t, err)
	require.Len(h.t, rs, len(es))
	return rs
}

// expect accepts one event and requires what becomes of it, in the receipt and in the record.
func (h *harness) expect(e bridge.Event, status bridge.ReceiptStatus, state bridge.EventState, reason bridge.Reason) bridge.Receipt {
	h.t.Helper()
	r := h.offer(e)
	require.Equal(h.t, status, r.Status, "status of %s %s (state %s, reason %s)", e.Dir, e.Kind, r.State, r.Reason)
	require.Equal(h.t, state, r.State, "state in the receipt of %s %s", e.Dir, e.Kind)
	require.Equal(h.t, reason, r.Reason, "reason in the receipt of %s %s", e.Dir, e.Kind)
	h.is(e.ID, state, reason)
	return r
}

// queue accepts one event, requires that it is in its lane, and returns its id.
func (h *harness) queue(e bridge.Event) string {
	h.t.Helper()
	r := h.offer(e)
	require.Equal(h.t, bridge.Accepted, r.Status, "status of %s %s (state %s, reason %s)", e.Dir, e.Kind, r.State, r.Reason)
	require.Equal(h.t, e.ID, r.Event)
	require.Equal(h.t, bridge.StateQueued, r.State)
	h.queued(e.ID)
	return e.ID
}

// waits accepts one event and requires that it waits.
func (h *harness) waits(e bridge.Event, reason bridge.Reason) string {
	h.t.Helper()
	h.expect(e, bridge.Waiting, bridge.StateWaiting, reason)
	return e.ID
}

// merges accepts one event and requires that it is merged into first with a record of its own.
func (h *harness) merges(e bridge.Event, first string) string {
	h.t.Helper()
	r := h.expect(e, bridge.Duplicate, bridge.StateEnded, bridge.IsDuplicate)
	require.Equal(h.t, first, r.First, "the receipt names the first")
	require.Equal(h.t, first, h.stored(e.ID).First, "the record names the first")
	return e.ID
}

// saysNothingNew accepts one event and requires that it ends as merged.
func (h *harness) saysNothingNew(e bridge.Event) string {
	h.t.Helper()
	h.expect(e, bridge.Duplicate, bridge.StateEnded, bridge.IsMerged)
	return e.ID
}

// echoes accepts one event and requires that it ends as an echo.
func (h *harness) echoes(e bridge.Event) bridge.Receipt {
	h.t.Helper()
	return h.expect(e, bridge.Echoed, bridge.StateEnded, bridge.IsEcho)
}

// late accepts one event and requires that it ends as late.
func (h *harness) late(e bridge.Event) string {
	h.t.Helper()
	h.expect(e, bridge.Late, bridge.StateEnded, bridge.IsLate)
	return e.ID
}

// conflicting accepts one event and requires that it is kept as a reference conflict.
func (h *harness) conflicting(e bridge.Event) string {
	h.t.Helper()
	h.expect(e, bridge.Quarantined, bridge.StateQuarantined, bridge.ReferenceConflict)
	return e.ID
}
