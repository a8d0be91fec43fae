package redisstore

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/transfer"
)

const (
	verdictTexts = 6
	leaseTexts   = 9
)

// Settle implements [bridge.Store]. When the answer of a call is lost for good, the next call asks
// for it first: verdicts and leases that were given stay those that were given.
func (s *Store) Settle(ctx context.Context, session bridge.Session, results []bridge.Result, wants []bridge.Want) (bridge.Settled, error) {
	doubts := s.takeDoubts()
	args := append(newCall(8+19*len(results)+8*len(wants)), session.ID, len(doubts))
	for _, d := range doubts {
		args = append(args, d)
	}
	args = append(args, len(results))
	var err error
	for _, r := range results {
		if args, err = s.resultArgs(args, session, r); err != nil {
			s.putDoubts(doubts...)
			return bridge.Settled{}, err
		}
	}
	args = append(args, len(wants))
	for _, w := range wants {
		args = append(args, w.Dest, w.N, w.Limit.InFlight, strconv.FormatFloat(w.Limit.Rate, 'g', -1, 64), w.Limit.Burst, w.Limit.Break,
			w.Limit.BreakFor.Microseconds(), flag(w.WithoutReference))
	}
	id := rand.Text()
	r, err := s.write(ctx, settleScript, id, args)
	if err != nil {
		s.putDoubts(append(doubts, id)...)
		return bridge.Settled{}, err
	}
	out, err := s.readSettled(ctx, r, session)
	if err != nil {
		s.putDoubts(id) // the leases were given: ask for them again
		return bridge.Settled{}, err
	}
	if r.bool(3) && len(results) == 0 {
		return bridge.Settled{}, fmt.Errorf("redis: lease for session %s: %w", session.ID, bridge.ErrFenced)
	}
	return out, nil
}

func (s *Store) readSettled(ctx context.Context, r reply, session bridge.Session) (bridge.Settled, error) {
	out := bridge.Settled{Next: fromMicros(r.num(2))}
	i := 5
	for range r.num(4) {
		out.Verdicts = append(out.Verdicts, bridge.Verdict{Fenced: r.bool(i + 1), State: bridge.EventState(r.str(i + 2)),
			Reason: bridge.Reason(r.str(i + 3)), Bonded: r.bool(i + 4), Parked: r.bool(i + 5)})
		i += verdictTexts
	}
	n := int(r.num(i))
	i++
	if len(r) < i+n*leaseTexts {
		return out, fmt.Errorf("redis: settle: %d texts for %d leases: %w", len(r)-i, n, bridge.ErrUnavailable)
	}
	seqs := make([]string, n)
	for j := range n {
		seqs[j] = r.str(i + 1 + j*leaseTexts)
	}
	bodies, err := s.bodies(ctx, seqs)
	if err != nil {
		return out, err
	}
	for j := range n {
		id, ok := bridge.ParseLaneID(r.str(i))
		if !ok {
			return out, fmt.Errorf("redis: settle: a lease of lane %q: %w", r.str(i), bridge.ErrUnavailable)
		}
		l := bridge.Lease{Attempt: int(r.num(i + 2)), Token: bridge.Token(r.str(i + 3)), Unknown: r.bool(i + 4),
			Spent: time.Duration(r.num(i+6)) * time.Microsecond, Until: session.Until}
		if l.Unknown {
			l.UnknownSince = fromMicros(r.num(i + 5))
		}
		if l.Event, err = leasedEvent(r.num(i+1), r.str(i+7), bodies[j]); err != nil {
			return out, err
		}
		if l.Bond, err = storedBond(id, r.str(i+8)); err != nil {
			return out, err
		}
		out.Leases = append(out.Leases, l)
		i += leaseTexts
	}
	return out, nil
}

// resultArgs adds the arguments that read_result in apply.lua takes.
func (s *Store) resultArgs(args []any, session bridge.Session, r bridge.Result) ([]any, error) {
	e, o := &r.Lease.Event, &r.Outcome
	key := o.RefKey
	if key == "" {
		key = bridge.ReferenceKey(o.Reference, false)
	}
	due := int64(0)
	if !r.Due.IsZero() {
		due = r.Due.Add(time.Microsecond - 1).UnixMicro() // never early
	}
	line, err := json.Marshal(transfer.Try{N: r.Lease.Attempt, Started: stamp(micros(r.Started)), Ended: stamp(micros(r.Ended)), Outcome: o.Kind, Reason: o.Reason,
		Then: r.Then, Detail: o.Detail, Request: o.Request, Answer: o.Answer, Status: o.Status, Session: session.ID, Config: r.Config})
	if err != nil {
		return nil, fmt.Errorf("redis: the attempt at event %s cannot be stored: %w", e.ID, err)
	}
	args = append(args, e.Provider, string(e.Dir), e.Task, e.Seq, r.Lease.Attempt, string(r.Lease.Token), string(o.Kind), string(o.Reason), o.Detail,
		flag(o.Wrote()), flag(o.Down), flag(o.Contact()), o.Reference, key, o.Comment, string(r.Then), due, line, len(o.Follow))
	for i, f := range o.Follow {
		if args, err = s.eventArgs(args, followUp(e, f, i)); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// followUp fills in what an answer need not say about the events it brings.
func followUp(head *bridge.Event, f bridge.Event, i int) bridge.Event {
	if f.Provider == "" {
		f.Provider = head.Provider
	}
	if f.Task == "" && f.Reference == "" {
		f.Task = head.Task
	}
	if f.Dir == "" {
		f.Dir = head.Dir.Opposite()
	}
	if f.Entrance == "" {
		f.Entrance = bridge.ByFollowUp
	}
	if f.Key == "" {
		f.Key = head.ID + "/follow/" + strconv.Itoa(i)
	}
	return f
}

// maxDoubts bounds how many lost calls are asked for again; while Redis is gone each turn of the
// delivery loop may add one.
const maxDoubts = 100

func (s *Store) takeDoubts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.doubts
	s.doubts = nil
	return d
}

func (s *Store) putDoubts(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doubts = append(s.doubts, ids...)
	if n := len(s.doubts) - maxDoubts; n > 0 {
		s.doubts = s.doubts[n:]
	}
}

// stamp is a time in microseconds; scripts write it as text.
type stamp = transfer.Micros
