package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var acceptRules = []rule{
	{"what a rule leaves is recorded once and never delivered", func(h *harness) {
		h.open("T1", "R1")
		e := bridge.Event{Provider: acme, Dir: bridge.In, Reference: "R1", Key: "note-1", Ignore: bridge.NotPublic, Detail: "rule 3", Entrance: bridge.ByWebhook}
		r := h.offer(e)
		require.Equal(h.t, bridge.Ignored, r.Status)
		h.is(r.Event, bridge.StateEnded, bridge.NotPublic)
		require.Equal(h.t, "rule 3", h.stored(r.Event).Detail)
		again := h.offer(e)
		require.Equal(h.t, bridge.Duplicate, again.Status)
		require.Equal(h.t, r.Event, again.First)
		h.idle(bridge.SSP)
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"receipts come in the order of the events and seq grows", func(h *harness) {
		es := []bridge.Event{h.out(bridge.Submit, "T1"), h.out(bridge.Submit, "T2"), h.out(bridge.Submit, "T3")}
		rs := h.offerAll(es...)
		rs = append(rs, h.offer(h.out(bridge.Submit, "T4")))
		for i, r := range rs {
			require.Equal(h.t, bridge.Accepted, r.Status)
			require.Equal(h.t, bridge.StateQueued, r.State)
			require.Equal(h.t, r.Seq, h.stored(r.Event).Seq)
			require.Positive(h.t, r.Seq)
			if i < len(es) {
				require.Equal(h.t, es[i].ID, r.Event)
				require.Equal(h.t, es[i].Task, r.Task)
			}
			if i > 0 {
				require.Greater(h.t, r.Seq, rs[i-1].Seq)
			}
		}
	}},
	{"no events give no receipts", func(h *harness) {
		require.Empty(h.t, h.offerAll())
		require.Empty(h.t, h.events(bridge.EventFilter{}))
	}},
	{"an event is kept whole", func(h *harness) {
		e := h.out(bridge.Submit, "T1")
		e.Trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
		e.Text, e.Author, e.Ticket, e.Title = "a\r\nb & <c> é 漢 \u0000 \U0001F600", "Ann", "T-1", "Printer"
		e.Description, e.Priority = "on fire", "high"
		e.Requester = bridge.Person{Name: "Bob", Email: "bob@example.com"}
		e.Fields = map[string]any{"s": "x", "n": 1.5, "b": true, "o": map[string]any{"list": []any{"a", nil}}}
		e.Comment, e.Detail = "c1", "said so"
		e.Inbound = &bridge.Inbound{
			Provider: acme, Entrance: bridge.ByProcessCall, ContentType: "application/json",
			Header: map[string]string{"X-A": "1"}, Query: map[string]string{"q": "2"},
			Body: []byte{0, 1, 0xff, '{'}, Received: h.now(), Delivery: "d1",
		}
		h.queue(e)
		for _, got := range []bridge.Event{h.stored(e.ID), h.lease(acme).Event} {
			require.Equal(h.t, e.ID, got.ID)
			require.Equal(h.t, e.Lane(), got.Lane())
			require.Equal(h.t, e.Kind, got.Kind)
			require.Equal(h.t, e.Key, got.Key)
			require.Equal(h.t, e.Entrance, got.Entrance)
			require.True(h.t, e.Received.Equal(got.Received), "received %s, want %s", got.Received, e.Received)
			require.Equal(h.t, e.Trace, got.Trace)
			require.Equal(h.t, e.Text, got.Text)
			require.Equal(h.t, e.Author, got.Author)
			require.Equal(h.t, e.Ticket, got.Ticket)
			require.Equal(h.t, e.Title, got.Title)
			require.Equal(h.t, e.Description, got.Description)
			require.Equal(h.t, e.Priority, got.Priority)
			require.Equal(h.t, e.Requester, got.Requester)
			require.Equal(h.t, e.Fields, got.Fields)
			require.Equal(h.t, e.Comment, got.Comment)
		}
		in := h.stored(e.ID).Inbound
		require.NotNil(h.t, in)
		require.True(h.t, e.Inbound.Received.Equal(in.Received))
		in.Received = e.Inbound.Received
		require.Equal(h.t, e.Inbound, in)
	}},
	{"tasks are compared trimmed, references trimmed, case-blind and in NFC", func(h *harness) {
		h.open("T1", "INC-\u00c91")
		r := h.offer(h.in(bridge.Update, "", ref("  inc-E\u03011 ")))
		require.Equal(h.t, bridge.Accepted, r.Status)
		require.Equal(h.t, "T1", r.Task)
		require.Equal(h.t, "INC-\u00c91", r.Reference)
		e := h.stored(r.Event)
		require.Equal(h.t, "T1", e.Task)
		require.Equal(h.t, bridge.ReferenceKey("INC-\u00c91", false), e.RefKey)
		u := h.queue(h.out(bridge.Update, " T1 "))
		require.Equal(h.t, "T1", h.stored(u).Task)
		require.Equal(h.t, 1, h.lane(bridge.Out, "T1").Queued)
	}},
	{"a reference key given by the source is used as it is", func(h *harness) {
		big := func(e *bridge.Event) { e.Reference, e.RefKey = "AB", "AB" }
		small := func(e *bridge.Event) { e.Reference, e.RefKey = "ab", "ab" }
		h.queue(h.out(bridge.Submit, "T1", big))
		h.queue(h.out(bridge.Submit, "T2", small))
		require.Equal(h.t, "AB", h.bond("T1").RefKey)
		require.Equal(h.t, "ab", h.bond("T2").RefKey)
		require.Equal(h.t, "T2", h.offer(h.in(bridge.Update, "", small)).Task)
		require.Equal(h.t, "T1", h.offer(h.in(bridge.Update, "", big)).Task)
	}},
	{"an event sees what the events before it in the same call did", func(h *harness) {
		sub := h.out(bridge.Submit, "T1", ref("R1"))
		up := h.in(bridge.Update, "", ref("R1"))
		rs := h.offerAll(sub, up, h.again(up))
		require.Equal(h.t, bridge.Accepted, rs[0].Status)
		require.Equal(h.t, bridge.Accepted, rs[1].Status)
		require.Equal(h.t, "T1", rs[1].Task)
		require.Equal(h.t, bridge.Duplicate, rs[2].Status)
		require.Equal(h.t, up.ID, rs[2].First)
	}},
	{"one event of a call that is a duplicate does not hinder the others", func(h *harness) {
		e := h.out(bridge.Submit, "T1")
		h.queue(e)
		rs := h.offerAll(h.again(e), h.out(bridge.Submit, "T2"))
		require.Equal(h.t, bridge.Duplicate, rs[0].Status)
		require.Equal(h.t, bridge.Accepted, rs[1].Status)
	}},
	{"an accepted event wakes the delivery loop", func(h *harness) {
		wake := h.store().Wake()
		for len(wake) > 0 {
			<-wake
		}
		h.queue(h.out(bridge.Submit, "T1"))
		select {
		case <-wake:
		case <-time.After(10 * time.Second):
			require.FailNow(h.t, "no wake after an accept")
		}
	}},
	{"a closed store accepts nothing and says that it is unavailable", func(h *harness) {
		require.NoError(h.t, h.store().Close())
		_, err := h.store().Accept(h.ctx, []bridge.Event{h.out(bridge.Submit, "T1")})
		require.ErrorIs(h.t, err, bridge.ErrUnavailable)
	}},
}
