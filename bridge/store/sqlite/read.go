package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
)

const defaultLimit = 100

// where collects the conditions of a query.
type where struct {
	conds []string
	args  []any
}

func (w *where) add(cond string, args ...any) {
	w.conds = append(w.conds, cond)
	w.args = append(w.args, args...)
}

// eq adds column = value unless value is empty.
func (w *where) eq(column, value string) {
	if value != "" {
		w.add(column+" = ?", value)
	}
}

func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

// in adds column IN (values) unless there are none.
func in[T ~string](w *where, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = string(v)
	}
	w.add(column+" IN (?"+strings.Repeat(", ?", len(values)-1)+")", args...)
}

func limitOf(n int) int {
	if n <= 0 {
		return defaultLimit
	}
	return n
}

// query runs f for each row on a reading connection.
func (s *Store) query(ctx context.Context, query string, args []any, f func(*sql.Rows) error) error {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return unread(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return fmt.Errorf("sqlite: read: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return unread(ctx, err)
	}
	return nil
}

// unread says that SQLite could not be read; a caller that gave up has only itself to blame.
func unread(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, errDamaged) {
		return fmt.Errorf("sqlite: read: %w", err)
	}
	return fmt.Errorf("sqlite: read: %w: %w", err, bridge.ErrUnavailable)
}

// Bonds implements [bridge.Reader].
func (s *Store) Bonds(ctx context.Context, f bridge.BondFilter) ([]bridge.Bond, error) {
	w := &where{}
	w.eq("provider", f.Provider)
	w.eq("task", f.Task)
	in(w, "state", f.States)
	if f.RefKey != "" {
		w.add("(provider, task) IN (SELECT provider, task FROM reference WHERE ref_key = ?)", f.RefKey)
	}
	if f.Prefix != "" {
		end := f.Prefix + "\U0010FFFF"
		w.add("(task >= ? AND task < ? OR (provider, task) IN (SELECT provider, task FROM reference WHERE ref_key >= ? AND ref_key < ?))", f.Prefix, end, f.Prefix, end)
	}
	if f.AfterKey != "" {
		p, task, _ := strings.Cut(f.AfterKey, "/")
		w.add("(provider, task) > (?, ?)", p, task)
	}
	var out []bridge.Bond
	err := s.query(ctx, "SELECT "+bondColumns+" FROM bond"+w.String()+" ORDER BY provider, task LIMIT ?", append(w.args, limitOf(f.Limit)), func(r *sql.Rows) error {
		var b bridge.Bond
		if err := scanBond(r.Scan, &b); err != nil {
			return err
		}
		out = append(out, b)
		return nil
	})
	return out, err
}

// Bond implements [bridge.Reader].
func (s *Store) Bond(ctx context.Context, provider, task string) (bridge.Bond, error) {
	out, err := s.Bonds(ctx, bridge.BondFilter{Provider: provider, Task: task})
	if err == nil && len(out) == 0 {
		err = notFound("bond", provider+"/"+task)
	}
	if err != nil {
		return bridge.Bond{}, err
	}
	return out[0], nil
}

// Lanes implements [bridge.Reader].
func (s *Store) Lanes(ctx context.Context, f bridge.LaneFilter) ([]bridge.Lane, error) {
	w := &where{}
	w.add("(l.state <> 'idle' OR l.paused = 1)")
	w.eq("l.dest", f.Dest)
	w.eq("l.provider", f.Provider)
	w.eq("l.task", f.Task)
	in(w, "CASE WHEN l.paused = 1 AND l.state <> 'leased' THEN 'paused' ELSE l.state END", f.States)
	if p := f.After; p != (bridge.LanePlace{}) {
		w.add("(l.dest, l.head, l.provider, l.dir, l.task) > (?, ?, ?, ?, ?)", p.Lane.Destination(), p.Head, p.Lane.Provider, p.Lane.Dir, p.Lane.Task)
	}
	cols := "l." + strings.ReplaceAll(laneColumns, ", ", ", l.")
	var out []bridge.Lane
	err := s.query(ctx, "SELECT "+cols+", coalesce(e.id, ''), coalesce(e.kind, ''), coalesce(e.received, 0) FROM lane l LEFT JOIN event e ON e.seq = l.head"+
		w.String()+" ORDER BY l.dest, l.head, l.provider, l.dir, l.task LIMIT ?", append(w.args, limitOf(f.Limit)), func(r *sql.Rows) error {
		var l laneRow
		var v bridge.Lane
		var received int64
		if err := r.Scan(append(l.fields(), &v.Head, &v.HeadKind, &received)...); err != nil {
			return err
		}
		v.ID, v.State, v.Reason, v.HeadSeq, v.Queued, v.Attempt, v.Unknown, v.Detail = l.lid, l.shown(), l.reason, l.head, l.n, l.attempt, l.unknown, l.detail
		if l.paused && v.State == bridge.LanePaused {
			v.Reason = bridge.Paused
		}
		v.Due, v.Oldest = fromNanos(l.due), fromNanos(received)
		out = append(out, v)
		return nil
	})
	return out, err
}

