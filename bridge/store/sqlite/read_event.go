package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
)

// Events implements [bridge.Reader].
func (s *Store) Events(ctx context.Context, f bridge.EventFilter) ([]bridge.Event, error) {
	w := &where{}
	w.eq("e.provider", f.Provider)
	w.eq("e.task", f.Task)
	w.eq("e.dir", string(f.Dir))
	w.eq("e.kind", string(f.Kind))
	w.eq("e.reason", string(f.Reason))
	in(w, "e.state", f.States)
	if f.RefKey != "" {
		w.add("(e.ref_key = ? OR (e.provider, e.task) IN (SELECT provider, task FROM reference WHERE ref_key = ?))", f.RefKey, f.RefKey)
	}
	if !f.Since.IsZero() {
		w.add("e.received >= ?", f.Since.UnixNano())
	}
	if words := strings.Fields(strings.ReplaceAll(f.Search, "\x00", " ")); len(words) > 0 {
		match := make([]string, len(words))
		for i, word := range words {
			match[i] = `"` + strings.ReplaceAll(word, `"`, `""`) + `"*`
		}
		// What the index does not hold yet is the last seconds: looked through word by word. One
		// list of both lets SQLite fetch what was found instead of asking every event.
		fresh := []string{"seq > coalesce((SELECT value FROM meta WHERE key = 'indexed'), 0)"}
		args := []any{strings.Join(match, " ")}
		for _, word := range words {
			fresh = append(fresh, "instr(lower(event), lower(?)) > 0")
			args = append(args, word)
		}
		w.add("e.seq IN (SELECT rowid FROM word WHERE word MATCH ? UNION ALL SELECT seq FROM body WHERE "+strings.Join(fresh, " AND ")+")", args...)
	}
	order := "ASC"
	if f.Newest {
		order = "DESC"
	}
	if f.After != 0 {
		w.add("e.seq "+map[bool]string{false: ">", true: "<"}[f.Newest]+" ?", f.After)
	}
	var out []bridge.Event
	err := s.query(ctx, "SELECT "+eventColumns+eventFrom+w.String()+" ORDER BY e.seq "+order+" LIMIT ?", append(w.args, limitOf(f.Limit)), func(r *sql.Rows) error {
		e, err := scanEvent(r.Scan)
		if err != nil {
			return err
		}
		out = append(out, e)
		return nil
	})
	return out, err
}

// Event implements [bridge.Reader].
func (s *Store) Event(ctx context.Context, id string) (bridge.Event, []bridge.Attempt, error) {
	e, err := scanEvent(s.read.QueryRowContext(ctx, "SELECT "+eventColumns+eventFrom+"WHERE e.id = ?", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return bridge.Event{}, nil, notFound("event", id)
	}
	if err != nil {
		return bridge.Event{}, nil, unread(ctx, fmt.Errorf("event %s: %w", id, err))
	}
	var out []bridge.Attempt
	err = s.query(ctx, "SELECT n, started, ended, outcome, reason, next, detail, request, answer, status, session, config FROM attempt WHERE seq = ? ORDER BY n, started", []any{e.Seq}, func(r *sql.Rows) error {
		a := bridge.Attempt{Event: e.ID}
		var started, ended int64
		if err := r.Scan(&a.N, &started, &ended, &a.Outcome, &a.Reason, &a.Then, &a.Detail, &a.Request, &a.Answer, &a.Status, &a.Session, &a.Config); err != nil {
			return err
		}
		a.Started, a.Ended = fromNanos(started), fromNanos(ended)
		out = append(out, a)
		return nil
	})
	return e, out, err
}
