package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/transfer"
)

// importEpoch is how the epoch of a namespace begins while an import is under way: whoever works
// with the namespace, or opens it, meets a [*Reset].
const importEpoch = "import:"

const (
	importRecords = 200     // how many records one call restores
	importBytes   = 4 << 20 // and how much they hold
)

// Import implements [transfer.Porter]. The namespace has an epoch of its own until the end was read;
// what a killed import leaves is thrown away by the next.
func (s *Store) Import(ctx context.Context, r *transfer.Reader) error {
	if err := s.idle(ctx, s.now()); err != nil {
		return err
	}
	before, err := s.beginImport(ctx)
	if err != nil {
		return err
	}
	m := &importing{s: s, ctx: ctx}
	if err := m.all(r); err != nil {
		// The caller may be gone; the namespace has to be left as it was.
		clean := s.abandonImport(context.WithoutCancel(ctx), before)
		return errors.Join(fmt.Errorf("redis: %w", err), clean)
	}
	epoch, _ := s.position()
	return s.setEpoch(ctx, epoch, m.ledger.Epoch, m.ledger.Counter)
}

// beginImport takes an empty namespace, or one that a killed import left, and returns its epoch.
func (s *Store) beginImport(ctx context.Context) (before string, err error) {
	is, err := s.db.HGet(ctx, s.prefix+"meta", "epoch").Result()
	if err != nil {
		return "", fmt.Errorf("redis: import: %w: %w", err, bridge.ErrUnavailable)
	}
	switch {
	case strings.HasPrefix(is, importEpoch):
		before = bridge.NewID()
	case s.wasReset() != nil && !s.onlyNoticed(): // one that others miss, and that is empty, is the place for it
		return "", fmt.Errorf("redis: import: %w", s.wasReset())
	default:
		before = is
		for _, hash := range []string{"event", "bond", "ref", "claim"} {
			n, err := s.db.HLen(ctx, s.prefix+hash).Result()
			if err != nil {
				return "", fmt.Errorf("redis: import: %w: %w", err, bridge.ErrUnavailable)
			}
			if n > 0 {
				return "", fmt.Errorf("redis: import: %w", transfer.ErrNotEmpty)
			}
		}
		n, err := s.db.LLen(ctx, s.prefix+"activity").Result()
		if err != nil {
			return "", fmt.Errorf("redis: import: %w: %w", err, bridge.ErrUnavailable)
		}
		if n > 0 {
			return "", fmt.Errorf("redis: import: %w", transfer.ErrNotEmpty)
		}
	}
	return before, s.clear(ctx, is)
}

