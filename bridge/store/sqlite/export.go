package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/transfer"
)

var _ transfer.Porter = (*Store)(nil)

// Export implements [transfer.Porter]. It reads through a connection of its own that sorts in
// temporary files, so that memory does not grow with the ledger.
func (s *Store) Export(ctx context.Context, w *transfer.Writer) error {
	var counter int64
	err := s.do(ctx, 0, func(t *tx) error {
		counter = t.counter
		return t.idle()
	})
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", exportDSN(s.path))
	if err != nil {
		return fmt.Errorf("sqlite: export: %w", err)
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // one state, whatever happens beside it
	if err != nil {
		return fmt.Errorf("sqlite: export: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	x := &export{ctx: ctx, tx: tx, w: w}
	for _, part := range []func() error{
		func() error { return x.ledger(counter) },
		x.bonds, x.events, x.lanes, x.wrote, x.destinations, x.duties, x.activities, x.notices,
	} {
		if err := part(); err != nil {
			return fmt.Errorf("sqlite: %w", err)
		}
	}
	return nil
}

// idle returns [transfer.ErrBusy] while a session lives.
func (t *tx) idle() error {
	var id string
	if t.row("SELECT id FROM session WHERE until > ? LIMIT 1", t.now).scan(&id) {
		return fmt.Errorf("sqlite: session %s lives: %w", id, transfer.ErrBusy)
	}
	return nil
}

type export struct {
	ctx context.Context
	tx  *sql.Tx
	w   *transfer.Writer
}

// each runs a query and puts what read makes of its rows.
func (x *export) each(query string, read func(scan func(...any) error) (transfer.Record, error)) error {
	rows, err := x.tx.QueryContext(x.ctx, query)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	c := &cursor{rows: rows, read: read}
	defer rows.Close()
	for {
		switch r, err := c.next(); {
		case err != nil:
			return err
		case r == nil:
			return nil
		default:
			if err := x.w.Put(r); err != nil {
				return err
			}
		}
	}
}

// A cursor goes through the rows of a query.
type cursor struct {
	rows *sql.Rows
	read func(scan func(...any) error) (transfer.Record, error)
}

// next returns the next record, nil behind the last.
func (c *cursor) next() (transfer.Record, error) {
	if !c.rows.Next() {
		if err := c.rows.Err(); err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
		return nil, nil //nolint:nilnil // nil is the end
	}
	r, err := c.read(c.rows.Scan)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return r, nil
}

// A follower is a query whose records follow those of another, in the same order.
type follower[R transfer.Record] struct {
	cursor
	seq     func(R) int64
	pending R
	have    bool
	done    bool
}

// upTo puts every record that belongs to seq.
func (f *follower[R]) upTo(seq int64, w *transfer.Writer) error {
	for {
		if !f.have && !f.done {
			r, err := f.next()
			if err != nil {
				return err
			}
			if r == nil {
				f.done = true
			} else {
				f.pending, f.have = r.(R), true //nolint:forcetypeassert // its query makes only these
			}
		}
		if !f.have || f.seq(f.pending) > seq {
			return nil
		}
		if f.seq(f.pending) == seq { // else its event is gone
			if err := w.Put(f.pending); err != nil {
				return err
			}
		}
		f.have = false
	}
}

// micros is a stored time as it moves; due times are never early.
func micros(ns int64) int64 { return ns / 1000 }

func microsUp(ns int64) int64 { return (ns + 999) / 1000 }

func (x *export) ledger(counter int64) error {
	return x.each(`SELECT value, coalesce((SELECT value FROM meta WHERE key = 'since'), 0), coalesce((SELECT value FROM meta WHERE key = 'resumed'), 0),
		coalesce((SELECT value FROM meta WHERE key = 'before'), '') FROM meta WHERE key = 'epoch'`, func(scan func(...any) error) (transfer.Record, error) {
		r := &transfer.Ledger{Counter: counter}
		var before string
		err := scan(&r.Epoch, &r.Since, &r.Resumed, &before)
		r.Since, r.Resumed = micros(r.Since), micros(r.Resumed)
		if before != "" {
			r.Before = strings.Split(before, ",")
		}
		return r, err
	})
}

func (x *export) bonds() error {
	refs, err := x.tx.QueryContext(x.ctx, "SELECT provider, ref_key, task FROM reference ORDER BY provider, task, ref_key")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer refs.Close()
	all := &cursor{rows: refs, read: func(scan func(...any) error) (transfer.Record, error) {
		r := &transfer.Reference{}
		return r, scan(&r.Provider, &r.RefKey, &r.Task)
	}}
	bonds, err := x.tx.QueryContext(x.ctx, "SELECT "+bondColumns+" FROM bond ORDER BY provider, task")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer bonds.Close()
	next, err := all.next()
	if err != nil {
		return err
	}
	for bonds.Next() {
		var b bridge.Bond
		if err := scanBond(bonds.Scan, &b); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		if err := x.w.Put(&transfer.Bond{Provider: b.Provider, Task: b.Task, State: b.State, Reference: b.Reference, RefKey: b.RefKey, Resolves: b.Resolves,
			Submit: b.Submit, Acknowledged: b.Acknowledged, Created: micros(nanos(b.Created)), Changed: micros(nanos(b.Changed))}); err != nil {
			return err
		}
		for next != nil {
			r := next.(*transfer.Reference) //nolint:forcetypeassert // its query makes only these
			if r.Provider > b.Provider || r.Provider == b.Provider && r.Task > b.Task {
				break
			}
			if r.Provider == b.Provider && r.Task == b.Task { // else nobody's: its bond is gone
				if err := x.w.Put(r); err != nil {
					return err
				}
			}
			if next, err = all.next(); err != nil {
				return err
			}
		}
	}
	if err := bonds.Err(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func (x *export) events() error {
	claimRows, err := x.tx.QueryContext(x.ctx, "SELECT seq, provider, dir, key, hash, at FROM claim ORDER BY seq, provider, dir, key")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer claimRows.Close()
	claims := &follower[*transfer.Claim]{seq: func(c *transfer.Claim) int64 { return c.Seq }, cursor: cursor{rows: claimRows,
		read: func(scan func(...any) error) (transfer.Record, error) {
			c := &transfer.Claim{}
			err := scan(&c.Seq, &c.Provider, &c.Dir, &c.Key, &c.Hash, &c.At)
			c.At = micros(c.At)
			return c, err
		}}}
	attemptRows, err := x.tx.QueryContext(x.ctx, "SELECT seq, n, token, started, ended, outcome, reason, next, detail, request, answer, status, session, config FROM attempt ORDER BY seq, n, token")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer attemptRows.Close()
	attempts := &follower[*transfer.Attempt]{seq: func(a *transfer.Attempt) int64 { return a.Seq }, cursor: cursor{rows: attemptRows,
		read: func(scan func(...any) error) (transfer.Record, error) {
			a := &transfer.Attempt{}
			err := scan(&a.Seq, &a.N, &a.Token, &a.Started, &a.Ended, &a.Outcome, &a.Reason, &a.Then, &a.Detail, &a.Request, &a.Answer, &a.Status, &a.Session, &a.Config)
			a.Started, a.Ended = a.Started/1000, a.Ended/1000 // of nanoseconds
			return a, err
		}}}
	rows, err := x.tx.QueryContext(x.ctx, "SELECT "+eventColumns+eventFrom+"ORDER BY e.seq")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		e := &transfer.Event{}
		var shrunk int
		var body []byte
		if err := rows.Scan(&e.Seq, &e.ID, &e.Provider, &e.Task, &e.Dir, &e.Kind, &e.Reference, &e.RefKey, &e.Mode, &e.Entrance, &e.State, &e.Reason,
			&e.Detail, &e.First, &e.Repeat, &e.Received, &e.Ended, &shrunk, &body); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		e.Received, e.Ended, e.Shrunk, e.Body = micros(e.Received), micros(e.Ended), shrunk == 1, body
		if len(body) == 0 {
			e.Body = []byte("{}")
		}
		if e.State == bridge.StateLeased || e.State == bridge.StateParked || e.State == bridge.StateQueued {
			e.State, e.Reason = bridge.StateQueued, ""
		}
		if err := x.w.Put(e); err != nil {
			return fmt.Errorf("event %s: %w", e.ID, err)
		}
		if err := claims.upTo(e.Seq, x.w); err != nil {
			return err
		}
		if err := attempts.upTo(e.Seq, x.w); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func (x *export) lanes() error {
	rows, err := x.tx.QueryContext(x.ctx, "SELECT "+laneColumns+" FROM lane WHERE state <> 'idle' OR paused = 1 OR echoes > 0 ORDER BY provider, task, dir")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		l := &laneRow{}
		if err := rows.Scan(l.fields()...); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		key := ""
		if l.evidenceRef != "" {
			key = bridge.ReferenceKey(l.evidenceRef, false)
		}
		if err := x.w.Put(&transfer.Lane{Provider: l.lid.Provider, Task: l.lid.Task, Dir: l.lid.Dir, State: l.state, Paused: l.paused, Reason: l.reason, Detail: l.detail,
			Events: l.n, Due: microsUp(l.due), Attempt: l.attempt, Token: l.token, Session: l.session, LeasedAt: micros(l.leasedAt), Unknown: l.unknown,
			UnknownAt: micros(l.unknownAt), Evidence: l.evidence, EvidenceRef: l.evidenceRef, EvidenceKey: key, UpAtFirst: micros(l.upAtFirst), Echoes: l.echoes}); err != nil {
			return err
		}
		if err := x.queue(l.id); err != nil {
			return fmt.Errorf("lane %s: %w", l.lid, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// queue puts the numbers of the events of a lane, in order.
func (x *export) queue(lane int64) error {
	rows, err := x.tx.QueryContext(x.ctx, "SELECT seq FROM event WHERE lane = ? AND state IN ('queued', 'leased', 'parked') ORDER BY pos", lane)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer rows.Close()
	q := &transfer.Queue{}
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		if q.Seqs = append(q.Seqs, seq); len(q.Seqs) == transfer.QueuePiece {
			if err := x.w.Put(q); err != nil {
				return err
			}
			q.Seqs = q.Seqs[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if len(q.Seqs) == 0 {
		return nil
	}
	return x.w.Put(q)
}

func (x *export) wrote() error {
	return x.each(`SELECT l.provider AS p, l.task AS t, l.dir AS d, w.hash AS text, '' AS comment, w.seq, w.token, w.at, w.n AS n FROM wrote w JOIN lane l ON l.id = w.lane WHERE w.hash <> ''
		UNION ALL SELECT l.provider, l.task, l.dir, '', w.comment, w.seq, w.token, w.at, w.n FROM wrote w JOIN lane l ON l.id = w.lane WHERE w.comment <> ''
		ORDER BY p, t, d, text, comment, n`, func(scan func(...any) error) (transfer.Record, error) {
		w := &transfer.Wrote{}
		var n int64
		err := scan(&w.Provider, &w.Task, &w.Dir, &w.Text, &w.Comment, &w.Seq, &w.Token, &w.At, &n)
		w.At = micros(w.At)
		return w, err
	})
}

func (x *export) destinations() error {
	return x.each("SELECT name, paused, failures, open_to, open_for, probe, up, answered FROM destination ORDER BY name", func(scan func(...any) error) (transfer.Record, error) {
		d := &transfer.Destination{}
		err := scan(&d.Name, &d.Paused, &d.Failures, &d.OpenTo, &d.OpenFor, &d.Probe, &d.Up, &d.Answered)
		d.OpenTo, d.OpenFor, d.Up, d.Answered = microsUp(d.OpenTo), micros(d.OpenFor), micros(d.Up), micros(d.Answered)
		return d, err
	})
}

func (x *export) duties() error {
	return x.each("SELECT name, epoch, cursor, paused, since FROM duty ORDER BY name", func(scan func(...any) error) (transfer.Record, error) {
		d := &transfer.Duty{}
		err := scan(&d.Name, &d.Epoch, &d.Cursor, &d.Paused, &d.Since)
		d.Since = micros(d.Since)
		return d, err
	})
}

func (x *export) activities() error {
	return x.each("SELECT at, person, verb, target, note FROM activity ORDER BY n", func(scan func(...any) error) (transfer.Record, error) {
		a := &transfer.Activity{}
		err := scan(&a.At, &a.Person, &a.Verb, &a.Target, &a.Note)
		a.At = micros(a.At)
		return a, err
	})
}

func (x *export) notices() error {
	return x.each("SELECT kind, key, value, until FROM notice ORDER BY kind, key", func(scan func(...any) error) (transfer.Record, error) {
		n := &transfer.Notice{}
		err := scan(&n.Kind, &n.Key, &n.Value, &n.Until)
		n.Until = micros(n.Until)
		return n, err
	})
}
