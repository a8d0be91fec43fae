package sqlite

import (
	"fmt"

	"github.com/pergabridge/pergabridge/bridge"
)

// decide takes an event, fresh or kept, through steps 3 to 6 of package bridge, "Accept".
func (t *tx) decide(e *bridge.Event) bridge.Receipt {
	owner := t.owner(e.Provider, e.RefKey)
	if e.Dir == bridge.In && e.Task == "" && owner != "" {
		e.Task = owner
	}
	if e.Task != "" {
		e.Kind = e.Known() // the ticket of this open is known
	}
	b := t.bond(e.Provider, e.Task)
	if why := t.conflicting(e, b, owner); why != "" { // step 3
		return t.kept(e, bridge.StateQuarantined, bridge.ReferenceConflict, why)
	}
	if e.Echo == bridge.EchoByComment && b != nil && !b.State.Over() && b.Reference == "" && e.RefKey != "" && owner == "" {
		// Whose words they are may stay open for now; that the ticket is there is certain.
		t.bind(b, bonded{reference: e.Reference, refKey: e.RefKey, by: e, because: bridge.ByEvidence})
		if owner = e.Task; e.Kind == bridge.Acknowledge { // bind has put it into its lane
			r := receipt(bridge.Accepted, e)
			t.addReference(&r, e)
			return r
		}
	}
	if r, ok := t.echo(e); ok { // step 4
		return r
	}
	if e.Kind == bridge.Submit {
		return t.submit(e, b, owner)
	}
	place := func() bridge.Receipt { // step 6
		switch {
		case e.Dir == bridge.Out:
			return t.outbound(e, b, owner)
		case e.Kind == bridge.Open:
			return t.open(e)
		}
		return t.inbound(e, b, owner)
	}
	if e.Kind == bridge.Close {
		return place()
	}
	return t.merged(e, b, place)
}

// conflicting says in words why task and reference of an event do not fit together, "" if they do.
func (t *tx) conflicting(e *bridge.Event, b *bondRow, owner string) string {
	if e.RefKey == "" || e.Kind == bridge.Submit {
		return ""
	}
	if owner != "" && owner != e.Task && (e.Dir == bridge.In || b == nil) {
		return fmt.Sprintf("reference %s belongs to task %s, the event names task %s: assign it to one of them, or correct the bond with `bonds move`", e.Reference, owner, e.Task)
	}
	if e.Dir == bridge.In && owner == "" && b != nil && b.RefKey != "" {
		return fmt.Sprintf("task %s has the reference %s, the event names %s: assign it, or give the task its new reference with `bonds link`", e.Task, b.Reference, e.Reference)
	}
	return ""
}

// submit carries out the Submit table.
func (t *tx) submit(e *bridge.Event, b *bondRow, owner string) bridge.Receipt {
	if owner == "" && t.foreign(e.Provider, e.Task, e.RefKey) {
		e.Reference, e.RefKey = "", "" // the task moved here with the other provider's number
	}
	fresh := e.RefKey != "" && owner == ""
	e.Mode = bridge.ModeNew
	place := func() bridge.Receipt {
		t.supersede(e.Provider, e.Task)
		return t.queued(e)
	}
	switch {
	case owner != "" && owner != e.Task: // parks at its head, see lease
		switch {
		case b == nil:
			b = t.makeBond(e.Provider, e.Task, e.ID)
		case b.State == bridge.BondResolved || b.State.Over():
			t.reopen(b, e)
		}
		r := place()
		t.release(b, e)
		return r
	case b == nil && fresh:
		e.Mode = bridge.ModeContinue
		b = t.makeBond(e.Provider, e.Task, e.ID)
		r := t.merged(e, b, place)
		t.bind(b, bonded{reference: e.Reference, refKey: e.RefKey, bySSP: true})
		return r
	case b == nil:
		b = t.makeBond(e.Provider, e.Task, e.ID)
		r := place()
		t.release(b, e)
		return r
	case b.State == bridge.BondPending && fresh:
		t.bind(b, bonded{reference: e.Reference, refKey: e.RefKey, bySSP: true, by: e, because: bridge.ByEvidence})
		e.Mode = bridge.ModeContinue
		return t.merged(e, b, place)
	case b.State == bridge.BondPending && b.Submit == "": // the one before ended without effect
		b.Submit = e.ID
		t.saveBond(b, b.State)
		return place()
	case b.State == bridge.BondPending:
		return t.ended(e, bridge.IsDuplicate, b.Submit)
	case b.State == bridge.BondOpen && (fresh || e.RefKey != ""):
		e.Mode = bridge.ModeContinue
		return t.merged(e, b, func() bridge.Receipt {
			if fresh {
				t.bind(b, bonded{reference: e.Reference, refKey: e.RefKey, bySSP: true})
			}
			return place()
		})
	case b.State == bridge.BondOpen:
		return t.ended(e, bridge.IsDuplicate, b.Submit)
	}
	t.reopen(b, e)
	r := place()
	if fresh {
		t.bind(b, bonded{reference: e.Reference, refKey: e.RefKey, bySSP: true})
	}
	return r
}

