package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/transfer"
)

// Import implements [transfer.Porter]: one transaction, so that a stream that is cut leaves nothing.
func (s *Store) Import(ctx context.Context, r *transfer.Reader) error {
	return s.do(ctx, 0, func(t *tx) error {
		if err := t.idle(); err != nil {
			return err
		}
		if err := t.empty(); err != nil {
			return err
		}
		m := &importing{t: t}
		for n := 0; ; n++ {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err == nil && n%1000 == 0 {
				err = ctx.Err()
			}
			if err == nil {
				if err = m.take(rec); err != nil {
					err = transfer.AtLine(r.Line(), err)
				}
			}
			if err != nil {
				return fmt.Errorf("sqlite: %w", err)
			}
		}
		if err := m.finish(); err != nil {
			return fmt.Errorf("sqlite: %w", err)
		}
		return nil
	})
}

// empty refuses a store that holds anything, and clears what starting a bridge leaves in one that does not.
func (t *tx) empty() error {
	for _, table := range []string{"event", "bond", "reference", "claim", "activity"} {
		var one int
		if t.row("SELECT 1 FROM " + table + " LIMIT 1").scan(&one) {
			return fmt.Errorf("sqlite: import: %w", transfer.ErrNotEmpty)
		}
	}
	for _, table := range []string{"lane", "wrote", "destination", "duty", "session", "tally", "attempt", "body", "notice"} {
		t.exec("DELETE FROM " + table)
	}
	t.exec("DELETE FROM meta WHERE key <> 'epoch'")
	t.forget()
	return nil
}

// importing is an import under way. It leaves the caches of tx alone: they are empty, and memory
// must not grow with the stream.
type importing struct {
	t    *tx
	bond *transfer.Bond
	lane *transfer.Lane
	id   int64 // of the lane
	pos  int   // events of it so far
}

// new inserts a row, unless there is one with its key: it then reports false.
func (m *importing) new(insert string, args ...any) bool {
	return m.t.exec(insert+" ON CONFLICT DO NOTHING", args...) == 1
}

func (m *importing) take(rec transfer.Record) error {
	t := m.t
	switch r := rec.(type) {
	case *transfer.Ledger:
		t.exec("UPDATE meta SET value = ? WHERE key = 'epoch'", r.Epoch)
		t.counter, t.drawn = r.Counter, true
		if r.Resumed != 0 {
			t.exec("INSERT INTO meta VALUES ('since', ?), ('resumed', ?), ('before', ?)", r.Since*1000, r.Resumed*1000, strings.Join(r.Before, ","))
		}
	case *transfer.Bond:
		m.bond = r
		t.exec("INSERT INTO bond VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", r.Provider, r.Task, r.State, r.Reference, r.RefKey, r.Resolves, r.Submit, r.Acknowledged, r.Created*1000, r.Changed*1000)
		t.count("bond", string(r.State), "", 1)
	case *transfer.Reference:
		shown := r.RefKey // how an older one was written nobody asks any more
		if r.RefKey == m.bond.RefKey {
			shown = m.bond.Reference
		}
		if !m.new("INSERT INTO reference VALUES (?, ?, ?, ?)", r.Provider, r.RefKey, shown, r.Task) {
			return fmt.Errorf("reference %s of task %s belongs to a task already", r.RefKey, r.Task)
		}
	case *transfer.Event:
		return m.takeEvent(r)
	case *transfer.Claim:
		if !m.new("INSERT INTO claim (provider, dir, key, seq, hash, at) VALUES (?, ?, ?, ?, ?, ?)", r.Provider, r.Dir, r.Key, r.Seq, r.Hash, r.At*1000) {
			return fmt.Errorf("the claim %q of event %d belongs to an event already", r.Key, r.Seq)
		}
	case *transfer.Attempt:
		if !m.new("INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", r.Seq, r.N, r.Token, r.Started*1000, r.Ended*1000, r.Outcome, r.Reason, r.Then,
			r.Detail, r.Request, r.Answer, r.Status, r.Session, r.Config) {
			return fmt.Errorf("attempt %d at event %d comes twice", r.N, r.Seq)
		}
	case *transfer.Lane:
		var one int
		if t.row("SELECT 1 FROM lane WHERE provider = ? AND task = ? AND dir = ?", r.Provider, r.Task, r.Dir).scan(&one) {
			return fmt.Errorf("lane %s comes twice", r.ID())
		}
		m.takeLane(r)
	case *transfer.Queue:
		return m.takeQueue(r)
	case *transfer.Wrote:
		t.exec("INSERT INTO wrote (lane, seq, token, hash, comment, at) VALUES (?, ?, ?, ?, ?, ?)", m.laneOf(bridge.LaneID{Provider: r.Provider, Task: r.Task, Dir: r.Dir}),
			r.Seq, r.Token, r.Text, r.Comment, r.At*1000)
	case *transfer.Destination:
		t.exec("INSERT INTO destination VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0)", r.Name, r.Paused, r.Failures, r.OpenTo*1000, r.OpenFor*1000, r.Probe, r.Up*1000, r.Answered*1000)
	case *transfer.Duty:
		t.exec("INSERT INTO duty (name, session, epoch, cursor, paused, since) VALUES (?, '', ?, ?, ?, ?)", r.Name, r.Epoch, r.Cursor, r.Paused, r.Since*1000)
	case *transfer.Activity:
		t.exec("INSERT INTO activity (at, person, verb, target, note) VALUES (?, ?, ?, ?, ?)", r.At*1000, r.Person, r.Verb, r.Target, r.Note)
	case *transfer.Notice:
		t.exec("INSERT INTO notice (kind, key, value, until) VALUES (?, ?, ?, ?)", r.Kind, r.Key, append([]byte{}, r.Value...), r.Until*1000)
	}
	return nil
}

