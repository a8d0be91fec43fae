package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
)

// Operate implements [bridge.Operator].
func (s *Store) Operate(ctx context.Context, c bridge.Command) (bridge.CommandResult, error) {
	var out bridge.CommandResult
	err := s.do(ctx, 0, func(t *tx) error {
		out = bridge.CommandResult{}
		c.Task, c.Reference = strings.TrimSpace(c.Task), strings.TrimSpace(c.Reference)
		do, ok := operations[c.Verb]
		if !ok {
			return &bridge.CommandError{Msg: fmt.Sprintf("unknown command %q", c.Verb)}
		}
		if err := do(t, c, &out); err != nil {
			return err
		}
		target := c.Event
		switch {
		case target != "":
		case c.Lane != (bridge.LaneID{}):
			target = c.Lane.String()
		case c.Dest != "":
			target = c.Dest
		case c.Duty != "":
			target = c.Duty
		default:
			target = c.Provider + "/" + c.Task
			if c.Reference != "" {
				target += " " + c.Reference
			}
		}
		t.exec("INSERT INTO activity (at, person, verb, target, note) VALUES (?, ?, ?, ?, ?)", t.now, c.Person, c.Verb, target, c.Note)
		return nil
	})
	if err != nil {
		return bridge.CommandResult{}, err
	}
	return out, nil
}

var operations map[bridge.Verb]func(*tx, bridge.Command, *bridge.CommandResult) error

func init() {
	operations = map[bridge.Verb]func(*tx, bridge.Command, *bridge.CommandResult) error{
		bridge.VerbEventRetry:  (*tx).eventRetry,
		bridge.VerbEventIgnore: (*tx).eventIgnore,
		bridge.VerbEventSettle: (*tx).eventSettle,
		bridge.VerbEventErase:  (*tx).eventErase,
		bridge.VerbLanePause:   (*tx).lanePause,
		bridge.VerbLaneResume:  (*tx).laneResume,
		bridge.VerbLaneRetry:   (*tx).laneRetry,
		bridge.VerbDestPause:   (*tx).destPause,
		bridge.VerbDestResume:  (*tx).destResume,
		bridge.VerbDutyPause:   (*tx).dutyPause,
		bridge.VerbDutyResume:  (*tx).dutyResume,
		bridge.VerbBondLink:    (*tx).bondLink,
		bridge.VerbBondUnlink:  (*tx).bondUnlink,
		bridge.VerbBondMove:    (*tx).bondMove,
		bridge.VerbBondImport:  (*tx).bondImport,
		bridge.VerbAssign:      (*tx).assign,
		bridge.VerbDiscard:     (*tx).discard,
		bridge.VerbReread:      (*tx).reread,

		bridge.VerbConfigReload: func(_ *tx, _ bridge.Command, out *bridge.CommandResult) error {
			out.Changed = true // the record is all there is to it
			return nil
		},
	}
}

func refuse(format string, args ...any) error {
	return &bridge.CommandError{Msg: fmt.Sprintf(format, args...)}
}

func notFound(what string, name any) error {
	return fmt.Errorf("sqlite: %s %v: %w", what, name, bridge.ErrNotFound)
}

func moved(out *bridge.CommandResult, e *bridge.Event) {
	out.Changed = true
	out.Events = append(out.Events, e.ID)
}

// headNamed returns an event and, if it is the head of its lane, the lane.
func (t *tx) headNamed(id string) (*bridge.Event, *laneRow, error) {
	e := t.eventByID(id)
	if e == nil {
		return nil, nil, notFound("event", id)
	}
	l := t.lane(e.Lane())
	switch {
	case e.State == bridge.StateLeased:
		return e, l, refuse("event %s is being delivered right now: wait for the attempt to end", id)
	case l != nil && l.head == e.Seq:
		return e, l, nil
	default:
		return e, nil, nil
	}
}

