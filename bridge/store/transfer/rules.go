package transfer

import (
	"cmp"
	"fmt"
)

// rules are what a record has to be after those before it, so that no store needs to look: records stand in
// order and come once, and what belongs to another follows it. What needs the whole ledger to be seen (whose
// a reference is, or an id, a claim, a lane) each store refuses by itself.
type rules struct {
	counter int64
	bond    *Bond
	seq     int64 // of the last event
	lane    *Lane
	queued  int // events of lane so far
	last    Record
}

func (s *rules) next(rec Record) error {
	if _, ok := rec.(*Queue); !ok {
		if err := s.end(); err != nil {
			return err
		}
	}
	last := s.last
	s.last = rec
	switch r := rec.(type) {
	case *Ledger:
		s.counter = r.Counter
	case *Bond:
		if b := s.bond; b != nil && cmp.Or(cmp.Compare(b.Provider, r.Provider), cmp.Compare(b.Task, r.Task)) >= 0 {
			return fmt.Errorf("the bond of task %s at %s comes twice, or not in its place", r.Task, r.Provider)
		}
		s.bond = r
	case *Reference:
		if r.Provider != s.bond.Provider || r.Task != s.bond.Task {
			return fmt.Errorf("reference %s of task %s does not follow its bond", r.RefKey, r.Task)
		}
	case *Event:
		if r.Seq <= s.seq || r.Seq > s.counter {
			return fmt.Errorf("event %s: its number %d does not follow %d, or is more than %d", r.ID, r.Seq, s.seq, s.counter)
		}
		s.seq = r.Seq
	case *Claim:
		if r.Seq != s.seq {
			return fmt.Errorf("a claim of event %d does not follow it", r.Seq)
		}
	case *Attempt:
		if r.Seq != s.seq {
			return fmt.Errorf("an attempt at event %d does not follow it", r.Seq)
		}
	case *Lane:
		s.lane, s.queued = r, 0
	case *Queue:
		s.queued += len(r.Seqs)
	case *Destination:
		if l, ok := last.(*Destination); ok && l.Name >= r.Name {
			return fmt.Errorf("destination %s comes twice, or not in its place", r.Name)
		}
	case *Duty:
		if l, ok := last.(*Duty); ok && l.Name >= r.Name {
			return fmt.Errorf("duty %s comes twice, or not in its place", r.Name)
		}
	case *Notice:
		if l, ok := last.(*Notice); ok && cmp.Or(cmp.Compare(l.Kind, r.Kind), cmp.Compare(l.Key, r.Key)) >= 0 {
			return fmt.Errorf("notice %s %q comes twice, or not in its place", r.Kind, r.Key)
		}
	}
	return nil
}

// end checks that the lane before has all its events.
func (s *rules) end() error {
	l := s.lane
	s.lane = nil
	if l != nil && l.Events != s.queued {
		return fmt.Errorf("lane %s has %d events, %d are in its queue", l.ID(), l.Events, s.queued)
	}
	return nil
}
