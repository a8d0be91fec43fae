package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// A repair does one thing to many: to every parked lane or every quarantined event of one
// destination or provider, or with one reason. It works in the background, one after the other,
// each as a command of its own in the name of the person, and stops when the store is gone: what
// it has done stays done, and beginning again does the rest.

// Bounds of repairs.
const (
	repairMost     = 10_000 // targets of one
	repairPiece    = 500    // targets listed at once
	repairMemory   = 50     // repairs remembered
	repairProblems = 20     // problems kept in words
	repairAtOnce   = 2
)

// repairs remembers what was begun in this process.
type repairs struct {
	mu   sync.Mutex
	list []*repair // oldest first
	work sync.WaitGroup
}

type repair struct {
	mu sync.Mutex
	v  api.Repair
}

func (r *repair) view() api.Repair {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.v
	v.Problems = slices.Clone(v.Problems)
	return v
}

func (r *repair) change(f func(*api.Repair)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.v)
}

// all returns every repair of this process, newest first.
func (s *repairs) all() []api.Repair {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]api.Repair, 0, len(s.list))
	for _, r := range slices.Backward(s.list) {
		out = append(out, r.view())
	}
	return out
}

// Repairs are pinned to the board as they go, so that every replica shows them, and a restart does not
// forget them.
const (
	repairKind   = "repair" // of the notices
	repairLife   = 7 * 24 * time.Hour
	repairTell   = time.Second      // how often progress is told
	repairSilent = 30 * time.Second // after which one that is under way elsewhere has been broken off
)

// A pinnedRepair is a repair as it was told last.
type pinnedRepair struct {
	api.Repair
	At time.Time `json:"at"`
}

// pinRepair tells how a repair goes; what cannot be told now is told next time.
func (s *server) pinRepair(ctx context.Context, v api.Repair) {
	raw, err := json.Marshal(pinnedRepair{v, s.Now()})
	if err == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTime)
		defer cancel()
		err = s.Store.Pin(ctx, bridge.Notice{Kind: repairKind, Key: v.ID, Value: raw, Until: s.Now().Add(repairLife)})
	}
	if err != nil {
		s.Log.Debug("console: the progress of a repair could not be told", "error", err)
	}
}

// known returns the repairs of all replicas, newest first; with an id only that one.
func (s *server) known(ctx context.Context, id string) ([]api.Repair, error) {
	out := []api.Repair{}
	mine := map[string]bool{}
	for _, v := range s.repairs.all() {
		if id == "" || v.ID == id {
			out = append(out, v)
			mine[v.ID] = true
		}
	}
	pinned, err := s.Store.Notices(ctx, repairKind, id)
	if err != nil {
		return nil, err
	}
	for _, n := range pinned {
		var p pinnedRepair
		if json.Unmarshal(n.Value, &p) != nil || mine[p.ID] { // another version may write what this one does not know
			continue
		}
		if p.Ended.IsZero() && s.Now().Sub(p.At) > repairSilent {
			p.Ended, p.Stopped = p.At, "the replica that did it has ended; begin again to do the rest"
		}
		out = append(out, p.Repair)
	}
	slices.SortFunc(out, func(a, b api.Repair) int { return b.Started.Compare(a.Started) })
	return out[:min(len(out), repairMemory)], nil
}

// repairVerbs are what can be done to many.
var repairVerbs = map[api.RepairOf][]string{
	api.RepairParked:     {"retry", "settle", "ignore"},
	api.RepairQuarantine: {"retry", "discard"},
}

// checkRepair says what is wrong with a request.
func checkRepair(q api.RepairRequest) error {
	verbs, ok := repairVerbs[q.Of]
	switch {
	case !ok:
		return badBody("of", "parked or quarantine")
	case !slices.Contains(verbs, q.Verb):
		return badBody("verb", "one of %s", words(verbs))
	case q.Provider == "" && q.Reason == "":
		return badBody("provider", "a provider or a reason is needed")
	case q.Reason != "" && !slices.Contains(bridge.Reasons(), q.Reason):
		return badBody("reason", "no such reason")
	case q.Verb == "discard" && q.Note == "":
		return badBody("note", "say why they are thrown away")
	}
	return nil
}

// targets returns a command for everything that fits now.
func (s *server) targets(ctx context.Context, q api.RepairRequest) ([]bridge.Command, error) {
	if q.Of == api.RepairQuarantine {
		return s.quarantineTargets(ctx, q)
	}
	var out []bridge.Command
	for l, err := range s.lanes(ctx, bridge.LaneFilter{Provider: q.Provider, States: []bridge.LaneState{bridge.LaneParked}}) {
		switch {
		case err != nil:
			return nil, err
		case len(out) == repairMost:
			return out, nil
		case q.Reason != "" && l.Reason != q.Reason:
		case l.Reason == bridge.AwaitsResume && q.Verb == "retry":
			out = append(out, bridge.Command{Verb: bridge.VerbLaneResume, Lane: l.ID})
		case l.Reason == bridge.AwaitsResume || l.Head == "":
		case q.Verb == "retry":
			out = append(out, bridge.Command{Verb: bridge.VerbLaneRetry, Lane: l.ID})
		default:
			out = append(out, bridge.Command{Verb: bridge.Verb("event_" + q.Verb), Event: l.Head})
		}
	}
	return out, nil
}