// eventRetry tries a head again now, or brings an ended event back into its lane.
func (t *tx) eventRetry(c bridge.Command, out *bridge.CommandResult) error {
	e, l, err := t.headNamed(c.Event)
	if err != nil {
		return err
	}
	if l != nil {
		return t.retryHead(l, e, out)
	}
	held := e.Kind == bridge.Open && e.Reason == bridge.UnknownReference && (e.State == bridge.StateWaiting || e.State == bridge.StateQuarantined)
	switch {
	case e.State == bridge.StateQueued:
		return refuse("event %s waits behind the head of its lane, event %s: retry that one", e.ID, t.headOf(t.lane(e.Lane())).ID)
	case held: // the person knows that no submit of ours made this ticket
		t.openAnyway(e)
		moved(out, e)
		return nil
	case e.State != bridge.StateEnded:
		return refuse("event %s is %s: nothing to retry", e.ID, e.State)
	case !e.Kind.Valid(e.Dir) || e.Kind == bridge.Open && e.RefKey == "" || e.Kind != bridge.Open && (e.Task == "" || t.bond(e.Provider, e.Task) == nil):
		return refuse("event %s belongs to no bond: link its task first with `bonds link`", e.ID)
	}
	switch e.Reason {
	case bridge.IsDuplicate, bridge.IsMerged, bridge.IsLate, bridge.Skipped, bridge.Bounced, bridge.IgnoredByOperator, bridge.IsSuperseded, bridge.IsEcho:
	default:
		return refuse("event %s ended as %s: it cannot be released", e.ID, e.Reason)
	}
	var shrunk int
	if t.row("SELECT shrunk FROM event WHERE seq = ?", e.Seq).scan(&shrunk); shrunk == 1 {
		return refuse("the contents of event %s were removed when its retention ended: there is nothing left to send", e.ID)
	}
	switch b := t.bond(e.Provider, e.Task); {
	case e.Kind == bridge.Open:
		t.openAnyway(e)
	case b.State == bridge.BondSuperseded && e.Kind != bridge.Submit: // it would end again at once
		return refuse("event %s cannot be delivered: task %s is with another provider; `events retry` of its submit here brings it back first", e.ID, e.Task)
	default:
		t.bringBack(e, b)
	}
	moved(out, e)
	return nil
}

// bringBack appends an ended event again. To its bond it does what it did, or would have done: a submit is
// the one that others merge into, a solution resolves.
func (t *tx) bringBack(e *bridge.Event, b *bondRow) {
	switch {
	case e.Kind == bridge.Submit && (b.State == bridge.BondResolved || b.State.Over()):
		t.reopen(b, e)
		t.supersede(e.Provider, e.Task)
	case e.Kind == bridge.Submit && b.State == bridge.BondPending && b.Submit == "":
		b.Submit = e.ID
		t.saveBond(b, b.State)
	case e.Kind == bridge.Resolve && b.State == bridge.BondOpen:
		b.State = bridge.BondResolved
		t.saveBond(b, bridge.BondOpen)
	}
	t.append(e)
}

func (t *tx) retryHead(l *laneRow, e *bridge.Event, out *bridge.CommandResult) error {
	t.setEvent(e, bridge.StateQueued, "")
	attempt := l.attempt
	t.fresh(l)
	l.attempt = attempt // the numbers of the attempts go on
	l.upAtFirst = t.dest(l.dest).up
	moved(out, e)
	return nil
}

// eventIgnore ends an event without effect. A lane whose head it was awaits resume.
func (t *tx) eventIgnore(c bridge.Command, out *bridge.CommandResult) error {
	e, l, err := t.headNamed(c.Event)
	switch {
	case err != nil:
		return err
	case l != nil:
		t.endHead(l, e, bridge.StateEnded, bridge.IgnoredByOperator, "")
		if l.head != 0 {
			t.park(l, t.event(l.head), bridge.AwaitsResume, "the head before this was ignored; `lanes resume` goes on")
		} else {
			t.setLane(l, bridge.LaneParked, bridge.AwaitsResume, "the last event was ignored; `lanes resume` goes on")
		}
		t.recheck(l)
	case e.State == bridge.StateQueued:
		ln := t.lane(e.Lane())
		ln.n--
		t.count("queued", ln.dest, "", -1)
		t.touch(ln)
		t.endEvent(e, bridge.StateEnded, bridge.IgnoredByOperator, "")
	case e.State == bridge.StateWaiting: // it has done nothing to its bond yet
		t.endEvent(e, bridge.StateEnded, bridge.IgnoredByOperator, "")
		moved(out, e)
		return nil
	default:
		return refuse("event %s is %s: only an event that is not settled can be ignored (quarantined ones: `quarantine discard`)", e.ID, e.State)
	}
	t.withoutEffect(e, t.bond(e.Provider, e.Task))
	moved(out, e)
	return nil
}

// eventSettle declares a head done.
func (t *tx) eventSettle(c bridge.Command, out *bridge.CommandResult) error {
	e, l, err := t.headNamed(c.Event)
	if err != nil {
		return err
	}
	if l == nil {
		return refuse("event %s is %s: only the head of a lane can be settled by hand", e.ID, e.State)
	}
	if c.Reference != "" && e.Kind != bridge.Submit {
		return refuse("event %s is a %s: only a submit is settled with a reference", e.ID, e.Kind)
	}
	b := t.bond(e.Provider, e.Task)
	key := commandKey(c)
	if owner := t.owner(e.Provider, key); owner != "" && owner != e.Task {
		return refuse("reference %s belongs to task %s: move it first with `bonds move`", c.Reference, owner)
	}
	t.endHead(l, e, bridge.StateDone, bridge.SettledByOperator, "")
	if key != "" && b != nil {
		t.bind(b, bonded{reference: c.Reference, refKey: key})
	}
	t.recheck(l)
	moved(out, e)
	return nil
}

func commandKey(c bridge.Command) string {
	if c.RefKey != "" {
		return c.RefKey
	}
	return bridge.ReferenceKey(c.Reference, false)
}