// reopen brings a bond that was resolved or over back to work.
func (t *tx) reopen(b *bondRow, e *bridge.Event) {
	was := b.State
	b.State, e.Mode = bridge.BondOpen, bridge.ModeReopen
	if e.Kind == bridge.Submit {
		b.Submit = e.ID
	}
	if b.Reference == "" {
		b.State = bridge.BondPending
		if e.Kind == bridge.Submit {
			e.Mode = bridge.ModeNew
		}
	}
	t.saveBond(b, was)
}

// outbound carries out the table of the other Out kinds.
func (t *tx) outbound(e *bridge.Event, b *bondRow, owner string) bridge.Receipt {
	fresh := e.RefKey != "" && owner == "" && !t.foreign(e.Provider, e.Task, e.RefKey)
	if b == nil {
		if !fresh {
			return t.kept(e, bridge.StateWaiting, bridge.UnknownTask, "")
		}
		b = t.makeBond(e.Provider, e.Task, e.ID)
		t.bind(b, bonded{reference: e.Reference, refKey: e.RefKey, bySSP: true})
		if e.State != "" && e.State != bridge.StateWaiting && e.State != bridge.StateQuarantined {
			r := receipt(bridge.Accepted, e) // it waited itself, and bind has released it in its place
			t.addReference(&r, e)
			return r
		}
	} else if fresh && b.Reference == "" { // SSP learned the reference by another way than us
		t.bind(b, bonded{reference: e.Reference, refKey: e.RefKey, bySSP: true, by: e, because: bridge.ByEvidence})
	}
	switch e.Kind {
	case bridge.RejectSolution:
		if b.State == bridge.BondResolved || b.State.Over() {
			t.reopen(b, e)
		}
		e.Mode = bridge.ModeReopen
		t.declined(e)
	case bridge.Close:
		if b.State == bridge.BondClosed {
			return t.ended(e, bridge.IsMerged, "")
		}
		was := b.State
		b.State = bridge.BondClosed
		t.saveBond(b, was)
	}
	return t.queued(e)
}

// inbound carries out the table of the In kinds.
func (t *tx) inbound(e *bridge.Event, b *bondRow, owner string) bridge.Receipt {
	switch {
	case b == nil && e.RefKey != "":
		return t.kept(e, bridge.StateWaiting, bridge.UnknownReference, "")
	case b == nil && e.Task != "":
		return t.kept(e, bridge.StateWaiting, bridge.UnknownTask, "")
	case b == nil:
		return t.kept(e, bridge.StateQuarantined, bridge.MissingField, "the event names neither a task nor a reference: assign it, or correct the provider's rules and read it again")
	case b.State.Over():
		return t.ended(e, bridge.IsLate, "")
	case b.Reference == "" && e.RefKey != "" && owner == "":
		ack := e.Kind == bridge.Acknowledge
		t.bind(b, bonded{reference: e.Reference, refKey: e.RefKey, by: e, because: bridge.ByEvidence})
		if ack { // it is in the lane: bind put it before everything that waited
			r := receipt(bridge.Accepted, e)
			t.addReference(&r, e)
			return r
		}
	case b.Reference == "":
		return t.kept(e, bridge.StateWaiting, bridge.AwaitsReference, "")
	}
	if e.Kind != bridge.Acknowledge && t.behindMaybeEcho(e) {
		return t.kept(e, bridge.StateWaiting, bridge.MaybeEcho, "")
	}
	switch e.Kind {
	case bridge.Acknowledge:
		if b.Acknowledged {
			return t.ended(e, bridge.IsMerged, "")
		}
		b.Acknowledged = true
		t.saveBond(b, b.State)
	case bridge.Resolve:
		if b.State == bridge.BondResolved {
			return t.ended(e, bridge.IsMerged, "")
		}
		was := b.State
		b.State = bridge.BondResolved
		b.Resolves++
		t.saveBond(b, was)
	}
	return t.queued(e)
}
