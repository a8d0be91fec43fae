package sqlite

import (
	"github.com/pergabridge/pergabridge/bridge"
)

type bondKey struct{ provider, task string }

// bondRow is a bond in memory; missing remembers that there is none.
type bondRow struct {
	bridge.Bond
	missing bool
}

const bondColumns = "provider, task, state, reference, ref_key, resolves, submit, acknowledged, created, changed"

// scanBond reads bondColumns.
func scanBond(scan func(...any) error, b *bridge.Bond) error {
	var created, changed int64
	err := scan(&b.Provider, &b.Task, &b.State, &b.Reference, &b.RefKey, &b.Resolves, &b.Submit, &b.Acknowledged, &created, &changed)
	b.Created, b.Changed = fromNanos(created), fromNanos(changed)
	return err
}

// bond returns the bond of a task at a provider, nil if there is none.
func (t *tx) bond(provider, task string) *bondRow {
	if task == "" {
		return nil
	}
	k := bondKey{provider, task}
	b := t.bonds[k]
	if b == nil {
		b = &bondRow{}
		r := t.row("SELECT "+bondColumns+" FROM bond WHERE provider = ? AND task = ?", provider, task)
		found := true
		_ = scanBond(func(into ...any) error { found = r.scan(into...); return nil }, &b.Bond)
		b.missing = !found
		t.bonds[k] = b
	}
	if b.missing {
		return nil
	}
	return b
}

// makeBond makes a bond without a reference.
func (t *tx) makeBond(provider, task, submit string) *bondRow {
	b := &bondRow{Bond: bridge.Bond{Provider: provider, Task: task, State: bridge.BondPending, Submit: submit,
		Created: fromNanos(t.now), Changed: fromNanos(t.now)}}
	t.exec("INSERT INTO bond VALUES (?, ?, ?, '', '', 0, ?, 0, ?, ?)", provider, task, b.State, submit, t.now, t.now)
	t.count("bond", string(b.State), "", 1)
	t.bonds[bondKey{provider, task}] = b
	return b
}

// saveBond writes a changed bond; was is its state before.
func (t *tx) saveBond(b *bondRow, was bridge.BondState) {
	b.Changed = fromNanos(t.now)
	t.exec("UPDATE bond SET state = ?, reference = ?, ref_key = ?, resolves = ?, submit = ?, acknowledged = ?, changed = ? WHERE provider = ? AND task = ?",
		b.State, b.Reference, b.RefKey, b.Resolves, b.Submit, b.Acknowledged, t.now, b.Provider, b.Task)
	if was != b.State {
		t.count("bond", string(was), "", -1)
		t.count("bond", string(b.State), "", 1)
	}
}

// owner returns the task a reference belongs to at a provider, "" if it is nobody's.
func (t *tx) owner(provider, refKey string) string {
	if refKey == "" {
		return ""
	}
	k := bondKey{provider, refKey}
	task, known := t.owners[k]
	if !known {
		t.row("SELECT task FROM reference WHERE provider = ? AND ref_key = ?", provider, refKey).scan(&task)
		t.owners[k] = task
	}
	return task
}

// own records that a reference belongs to a task.
func (t *tx) own(provider, refKey, reference, task string) {
	t.exec("INSERT OR IGNORE INTO reference VALUES (?, ?, ?, ?)", provider, refKey, reference, task)
	delete(t.owners, bondKey{provider, refKey})
}

// disown takes references from a task: one, or with refKey "" all it has.
func (t *tx) disown(provider, task, refKey string) {
	t.exec("DELETE FROM reference WHERE provider = ? AND task = ? AND (ref_key = ? OR ? = '')", provider, task, refKey, refKey)
	clear(t.owners)
	t.flush()
	for _, id := range t.ints("SELECT id FROM lane WHERE dest = ? AND state = 'parked' AND state <> 'idle' AND reason = 'reference_conflict'", provider) {
		l := t.laneByID(id)
		if head := t.headOf(l); head != nil && head.RefKey != "" && t.owner(provider, head.RefKey) == "" {
			t.setEvent(head, bridge.StateQueued, "")
			t.fresh(l)
		}
	}
}

// foreign reports whether refKey is a reference of this task at another provider.
func (t *tx) foreign(provider, task, refKey string) bool {
	var one int
	return refKey != "" && t.row("SELECT 1 FROM reference WHERE task = ? AND ref_key = ? AND provider <> ? LIMIT 1", task, refKey, provider).scan(&one)
}

// supersede ends the bonds that the task has at other providers.
func (t *tx) supersede(provider, task string) {
	for _, p := range t.texts("SELECT provider FROM bond WHERE task = ? AND provider <> ? AND state IN ('pending', 'open', 'resolved')", task, provider) {
		b := t.bond(p, task)
		was := b.State
		b.State = bridge.BondSuperseded
		t.saveBond(b, was)
		t.release(b, nil) // what waited for its reference is late now
		for _, d := range []bridge.Dir{bridge.In, bridge.Out} {
			if l := t.lane(bridge.LaneID{Provider: p, Task: task, Dir: d}); l != nil && l.state == bridge.LaneHeld {
				t.setLane(l, bridge.LaneReady, "", "") // decided again at the next lease
			}
		}
	}
}