func (m *importing) takeEvent(r *transfer.Event) error {
	t := m.t
	shrunk := 0
	if r.Shrunk {
		shrunk = 1
	}
	if !m.new("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?)",
		r.Seq, r.ID, r.Provider, r.Task, r.Dir, r.Kind, r.Reference, r.RefKey, r.Mode, r.Entrance, r.State, r.Reason, r.Detail, r.First, r.Repeat, r.Received*1000, r.Ended*1000, shrunk) {
		return fmt.Errorf("the id %s of event %d is that of another event", r.ID, r.Seq)
	}
	t.exec("INSERT INTO body VALUES (?, ?)", r.Seq, []byte(r.Body))
	t.count("event", string(r.State), "", 1)
	if r.State == bridge.StateQuarantined {
		t.count("quarantine", r.Provider, string(r.Reason), 1)
	}
	return nil
}

func (m *importing) takeLane(r *transfer.Lane) {
	id := r.ID()
	m.lane, m.pos = r, 0
	m.id = m.t.insert("INSERT INTO lane ("+laneColumns[len("id, "):]+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		id.Provider, id.Task, id.Dir, id.Destination(), r.State, r.Paused, r.Reason, r.Detail, r.Events, r.Due*1000, r.Attempt, r.Token, r.Session, r.LeasedAt*1000,
		r.Unknown, r.UnknownAt*1000, r.Evidence, r.EvidenceRef, r.UpAtFirst*1000, r.Echoes)
	shown := r.State
	if r.Paused && shown != bridge.LaneLeased {
		shown = bridge.LanePaused
	}
	m.t.count("lane", id.Destination(), string(shown), 1)
	m.t.count("queued", id.Destination(), "", int64(r.Events))
}

func (m *importing) takeQueue(r *transfer.Queue) error {
	t := m.t
	for _, seq := range r.Seqs {
		m.pos++
		state, why := bridge.StateQueued, bridge.Reason("")
		if m.pos == 1 {
			state, why = m.lane.HeadState()
			t.exec("UPDATE lane SET head = ? WHERE id = ?", seq, m.id)
			t.count("event", string(bridge.StateQueued), "", -1)
			t.count("event", string(state), "", 1)
		}
		// Places in a lane are drawn from the counter, which is beyond all of these.
		if t.exec("UPDATE event SET lane = ?, pos = ?, state = ?, reason = ? WHERE seq = ? AND lane = 0 AND state = 'queued' AND provider = ? AND task = ? AND dir = ?",
			m.id, m.pos, state, why, seq, m.lane.Provider, m.lane.Task, m.lane.Dir) != 1 {
			return fmt.Errorf("lane %s: event %d is not one of its queued events", m.lane.ID(), seq)
		}
	}
	return nil
}

// laneOf returns the row id of a lane, making an idle one if there is none.
func (m *importing) laneOf(id bridge.LaneID) int64 {
	var row int64
	if m.t.row("SELECT id FROM lane WHERE provider = ? AND task = ? AND dir = ?", id.Provider, id.Task, id.Dir).scan(&row) {
		return row
	}
	m.takeLane(&transfer.Lane{Provider: id.Provider, Task: id.Task, Dir: id.Dir, State: bridge.LaneIdle})
	return m.id
}

func (m *importing) finish() error {
	var id string
	if m.t.row("SELECT id FROM event WHERE state IN ('queued', 'leased', 'parked') AND lane = 0 LIMIT 1").scan(&id) {
		return fmt.Errorf("import: event %s is queued but in no lane", id)
	}
	m.t.woke = true
	return nil
}
