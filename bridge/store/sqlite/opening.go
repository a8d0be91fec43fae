package sqlite

import "github.com/pergabridge/pergabridge/bridge"

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
	case t.making(e.Provider):
		return t.kept(e, bridge.StateWaiting, bridge.UnknownReference, "a submit of this provider is not settled yet, and this may be the ticket it makes")
	}
	e.Task, e.Detail = bridge.OpenTask(e.RefKey), ""
	r := t.queued(e)
	t.claim(e, openKey(e.RefKey), "", true)
	return r
}

// making reports whether a submit that makes a new ticket is unsettled at the provider.
func (t *tx) making(provider string) bool {
	var one int
	return t.row("SELECT 1 FROM event WHERE provider = ? AND kind = 'submit' AND mode = 'new' AND state IN ('queued', 'leased', 'parked') LIMIT 1", provider).scan(&one)
}

// arrived settles the open of a reference that SSP knows now, and gives it the task.
func (t *tx) arrived(b *bondRow, w bonded) {
	e := t.opened(b.Provider, w.refKey)
	if e == nil || e.Task != bridge.OpenTask(w.refKey) {
		return
	}
	if e.State != bridge.StateDone {
		l := t.lane(e.Lane())
		switch {
		case l == nil || l.head != e.Seq: // released by a person into a lane it shares
			return
		case l.state == bridge.LaneLeased:
			l.evidence, l.evidenceRef = true, w.reference
			t.touch(l)
			return
		}
		t.endHead(l, e, bridge.StateDone, bridge.ByEvidence, "")
	}
	t.atHome(e, b.Task)
}

// atHome gives a settled open the task that its ticket became.
func (t *tx) atHome(e *bridge.Event, task string) {
	if e.Kind == bridge.Open && e.State == bridge.StateDone && task != "" && task != e.Task {
		e.Task = task
		t.exec("UPDATE event SET task = ? WHERE seq = ?", task, e.Seq)
		delete(t.events, e.Seq)
	}
}

// sweepOpens decides again the opens that waited for submits, once no submit is unsettled.
func (t *tx) sweepOpens(limit int) {
	for _, seq := range t.ints(`SELECT seq FROM event e WHERE state = 'waiting' AND kind = 'open'
		AND NOT EXISTS (SELECT 1 FROM event s WHERE s.provider = e.provider AND s.kind = 'submit' AND s.mode = 'new' AND s.state IN ('queued', 'leased', 'parked'))
		ORDER BY +seq LIMIT ?`, limit) { // + keeps SQLite from going through all events in that order
		if e := t.event(seq); e.State == bridge.StateWaiting {
			t.decide(e)
		}
	}
}
