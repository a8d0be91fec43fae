package redisstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/transfer"
)

var _ transfer.Porter = (*Store)(nil)

const (
	unit        = "\x1f"
	exportPiece = 200
	// exportPart is how many fields of a hash without an order are sorted at once: a larger hash is
	// gone through several times, each time for another part of it, so that memory stays bounded.
	exportPart = 100_000
)

// Export implements [transfer.Porter]. That nobody works beside it is looked at before and after.
func (s *Store) Export(ctx context.Context, w *transfer.Writer) error {
	start := s.now()
	if err := s.idle(ctx, start); err != nil {
		return err
	}
	head, err := s.piece(ctx, "ledger")
	if err != nil {
		return err
	}
	x := &export{s: s, ctx: ctx, w: w}
	if err := x.ledger(head.num(0)); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	for _, part := range []func() error{x.bonds, func() error { return x.events(head.num(0)) }, x.lanes, x.wrote,
		func() error { return x.named("dest", s.db.HKeys(ctx, s.prefix+"dest")) },
		func() error { return x.named("duty", s.db.SMembers(ctx, s.prefix+"duties")) },
		x.activities,
		func() error { return s.board(ctx, func(n *transfer.Notice) error { return w.Put(n) }) }} {
		if err := part(); err != nil {
			return fmt.Errorf("redis: %w", err)
		}
	}
	return s.idle(ctx, start)
}

// idle returns [transfer.ErrBusy] if a session lived at or after the time.
func (s *Store) idle(ctx context.Context, at time.Time) error {
	all, err := s.db.HGetAll(ctx, s.prefix+"session").Result()
	if err != nil {
		return fmt.Errorf("redis: read the sessions: %w: %w", err, bridge.ErrUnavailable)
	}
	for id, till := range all {
		if n, _ := strconv.ParseInt(till, 10, 64); n > at.UnixMicro() {
			return fmt.Errorf("redis: session %s lives (one that was killed does so for %s): %w", id, bridge.SessionLife, transfer.ErrBusy)
		}
	}
	return nil
}

// piece reads records by their keys, as backup.lua writes them.
func (s *Store) piece(ctx context.Context, kind string, keys ...string) (reply, error) {
	args := append(newCall(6+len(keys)), "read", 0, "", kind, len(keys))
	for _, k := range keys {
		args = append(args, k)
	}
	return s.write(ctx, backupScript, "", args)
}

type export struct {
	s   *Store
	ctx context.Context
	w   *transfer.Writer
}

func (x *export) ledger(counter int64) error {
	v, err := x.s.db.HMGet(x.ctx, x.s.prefix+"meta", "since", "resumed", "before").Result()
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	epoch, _ := x.s.position()
	m := reply(v)
	l := &transfer.Ledger{Epoch: epoch, Counter: counter, Since: m.num(0), Resumed: m.num(1), Before: strings.FieldsFunc(m.str(2), func(r rune) bool { return r == ',' })}
	if l.Resumed == 0 { // it was resumed before that was noted
		l.Resumed = l.Since
	}
	return x.w.Put(l)
}

// records reads records by their keys and hands each to take with its body.
func (x *export) records(kind string, keys []string, take func(record, body string) error) error {
	for piece := range slices.Chunk(keys, exportPiece) {
		r, err := x.s.piece(x.ctx, kind, piece...)
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		for i := 4; i+3 <= len(r); i += 3 {
			if err := take(r.str(i+1), r.str(i+2)); err != nil {
				return err
			}
		}
	}
	return nil
}

func decode(kind, record string, into any) error {
	if err := json.Unmarshal([]byte(record), into); err != nil {
		return fmt.Errorf("export: a record of kind %s is damaged: %w", kind, err)
	}
	return nil
}

func (x *export) bonds() error {
	from := "-"
	for {
		keys, err := x.s.db.ZRangeArgs(x.ctx, redis.ZRangeArgs{Key: x.s.prefix + "bonds", Start: from, Stop: "+", ByLex: true, Count: exportPiece}).Result()
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		if len(keys) == 0 {
			return nil
		}
		if err := x.records("bond", keys, func(record, _ string) error { return x.bond(record) }); err != nil {
			return err
		}
		from = "(" + keys[len(keys)-1]
	}
}

