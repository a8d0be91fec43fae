package sqlite

import (
	"math"

	"github.com/pergabridge/pergabridge/bridge"
)

// openKey is the claim of the open of a reference.
func openKey(refKey string) string { return "o:" + refKey }

// opened returns the open of a reference that is on its way or was delivered, nil if there is none.
func (t *tx) opened(provider, refKey string) *bridge.Event {
	if refKey == "" {
		return nil
	}
	e, _, ok := t.claimed(&bridge.Event{Provider: provider, Dir: bridge.In}, openKey(refKey))
	if !ok || e.State == bridge.StateEnded || e.Reason == bridge.Observed { // nothing was sent
		return nil
	}
	return e
}

// open carries out the Open table for an event whose ticket nobody knows.
func (t *tx) open(e *bridge.Event) bridge.Receipt {
	first := t.opened(e.Provider, e.RefKey)
	switch {
	case e.RefKey == "":
		return t.kept(e, bridge.StateQuarantined, bridge.MissingField, "a new ticket needs its reference: without it nobody could tell which task it becomes")
	case first != nil && e.Else != "":
		e.Kind, e.Detail = e.Else, ""
		return t.inbound(e, nil, "")
	case first != nil:
		e.Task, e.Detail = bridge.OpenTask(e.RefKey), ""
		return t.ended(e, bridge.IsDuplicate, first.ID)
	case t.making(e.Provider, e.Seq):
		return t.kept(e, bridge.StateWaiting, bridge.UnknownReference, "the provider has not told the reference of every ticket that we ordered before, and this may be one of them")
	}
	t.newTicket(e)
	return receipt(bridge.Accepted, e)
}

// newTicket puts an open into the lane of its reference.
func (t *tx) newTicket(e *bridge.Event) {
	e.Task, e.Detail = bridge.OpenTask(e.RefKey), ""
	t.append(e)
	t.claim(e, openKey(e.RefKey), "", true)
}

// surely leaves out the parked of which every try was surely refused: there is no ticket of theirs.
const surely = " AND (s.state <> 'parked' OR EXISTS (SELECT 1 FROM lane l WHERE l.id = s.lane AND l.unknown = 1)) LIMIT 1"

// making reports whether an event that was accepted before seq (0: any) may have made a ticket at the
// provider whose reference we were not told yet.
func (t *tx) making(provider string, seq int64) bool {
	if seq == 0 {
		seq = math.MaxInt64
	}
	t.flush() // the lanes are asked
	var one int
	return t.row("SELECT 1 FROM event s WHERE s.provider = ? AND s.seq < ? AND s.kind = 'submit' AND s.state IN ('queued', 'leased', 'parked') AND s.mode IN ('new', 'reopen')"+surely, provider, seq).scan(&one) ||
		t.row("SELECT 1 FROM event s WHERE s.provider = ? AND s.seq < ? AND s.kind = 'reject_solution' AND s.state IN ('queued', 'leased', 'parked')"+surely, provider, seq).scan(&one) ||
		t.row("SELECT 1 FROM bond b JOIN event s ON s.id = b.submit WHERE b.provider = ? AND b.state = 'pending' AND s.seq < ? AND s.state = 'done' AND s.mode = 'new' AND s.ended > ? LIMIT 1",
			provider, seq, t.now-int64(bridge.OpenWait)).scan(&one)
}

// arrived settles the opens of a reference that SSP knows now, and gives them and their repeats the task.
// One that is being delivered right now is proved by that, and arrives when its try settles.
func (t *tx) arrived(provider, refKey, reference, task string) {
	if refKey == "" || task == "" {
		return
	}
	lid := bridge.LaneID{Provider: provider, Task: bridge.OpenTask(refKey), Dir: bridge.In}
	l := t.lane(lid)
	for head := t.headOf(l); head != nil; head = t.headOf(l) {
		if l.state == bridge.LaneLeased {
			l.evidence, l.evidenceRef = true, reference
			t.touch(l)
			break
		}
		t.endHead(l, head, bridge.StateDone, bridge.ByEvidence, "")
	}
	for _, seq := range t.ints("SELECT seq FROM event WHERE task = ? AND provider = ? AND kind = 'open' AND ended > 0", lid.Task, provider) {
		t.event(seq).Task = task
		t.exec("UPDATE event SET task = ? WHERE seq = ?", task, seq)
		delete(t.events, seq)
	}
}

// settledOpen follows up the try of an open whose ticket became known meanwhile.
func (t *tx) settledOpen(head *bridge.Event) {
	if head.Kind == bridge.Open {
		t.arrived(head.Provider, head.RefKey, head.Reference, t.owner(head.Provider, head.RefKey))
	}
}

// atHome reports whether SSP has the task of an open.
func atHome(e *bridge.Event) bool {
	return e.Kind == bridge.Open && e.Task != "" && e.Task != bridge.OpenTask(e.RefKey)
}

// openAnyway puts an open into a lane because a person says so. If its ticket is known by now it is what it
// says otherwise.
func (t *tx) openAnyway(e *bridge.Event) {
	owner := t.owner(e.Provider, e.RefKey)
	if owner == "" {
		t.newTicket(e)
		return
	}
	t.exec("DELETE FROM claim WHERE provider = ? AND dir = ? AND key = ? AND seq = ?", e.Provider, e.Dir, openKey(e.RefKey), e.Seq)
	e.Kind, e.Task, e.Detail = e.Known(), owner, ""
	t.inbound(e, t.bond(e.Provider, owner), owner)
}

// sweepOpens decides again the opens of which no other event may have made the ticket any more, and
// gives those to people that waited too long for that. It returns how many those are.
func (t *tx) sweepOpens(limit int) int {
	n, quarantined, busy := 0, 0, map[string]bool{}
	for _, seq := range t.ints("SELECT seq FROM event e WHERE state = 'waiting' AND kind = 'open' ORDER BY +seq") { // + keeps SQLite from going through all events in that order
		e := t.event(seq)
		if n >= limit {
			break
		}
		if e.State != bridge.StateWaiting {
			continue
		}
		if !busy[e.Provider] { // what one waits for, the later ones wait for as well
			busy[e.Provider] = t.making(e.Provider, e.Seq)
		}
		switch {
		case !busy[e.Provider]:
			t.decide(e)
		case nanos(e.Received) < t.now-int64(bridge.OpenHold):
			e.Detail = bridge.OpenHeld
			t.placeEvent(e, bridge.StateQuarantined, e.Reason, 0, 0)
			quarantined++
		default:
			continue
		}
		n++
	}
	return quarantined
}
