package sqlite

import (
	"context"
	"fmt"
	"time"

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
		var since int64
		found := t.row("SELECT session, epoch, cursor, paused, since FROM duty WHERE name = ?", name).scan(&holder, &d.epoch, &d.cursor, &paused, &since)
		if paused || found && holder != "" && holder != session.ID && t.alive(holder) {
			return nil
		}
		ok = true
		d.epoch++
		if since == 0 && d.cursor == "" { // new to the ledger: as soon after a resumption it may be one that was lost
			t.row("SELECT value FROM meta WHERE key = 'since' AND (SELECT value FROM meta WHERE key = 'resumed') > ?", t.now-int64(bridge.ResumptionLife)).scan(&since)
		}
		if since != 0 {
			d.since = fromNanos(max(since, t.now-int64(bridge.ClaimLife)))
		}
		t.exec("INSERT INTO duty (name, session, epoch, cursor, since) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET session = excluded.session, epoch = excluded.epoch, since = excluded.since",
			name, session.ID, d.epoch, d.cursor, since)
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
	since   time.Time
}

func (d *duty) Name() string { return d.name }

func (d *duty) Cursor() string { return d.cursor }

// Since is read by [bridge.Since].
func (d *duty) Since() time.Time { return d.since }

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
		t.exec("UPDATE duty SET cursor = ?1, since = CASE ?1 WHEN '' THEN since ELSE 0 END WHERE name = ?2", cursor, d.name)
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
