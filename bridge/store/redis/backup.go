package redisstore

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/transfer"
)

// A line of a backup. The first has kind "pergabridge", the last kind "end" with the counter; of
// records with the same kind and key the last counts.
type line struct {
	Kind    string          `json:"kind"`
	Record  json.RawMessage `json:"record,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`
	Schema  string          `json:"schema,omitempty"`
	Counter int64           `json:"counter,omitempty"`
	Lines   int64           `json:"lines,omitempty"`
}

const (
	backupPatience = 10 * time.Minute // between two pieces
	fewChanges     = 1000             // what the last step reads at once
	maxLine        = 64 << 20
)

// Backup implements [bridge.Reader]: JSON lines, consistent as of the last step, made in small pieces
// while all replicas work. [Restore] reads it.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	b := &backup{s: s, id: bridge.NewID(), w: bufio.NewWriterSize(w, 1<<16)}
	b.enc = json.NewEncoder(b.w)
	b.enc.SetEscapeHTML(false)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("redis: backup: %w", err)
	}
	if _, err := b.piece(ctx, "start"); err != nil {
		return err
	}
	err := b.all(ctx)
	_, stopErr := b.piece(context.WithoutCancel(ctx), "stop")
	return errors.Join(err, stopErr)
}

type backup struct {
	s     *Store
	id    string
	w     *bufio.Writer
	enc   *json.Encoder
	lines int64
}

func (b *backup) all(ctx context.Context) error {
	if err := b.put(line{Kind: "pergabridge", Schema: schemaVersion}); err != nil {
		return err
	}
	for _, kind := range []string{"event", "bond", "lane", "claim", "ref", "wrote"} {
		for cursor := "0"; ; {
			r, err := b.piece(ctx, "scan", kind, cursor)
			if err != nil {
				return err
			}
			if cursor = r.str(2); cursor == "0" {
				break
			}
		}
	}
	for round := range 10_000 { // more is changed than can be read: the last step takes what is left
		r, err := b.piece(ctx, "changed", fewChanges, round+1)
		if err != nil {
			return err
		}
		if r.num(2) < fewChanges {
			break
		}
	}
	r, err := b.piece(ctx, "end")
	if err != nil {
		return err
	}
	if err := b.activities(ctx, r.num(3)); err != nil {
		return err
	}
	if err := b.s.board(ctx, b.notice); err != nil {
		return err
	}
	if err := b.put(line{Kind: "end", Counter: parsePosition(r.str(0)).counter, Lines: b.lines}); err != nil {
		return err
	}
	if err := b.w.Flush(); err != nil {
		return fmt.Errorf("redis: backup: %w", err)
	}
	return nil
}

// activities copies the n oldest: the list only grows, at its head.
func (b *backup) activities(ctx context.Context, n int64) error {
	for from := n; from > 0; from -= fewChanges {
		all, err := b.s.db.LRange(ctx, b.s.prefix+"activity", -from, -max(from-fewChanges+1, 1)).Result()
		if err != nil {
			return fmt.Errorf("redis: backup: %w: %w", err, bridge.ErrUnavailable)
		}
		for _, a := range all {
			if err := b.put(line{Kind: "activity", Record: json.RawMessage(a)}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *backup) notice(n *transfer.Notice) error {
	record, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("redis: backup: %w", err)
	}
	return b.put(line{Kind: "notice", Record: record})
}

// piece runs one step of backup.lua and writes the records it returns.
func (b *backup) piece(ctx context.Context, what string, more ...any) (reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("redis: backup: %w", err)
	}
	args := append(newCall(5), what, b.s.now().Add(backupPatience).UnixMicro(), b.id)
	r, err := b.s.write(ctx, backupScript, "", append(args, more...))
	if err != nil {
		return nil, err
	}
	for i := 4; i+3 <= len(r); i += 3 {
		l := line{Kind: r.str(i), Record: json.RawMessage(r.str(i + 1))}
		if body := r.str(i + 2); body != "" {
			l.Body = json.RawMessage(body)
		}
		if err := b.put(l); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (b *backup) put(l line) error {
	b.lines++
	if err := b.enc.Encode(l); err != nil {
		return fmt.Errorf("redis: backup: %w", err)
	}
	return nil
}

// Restore writes a backup into the namespace of s, which must be empty, and that nobody works with. Leases
// in the backup become unknown at the first sweep: their sessions are not restored. The namespace has an
// epoch of its own while this goes on, as in [Store.Import], and a new one afterwards: replicas that remember
// what was before stand still until a person resumes them, because what came after the backup is missing.
func (s *Store) Restore(ctx context.Context, r io.Reader) error {
	if err := s.idle(ctx, s.now()); err != nil {
		return err
	}
	before, err := s.beginImport(ctx)
	if err != nil {
		return err
	}
	if err := s.putBack(ctx, r); err != nil {
		return errors.Join(err, s.abandonImport(context.WithoutCancel(ctx), before))
	}
	epoch, seen := s.position()
	return s.setEpoch(ctx, epoch, bridge.NewID(), seen.counter)
}

// putBack writes the records of a backup.
func (s *Store) putBack(ctx context.Context, r io.Reader) error {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 1<<16), maxLine)
	var records []any
	size, lines := 0, int64(0)
	flush := func(counter int64) error {
		if len(records) == 0 && counter == 0 {
			return nil
		}
		_, err := s.write(ctx, restoreScript, "", append(append(newCall(3+len(records)), counter, flag(false), len(records)/3), records...))
		records, size = records[:0], 0
		return err
	}
	for in.Scan() {
		var l line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			return fmt.Errorf("redis: restore: line %d: %w", lines+1, err)
		}
		switch {
		case lines == 0 && (l.Kind != "pergabridge" || l.Schema != schemaVersion):
			return fmt.Errorf("redis: restore: this is no backup of schema %s", schemaVersion)
		case lines == 0:
		case l.Kind == "end":
			if l.Lines != lines {
				return fmt.Errorf("redis: restore: the backup has %d lines, %d were read", l.Lines, lines)
			}
			return flush(max(l.Counter, 1))
		case !strings.Contains(" event bond lane claim ref wrote dest duty resumption activity notice ", " "+l.Kind+" "):
			return fmt.Errorf("redis: restore: line %d: unknown kind %q", lines+1, l.Kind)
		default:
			body := string(l.Body)
			if l.Kind == "notice" { // its value may be any bytes
				var n transfer.Notice
				if err := json.Unmarshal(l.Record, &n); err != nil {
					return fmt.Errorf("redis: restore: line %d: %w", lines+1, err)
				}
				body = string(n.Value)
			}
			records = append(records, l.Kind, string(l.Record), body)
			if size += len(l.Record) + len(body); len(records) >= 3*200 || size > 4<<20 {
				if err := flush(0); err != nil {
					return err
				}
			}
		}
		lines++
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("redis: restore: %w", err)
	}
	return errors.New("redis: restore: the backup is not complete")
}
