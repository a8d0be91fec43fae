package sqlite

import (
	"github.com/pergabridge/pergabridge/bridge"
)

// bondLink gives a task its reference; it makes the bond if there is none.
func (t *tx) bondLink(c bridge.Command, out *bridge.CommandResult) error {
	key := commandKey(c)
	if c.Task == "" || c.Provider == "" || key == "" {
		return refuse("bonds link needs a provider, a task and a reference")
	}
	if owner := t.owner(c.Provider, key); owner != "" && owner != c.Task {
		return refuse("reference %s belongs to task %s: take it over with `bonds move`", c.Reference, owner)
	}
	b := t.bond(c.Provider, c.Task)
	if b != nil && b.RefKey == key {
		return nil
	}
	if b == nil {
		b = t.makeBond(c.Provider, c.Task, "")
	}
	return t.give(b, c, key, out)
}

// give binds a reference that a person decided on and lets go on what waited for the decision.
func (t *tx) give(b *bondRow, c bridge.Command, key string, out *bridge.CommandResult) error {
	l := t.lane(bridge.LaneID{Provider: b.Provider, Task: b.Task, Dir: bridge.Out})
	head := t.headOf(l)
	because := bridge.Reason("")
	if head != nil && head.Kind == bridge.Submit {
		switch {
		case l.attempt > 0: // the provider has the ticket: that is what the person says
			because = bridge.SettledByOperator
			if l.state != bridge.LaneLeased {
				moved(out, head)
			}
		case l.state != bridge.LaneLeased: // never sent: it continues the ticket
			head.Mode, head.Reference, head.RefKey = bridge.ModeContinue, c.Reference, key
			t.exec("UPDATE event SET mode = ?, reference = ?, ref_key = ? WHERE seq = ?", head.Mode, c.Reference, key, head.Seq)
			t.setEvent(head, bridge.StateQueued, "")
			t.fresh(l)
			moved(out, head)
		}
	}
	t.bind(b, bonded{reference: c.Reference, refKey: key, because: because})
	out.Changed = true
	return nil
}

// bondUnlink takes the reference away from a task.
func (t *tx) bondUnlink(c bridge.Command, out *bridge.CommandResult) error {
	b := t.bond(c.Provider, c.Task)
	if b == nil {
		return notFound("bond", c.Provider+"/"+c.Task)
	}
	if b.Reference == "" {
		return nil
	}
	t.disown(c.Provider, c.Task, "")
	t.strip(b)
	out.Changed = true
	return nil
}

// strip leaves a bond without a reference.
func (t *tx) strip(b *bondRow) {
	was := b.State
	b.Reference, b.RefKey, b.Acknowledged = "", "", false
	if !b.State.Over() {
		b.State = bridge.BondPending
	}
	t.saveBond(b, was)
}

// bondMove gives a reference to a task, wherever it is now.
func (t *tx) bondMove(c bridge.Command, out *bridge.CommandResult) error {
	key := commandKey(c)
	if c.Task == "" || c.Provider == "" || key == "" {
		return refuse("bonds move needs a provider, a reference and the task that shall have it")
	}
	owner := t.owner(c.Provider, key)
	if owner == c.Task {
		return nil
	}
	if owner != "" {
		t.disown(c.Provider, owner, key)
		if from := t.bond(c.Provider, owner); from != nil && from.RefKey == key {
			t.strip(from)
		}
	}
	b := t.bond(c.Provider, c.Task)
	if b == nil {
		b = t.makeBond(c.Provider, c.Task, "")
	}
	return t.give(b, c, key, out)
}

// bondImport makes a bond for a ticket that was open in both systems before the first day.
func (t *tx) bondImport(c bridge.Command, out *bridge.CommandResult) error {
	key := commandKey(c)
	state := c.State
	if state == "" {
		state = bridge.BondOpen
	}
	switch {
	case c.Task == "" || c.Provider == "" || key == "":
		return refuse("bonds import needs a provider, a task and a reference")
	case state != bridge.BondOpen && state != bridge.BondResolved && state != bridge.BondClosed:
		return refuse("a bond is imported as open, resolved or closed, not as %q", state)
	}
	if owner := t.owner(c.Provider, key); owner != "" && owner != c.Task {
		return refuse("reference %s belongs to task %s already", c.Reference, owner)
	}
	b := t.bond(c.Provider, c.Task)
	if b != nil {
		if b.RefKey != key {
			return refuse("task %s is bonded already, with reference %q", c.Task, b.Reference)
		}
		return nil
	}
	b = t.makeBond(c.Provider, c.Task, "")
	b.State = state
	if state == bridge.BondResolved {
		b.Resolves = 1
	}
	t.saveBond(b, bridge.BondPending)
	t.bind(b, bonded{reference: c.Reference, refKey: key, bySSP: true})
	out.Changed = true
	return nil
}
