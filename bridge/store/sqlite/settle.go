package sqlite

import (
	"context"
	"fmt"
	"strconv"

	"github.com/pergabridge/pergabridge/bridge"
)

// Settle implements [bridge.Store].
func (s *Store) Settle(ctx context.Context, session bridge.Session, results []bridge.Result, wants []bridge.Want) (bridge.Settled, error) {
	var out bridge.Settled
	err := s.do(ctx, 0, func(t *tx) error {
		out = bridge.Settled{}
		for _, w := range wants {
			t.dest(w.Dest).limit = w.Limit
		}
		for _, r := range results {
			out.Verdicts = append(out.Verdicts, t.settle(session, r))
		}
		if len(wants) > 0 && !t.alive(session.ID) {
			if len(results) == 0 {
				return fmt.Errorf("sqlite: lease for session %s: %w", session.ID, bridge.ErrFenced)
			}
			return nil
		}
		var earliest int64
		for _, w := range wants {
			var next int64
			out.Leases, next = t.lease(session, w, out.Leases)
			if next != 0 && (earliest == 0 || next < earliest) {
				earliest = next
			}
		}
		out.Next = fromNanos(earliest)
		return nil
	})
	if err != nil {
		return bridge.Settled{}, err
	}
	return out, nil
}

// settle records one result and applies what follows from it.
func (t *tx) settle(s bridge.Session, r bridge.Result) bridge.Verdict {
	e, o := &r.Lease.Event, r.Outcome
	l := t.lane(e.Lane())
	// A late result says more of its try than the sweep that gave it up.
	t.exec("INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", e.Seq, r.Lease.Attempt, string(r.Lease.Token),
		nanos(r.Started), nanos(r.Ended), o.Kind, o.Reason, r.Then, o.Detail, o.Request, o.Answer, o.Status, s.ID, r.Config)
	ours := l != nil && l.head == e.Seq && l.state == bridge.LaneLeased && l.token == string(r.Lease.Token)
	if !ours && !lateDone(l, r) {
		now := t.event(e.Seq)
		return bridge.Verdict{Fenced: true, State: now.State, Reason: now.Reason}
	}
	head := t.event(l.head)
	b := t.bond(l.lid.Provider, l.lid.Task)
	if ours {
		d := t.dest(l.dest)
		d.inFlight--
		d.note(t.now, r)
	}
	if o.Comment != "" {
		t.noteComment(l, head, string(r.Lease.Token), o.Comment)
	}
	if !o.Wrote() {
		t.exec("DELETE FROM wrote WHERE lane = ? AND token = ?", l.id, string(r.Lease.Token))
	}
	t.unlease(l)

	then, why, reference := r.Then, o.Reason, o.Reference
	seen := l.evidence
	if seen && t.proves(l, head, o, then) {
		then, why = bridge.ThenDone, bridge.ByEvidence
		if reference == "" {
			reference = l.evidenceRef
		}
	}
	v := bridge.Verdict{}
	switch {
	case o.Kind == bridge.OutcomeRefused && then != bridge.ThenDone && then != bridge.ThenRetry && b != nil && b.State.Over():
		t.endHead(l, head, bridge.StateEnded, bridge.IsLate, "")
	case then == bridge.ThenDone:
		key := o.RefKey
		if key == "" || reference != o.Reference {
			key = bridge.ReferenceKey(reference, false)
		}
		v.Bonded = t.done(l, head, b, why, reference, key)
		if head.State == bridge.StateDone {
			t.follow(head, o.Follow)
		}
	case then == bridge.ThenSkip:
		head.Detail = o.Detail
		t.endHead(l, head, bridge.StateEnded, bridge.Skipped, "")
		t.withoutEffect(head, b)
	case then == bridge.ThenPark:
		t.setUnknown(l, o)
		t.park(l, head, why, o.Detail)
	default: // retry, wait
		t.setUnknown(l, o)
		l.due = max(nanos(r.Due), t.now)
		t.setEvent(head, bridge.StateQueued, why)
		t.setLane(l, bridge.LaneReady, why, o.Detail)
	}
	t.settledOpen(head)
	if seen {
		t.returned(head)
	}
	t.recheck(l)
	v.State, v.Reason, v.Parked = head.State, head.Reason, l.state == bridge.LaneParked
	return v
}

// lateDone reports whether r says that the head was delivered by the try that was given up last, before anybody
// tries it again: to repeat what is known to be done would double it.
func lateDone(l *laneRow, r bridge.Result) bool {
	return r.Then == bridge.ThenDone && l != nil && l.head == r.Lease.Event.Seq && l.attempt == r.Lease.Attempt &&
		l.state == bridge.LaneReady && l.reason == bridge.LeaseExpired
}