func (x *export) bond(record string) error {
	var b struct {
		Key, State, Reference, Submit string
		RefKey                        string `json:"ref_key"`
		Resolves                      int
		Acked                         bool
		Created, Changed              stamp
		Refs                          refs
	}
	if err := decode("bond", record, &b); err != nil {
		return err
	}
	provider, task, _ := strings.Cut(b.Key, unit)
	if err := x.w.Put(&transfer.Bond{Provider: provider, Task: task, State: bridge.BondState(b.State), Reference: b.Reference, RefKey: b.RefKey, Resolves: b.Resolves,
		Submit: b.Submit, Acknowledged: b.Acked, Created: int64(b.Created), Changed: int64(b.Changed)}); err != nil {
		return err
	}
	slices.Sort(b.Refs)
	keys := make([]string, 0, len(b.Refs))
	for _, key := range slices.Compact(b.Refs) {
		keys = append(keys, provider+unit+key)
	}
	return x.records("ref", keys, func(record, _ string) error {
		var r struct{ Key, Value string }
		if err := decode("ref", record, &r); err != nil || r.Value != task {
			return err
		}
		_, key, _ := strings.Cut(r.Key, unit)
		return x.w.Put(&transfer.Reference{Provider: provider, RefKey: key, Task: task})
	})
}

// refs is a list that Lua's JSON writes as {} when it is empty.
type refs []string

func (r *refs) UnmarshalJSON(b []byte) error {
	if string(b) == "{}" {
		*r = nil
		return nil
	}
	return json.Unmarshal(b, (*[]string)(r))
}

func (x *export) events(counter int64) error {
	keys := make([]string, 0, exportPiece)
	for from := int64(1); from <= counter; from += exportPiece {
		keys = keys[:0]
		for seq := from; seq < from+exportPiece && seq <= counter; seq++ {
			keys = append(keys, strconv.FormatInt(seq, 10))
		}
		all := make([]eventRecord, 0, len(keys))
		if err := x.records("event", keys, func(record, body string) error {
			e := eventRecord{body: body}
			if err := decode("event", record, &e); err != nil {
				return err
			}
			all = append(all, e)
			return nil
		}); err != nil {
			return err
		}
		claims, err := x.claims(all)
		if err != nil {
			return err
		}
		for i := range all {
			if err := x.event(&all[i], claims); err != nil {
				return fmt.Errorf("event %s: %w", all[i].ID, err)
			}
		}
	}
	return nil
}

// eventRecord is what backup.lua makes of an event.
type eventRecord struct {
	Key, ID, Provider, Task, Dir, Kind, Reference, Mode, Entrance, State, Reason, Detail, First, Claim, Attempts string

	RefKey               string `json:"ref_key"`
	Rep, Received, Ended stamp
	Shrunk               int
	body                 string
}

// claims returns the keys of the claims that e may have: that of its key or text, and as the open of
// its reference.
func (e *eventRecord) claims() []string {
	var out []string
	if e.Claim != "" {
		out = append(out, e.Claim)
	}
	if open := e.Provider + unit + string(bridge.In) + unit + openClaim + e.RefKey; e.RefKey != "" && e.Dir == string(bridge.In) && open != e.Claim {
		out = append(out, open)
	}
	slices.Sort(out)
	return out
}

// openClaim is how the claim of an open begins (open_field in decide.lua).
const openClaim = "o:"

// claims reads the claims of events; one that was taken over, or forgotten, is not theirs any more.
func (x *export) claims(all []eventRecord) (map[string]transfer.Claim, error) {
	var fields []string
	for _, e := range all {
		fields = append(fields, e.claims()...)
	}
	out := map[string]transfer.Claim{}
	err := x.records("claim", fields, func(record, _ string) error {
		var c struct{ Key, Value string }
		if err := decode("claim", record, &c); err != nil || c.Value == "" {
			return err
		}
		field, value := strings.SplitN(c.Key, unit, 3), strings.SplitN(c.Value, ":", 3)
		if len(field) != 3 || len(value) != 3 {
			return fmt.Errorf("export: the claim %q is damaged", c.Key)
		}
		seq, err := strconv.ParseInt(value[0], 10, 64)
		at, err2 := strconv.ParseInt(value[1], 10, 64)
		if err := errors.Join(err, err2); err != nil {
			return fmt.Errorf("export: the claim %q is damaged: %w", c.Key, err)
		}
		out[c.Key] = transfer.Claim{Seq: seq, Provider: field[0], Dir: bridge.Dir(field[1]), Key: field[2], Hash: value[2], At: at}
		return nil
	})
	return out, err
}