// Activities implements [bridge.Reader].
func (s *Store) Activities(ctx context.Context, limit int) ([]bridge.Activity, error) {
	var out []bridge.Activity
	err := s.query(ctx, "SELECT at, person, verb, target, note FROM activity ORDER BY n DESC LIMIT ?", []any{limitOf(limit)}, func(r *sql.Rows) error {
		var a bridge.Activity
		var at int64
		if err := r.Scan(&at, &a.Person, &a.Verb, &a.Target, &a.Note); err != nil {
			return err
		}
		a.At = fromNanos(at)
		out = append(out, a)
		return nil
	})
	return out, err
}

// Counts implements [bridge.Reader].
func (s *Store) Counts(ctx context.Context) (bridge.Counts, error) {
	out := bridge.Counts{Events: map[bridge.EventState]int64{}, Bonds: map[bridge.BondState]int64{},
		Destination: map[string]bridge.DestinationCounts{}, Quarantine: map[string]map[bridge.Reason]int64{}}
	dest := func(name string, change func(*bridge.DestinationCounts)) {
		d := out.Destination[name]
		if d.Lanes == nil {
			d.Lanes, d.Breaker = map[bridge.LaneState]int64{}, bridge.BreakerClosed
		}
		change(&d)
		out.Destination[name] = d
	}
	err := s.query(ctx, "SELECT key, n FROM tally WHERE n <> 0", nil, func(r *sql.Rows) error {
		var key string
		var n int64
		if err := r.Scan(&key, &n); err != nil {
			return err
		}
		switch what, a, b := splitTally(key); what {
		case "event":
			out.Events[bridge.EventState(a)] = n
		case "bond":
			out.Bonds[bridge.BondState(a)] = n
		case "lane":
			dest(a, func(d *bridge.DestinationCounts) { d.Lanes[bridge.LaneState(b)] = n })
		case "queued":
			dest(a, func(d *bridge.DestinationCounts) { d.Queued = n })
		case "quarantine":
			if out.Quarantine[a] == nil {
				out.Quarantine[a] = map[bridge.Reason]int64{}
			}
			out.Quarantine[a][bridge.Reason(b)] = n
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	now := s.now().UnixNano()
	err = s.query(ctx, "SELECT name, paused, failures, open_to, probe <> '' FROM destination", nil, func(r *sql.Rows) error {
		var name string
		var paused, probing bool
		var failures int
		var openTo int64
		if err := r.Scan(&name, &paused, &failures, &openTo, &probing); err != nil {
			return err
		}
		dest(name, func(d *bridge.DestinationCounts) {
			d.Paused, d.Failures = paused, failures
			switch {
			case openTo > now:
				d.Breaker, d.OpenTo = bridge.BreakerIsOpen, fromNanos(openTo)
			case openTo > 0 || probing:
				d.Breaker, d.OpenTo = bridge.BreakerProbe, fromNanos(openTo)
			}
		})
		return nil
	})
	if err != nil {
		return out, err
	}
	return out, s.query(ctx, "SELECT l.dest, e.received FROM (SELECT dest, min(head) AS head FROM lane WHERE state <> 'idle' AND head > 0 GROUP BY dest) l JOIN event e ON e.seq = l.head", nil, func(r *sql.Rows) error {
		var name string
		var received int64
		if err := r.Scan(&name, &received); err != nil {
			return err
		}
		dest(name, func(d *bridge.DestinationCounts) { d.Oldest = fromNanos(received) })
		return nil
	})
}
