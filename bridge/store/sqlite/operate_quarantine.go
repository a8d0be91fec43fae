package sqlite

import (
	"github.com/pergabridge/pergabridge/bridge"
)

// keptNamed returns a quarantined or waiting event.
func (t *tx) keptNamed(id string) (*bridge.Event, error) {
	e := t.eventByID(id)
	switch {
	case e == nil:
		return nil, notFound("event", id)
	case e.State != bridge.StateQuarantined && e.State != bridge.StateWaiting:
		return nil, refuse("event %s is %s, not in quarantine", id, e.State)
	}
	return e, nil
}

// assign gives a kept event its task or reference and decides it again.
func (t *tx) assign(c bridge.Command, out *bridge.CommandResult) error {
	e, err := t.keptNamed(c.Event)
	switch {
	case err != nil:
		return err
	case c.Task == "" && c.Reference == "":
		return refuse("assign needs a task or a reference")
	case !e.Kind.Valid(e.Dir):
		return refuse("event %s has no kind (%s): correct the config and read it again with `quarantine retry`", e.ID, e.Reason)
	}
	key := commandKey(c)
	if c.Reference != "" && c.Task == "" && t.owner(e.Provider, key) == "" {
		return refuse("no task of %s has the reference %s: link it first with `bonds link`", e.Provider, c.Reference)
	}
	if c.Task != "" && c.Reference == "" && e.Dir == bridge.In && t.bond(e.Provider, c.Task) == nil {
		return refuse("task %s has no bond at %s: link it first with `bonds link`", c.Task, e.Provider)
	}
	task := c.Task
	if task == "" {
		task = t.owner(e.Provider, key)
	}
	e.Task, e.Reference, e.RefKey = task, c.Reference, key
	e.Detail = ""
	t.exec("UPDATE event SET reference = ?, ref_key = ? WHERE seq = ?", e.Reference, e.RefKey, e.Seq) // also if it ends here: it may be retried
	t.unquarantine(e)
	r := t.decide(e)
	moved(out, e)
	out.Detail = string(r.Status)
	if r.Reason != "" {
		out.Detail += ": " + string(r.Reason)
	}
	return nil
}

// unquarantine takes an event out of quarantine for deciding, so that it may wait again.
func (t *tx) unquarantine(e *bridge.Event) {
	if e.State == bridge.StateQuarantined {
		t.countEvent(e, -1)
		e.State = bridge.StateWaiting
		t.countEvent(e, 1)
	}
}

// discard ends a kept event.
func (t *tx) discard(c bridge.Command, out *bridge.CommandResult) error {
	e, err := t.keptNamed(c.Event)
	if err != nil {
		return err
	}
	if c.Note == "" {
		return refuse("discard needs a note that says why")
	}
	t.unclaim(e) // the same again deserves another look
	t.endEvent(e, bridge.StateEnded, bridge.DiscardedByPerson, "")
	moved(out, e)
	return nil
}

// unclaim gives up the claims a kept event holds.
func (t *tx) unclaim(e *bridge.Event) {
	for _, key := range []string{"k:" + e.Key, keptKey(e), mergeKey(e, t.bond(e.Provider, e.Task))} {
		t.exec("DELETE FROM claim WHERE provider = ? AND dir = ? AND key = ? AND seq = ?", e.Provider, e.Dir, key, e.Seq)
	}
}

// reread accepts what a quarantined input became under the current config, in its place.
func (t *tx) reread(c bridge.Command, out *bridge.CommandResult) error {
	e, err := t.keptNamed(c.Event)
	if err != nil {
		return err
	}
	if e.Reason == bridge.ContentConflict {
		return refuse("event %s was understood; its id was used before for something else: assign or discard it", e.ID)
	}
	for i := range c.Events {
		n := c.Events[i]
		if n.Quarantine != "" {
			return refuse("event %s is still not understood: %s: %s", e.ID, n.Quarantine, n.Detail)
		}
	}
	first := ""
	t.unclaim(e) // its claim must not make its own reading a duplicate
	for i := range c.Events {
		n := c.Events[i]
		r := t.accept(&n)
		out.Receipts = append(out.Receipts, r)
		out.Events = append(out.Events, r.Event)
		if first == "" {
			first = r.Event
		}
	}
	t.endEvent(e, bridge.StateEnded, bridge.Reread, first)
	out.Changed = true
	return nil
}
