package sqlite

import (
	"context"
	"database/sql"
	"slices"

	"github.com/pergabridge/pergabridge/bridge"
)

func (t *tx) dutyPause(c bridge.Command, out *bridge.CommandResult) error {
	var paused bool
	if !t.row("SELECT paused FROM duty WHERE name = ?", c.Duty).scan(&paused) {
		return notFound("duty", c.Duty)
	}
	if !paused { // the next epoch fences whoever has it
		t.exec("UPDATE duty SET paused = 1, session = '', epoch = epoch + 1 WHERE name = ?", c.Duty)
		out.Changed = true
	}
	return nil
}

func (t *tx) dutyResume(c bridge.Command, out *bridge.CommandResult) error {
	var paused bool
	if !t.row("SELECT paused FROM duty WHERE name = ?", c.Duty).scan(&paused) {
		return notFound("duty", c.Duty)
	}
	if paused {
		t.exec("UPDATE duty SET paused = 0 WHERE name = ?", c.Duty)
		out.Changed = true
	}
	return nil
}

// Duties implements [bridge.Reader].
func (s *Store) Duties(ctx context.Context) ([]bridge.DutyState, error) {
	var out []bridge.DutyState
	err := s.query(ctx, "SELECT d.name, coalesce(s.id, ''), d.paused, d.cursor FROM duty d LEFT JOIN session s ON s.id = d.session AND s.until > ? ORDER BY d.name",
		[]any{s.now().UnixNano()}, func(r *sql.Rows) error {
			var d bridge.DutyState
			if err := r.Scan(&d.Name, &d.Session, &d.Paused, &d.Cursor); err != nil {
				return err
			}
			out = append(out, d)
			return nil
		})
	return out, err
}

// Replicas implements [bridge.Reader].
func (s *Store) Replicas(ctx context.Context) ([]bridge.Replica, error) {
	var out []bridge.Replica
	err := s.query(ctx, "SELECT id, replica, since, until, (SELECT count(*) FROM lane l WHERE l.state = 'leased' AND l.session = s.id) FROM session s WHERE until > ? ORDER BY id",
		[]any{s.now().UnixNano()}, func(r *sql.Rows) error {
			var x bridge.Replica
			var since, until int64
			if err := r.Scan(&x.Session, &x.Name, &since, &until, &x.Leases); err != nil {
				return err
			}
			x.Since, x.Until = fromNanos(since), fromNanos(until)
			out = append(out, x)
			return nil
		})
	if err != nil {
		return nil, err
	}
	duties, err := s.Duties(ctx)
	for _, d := range duties {
		if i := slices.IndexFunc(out, func(x bridge.Replica) bool { return x.Session == d.Session }); i >= 0 {
			out[i].Duties = append(out[i].Duties, d.Name)
		}
	}
	return out, err
}
