package sqlite

import (
	"context"
	"strconv"

	"github.com/pergabridge/pergabridge/bridge"
)

// Accept implements [bridge.Store].
func (s *Store) Accept(ctx context.Context, events []bridge.Event) ([]bridge.Receipt, error) {
	if len(events) == 0 {
		return nil, nil
	}
	var out []bridge.Receipt
	err := s.do(ctx, len(events), func(t *tx) error {
		out = t.acceptAll(events)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// acceptAll leaves events as the caller has them: an operation may be run twice.
func (t *tx) acceptAll(events []bridge.Event) []bridge.Receipt {
	out := make([]bridge.Receipt, len(events))
	for i := range events {
		e := events[i]
		out[i] = t.accept(&e)
	}
	return out
}

// accept takes one fresh event through the steps of package bridge, "Accept".
func (t *tx) accept(e *bridge.Event) bridge.Receipt {
	e.Normalize()
	if e.ID == "" {
		e.ID = bridge.NewID()
	}
	if e.Received.IsZero() {
		e.Received = fromNanos(t.now)
	}
	e.Seq, e.State, e.First, e.Repeat, e.Reason = 0, "", "", 0, ""

	if e.Quarantine != "" || e.Ignore != "" { // step 1
		key := keptKey(e)
		first, c, ok := t.claimed(e, key)
		if ok && (e.Key != "" || t.now-c.at <= int64(e.Window)) {
			return t.duplicate(e, first)
		}
		status, gone := bridge.Ignored, t.reported(e)
		switch {
		case e.Quarantine != "":
			t.keep(e, bridge.StateQuarantined, e.Quarantine)
			status = bridge.Quarantined
		case gone != nil:
			t.finish(e, e.Ignore, gone.ID)
			t.bounce(gone, e)
		default:
			t.finish(e, e.Ignore, "")
		}
		t.claim(e, key, "", ok)
		return receipt(status, e)
	}
	if e.Key == "" {
		return t.decide(e)
	}
	key, hash := "k:"+e.Key, e.ContentHash() // step 2
	first, c, ok := t.claimed(e, key)
	if !ok {
		r := t.decide(e)
		t.claim(e, key, hash, false)
		return r
	}
	if c.hash == hash {
		return t.duplicate(e, first)
	}
	key = "c:" + hash + ":" + e.Key
	if first, _, ok := t.claimed(e, key); ok {
		return t.duplicate(e, first)
	}
	e.First = first.ID
	e.Detail = "the sender used the id " + strconv.Quote(e.Key) + " before for something else, see the first event; assign it to apply it, or discard it"
	t.keep(e, bridge.StateQuarantined, bridge.ContentConflict)
	t.claim(e, key, "", false)
	return receipt(bridge.Conflict, e)
}

// reported returns the delivered event of which e reports that its mail did not arrive, nil if there is
// none. If its outcome is unknown, the report proves that the mail was taken. Else the report about an event that
// is not settled yet is quarantined, for the try in flight or a person.
func (t *tx) reported(e *bridge.Event) *bridge.Event {
	if e.Bounced == "" || e.Quarantine != "" {
		return nil
	}
	of := t.eventByID(e.Bounced)
	switch {
	case of == nil || of.Provider != e.Provider || of.State == bridge.StateEnded:
		return nil
	case t.toldBefore(of, e):
		e.Detail += "; another report has told of that mail"
		return nil
	}
	if l := t.lane(of.Lane()); l != nil && l.head == of.Seq {
		t.proved(l, of, "")
	}
	if of.State != bridge.StateDone {
		e.Quarantine = bridge.RefusedAnswer
		of.First = e.ID
		t.exec("UPDATE event SET first = ? WHERE seq = ?", of.First, of.Seq)
		return nil
	}
	e.Task = of.Task
	return of
}

// toldBefore reports whether the report that an event names is about the same mail as another one, or about a
// later one: the event was sent again since.
func (t *tx) toldBefore(of, report *bridge.Event) bool {
	if of.First == "" || report.BouncedAt.IsZero() {
		return false
	}
	before := t.eventByID(of.First)
	return before != nil && before.Bounced == of.ID && !report.BouncedAt.After(before.BouncedAt)
}

// returned takes up the report that came while the mail about a delivered event was under way.
func (t *tx) returned(of *bridge.Event) {
	if of.State != bridge.StateDone || of.First == "" {
		return
	}
	report := t.eventByID(of.First)
	if report == nil || report.State != bridge.StateQuarantined || report.Bounced != of.ID {
		return
	}
	report.Task = of.Task
	t.endEvent(report, bridge.StateEnded, bridge.Automatic, of.ID)
	t.bounce(of, report)
}

// bounce ends a delivered event as one that did not arrive. An open whose ticket SSP has did arrive.
func (t *tx) bounce(of, report *bridge.Event) {
	if atHome(of) {
		return
	}
	of.Detail = report.Detail
	t.endEvent(of, bridge.StateEnded, bridge.Bounced, report.ID)
	t.withoutEffect(of, t.bond(of.Provider, of.Task))
}

// keptKey is the claim of an event that is only kept or recorded: with an id for good, without one
// for its window.
func keptKey(e *bridge.Event) string {
	if e.Key != "" {
		return "q:" + string(e.Ignore) + ":k:" + e.Key
	}
	return "q:" + string(e.Ignore) + ":h:" + e.ContentHash()
}

type claimRow struct {
	seq  int64
	hash string
	at   int64
}

// claimed returns the claim of a key and the event that holds it.
func (t *tx) claimed(e *bridge.Event, key string) (*bridge.Event, claimRow, bool) {
	var c claimRow
	if !t.row("SELECT seq, hash, at FROM claim WHERE provider = ? AND dir = ? AND key = ?", e.Provider, e.Dir, key).scan(&c.seq, &c.hash, &c.at) {
		return nil, c, false
	}
	return t.event(c.seq), c, true
}

// claim records that e holds key; again takes it over from an event whose window is past.
func (t *tx) claim(e *bridge.Event, key, hash string, again bool) {
	if again {
		t.exec("DELETE FROM claim WHERE provider = ? AND dir = ? AND key = ?", e.Provider, e.Dir, key)
	}
	t.exec("INSERT INTO claim (provider, dir, key, seq, hash, at) VALUES (?, ?, ?, ?, ?, ?)", e.Provider, e.Dir, key, e.Seq, hash, t.now)
}

// duplicate counts a repeat on the first record and answers with it.
func (t *tx) duplicate(e, first *bridge.Event) bridge.Receipt {
	first.Repeat++
	t.exec("UPDATE event SET repeat = repeat + 1 WHERE seq = ?", first.Seq)
	r := receipt(bridge.Duplicate, first)
	r.First = first.ID
	t.addReference(&r, first)
	return r
}

func receipt(s bridge.ReceiptStatus, e *bridge.Event) bridge.Receipt {
	return bridge.Receipt{Status: s, Event: e.ID, First: e.First, State: e.State, Reason: e.Reason, Seq: e.Seq, Task: e.Task, Reference: e.Reference}
}

func (t *tx) addReference(r *bridge.Receipt, e *bridge.Event) {
	if b := t.bond(e.Provider, e.Task); b != nil && b.Reference != "" {
		r.Reference = b.Reference
	}
}

// ended, queued and kept store what was decided and answer it.

func (t *tx) ended(e *bridge.Event, why bridge.Reason, first string) bridge.Receipt {
	status := bridge.Duplicate
	switch why {
	case bridge.IsEcho:
		status = bridge.Echoed
	case bridge.IsLate:
		status = bridge.Late
	}
	t.finish(e, why, first)
	r := receipt(status, e)
	t.addReference(&r, e)
	return r
}

func (t *tx) queued(e *bridge.Event) bridge.Receipt {
	t.append(e)
	r := receipt(bridge.Accepted, e)
	t.addReference(&r, e)
	return r
}

func (t *tx) kept(e *bridge.Event, s bridge.EventState, why bridge.Reason, detail string) bridge.Receipt {
	if detail != "" {
		e.Detail = detail
	}
	t.keep(e, s, why)
	status := bridge.Waiting
	if e.State == bridge.StateQuarantined {
		status = bridge.Quarantined
	}
	return receipt(status, e)
}

// mergeKey is the claim of an event without a sender's id.
func mergeKey(e *bridge.Event, b *bondRow) string {
	n := 0
	if b != nil {
		n = b.Resolves
	}
	return "h:" + e.MergeHash() + ":" + strconv.Itoa(n)
}

// merged carries out step 5 for a fresh event without a key: it reports true and the receipt if the
// event says again what was accepted within its window, and claims it otherwise after place has
// stored it.
func (t *tx) merged(e *bridge.Event, b *bondRow, place func() bridge.Receipt) bridge.Receipt {
	if e.Key != "" || e.Seq != 0 {
		return place()
	}
	key := mergeKey(e, b)
	first, c, ok := t.claimed(e, key)
	if ok && t.now-c.at <= int64(e.Window) {
		return t.ended(e, bridge.IsDuplicate, first.ID)
	}
	r := place()
	if !e.State.Final() { // what says nothing new must not stand in the way of what does later
		t.claim(e, key, "", ok)
	}
	return r
}
