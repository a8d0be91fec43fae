package sqlite

import (
	"github.com/pergabridge/pergabridge/bridge"
)

func (t *tx) lanePause(c bridge.Command, out *bridge.CommandResult) error {
	l := t.lane(c.Lane)
	if l == nil {
		if t.bond(c.Lane.Provider, c.Lane.Task) == nil {
			return notFound("lane", c.Lane)
		}
		l = t.makeLane(c.Lane) // pausing ahead of the first event
	}
	if !l.paused {
		l.paused = true
		t.touch(l)
		out.Changed = true
	}
	return nil
}

func (t *tx) laneResume(c bridge.Command, out *bridge.CommandResult) error {
	l := t.lane(c.Lane)
	switch {
	case l == nil:
		return notFound("lane", c.Lane)
	case l.paused:
		l.paused = false
		t.touch(l)
		t.woke = true
		out.Changed = true
	case l.state == bridge.LaneParked && l.reason == bridge.AwaitsResume:
		out.Changed = true
		head := t.headOf(l)
		if head == nil {
			t.setLane(l, bridge.LaneIdle, "", "")
			return nil
		}
		t.setEvent(head, bridge.StateQueued, "")
		t.fresh(l)
		moved(out, head)
	case l.state == bridge.LaneParked:
		return refuse("lane %s is parked at event %s (%s): retry, settle or ignore that event", c.Lane, t.headOf(l).ID, l.reason)
	}
	return nil
}

func (t *tx) laneRetry(c bridge.Command, out *bridge.CommandResult) error {
	l := t.lane(c.Lane)
	if l == nil {
		return notFound("lane", c.Lane)
	}
	head := t.headOf(l)
	switch {
	case head == nil && l.reason == bridge.AwaitsResume:
		t.setLane(l, bridge.LaneIdle, "", "")
		out.Changed = true
		return nil
	case head == nil:
		return refuse("lane %s is empty: nothing to retry", c.Lane)
	case l.state == bridge.LaneLeased:
		return refuse("lane %s is delivering right now: wait for the attempt to end", c.Lane)
	}
	return t.retryHead(l, head, out)
}

func (t *tx) destPause(c bridge.Command, out *bridge.CommandResult) error {
	d := t.dest(c.Dest)
	if !d.paused {
		d.paused, d.dirty = true, true
		out.Changed = true
	}
	return nil
}

func (t *tx) destResume(c bridge.Command, out *bridge.CommandResult) error {
	d := t.dest(c.Dest)
	if d.paused || d.failures > 0 {
		d.paused, d.failures, d.openTo, d.openFor, d.probe, d.dirty = false, 0, 0, 0, "", true
		t.woke = true
		out.Changed = true
	}
	return nil
}