// bonded is who gave a bond its reference.
type bonded struct {
	reference, refKey string
	bySSP             bool          // SSP knows it already: no acknowledge
	by                *bridge.Event // the inbound event that names it, if an acknowledge: it serves as ours
	submit            *bridge.Event // the submit that is being settled, if that is what brought it
	because           bridge.Reason // what an unsettled submit ends with; "": leave it, it is being settled
}

// bind gives a bond its reference and does everything that follows (package bridge, "Making a
// bond"). It returns false, having done nothing, if the reference is another task's.
func (t *tx) bind(b *bondRow, w bonded) bool {
	if owner := t.owner(b.Provider, w.refKey); owner != "" && owner != b.Task {
		return false
	}
	t.own(b.Provider, w.refKey, w.reference, b.Task)
	was := b.State
	if b.RefKey != w.refKey {
		b.Reference, b.RefKey, b.Acknowledged = w.reference, w.refKey, false
	}
	if b.State == bridge.BondPending {
		b.State = bridge.BondOpen
	}
	if w.bySSP {
		b.Acknowledged = true
	}
	var ack *bridge.Event
	if !b.Acknowledged && !b.State.Over() {
		b.Acknowledged = true
		if w.by == nil || w.by.Kind != bridge.Acknowledge {
			ack = &bridge.Event{ID: bridge.NewID(), Provider: b.Provider, Task: b.Task, Dir: bridge.In, Kind: bridge.Acknowledge,
				Reference: w.reference, RefKey: w.refKey, Entrance: bridge.ByFollowUp, Received: fromNanos(t.now), Trace: t.traceOf(b, w)}
		} else {
			ack = w.by
		}
	}
	t.saveBond(b, was)
	if w.because != "" {
		t.evidenceForSubmit(b, w)
	}
	t.arrived(b.Provider, w.refKey, w.reference, b.Task)
	if ack != nil {
		ack.Task = b.Task
		t.append(ack)
	}
	if l := t.lane(bridge.LaneID{Provider: b.Provider, Task: b.Task, Dir: bridge.Out}); l != nil {
		t.recheck(l) // its submit may be what an echo waited for
	}
	t.release(b, w.by)
	t.unhold(b)
	return true
}

// traceOf returns the trace that an acknowledge goes on with.
func (t *tx) traceOf(b *bondRow, w bonded) string {
	if w.by != nil && w.by.Trace != "" {
		return w.by.Trace
	}
	if w.submit != nil {
		return w.submit.Trace
	}
	if b.Submit != "" {
		if e := t.eventByID(b.Submit); e != nil {
			return e.Trace
		}
	}
	return ""
}

// evidenceForSubmit settles the unsettled submit of a bond that got its reference by another way.
func (t *tx) evidenceForSubmit(b *bondRow, w bonded) {
	l := t.lane(bridge.LaneID{Provider: b.Provider, Task: b.Task, Dir: bridge.Out})
	head := t.headOf(l)
	if head == nil || head.Kind != bridge.Submit {
		return
	}
	if l.state == bridge.LaneLeased {
		l.evidence, l.evidenceRef = true, w.reference
		t.touch(l)
		return
	}
	first := ""
	if w.by != nil {
		first = w.by.ID
	}
	t.endHead(l, head, bridge.StateDone, w.because, first)
}

// unhold lets lanes go on that waited for the reference.
func (t *tx) unhold(b *bondRow) {
	l := t.lane(bridge.LaneID{Provider: b.Provider, Task: b.Task, Dir: bridge.Out})
	if l != nil && l.state == bridge.LaneHeld {
		t.setLane(l, bridge.LaneReady, "", "")
	}
}

// release decides again, in order of acceptance, the events that waited for this bond; but not the
// one that is being decided right now.
func (t *tx) release(b *bondRow, deciding *bridge.Event) {
	seqs := t.ints(`SELECT seq FROM event WHERE state IN ('waiting', 'quarantined') AND provider = ? AND task = ?
		AND reason IN ('unknown_task', 'unknown_reference', 'awaits_reference')
		UNION SELECT seq FROM event WHERE state IN ('waiting', 'quarantined') AND provider = ? AND ref_key = ? AND ref_key <> '' AND dir = 'in'
		AND reason IN ('unknown_task', 'unknown_reference', 'awaits_reference') ORDER BY seq`,
		b.Provider, b.Task, b.Provider, b.RefKey)
	for _, seq := range seqs {
		e := t.event(seq)
		if deciding != nil && deciding.Seq == seq {
			continue
		}
		if e.State != bridge.StateWaiting && e.State != bridge.StateQuarantined {
			continue // an earlier one of them moved it
		}
		t.decide(e)
	}
}