func (x *export) event(e *eventRecord, claims map[string]transfer.Claim) error {
	seq, err := strconv.ParseInt(e.Key, 10, 64)
	if err != nil {
		return fmt.Errorf("export: the number %q is damaged: %w", e.Key, err)
	}
	out := &transfer.Event{Seq: seq, ID: e.ID, Provider: e.Provider, Task: e.Task, Dir: bridge.Dir(e.Dir), Kind: bridge.Kind(e.Kind), Reference: e.Reference, RefKey: e.RefKey,
		Mode: bridge.SubmitMode(e.Mode), Entrance: bridge.Entrance(e.Entrance), State: bridge.EventState(e.State), Reason: bridge.Reason(e.Reason), Detail: e.Detail,
		First: e.First, Repeat: int(e.Rep), Received: int64(e.Received), Ended: int64(e.Ended), Shrunk: e.Shrunk == 1, Body: json.RawMessage(e.body)}
	switch out.State {
	case bridge.StateQueued, bridge.StateLeased, bridge.StateParked:
		out.State, out.Reason = bridge.StateQueued, ""
	}
	if err := x.w.Put(out); err != nil {
		return err
	}
	for _, field := range e.claims() {
		if c := claims[field]; c.Seq == seq {
			if err := x.w.Put(&c); err != nil {
				return err
			}
		}
	}
	var tries []*transfer.Attempt
	for text := range strings.SplitSeq(e.Attempts, "\n") {
		p := strings.SplitN(text, "\t", 3)
		if len(p) != 3 {
			continue
		}
		a := &transfer.Attempt{Seq: seq, Token: p[1]}
		if err := decode("attempt", p[2], &a.Try); err != nil {
			return err
		}
		tries = append(tries, a)
	}
	slices.SortStableFunc(tries, func(a, b *transfer.Attempt) int { return cmp.Or(cmp.Compare(a.N, b.N), cmp.Compare(a.Token, b.Token)) })
	for _, a := range tries {
		if err := x.w.Put(a); err != nil {
			return err
		}
	}
	return nil
}

