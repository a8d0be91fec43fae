package storetest

import (
	"bytes"
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/transfer"
)

// allSessionsEnd is longer than any session of the suite.
const allSessionsEnd = 100 * 365 * 24 * time.Hour

func (h *harness) porter() transfer.Porter {
	h.t.Helper()
	p, ok := h.store().(transfer.Porter)
	require.True(h.t, ok, "a store can move")
	return p
}

func (h *harness) export() []byte {
	h.t.Helper()
	var b bytes.Buffer
	_, err := transfer.Export(h.ctx, h.porter(), &b, transfer.Header{From: "storetest", Made: h.now()})
	require.NoError(h.t, err)
	return b.Bytes()
}

// replace puts an empty store in the place of the one under test.
func (h *harness) replace(f Factory) {
	h.handle.Close(h.outer)
	h.handle = f.New(h.outer, h.clock.Now)
}

// move exports the ledger, imports it into a new store, and goes on there. The same ledger gives the
// same stream, whatever it lies in.
func (h *harness) move(f Factory) {
	h.t.Helper()
	stream := h.export()
	h.replace(f)
	_, _, err := transfer.Import(h.ctx, h.porter(), bytes.NewReader(stream))
	require.NoError(h.t, err)
	h.same(stream, h.export())
}

// same requires that two streams are the same, and shows the first line that is not.
func (h *harness) same(want, got []byte) {
	h.t.Helper()
	a, b := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	for i := range min(len(a), len(b)) {
		require.Equal(h.t, string(a[i]), string(b[i]), "line %d", i+1)
	}
	require.Len(h.t, b, len(a))
}