// clear throws the namespace away, if it still has the epoch is, and begins an import of its own.
func (s *Store) clear(ctx context.Context, is string) error {
	epoch := importEpoch + bridge.NewID()
	// Whoever would write has to see first that this is not the namespace it knows.
	if err := s.setEpoch(ctx, is, epoch, 0); err != nil {
		return err
	}
	meta := s.prefix + "meta"
	if err := s.scan(ctx, s.prefix+"*", func(keys []string) error {
		gone := slices.DeleteFunc(keys, func(k string) bool { return k == meta })
		if len(gone) == 0 {
			return nil
		}
		if err := s.db.Unlink(ctx, gone...).Err(); err != nil {
			return fmt.Errorf("redis: import: %w: %w", err, bridge.ErrUnavailable)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := s.db.HDel(ctx, meta, "forgotten", "wrote", "copying", "copier", "copyround", "reset", "since", "resumed", "before").Err(); err != nil {
		return fmt.Errorf("redis: import: %w: %w", err, bridge.ErrUnavailable)
	}
	return nil
}

// moveTo makes the namespace as it is now the one this store works with.
func (s *Store) moveTo(epoch string, counter int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch, s.seen, s.lost, s.doubts, s.marked = epoch, position{counter: counter}, nil, nil, ""
	s.said.forget()
}

// abandonImport leaves the namespace empty, unless another import has taken it meanwhile.
func (s *Store) abandonImport(ctx context.Context, before string) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	epoch, _ := s.position()
	if err := s.clear(ctx, epoch); err != nil {
		return err // the next import throws the rest away
	}
	epoch, _ = s.position()
	return s.setEpoch(ctx, epoch, before, 0)
}

// setEpoch moves the namespace, and this store with it, from one epoch to another.
func (s *Store) setEpoch(ctx context.Context, from, to string, counter int64) error {
	r, err := s.eval(ctx, importScript, []any{from, to, counter, schemaVersion, s.now().UnixMicro()}, s.opts.Wait > 0)
	if err != nil {
		return fmt.Errorf("redis: import: %w: %w", err, bridge.ErrUnavailable)
	}
	if !r.bool(0) {
		return errors.New("redis: import: somebody else imports into this namespace, or began to work with it")
	}
	s.moveTo(to, counter)
	s.signal()
	return nil
}

// importing is an import under way: records of the stream become records of restore.lua, in pieces.
type importing struct {
	s      *Store
	ctx    context.Context
	ledger transfer.Ledger

	records []any
	lines   []int64 // of the stream, for each record
	size    int
	line    int64 // of the record that was read last
	began   int64 // of the one that the others follow

	bond    *transfer.Bond
	refs    []string
	event   *transfer.Event
	claim   string
	tries   []string
	lane    *transfer.Lane
	queue   []string
	wrote   string // field
	entries []string
	loose   int // queued events that no lane has named yet
}

func (m *importing) all(r *transfer.Reader) error {
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			if err := m.endRecord(nil); err != nil {
				return err
			}
			if err := m.flush(); err != nil {
				return err
			}
			if m.loose != 0 { // each that a lane names is queued, and named once
				return fmt.Errorf("import: %d events are queued but in no lane", m.loose)
			}
			return nil
		}
		if err != nil {
			return err
		}
		m.line = r.Line()
		if err := m.take(rec); err != nil {
			return err
		}
	}
}

// put adds one record for restore.lua, of a line of the stream.
func (m *importing) put(line int64, kind string, record any, body string) error {
	text, err := json.Marshal(record)
	if err != nil {
		return transfer.AtLine(line, fmt.Errorf("a record of kind %s: %w", kind, err))
	}
	m.records, m.lines = append(m.records, kind, string(text), body), append(m.lines, line)
	if m.size += len(text) + len(body); len(m.records) >= 3*importRecords || m.size > importBytes {
		return m.flush()
	}
	return nil
}

func (m *importing) flush() error {
	if len(m.records) == 0 {
		return nil
	}
	r, err := m.s.write(m.ctx, restoreScript, bridge.NewID(), append(append(newCall(3+len(m.records)), m.ledger.Counter, flag(true), len(m.lines)), m.records...))
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if at := int(r.num(2)); at > 0 && at <= len(m.lines) {
		return transfer.AtLine(m.lines[at-1], errors.New(r.str(3)))
	}
	m.records, m.lines, m.size = m.records[:0], m.lines[:0], 0
	return nil
}