// sorted hands the fields of a hash without an order to take: all of a part, each once, in order.
func (x *export) sorted(hash string, less func(a, b string) int, take func(fields []string) error) error {
	n, err := x.s.db.HLen(x.ctx, x.s.prefix+hash).Result()
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	parts := uint32(n/exportPart) + 1 //nolint:gosec // a hash of 2^32 parts has no room in memory
	for part := range parts {
		var fields []string
		for cursor := uint64(0); ; {
			page, next, err := x.s.db.HScan(x.ctx, x.s.prefix+hash, cursor, "", 1000).Result()
			if err != nil {
				return fmt.Errorf("export: %w", err)
			}
			for i := 0; i < len(page); i += 2 { // fields and values; asking for fields alone needs Redis 7.4
				f := page[i]
				h := fnv.New32a()
				h.Write([]byte(f))
				if h.Sum32()%parts == part {
					fields = append(fields, f)
				}
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
		slices.SortFunc(fields, less)
		if err := take(slices.Compact(fields)); err != nil { // a scan may show a field twice
			return err
		}
	}
	return nil
}

// compareLanes puts lanes in order of provider, task, direction.
func compareLanes(a, b string) int {
	x, _ := bridge.ParseLaneID(a)
	y, _ := bridge.ParseLaneID(b)
	return cmp.Or(cmp.Compare(x.Provider, y.Provider), cmp.Compare(x.Task, y.Task), cmp.Compare(x.Dir, y.Dir))
}

func (x *export) lanes() error {
	return x.sorted("lane", compareLanes, func(keys []string) error {
		return x.records("lane", keys, func(record, _ string) error { return x.lane(record) })
	})
}

// laneRecord is what backup.lua makes of a lane, and restore.lua takes.
type laneRecord struct {
	Key         string `json:"key"`
	State       string `json:"state"`
	Paused      bool   `json:"paused"`
	Reason      string `json:"reason"`
	Detail      string `json:"detail"`
	Head        stamp  `json:"head"`
	N           stamp  `json:"n"`
	Due         stamp  `json:"due"`
	Attempt     int    `json:"attempt"`
	Token       string `json:"token"`
	Session     string `json:"session"`
	LeasedAt    stamp  `json:"leased_at"`
	Unknown     bool   `json:"unknown"`
	UnknownAt   stamp  `json:"unknown_at"`
	Evidence    bool   `json:"evidence"`
	EvidenceRef string `json:"evidence_ref"`
	EvidenceKey string `json:"evidence_key"`
	UpAtFirst   stamp  `json:"up_at_first"`
	Echoes      int    `json:"echoes"`
	Queue       string `json:"queue"`
}

func (x *export) lane(record string) error {
	var l laneRecord
	if err := decode("lane", record, &l); err != nil {
		return err
	}
	if l.State == "" {
		return nil
	}
	id, ok := bridge.ParseLaneID(l.Key)
	if !ok {
		return fmt.Errorf("export: the lane %q is damaged", l.Key)
	}
	if err := x.w.Put(&transfer.Lane{Provider: id.Provider, Task: id.Task, Dir: id.Dir, State: bridge.LaneState(l.State), Paused: l.Paused, Reason: bridge.Reason(l.Reason),
		Detail: l.Detail, Events: int(l.N), Due: int64(l.Due), Attempt: l.Attempt, Token: l.Token, Session: l.Session, LeasedAt: int64(l.LeasedAt), Unknown: l.Unknown,
		UnknownAt: int64(l.UnknownAt), Evidence: l.Evidence, EvidenceRef: l.EvidenceRef, EvidenceKey: l.EvidenceKey, UpAtFirst: int64(l.UpAtFirst), Echoes: l.Echoes}); err != nil {
		return err
	}
	var seqs []int64
	if l.Head != 0 {
		seqs = append(seqs, int64(l.Head))
	}
	for _, text := range strings.Fields(l.Queue) {
		seq, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("export: the queue of lane %s is damaged: %w", id, err)
		}
		seqs = append(seqs, seq)
	}
	for piece := range slices.Chunk(seqs, transfer.QueuePiece) {
		if err := x.w.Put(&transfer.Queue{Seqs: piece}); err != nil {
			return err
		}
	}
	return nil
}

// compareWrote puts writings in order of lane, texts before the comments.
func compareWrote(a, b string) int {
	x, y := strings.SplitN(a, unit, 3), strings.SplitN(b, unit, 3)
	if len(x) != 3 || len(y) != 3 {
		return cmp.Compare(a, b)
	}
	order := map[string]int{"c": 0, "t": 1} // a comment has no text
	return cmp.Or(compareLanes(x[0], y[0]), cmp.Compare(order[x[1]], order[y[1]]), cmp.Compare(x[2], y[2]))
}

func (x *export) wrote() error {
	return x.sorted("wrote", compareWrote, func(keys []string) error {
		return x.records("wrote", keys, func(record, _ string) error {
			var w struct{ Key, Value string }
			if err := decode("wrote", record, &w); err != nil {
				return err
			}
			field := strings.SplitN(w.Key, unit, 3)
			id, ok := bridge.ParseLaneID(field[0])
			if !ok || len(field) != 3 {
				return fmt.Errorf("export: the writing %q is damaged", w.Key)
			}
			for entry := range strings.SplitSeq(w.Value, ";") {
				p := strings.SplitN(entry, ":", 3)
				if len(p) != 3 {
					continue
				}
				seq, err := strconv.ParseInt(p[0], 10, 64)
				at, err2 := strconv.ParseInt(p[1], 10, 64)
				if err := errors.Join(err, err2); err != nil {
					return fmt.Errorf("export: the writing %q is damaged: %w", w.Key, err)
				}
				out := &transfer.Wrote{Provider: id.Provider, Task: id.Task, Dir: id.Dir, Seq: seq, Token: p[2], At: at}
				if field[1] == "c" {
					out.Comment = field[2]
				} else {
					out.Text = field[2]
				}
				if err := x.w.Put(out); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (x *export) named(kind string, list *redis.StringSliceCmd) error {
	names, err := list.Result()
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	slices.Sort(names)
	return x.records(kind, names, func(record, _ string) error {
		var r struct {
			Key, Cursor, Probe  string
			Epoch, Up, Answered stamp
			Since               stamp
			OpenTo              stamp `json:"open_to"`
			OpenFor             stamp `json:"open_for"`
			Paused              any   // "1" of a duty, true of a destination
			Failures            int
		}
		if err := decode(kind, record, &r); err != nil {
			return err
		}
		if kind == "duty" {
			return x.w.Put(&transfer.Duty{Name: r.Key, Epoch: int64(r.Epoch), Cursor: r.Cursor, Paused: r.Paused == "1", Since: int64(r.Since)})
		}
		return x.w.Put(&transfer.Destination{Name: r.Key, Paused: r.Paused == true, Failures: r.Failures, OpenTo: int64(r.OpenTo), OpenFor: int64(r.OpenFor), Probe: r.Probe,
			Up: int64(r.Up), Answered: int64(r.Answered)})
	})
}

// activities are a list with the newest first; they move with the oldest first.
func (x *export) activities() error {
	n, err := x.s.db.LLen(x.ctx, x.s.prefix+"activity").Result()
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	for end := n; end > 0; end -= exportPiece {
		all, err := x.s.db.LRange(x.ctx, x.s.prefix+"activity", max(end-exportPiece, 0), end-1).Result()
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		for _, text := range slices.Backward(all) {
			var a activityRecord
			if err := decode("activity", text, &a); err != nil {
				return err
			}
			if err := x.w.Put(&transfer.Activity{At: int64(a.At), Person: a.Person, Verb: a.Verb, Target: a.Target, Note: a.Note}); err != nil {
				return err
			}
		}
	}
	return nil
}