var moveRules = []rule{
	{"a moved ledger is the same, to people too", func(h *harness) {
		h.world()
		h.operate(bridge.Command{Verb: bridge.VerbDestPause, Dest: beta, Person: "anna", Note: "maintenance"})
		h.moveCursor("poll acme", "cursor 7")
		h.moveCursor("poll beta", "")
		h.operate(bridge.Command{Verb: bridge.VerbDutyPause, Duty: "poll beta"})
		h.advance(allSessionsEnd)
		events, bonds, lanes := h.events(bridge.EventFilter{}), h.bonds(bridge.BondFilter{}), h.lanes(bridge.LaneFilter{})
		counts, people := h.counts(), h.activities()
		tries := map[string][]bridge.Attempt{}
		for _, e := range events {
			tries[e.ID] = h.attempts(e.ID)
		}
		h.move(h.make)
		require.Equal(h.t, rounded(events), rounded(h.events(bridge.EventFilter{})))
		require.Equal(h.t, bonds, h.bonds(bridge.BondFilter{}))
		require.Equal(h.t, byID(lanes), byID(h.lanes(bridge.LaneFilter{})))
		require.Equal(h.t, people, h.activities())
		for _, e := range events {
			require.Equal(h.t, tries[e.ID], h.attempts(e.ID))
		}
		after := h.counts()
		require.Equal(h.t, counts.Events, after.Events)
		require.Equal(h.t, counts.Bonds, after.Bonds)
		require.Equal(h.t, counts.Quarantine, after.Quarantine)
		require.True(h.t, after.Destination[beta].Paused)
		for dest, d := range counts.Destination {
			require.Equal(h.t, d.Queued, after.Destination[dest].Queued, "queued at %s", dest)
		}
		require.Equal(h.t, "cursor 7", h.moveCursor("poll acme", "cursor 8"))
		_, ok, err := h.store().Duty(h.ctx, "poll beta", h.session("heir", bridge.SessionLife))
		require.NoError(h.t, err)
		require.False(h.t, ok, "a person paused it")
	}},
	{"what was seen before the move is known after it", func(h *harness) {
		e := h.out(bridge.Submit, "T1")
		e.Key = "call 1"
		h.offer(e)
		l := h.lease(acme)
		h.settle(l, bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered, Reference: "R1", Comment: "c1"}, bridge.ThenDone, time.Second)
		h.advance(allSessionsEnd)
		h.move(h.make)
		h.mortal()
		again := e
		again.ID = bridge.NewID()
		r := h.offer(again)
		require.Equal(h.t, bridge.Duplicate, r.Status)
		require.Equal(h.t, e.ID, r.First)
		echo := h.in(bridge.Update, "T1")
		echo.Echo, echo.Comment = bridge.EchoByComment, "c1"
		require.Equal(h.t, bridge.Echoed, h.offer(echo).Status)
	}},
	{"a new ticket on its way to SSP moves with its reference", func(h *harness) {
		e := h.in(bridge.Open, "", ref("R1"), key("k"))
		id := h.queue(e)
		h.advance(allSessionsEnd)
		h.move(h.make)
		h.mortal()
		require.Equal(h.t, bridge.Duplicate, h.offer(h.again(e)).Status)
		h.merges(h.in(bridge.Open, "", ref("R1")), id)
		l := h.leaseOf(bridge.SSP, id)
		require.Equal(h.t, "R1", l.Bond.Reference)
		h.done(l)
	}},
	{"a lease that was lost in the move is unknown", func(h *harness) {
		e := h.queue(h.out(bridge.Submit, "T1"))
		lost := h.lease(acme)
		h.advance(allSessionsEnd)
		h.move(h.make)
		h.mortal()
		require.Equal(h.t, 1, h.sweep(bridge.SweepOptions{}).Expired)
		l := h.lease(acme)
		require.Equal(h.t, e, l.Event.ID)
		require.True(h.t, l.Unknown)
		require.Equal(h.t, 2, l.Attempt)
		require.True(h.t, h.step(h.me, []bridge.Result{h.result(lost, yes, bridge.ThenDone, h.now())}).Verdicts[0].Fenced)
	}},
	{"a ledger that somebody works with does not move", func(h *harness) {
		h.queue(h.out(bridge.Submit, "T1"))
		var b bytes.Buffer
		_, err := transfer.Export(h.ctx, h.porter(), &b, transfer.Header{})
		require.ErrorIs(h.t, err, transfer.ErrBusy)
		h.advance(allSessionsEnd)
		stream := h.export()
		h.replace(h.make)
		h.mortal()
		_, _, err = transfer.Import(h.ctx, h.porter(), bytes.NewReader(stream))
		require.ErrorIs(h.t, err, transfer.ErrBusy)
	}},
	{"an import needs an empty store", func(h *harness) {
		e := h.queue(h.out(bridge.Submit, "T1"))
		h.advance(allSessionsEnd)
		stream := h.export()
		_, _, err := transfer.Import(h.ctx, h.porter(), bytes.NewReader(stream))
		require.ErrorIs(h.t, err, transfer.ErrNotEmpty)
		h.queued(e)
		h.same(stream, h.export())
	}},
	{"a stream that was cut or altered leaves nothing, and can be repeated", func(h *harness) {
		h.world()
		h.advance(allSessionsEnd)
		stream := h.export()
		h.replace(h.make)
		lines := bytes.SplitAfter(stream, []byte("\n"))
		bad := map[string][]byte{
			"cut":         bytes.Join(lines[:len(lines)/2], nil),
			"in a line":   stream[:len(stream)*2/3],
			"no end":      bytes.Join(lines[:len(lines)-2], nil),
			"one missing": bytes.Join(append(append([][]byte{}, lines[:3]...), lines[4:]...), nil),
			"altered":     bytes.Replace(stream, []byte(`"T1"`), []byte(`"T9"`), 1),
			"more":        append(append([]byte{}, stream...), lines[1]...),
		}
		for name, s := range bad {
			_, _, err := transfer.Import(h.ctx, h.porter(), bytes.NewReader(s))
			require.Error(h.t, err, name)
			require.Empty(h.t, h.events(bridge.EventFilter{}), name)
			require.Empty(h.t, h.bonds(bridge.BondFilter{}), name)
		}
		ctx, cancel := context.WithCancel(h.ctx)
		cancel()
		_, _, err := transfer.Import(ctx, h.porter(), bytes.NewReader(stream))
		require.Error(h.t, err)
		require.Empty(h.t, h.events(bridge.EventFilter{}))
		_, _, err = transfer.Import(h.ctx, h.porter(), bytes.NewReader(stream))
		require.NoError(h.t, err)
		h.same(stream, h.export())
	}},
	{"an export that cannot be written says so", func(h *harness) {
		h.world()
		h.advance(allSessionsEnd)
		_, err := transfer.Export(h.ctx, h.porter(), full{}, transfer.Header{})
		require.ErrorIs(h.t, err, errFull)
	}},
	{"a long queue moves in order", func(h *harness) {
		h.open("T1", "R1")
		var es []bridge.Event
		for range transfer.QueuePiece + 2 { // two pieces
			es = append(es, h.out(bridge.Update, "T1"))
		}
		_, err := h.store().Accept(h.ctx, es)
		require.NoError(h.t, err)
		h.advance(allSessionsEnd)
		h.move(h.make)
		h.mortal()
		for _, e := range es[:3] {
			l := h.lease(acme)
			require.Equal(h.t, e.ID, l.Event.ID)
			h.done(l)
		}
		require.Equal(h.t, len(es)-3, h.lane(bridge.Out, "T1").Queued)
	}},
}

// moveCursor takes a duty, moves its cursor and returns what it was.
func (h *harness) moveCursor(name, cursor string) string {
	h.t.Helper()
	me := h.session("duty-"+bridge.NewID(), bridge.SessionLife)
	d, ok, err := h.store().Duty(h.ctx, name, me)
	require.NoError(h.t, err)
	require.True(h.t, ok)
	was := d.Cursor()
	_, err = d.Accept(h.ctx, nil, cursor)
	require.NoError(h.t, err)
	return was
}

func (h *harness) activities() []bridge.Activity {
	h.t.Helper()
	as, err := h.store().Activities(h.ctx, 1000)
	require.NoError(h.t, err)
	return as
}

// rounded leaves out what only the lane knows, and what a move rounds: times to microseconds.
func rounded(es []bridge.Event) []bridge.Event {
	for i := range es {
		es[i].Received, es[i].Ended = es[i].Received.Truncate(time.Microsecond), es[i].Ended.Truncate(time.Microsecond)
	}
	return es
}

func byID(ls []bridge.Lane) map[bridge.LaneID]bridge.Lane {
	out := map[bridge.LaneID]bridge.Lane{}
	for _, l := range ls {
		if l.State != bridge.LaneIdle {
			l.Due = l.Due.Truncate(time.Microsecond)
			out[l.ID] = l
		}
	}
	return out
}
