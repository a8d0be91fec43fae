package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pergabridge/pergabridge/bridge"
)

const eventColumns = "e.seq, e.id, e.provider, e.task, e.dir, e.kind, e.reference, e.ref_key, e.mode, e.entrance, e.state, e.reason, e.detail, e.first, e.repeat, e.received, e.ended, e.shrunk, b.event"

const eventFrom = " FROM event e LEFT JOIN body b ON b.seq = e.seq "

// errDamaged means that what is stored cannot be what was stored.
var errDamaged = errors.New("the stored body is damaged")

// scanEvent reads eventColumns. The columns win over the body: they are what the store decided.
func scanEvent(scan func(...any) error) (bridge.Event, error) {
	var c, e bridge.Event
	var received, ended int64
	var shrunk int
	var body []byte
	if err := scan(&c.Seq, &c.ID, &c.Provider, &c.Task, &c.Dir, &c.Kind, &c.Reference, &c.RefKey, &c.Mode, &c.Entrance, &c.State, &c.Reason,
		&c.Detail, &c.First, &c.Repeat, &received, &ended, &shrunk, &body); err != nil {
		return e, err
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &e); err != nil {
			return e, fmt.Errorf("event %s: %w: %w", c.ID, errDamaged, err)
		}
	}
	e.Seq, e.ID, e.Provider, e.Task, e.Dir, e.Kind, e.Reference, e.RefKey, e.Mode, e.Entrance = c.Seq, c.ID, c.Provider, c.Task, c.Dir, c.Kind, c.Reference, c.RefKey, c.Mode, c.Entrance
	e.State, e.Reason, e.Detail, e.First, e.Repeat = c.State, c.Reason, c.Detail, c.First, c.Repeat
	e.Received, e.Ended = fromNanos(received), fromNanos(ended)
	return e, nil
}

// event returns the event with this seq; it must exist.
func (t *tx) event(seq int64) *bridge.Event {
	if e := t.events[seq]; e != nil {
		return e
	}
	r := t.stmt("SELECT " + eventColumns + eventFrom + "WHERE e.seq = ?").QueryRow(seq)
	e, err := scanEvent(r.Scan)
	if err != nil {
		panic(sqlError{err})
	}
	t.events[seq] = &e
	return &e
}

// eventByID returns the event, nil if there is none.
func (t *tx) eventByID(id string) *bridge.Event {
	var seq int64
	if !t.row("SELECT seq FROM event WHERE id = ?", id).scan(&seq) {
		return nil
	}
	return t.event(seq)
}

// insertEvent writes a new event; e.Seq must be drawn.
func (t *tx) insertEvent(e *bridge.Event, s bridge.EventState, why bridge.Reason, lane, pos int64) {
	body, err := json.Marshal(e)
	if err != nil {
		panic(sqlError{fmt.Errorf("event %s cannot be stored: %w", e.ID, err)})
	}
	e.State, e.Reason = s, why
	if s.Final() {
		e.Ended = fromNanos(t.now)
	}
	t.exec("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
		e.Seq, e.ID, e.Provider, e.Task, e.Dir, e.Kind, e.Reference, e.RefKey, e.Mode, e.Entrance, s, why, e.Detail, e.First, e.Repeat, lane, pos, nanos(e.Received), nanos(e.Ended))
	t.exec("INSERT INTO body VALUES (?, ?)", e.Seq, body)
	t.countEvent(e, 1)
	if !s.Final() {
		t.keepEvent(e)
	}
}

// keepEvent keeps a new event in memory if there is room.
func (t *tx) keepEvent(e *bridge.Event) {
	if len(t.events) < eventLimit {
		t.events[e.Seq] = e
	} else {
		t.passedBy++
	}
}

// placeEvent moves a stored event to another state, lane and position, with what was decided.
func (t *tx) placeEvent(e *bridge.Event, s bridge.EventState, why bridge.Reason, lane, pos int64) {
	t.countEvent(e, -1)
	e.State, e.Reason = s, why
	e.Ended = fromNanos(0)
	if s.Final() {
		e.Ended = fromNanos(t.now)
	}
	t.exec("UPDATE event SET task = ?, kind = ?, reference = ?, ref_key = ?, mode = ?, state = ?, reason = ?, detail = ?, first = ?, lane = ?, pos = ?, ended = ? WHERE seq = ?",
		e.Task, e.Kind, e.Reference, e.RefKey, e.Mode, s, why, e.Detail, e.First, lane, pos, nanos(e.Ended), e.Seq)
	t.countEvent(e, 1)
}

// setEvent moves an event of a lane to another state there.
func (t *tx) setEvent(e *bridge.Event, s bridge.EventState, why bridge.Reason) {
	if e.State == s && e.Reason == why {
		return
	}
	t.countEvent(e, -1)
	e.State, e.Reason = s, why
	t.exec("UPDATE event SET state = ?, reason = ?, mode = ?, detail = ? WHERE seq = ?", s, why, e.Mode, e.Detail, e.Seq)
	t.countEvent(e, 1)
}

// endEvent brings a stored event to its end.
func (t *tx) endEvent(e *bridge.Event, s bridge.EventState, why bridge.Reason, first string) {
	t.countEvent(e, -1)
	if first != "" {
		e.First = first
	}
	e.State, e.Reason, e.Ended = s, why, fromNanos(t.now)
	t.exec("UPDATE event SET task = ?, kind = ?, mode = ?, state = ?, reason = ?, first = ?, detail = ?, ended = ? WHERE seq = ?", e.Task, e.Kind, e.Mode, s, why, e.First, e.Detail, t.now, e.Seq)
	t.countEvent(e, 1)
	delete(t.events, e.Seq)
}

// finish stores a fresh event as ended, or ends a stored one.
func (t *tx) finish(e *bridge.Event, why bridge.Reason, first string) {
	if e.Seq != 0 {
		t.endEvent(e, bridge.StateEnded, why, first)
		return
	}
	e.First = first
	e.Seq = t.next()
	t.insertEvent(e, bridge.StateEnded, why, 0, 0)
}

// keep stores a fresh event as waiting or quarantined, or moves a stored one there. An event that
// was quarantined already and would only wait again stays where people look for it.
func (t *tx) keep(e *bridge.Event, s bridge.EventState, why bridge.Reason) {
	if e.Seq == 0 {
		e.Seq = t.next()
		t.insertEvent(e, s, why, 0, 0)
		return
	}
	if e.State == bridge.StateQuarantined && s == bridge.StateWaiting {
		s = bridge.StateQuarantined
	}
	t.placeEvent(e, s, why, 0, 0)
}
