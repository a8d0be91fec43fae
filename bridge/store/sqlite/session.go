package sqlite

import (
	"context"
	"fmt"

	"github.com/pergabridge/pergabridge/bridge"
)

// Renew implements [bridge.Store].
func (s *Store) Renew(ctx context.Context, session bridge.Session) error {
	return s.do(ctx, 0, func(t *tx) error {
		var until int64
		if t.row("SELECT until FROM session WHERE id = ?", session.ID).scan(&until) && until <= t.now {
			return fmt.Errorf("sqlite: session %s expired: %w", session.ID, bridge.ErrFenced)
		}
		t.exec("INSERT INTO session VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET until = excluded.until",
			session.ID, nanos(session.Until), t.now, session.Replica)
		return nil
	})
}

// alive reports whether a session may hold leases and duties.
func (t *tx) alive(id string) bool {
	var until int64
	return t.row("SELECT until FROM session WHERE id = ?", id).scan(&until) && until > t.now
}

// Duty implements [bridge.Store].
func (s *Store) Duty(ctx context.Context, name string, session bridge.Session) (bridge.Duty, bool, error) {
	d := &duty{store: s, name: name, session: session.ID}
	ok := false
	err := s.do(ctx, 0, func(t *tx) error {
		ok = false
		if !t.alive(session.ID) {
			return fmt.Errorf("sqlite: duty %s for session %s: %w", name, session.ID, bridge.ErrFenced)
		}
		var holder string
		var paused bool
		found := t.row("SELECT session, epoch, cursor, paused FROM duty WHERE name = ?", name).scan(&holder, &d.epoch, &d.cursor, &paused)
		if paused || found && holder != "" && holder != session.ID && t.alive(holder) {
			return nil
		}
		ok = true
		d.epoch++
		t.exec("INSERT INTO duty (name, session, epoch, cursor) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET session = excluded.session, epoch = excluded.epoch",
			name, session.ID, d.epoch, d.cursor)
		return nil
	})
	if err != nil || !ok {
		return nil, false, err
	}
	return d, true, nil
}

// duty is a held [bridge.Duty]; its epoch is the fence.
type duty struct {
	store   *Store
	name    string
	session string
	epoch   int64
	cursor  string
}

func (d *duty) Name() string { return d.name }

func (d *duty) Cursor() string { return d.cursor }

func (d *duty) check(t *tx) error {
	var holder string
	var epoch int64
	if !t.row("SELECT session, epoch FROM duty WHERE name = ?", d.name).scan(&holder, &epoch) || epoch != d.epoch || holder != d.session || !t.alive(d.session) {
		return fmt.Errorf("sqlite: duty %s passed to another session: %w", d.name, bridge.ErrFenced)
	}
	return nil
}

// Accept implements [bridge.Duty].
func (d *duty) Accept(ctx context.Context, events []bridge.Event, cursor string) ([]bridge.Receipt, error) {
	var out []bridge.Receipt
	err := d.store.do(ctx, max(len(events), 1), func(t *tx) error {
		if err := d.check(t); err != nil {
			return err
		}
		out = t.acceptAll(events)
		t.exec("UPDATE duty SET cursor = ? WHERE name = ?", cursor, d.name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	d.cursor = cursor
	return out, nil
}

// Release implements [bridge.Duty].
func (d *duty) Release(ctx context.Context) error {
	return d.store.do(ctx, 0, func(t *tx) error {
		if err := d.check(t); err != nil {
			return err
		}
		t.exec("UPDATE duty SET session = '' WHERE name = ?", d.name)
		return nil
	})
}