func (s *server) quarantineTargets(ctx context.Context, q api.RepairRequest) ([]bridge.Command, error) {
	verb := bridge.VerbDiscard
	if q.Verb == "retry" {
		verb = bridge.VerbReread
	}
	f := bridge.EventFilter{Provider: q.Provider, Reason: q.Reason, States: []bridge.EventState{bridge.StateQuarantined}, Limit: repairPiece}
	var out []bridge.Command
	for len(out) < repairMost {
		events, err := s.Store.Events(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range events {
			out = append(out, bridge.Command{Verb: verb, Event: events[i].ID})
		}
		if len(events) < repairPiece {
			break
		}
		f.After = events[len(events)-1].Seq
	}
	return out[:min(len(out), repairMost)], nil
}

// begin starts a repair and returns it.
func (s *server) begin(ctx context.Context, q api.RepairRequest) (api.Repair, error) {
	if err := checkRepair(q); err != nil {
		return api.Repair{}, err
	}
	todo, err := s.targets(ctx, q)
	if err != nil {
		return api.Repair{}, err
	}
	r := &repair{v: api.Repair{RepairRequest: q, ID: bridge.NewID(), Person: callerOf(ctx).person, Started: s.Now(), Total: len(todo)}}
	r.v.Note = secret.Mask(q.Note)
	all := &s.repairs
	all.mu.Lock()
	defer all.mu.Unlock()
	running := 0
	for _, x := range all.list {
		if x.view().Ended.IsZero() {
			running++
		}
	}
	if running >= repairAtOnce {
		return api.Repair{}, problem(api.NotPossible, "other repairs are under way; wait until they have ended")
	}
	if len(all.list) >= repairMemory {
		all.list = slices.Delete(all.list, 0, 1)
	}
	all.list = append(all.list, r)
	s.Log.Info("console: a repair begins", "person", r.v.Person, "of", q.Of, "verb", q.Verb, "provider", q.Provider, "reason", q.Reason, "targets", len(todo))
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	all.work.Go(func() {
		defer cancel()
		s.pinRepair(ctx, r.view())
		s.repair(ctx, r, todo)
	})
	return r.view(), nil
}

// repair works through its targets.
func (s *server) repair(ctx context.Context, r *repair, todo []bridge.Command) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-s.Closing:
			cancel()
		case <-stop:
		}
	}()
	told := s.Now()
	defer func() {
		r.change(func(v *api.Repair) { v.Ended = s.Now() })
		s.pinRepair(ctx, r.view())
	}()
	person, note := r.v.Person, r.v.Note
	for _, c := range todo {
		err := s.repairOne(ctx, person, note, c)
		gone := err != nil && (errors.Is(err, bridge.ErrUnavailable) || ctx.Err() != nil)
		r.change(func(v *api.Repair) {
			switch {
			case gone:
				v.Stopped = secret.Mask(err.Error())
			case err != nil:
				v.Failed++
				if len(v.Problems) < repairProblems {
					v.Problems = append(v.Problems, secret.Mask(fmt.Sprintf("%s: %v", targetOf(c), err)))
				}
			default:
				v.Done++
			}
		})
		if gone {
			return
		}
		if now := s.Now(); now.Sub(told) >= repairTell {
			told = now
			s.pinRepair(ctx, r.view())
		}
	}
}

// repairTime bounds one command of a repair.
const repairTime = 30 * time.Second

func (s *server) repairOne(ctx context.Context, person, note string, c bridge.Command) error {
	ctx, cancel := context.WithTimeout(ctx, repairTime)
	defer cancel()
	c.Person, c.Note = person, note
	var err error
	if c.Verb == bridge.VerbReread {
		_, err = s.Engine.Reread(ctx, person, c.Event)
	} else {
		_, err = s.Engine.Operate(ctx, c)
	}
	if errors.Is(err, bridge.ErrNotFound) {
		return nil // it went its way meanwhile
	}
	return err
}

func targetOf(c bridge.Command) string {
	if c.Event != "" {
		return "event " + c.Event
	}
	return "lane " + c.Lane.String()
}

func (s *server) listRepairs(w http.ResponseWriter, r *http.Request) error {
	if err := readQuery(r.URL.RawQuery).done(); err != nil {
		return err
	}
	all, err := s.known(r.Context(), "")
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, api.List[api.Repair]{Items: all})
}

func (s *server) showRepair(w http.ResponseWriter, r *http.Request) error {
	if err := readQuery(r.URL.RawQuery).done(); err != nil {
		return err
	}
	v, err := s.repairOf(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, v)
}

// repairOf returns the repair that the address of a request names.
func (s *server) repairOf(r *http.Request) (api.Repair, error) {
	all, err := s.known(r.Context(), r.PathValue("id"))
	if err == nil && len(all) == 0 {
		err = problem(api.NotFound, "nobody remembers this repair; what it did stands in the activity")
	}
	if err != nil {
		return api.Repair{}, err
	}
	return all[0], nil
}

func (s *server) postRepair(w http.ResponseWriter, r *http.Request) error {
	var q api.RepairRequest
	if err := readJSON(w, r, maxCommand, false, &q); err != nil {
		return err
	}
	v, err := s.begin(r.Context(), q)
	if err != nil {
		return err
	}
	w.Header().Set("Location", api.Prefix+"/repairs/"+v.ID)
	return writeJSON(w, http.StatusAccepted, v)
}