// take begins a record, or adds to the one that it follows.
func (m *importing) take(rec transfer.Record) error {
	if err := m.endRecord(rec); err != nil {
		return err
	}
	switch r := rec.(type) {
	case *transfer.Ledger:
		m.ledger = *r
		if r.Resumed != 0 {
			return m.put(m.line, "resumption", map[string]string{"since": strconv.FormatInt(r.Since, 10), "resumed": strconv.FormatInt(r.Resumed, 10), "before": strings.Join(r.Before, ",")}, "")
		}
	case *transfer.Bond:
		m.bond, m.refs, m.began = r, nil, m.line
	case *transfer.Reference:
		m.refs = append(m.refs, r.RefKey)
		return m.put(m.line, "ref", map[string]string{"key": r.Provider + unit + r.RefKey, "value": r.Task}, "")
	case *transfer.Event:
		m.event, m.claim, m.tries, m.began = r, "", nil, m.line
		if r.State == bridge.StateQueued {
			m.loose++
		}
	case *transfer.Claim:
		return m.takeClaim(r)
	case *transfer.Attempt:
		return m.takeAttempt(r)
	case *transfer.Lane:
		m.lane, m.queue, m.began = r, nil, m.line
	case *transfer.Queue:
		for _, seq := range r.Seqs {
			m.queue = append(m.queue, strconv.FormatInt(seq, 10))
		}
		m.loose -= len(r.Seqs)
	case *transfer.Wrote:
		if m.wrote == "" {
			m.began = m.line
		}
		m.wrote = wroteField(r)
		m.entries = append(m.entries, fmt.Sprintf("%d:%d:%s", r.Seq, r.At, r.Token))
	case *transfer.Destination:
		return m.put(m.line, "dest", map[string]any{"key": r.Name, "paused": r.Paused, "failures": r.Failures, "open_to": r.OpenTo, "open_for": r.OpenFor, "probe": r.Probe,
			"up": r.Up, "answered": r.Answered}, "")
	case *transfer.Duty:
		duty := map[string]any{"key": r.Name, "cursor": r.Cursor, "epoch": strconv.FormatInt(r.Epoch, 10), "since": strconv.FormatInt(r.Since, 10)}
		if r.Paused {
			duty["paused"] = "1"
		}
		return m.put(m.line, "duty", duty, "")
	case *transfer.Activity:
		text, err := json.Marshal(map[string]string{"at": strconv.FormatInt(r.At, 10), "person": r.Person, "verb": r.Verb, "target": r.Target, "note": r.Note})
		if err != nil {
			return transfer.AtLine(m.line, fmt.Errorf("an activity: %w", err))
		}
		return m.put(m.line, "newer", json.RawMessage(text), "")
	case *transfer.Notice:
		return m.put(m.line, "notice", map[string]any{"kind": r.Kind, "key": r.Key, "until": r.Until}, string(r.Value))
	}
	return nil
}

func wroteField(r *transfer.Wrote) string {
	lane := bridge.LaneID{Provider: r.Provider, Task: r.Task, Dir: r.Dir}.String()
	if r.Comment != "" {
		return lane + unit + "c" + unit + r.Comment
	}
	return lane + unit + "t" + unit + r.Text
}

func (m *importing) takeClaim(r *transfer.Claim) error {
	field := r.Provider + unit + string(r.Dir) + unit + r.Key
	if m.claim == "" || !strings.HasPrefix(r.Key, openClaim) { // as claim_open in decide.lua
		m.claim = field
	}
	return m.put(m.line, "claim", map[string]string{"key": field, "value": fmt.Sprintf("%d:%d:%s", r.Seq, r.At, r.Hash)}, "")
}

func (m *importing) takeAttempt(r *transfer.Attempt) error {
	text, err := json.Marshal(r.Try)
	if err != nil {
		return transfer.AtLine(m.line, fmt.Errorf("an attempt: %w", err))
	}
	name := strconv.Itoa(r.N) + "\t" + r.Token + "\t"
	if slices.ContainsFunc(m.tries, func(t string) bool { return strings.HasPrefix(t, name) }) {
		return transfer.AtLine(m.line, fmt.Errorf("attempt %d at event %d comes twice", r.N, r.Seq))
	}
	m.tries = append(m.tries, name+string(text))
	return nil
}

