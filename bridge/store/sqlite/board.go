package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pergabridge/pergabridge/bridge"
)

// takenDown bounds how many notices that are over one call takes down.
const takenDown = 100

// Pin implements [bridge.Board].
func (s *Store) Pin(ctx context.Context, notices ...bridge.Notice) error {
	if err := fit(notices); err != nil {
		return err
	}
	return s.do(ctx, 0, func(t *tx) error {
		for _, n := range notices {
			t.pin(n)
		}
		return nil
	})
}

// PinNew implements [bridge.Board].
func (s *Store) PinNew(ctx context.Context, n bridge.Notice) (there *bridge.Notice, err error) {
	if err := fit([]bridge.Notice{n}); err != nil {
		return nil, err
	}
	err = s.do(ctx, 0, func(t *tx) error {
		there = nil
		old := bridge.Notice{Kind: n.Kind, Key: n.Key}
		var until int64
		if t.row("SELECT value, until FROM notice WHERE kind = ? AND key = ?", n.Kind, n.Key).scan(&old.Value, &until) && until > t.now {
			old.Until = fromNanos(until)
			there = &old
			return nil
		}
		t.pin(n)
		return nil
	})
	return there, err
}

func fit(notices []bridge.Notice) error {
	for _, n := range notices {
		if len(n.Value) > bridge.MaxNotice {
			return fmt.Errorf("sqlite: notice %s %s: %d bytes are more than %d", n.Kind, n.Key, len(n.Value), bridge.MaxNotice)
		}
	}
	return nil
}

func (t *tx) pin(n bridge.Notice) {
	if n.Value == nil {
		n.Value = []byte{}
	}
	t.exec("DELETE FROM notice WHERE n IN (SELECT n FROM notice WHERE until <= ? ORDER BY until LIMIT ?)", t.now, takenDown)
	if nanos(n.Until) <= t.now {
		t.exec("DELETE FROM notice WHERE kind = ? AND key = ?", n.Kind, n.Key)
		return
	}
	t.exec("INSERT INTO notice (kind, key, value, until) VALUES (?, ?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, until = excluded.until",
		n.Kind, n.Key, n.Value, nanos(n.Until))
}

// Notices implements [bridge.Board].
func (s *Store) Notices(ctx context.Context, kind, key string) ([]bridge.Notice, error) {
	w := &where{}
	w.add("kind = ?", kind)
	w.eq("key", key)
	w.add("until > ?", s.now().UnixNano())
	var out []bridge.Notice
	err := s.query(ctx, "SELECT key, value, until FROM notice"+w.String()+" ORDER BY key", w.args, func(r *sql.Rows) error {
		n := bridge.Notice{Kind: kind}
		var until int64
		if err := r.Scan(&n.Key, &n.Value, &until); err != nil {
			return err
		}
		n.Until = fromNanos(until)
		out = append(out, n)
		return nil
	})
	return out, err
}
