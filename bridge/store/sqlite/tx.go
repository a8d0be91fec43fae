package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// tx is the writer's view of the database. Its methods run inside one transaction at a time and
// panic with sqlError when SQLite fails; run turns that into an error and rolls back. This keeps
// the rules of the bridge readable as rules.
type tx struct {
	conn  *sql.Conn
	clock func() time.Time
	stmts map[string]*sql.Stmt

	now     int64 // time of this transaction
	counter int64 // last seq or pos given out
	drawn   bool  // counter moved beyond the seq of any event

	lanes  map[int64]*laneRow
	byLane map[bridge.LaneID]*laneRow
	bonds  map[bondKey]*bondRow
	owners map[bondKey]string // task of a reference, "" if it is nobody's
	dests  map[string]*destRow
	events map[int64]*bridge.Event // unsettled events, the next ones first, to decode them only once
	// passedBy counts events that found no room in events.
	passedBy int
	dirty    []*laneRow
	tally    map[string]int64
	woke     bool
}

// sqlError carries a failure of SQLite up to run.
type sqlError struct{ err error }

// prepared, when a test sets it, is told every statement the writer uses. SQLite uses a partial index
// only if its condition stands in the query word for word; the test looks at the plans.
var prepared func(query string)

// cacheLimit bounds each cache; a full one is emptied, which costs a few reads. Events are larger, and
// wait longer the more there are: a full cache of them takes no more until some are settled.
const (
	cacheLimit = 20_000
	eventLimit = 1000
)

func newTx(conn *sql.Conn, clock func() time.Time) (*tx, error) {
	t := &tx{conn: conn, clock: clock, stmts: map[string]*sql.Stmt{}}
	t.forget()
	return t, t.run(func(t *tx) error {
		t.row("SELECT max(coalesce((SELECT max(seq) FROM event), 0), coalesce((SELECT value FROM meta WHERE key = 'counter'), 0))").scan(&t.counter)
		t.exec("UPDATE session SET until = 0") // whoever held them is gone: we hold the lock
		return nil
	})
}

func (t *tx) close() error {
	errs := []error{}
	for _, s := range t.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, t.conn.Close())...)
}

// forget empties every cache: after a roll-back memory may be ahead of the file.
func (t *tx) forget() {
	t.lanes = map[int64]*laneRow{}
	t.byLane = map[bridge.LaneID]*laneRow{}
	t.bonds = map[bondKey]*bondRow{}
	t.owners = map[bondKey]string{}
	t.dests = map[string]*destRow{}
	t.events, t.passedBy = map[int64]*bridge.Event{}, 0
	t.dirty = nil
	t.tally = map[string]int64{}
}

// run carries out f in one transaction. Errors of SQLite become bridge.ErrUnavailable; errors of f
// itself are returned as they are; both undo everything.
func (t *tx) run(f func(t *tx) error) (err error) {
	counter := t.counter
	began := false
	defer func() {
		if p := recover(); p != nil {
			se, ok := p.(sqlError)
			if !ok {
				panic(p)
			}
			err = fmt.Errorf("sqlite: %w: %w", se.err, bridge.ErrUnavailable)
		}
		if err != nil {
			t.forget()
			t.counter, t.drawn, t.woke = counter, false, false
			if began {
				_, _ = t.conn.ExecContext(context.Background(), "ROLLBACK") // fails only if SQLite rolled back by itself
			}
		}
	}()
	if len(t.byLane) > cacheLimit || len(t.owners) > cacheLimit || len(t.bonds) > cacheLimit {
		t.forget()
	}
	if len(t.events) > 2*eventLimit || t.passedBy > cacheLimit { // it is full of what does not move on
		clear(t.events)
		t.passedBy = 0
	}
	t.now = t.clock().UnixNano()
	t.exec("BEGIN IMMEDIATE")
	began = true
	if err := f(t); err != nil {
		return err
	}
	t.flush()
	if t.drawn {
		t.exec("INSERT INTO meta VALUES ('counter', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", t.counter)
		t.drawn = false
	}
	for k, n := range t.tally {
		if n != 0 {
			t.exec("INSERT INTO tally VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET n = n + excluded.n", k, n)
		}
		delete(t.tally, k)
	}
	t.exec("COMMIT")
	return nil
}

func (t *tx) stmt(query string) *sql.Stmt {
	s := t.stmts[query]
	if s == nil {
		var err error
		if s, err = t.conn.PrepareContext(context.Background(), query); err != nil {
			panic(sqlError{fmt.Errorf("prepare %q: %w", query, err)})
		}
		t.stmts[query] = s
		if prepared != nil {
			prepared(query)
		}
	}
	return s
}

func (t *tx) exec(query string, args ...any) int64 {
	r, err := t.stmt(query).ExecContext(context.Background(), args...)
	if err != nil {
		panic(sqlError{err})
	}
	n, _ := r.RowsAffected()
	return n
}

// insert runs an INSERT and returns the row id.
func (t *tx) insert(query string, args ...any) int64 {
	r, err := t.stmt(query).ExecContext(context.Background(), args...)
	if err != nil {
		panic(sqlError{err})
	}
	id, _ := r.LastInsertId()
	return id
}

type row struct{ r *sql.Row }

func (t *tx) row(query string, args ...any) row {
	return row{t.stmt(query).QueryRowContext(context.Background(), args...)}
}

// scan reads the single row; it reports false when there is none.
func (r row) scan(into ...any) bool {
	switch err := r.r.Scan(into...); {
	case err == nil:
		return true
	case errors.Is(err, sql.ErrNoRows):
		return false
	default:
		panic(sqlError{err})
	}
}

// ints returns the first column of all rows; no statement stays open while the caller writes.
func (t *tx) ints(query string, args ...any) []int64 { return t.firstInts(-1, query, args...) }

// firstInts is ints of the first n rows.
func (t *tx) firstInts(n int, query string, args ...any) []int64 {
	rows, err := t.stmt(query).QueryContext(context.Background(), args...)
	if err != nil {
		panic(sqlError{err})
	}
	defer rows.Close()
	var out []int64
	for len(out) != n && rows.Next() {
		var v int64
		if err := rows.Scan(&v); err != nil {
			panic(sqlError{err})
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		panic(sqlError{err})
	}
	return out
}

// texts returns the first column of all rows.
func (t *tx) texts(query string, args ...any) []string {
	rows, err := t.stmt(query).QueryContext(context.Background(), args...)
	if err != nil {
		panic(sqlError{err})
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			panic(sqlError{err})
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		panic(sqlError{err})
	}
	return out
}

// next draws a number for a seq or a position.
func (t *tx) next() int64 { t.counter++; return t.counter }

func nanos(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