// endRecord puts what was gathered, if next does not belong to it. A nil next belongs to nothing.
func (m *importing) endRecord(next transfer.Record) error {
	switch r := next.(type) {
	case *transfer.Reference, *transfer.Claim, *transfer.Attempt, *transfer.Queue:
		return nil
	case *transfer.Wrote:
		if m.wrote == wroteField(r) {
			return nil
		}
	}
	switch {
	case m.bond != nil:
		b := m.bond
		m.bond = nil
		return m.put(m.began, "bond", map[string]any{"key": b.Provider + unit + b.Task, "state": b.State, "reference": b.Reference, "ref_key": b.RefKey, "resolves": b.Resolves,
			"submit": b.Submit, "acked": b.Acknowledged, "created": b.Created, "changed": b.Changed, "refs": append([]string{}, m.refs...)}, "")
	case m.event != nil:
		e := m.event
		m.event = nil
		return m.putEvent(e)
	case m.lane != nil:
		l := m.lane
		m.lane = nil
		return m.putLane(l)
	case m.wrote != "":
		field, value := m.wrote, strings.Join(m.entries, ";")
		m.wrote, m.entries = "", nil
		return m.put(m.began, "wrote", map[string]string{"key": field, "value": value}, "")
	}
	return nil
}

// putEvent adds the hashes of texts, which Lua cannot make, as eventArgs does.
func (m *importing) putEvent(r *transfer.Event) error {
	var said struct {
		bridge.Event
		ContentHash string `json:"content_hash"` // of what was reduced
	}
	if err := json.Unmarshal(r.Body, &said); err != nil {
		return transfer.AtLine(m.began, fmt.Errorf("event %s: its body is damaged: %w", r.ID, err))
	}
	e := said.Event
	e.ID, e.Provider, e.Task, e.Dir, e.Kind, e.Reference, e.RefKey = r.ID, r.Provider, r.Task, r.Dir, r.Kind, r.Reference, r.RefKey
	content, merge := said.ContentHash, ""
	if content == "" && e.Key != "" {
		content = e.ContentHash()
	}
	if e.Key == "" {
		merge = e.MergeHash()
	}
	shrunk := 0
	if r.Shrunk {
		shrunk = 1
	}
	record := map[string]any{"key": strconv.FormatInt(r.Seq, 10), "id": r.ID, "provider": r.Provider, "task": r.Task, "dir": r.Dir, "kind": r.Kind, "reference": r.Reference,
		"ref_key": r.RefKey, "mode": r.Mode, "entrance": r.Entrance, "state": r.State, "reason": r.Reason, "detail": r.Detail, "first": r.First, "rep": r.Repeat,
		"received": r.Received, "ended": r.Ended, "shrunk": shrunk, "sender_key": e.Key, "echo": e.Echo, "comment": e.Comment, "window": bridge.DefaultWindow.Microseconds(),
		"chash": content, "mhash": merge, "thash": bridge.TextHash(e.Text), "dhash": bridge.TextHash(e.Description), "claim": m.claim}
	if len(m.tries) > 0 {
		record["attempts"] = strings.Join(m.tries, "\n")
	}
	return m.put(m.began, "event", record, string(r.Body))
}

func (m *importing) putLane(l *transfer.Lane) error {
	record := laneRecord{Key: l.ID().String(), State: string(l.State), Paused: l.Paused, Reason: string(l.Reason), Detail: l.Detail, N: stamp(l.Events), Due: stamp(l.Due),
		Attempt: l.Attempt, Token: l.Token, Session: l.Session, LeasedAt: stamp(l.LeasedAt), Unknown: l.Unknown, UnknownAt: stamp(l.UnknownAt), Evidence: l.Evidence,
		EvidenceRef: l.EvidenceRef, EvidenceKey: l.EvidenceKey, UpAtFirst: stamp(l.UpAtFirst), Echoes: l.Echoes}
	if len(m.queue) > 0 {
		head, err := strconv.ParseInt(m.queue[0], 10, 64)
		if err != nil {
			return transfer.AtLine(m.began, fmt.Errorf("lane %s: %w", l.ID(), err))
		}
		record.Head, record.Queue = stamp(head), strings.Join(m.queue[1:], " ")
	}
	return m.put(m.began, "lane", record, "")
}
