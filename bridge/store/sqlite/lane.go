package sqlite

import (
	"github.com/pergabridge/pergabridge/bridge"
)

// laneRow is a lane in memory; change it through the methods of tx and it is written at flush.
type laneRow struct {
	id          int64
	lid         bridge.LaneID
	dest        string
	state       bridge.LaneState
	paused      bool
	reason      bridge.Reason
	detail      string
	head        int64
	n           int
	due         int64
	attempt     int
	token       string
	session     string
	leasedAt    int64
	unknown     bool
	unknownAt   int64
	evidence    bool
	evidenceRef string
	upAtFirst   int64
	echoes      int

	dirty bool
	was   bridge.LaneState // as tallied
}

const laneColumns = "id, provider, task, dir, dest, state, paused, reason, detail, head, n, due, attempt, token, session, leased_at, unknown, unknown_at, evidence, evidence_ref, up_at_first, echoes"

func (l *laneRow) fields() []any {
	return []any{&l.id, &l.lid.Provider, &l.lid.Task, &l.lid.Dir, &l.dest, &l.state, &l.paused, &l.reason, &l.detail, &l.head, &l.n, &l.due,
		&l.attempt, &l.token, &l.session, &l.leasedAt, &l.unknown, &l.unknownAt, &l.evidence, &l.evidenceRef, &l.upAtFirst, &l.echoes}
}

// shown is the state people see: a paused lane is paused unless a delivery is under way.
func (l *laneRow) shown() bridge.LaneState {
	if l.paused && l.state != bridge.LaneLeased {
		return bridge.LanePaused
	}
	return l.state
}

// lane returns the lane, or nil if there is none.
func (t *tx) lane(id bridge.LaneID) *laneRow {
	if l, known := t.byLane[id]; known {
		return l
	}
	l := &laneRow{}
	if !t.row("SELECT "+laneColumns+" FROM lane WHERE provider = ? AND task = ? AND dir = ?", id.Provider, id.Task, id.Dir).scan(l.fields()...) {
		t.byLane[id] = nil // many tasks have only one lane; it is asked for at every event
		return nil
	}
	return t.keepLane(l)
}

func (t *tx) laneByID(id int64) *laneRow {
	if l := t.lanes[id]; l != nil {
		return l
	}
	l := &laneRow{}
	if !t.row("SELECT "+laneColumns+" FROM lane WHERE id = ?", id).scan(l.fields()...) {
		return nil
	}
	return t.keepLane(l)
}

func (t *tx) keepLane(l *laneRow) *laneRow {
	l.was = l.shown()
	t.lanes[l.id], t.byLane[l.lid] = l, l
	return l
}

// makeLane returns the lane, making an idle one if there is none.
func (t *tx) makeLane(id bridge.LaneID) *laneRow {
	if l := t.lane(id); l != nil {
		return l
	}
	l := &laneRow{lid: id, dest: id.Destination(), state: bridge.LaneIdle}
	l.id = t.insert("INSERT INTO lane (provider, task, dir, dest, state, paused, reason, detail, head, n, due, attempt, token, session, leased_at, unknown, unknown_at, evidence, evidence_ref, up_at_first, echoes) VALUES (?, ?, ?, ?, ?, 0, '', '', 0, 0, 0, 0, '', '', 0, 0, 0, 0, '', 0, 0)",
		id.Provider, id.Task, id.Dir, l.dest, l.state)
	t.count("lane", l.dest, string(l.state), 1)
	return t.keepLane(l)
}

// touch notes that l was changed.
func (t *tx) touch(l *laneRow) {
	if !l.dirty {
		l.dirty = true
		t.dirty = append(t.dirty, l)
	}
}

// flush writes changed lanes and destinations; whoever queries them in SQL calls it first.
func (t *tx) flush() {
	for _, l := range t.dirty {
		if s := l.shown(); s != l.was {
			t.count("lane", l.dest, string(l.was), -1)
			t.count("lane", l.dest, string(s), 1)
			l.was = s
		}
		t.exec("UPDATE lane SET state = ?, paused = ?, reason = ?, detail = ?, head = ?, n = ?, due = ?, attempt = ?, token = ?, session = ?, leased_at = ?, unknown = ?, unknown_at = ?, evidence = ?, evidence_ref = ?, up_at_first = ?, echoes = ? WHERE id = ?",
			l.state, l.paused, l.reason, l.detail, l.head, l.n, l.due, l.attempt, l.token, l.session, l.leasedAt, l.unknown, l.unknownAt, l.evidence, l.evidenceRef, l.upAtFirst, l.echoes, l.id)
		l.dirty = false
	}
	t.dirty = t.dirty[:0]
	for _, d := range t.dests {
		d.flush(t)
	}
}

// setLane moves a lane to a state with the reason people read.
func (t *tx) setLane(l *laneRow, s bridge.LaneState, why bridge.Reason, detail string) {
	l.state, l.reason, l.detail = s, why, detail
	if s == bridge.LaneReady {
		t.woke = true
	}
	t.touch(l)
}

// unlease ends the lease of a lane, whoever holds it.
func (t *tx) unlease(l *laneRow) {
	l.token, l.session, l.leasedAt = "", "", 0
	t.touch(l)
}

// append puts an event at the end of its lane. Its state must not be counted in a lane yet.
func (t *tx) append(e *bridge.Event) {
	l := t.makeLane(e.Lane())
	pos := e.Seq
	if pos == 0 {
		e.Seq = t.next()
		pos = e.Seq
		t.insertEvent(e, bridge.StateQueued, "", l.id, pos)
	} else {
		pos = t.next()
		t.drawn = true
		t.placeEvent(e, bridge.StateQueued, "", l.id, pos)
	}
	l.n++
	t.count("queued", l.dest, "", 1)
	if l.head == 0 {
		l.head = e.Seq
		if l.state == bridge.LaneParked { // its head was ignored; a person lets it go on
			t.park(l, e, l.reason, l.detail)
		} else {
			t.fresh(l)
		}
	}
	t.touch(l)
}

// fresh makes the head of l due now, as never tried.
func (t *tx) fresh(l *laneRow) {
	l.due, l.attempt, l.unknown, l.unknownAt, l.evidence, l.evidenceRef, l.upAtFirst = t.now, 0, false, 0, false, "", 0
	t.setLane(l, bridge.LaneReady, "", "")
}

// endHead ends the head of a lane, whatever state the lane is in, and moves on to the next event.
func (t *tx) endHead(l *laneRow, e *bridge.Event, s bridge.EventState, why bridge.Reason, first string) {
	t.endEvent(e, s, why, first)
	t.unlease(l)
	l.n--
	t.count("queued", l.dest, "", -1)
	l.head = 0
	if l.n > 0 {
		if !t.row("SELECT seq FROM event WHERE lane = ? AND state IN ('queued', 'leased', 'parked') ORDER BY pos LIMIT 1", l.id).scan(&l.head) {
			l.n = 0 // cannot be; heal rather than stall
		}
	}
	if l.head != 0 {
		t.fresh(l)
	} else {
		t.fresh(l)
		t.setLane(l, bridge.LaneIdle, "", "")
	}
}

// headOf returns the event at the head of l, nil if it is idle.
func (t *tx) headOf(l *laneRow) *bridge.Event {
	if l == nil || l.head == 0 {
		return nil
	}
	return t.event(l.head)
}