// proves reports whether evidence seen during a try settles its event. It does not where nothing can
// have happened: not a byte left, now or earlier, so the echo was of something else. A bond made
// meanwhile (evidenceRef) proves its submit if that is tried again, and its open in any case.
func (t *tx) proves(l *laneRow, head *bridge.Event, o bridge.Outcome, then bridge.Then) bool {
	switch then {
	case bridge.ThenRetry, bridge.ThenWait:
		return o.Reason != bridge.NotSent || l.unknown || l.evidenceRef != ""
	case bridge.ThenPark, bridge.ThenSkip:
		return o.Kind == bridge.OutcomeUnknown || l.unknown || head.Kind == bridge.Open && l.evidenceRef != ""
	}
	return false
}

// setUnknown keeps since when it is unknown whether the head was applied. A later try that surely
// wrote nothing does not take that back: the first may still have had its effect.
func (t *tx) setUnknown(l *laneRow, o bridge.Outcome) {
	if o.Kind == bridge.OutcomeUnknown && (!l.unknown || o.Wrote()) {
		l.unknown, l.unknownAt = true, t.now
		t.touch(l)
	}
}

// done ends the head as applied and gives its bond the reference the answer brought. It reports
// whether the bond got one.
func (t *tx) done(l *laneRow, head *bridge.Event, b *bondRow, why bridge.Reason, reference, key string) bool {
	if b != nil && reference == b.Reference {
		key = b.RefKey // evidence remembers only the reference; how it is compared, the bond knows
	}
	if why == bridge.Observed && b != nil && b.State == bridge.BondPending && b.Submit == head.ID {
		b.Submit = "" // nothing was sent: the next submit is the first
		t.saveBond(b, b.State)
	}
	if key == "" || b == nil || key == b.RefKey || (head.Kind != bridge.Submit && head.Kind != bridge.RejectSolution) {
		t.endHead(l, head, bridge.StateDone, why, "")
		return false
	}
	if owner := t.owner(head.Provider, key); owner != "" && owner != head.Task {
		head.Detail = "the provider answered with reference " + strconv.Quote(reference)
		t.park(l, head, bridge.ReferenceConflict, fmt.Sprintf("the provider answered with reference %s, which belongs to task %s: decide with `bonds move`, `bonds link` or `events settle`", reference, owner))
		return false
	}
	t.endHead(l, head, bridge.StateDone, why, "")
	return t.bind(b, bonded{reference: reference, refKey: key, submit: head})
}

// follow accepts the events that an answer brought.
func (t *tx) follow(head *bridge.Event, events []bridge.Event) {
	for i := range events {
		f := events[i]
		if f.Provider == "" {
			f.Provider = head.Provider
		}
		if f.Task == "" && f.Reference == "" {
			f.Task = head.Task
		}
		if f.Dir == "" {
			f.Dir = head.Dir.Opposite()
		}
		if f.Entrance == "" {
			f.Entrance = bridge.ByFollowUp
		}
		if f.Key == "" {
			f.Key = head.ID + "/follow/" + strconv.Itoa(i)
		}
		t.accept(&f)
	}
}

// withoutEffect takes back what an event that ended without effect did to its bond: a solution that
// never arrived leaves it open, a submit that never arrived makes room for the next one.
func (t *tx) withoutEffect(e *bridge.Event, b *bondRow) {
	switch {
	case b == nil:
	case e.Kind == bridge.Resolve && b.State == bridge.BondResolved && !t.resolving(e.Lane()):
		b.State = bridge.BondOpen
		t.saveBond(b, bridge.BondResolved)
	case e.Kind == bridge.Submit && b.State == bridge.BondOpen && e.Mode == bridge.ModeReopen && b.Submit == e.ID:
		b.State = bridge.BondClosed // over, as it was before; the next submit reopens it
		t.saveBond(b, bridge.BondOpen)
	case e.Kind == bridge.Submit && b.State == bridge.BondPending && b.Submit == e.ID:
		b.Submit = ""
		t.saveBond(b, b.State)
	}
}

// resolving reports whether another solution is on its way in the lane.
func (t *tx) resolving(id bridge.LaneID) bool {
	var one int
	l := t.lane(id)
	return l != nil && t.row("SELECT 1 FROM event WHERE lane = ? AND kind = 'resolve' AND state IN ('queued', 'leased', 'parked') LIMIT 1", l.id).scan(&one)
}
