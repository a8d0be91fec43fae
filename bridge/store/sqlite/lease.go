package sqlite

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// lease gives leases of due lane heads at one destination to a session.
func (t *tx) lease(s bridge.Session, w bridge.Want, out []bridge.Lease) ([]bridge.Lease, int64) {
	d := t.dest(w.Dest)
	n, next := d.room(t.now, w)
	for n > 0 {
		t.flush()
		// Not LIMIT ?: SQLite would plan the query anew for each number.
		ids := t.firstInts(n, "SELECT id FROM lane WHERE dest = ? AND state = 'ready' AND state <> 'idle' AND paused = 0 AND due <= ? ORDER BY due, head", w.Dest, t.now)
		if len(ids) == 0 {
			break
		}
		for _, id := range ids {
			l := t.laneByID(id)
			if lease, ok := t.leaseHead(s, w, l); ok {
				d.took(w, l.token)
				out = append(out, lease)
				n--
			} // else the lane changed: held, parked, or another head
		}
	}
	if next == 0 && !d.paused {
		t.flush()
		var due int64
		if t.row("SELECT due FROM lane WHERE dest = ? AND state = 'ready' AND state <> 'idle' AND paused = 0 ORDER BY due LIMIT 1", w.Dest).scan(&due) {
			switch {
			case due > t.now:
				next = due
			case w.N > 0 && w.Limit.Rate > 0 && n <= 0:
				_, next = d.room(t.now, w)
			}
		}
	}
	return out, next
}

// leaseHead leases the head of a ready lane, unless its bond says otherwise.
func (t *tx) leaseHead(s bridge.Session, w bridge.Want, l *laneRow) (bridge.Lease, bool) {
	head := t.event(l.head)
	b := t.bond(l.lid.Provider, l.lid.Task)
	if b == nil && head.Kind == bridge.Open {
		b = &bondRow{Bond: bridge.Bond{Provider: head.Provider, Task: head.Task, Reference: head.Reference, RefKey: head.RefKey}}
	}
	switch {
	case b == nil: // cannot be; a lane without a bond has nothing to stand on
		t.park(l, head, bridge.UnknownTask, "the bond of this lane is missing: link the task with `bonds link`")
		return bridge.Lease{}, false
	case b.State == bridge.BondSuperseded && l.lid.Dir == bridge.In:
		t.endHead(l, head, bridge.StateEnded, bridge.IsLate, "")
		t.recheck(l)
		return bridge.Lease{}, false
	case b.State == bridge.BondSuperseded && l.attempt == 0:
		t.endHead(l, head, bridge.StateEnded, bridge.IsSuperseded, "")
		t.recheck(l)
		return bridge.Lease{}, false
	case head.Kind == bridge.Submit && head.RefKey != "" && head.RefKey != b.RefKey:
		owner := t.owner(head.Provider, head.RefKey)
		if owner == "" { // it was taken from the other task meanwhile
			t.bind(b, bonded{reference: head.Reference, refKey: head.RefKey, bySSP: true})
			head.Mode = bridge.ModeContinue
		} else if owner != head.Task {
			t.park(l, head, bridge.ReferenceConflict, fmt.Sprintf("reference %s belongs to task %s: decide with `bonds move` or `bonds unlink`, or ignore this submit", head.Reference, owner))
			return bridge.Lease{}, false
		}
	case head.Dir == bridge.Out && head.Kind != bridge.Submit && b.Reference == "" && !w.WithoutReference:
		t.setLane(l, bridge.LaneHeld, bridge.AwaitsReference, "the provider has not told its reference yet")
		return bridge.Lease{}, false
	}
	if head.Kind == bridge.Submit && head.Mode == bridge.ModeNew && b.Reference != "" {
		head.Mode = bridge.ModeContinue // the reference became known while it waited
	}
	d := t.dest(l.dest)
	l.attempt++
	l.token, l.session, l.leasedAt = rand.Text(), s.ID, t.now
	l.evidence, l.evidenceRef = false, ""
	if l.attempt == 1 {
		l.upAtFirst = d.up
	}
	l.state, l.reason, l.detail = bridge.LaneLeased, "", ""
	t.touch(l)
	t.setEvent(head, bridge.StateLeased, "")
	t.noteWriting(l, head)
	lease := bridge.Lease{Event: *head, Bond: b.Bond, Attempt: l.attempt, Unknown: l.unknown, Token: bridge.Token(l.token), Until: s.Until}
	if l.unknown {
		lease.UnknownSince = fromNanos(l.unknownAt)
	}
	if l.attempt > 1 {
		lease.Spent = time.Duration(d.up - l.upAtFirst)
	}
	return lease, true
}

// park stops a lane at its head.
func (t *tx) park(l *laneRow, head *bridge.Event, why bridge.Reason, detail string) {
	t.setEvent(head, bridge.StateParked, why)
	t.setLane(l, bridge.LaneParked, why, detail)
}
