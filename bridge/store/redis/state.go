package redisstore

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pergabridge/pergabridge/bridge"
)

// rememberEvery is how old the memory on disk may become.
const rememberEvery = 5 * time.Second

// A memory is what a replica keeps on its own disk of the namespace it works with.
type memory struct {
	Namespace string `json:"namespace"`
	Epoch     string `json:"epoch"`
	Counter   int64  `json:"counter"` // a lower bound of the highest that was seen
	Writes    int64  `json:"writes"`  // likewise
	// Store names the marks of the store that wrote this, Mark is the last that Redis confirmed at At
	// (microseconds), in the ledger that came there at Base.
	Store string `json:"store,omitempty"`
	Mark  string `json:"mark,omitempty"`
	At    int64  `json:"at,omitempty"`
	Base  string `json:"base,omitempty"`
}

func (m memory) position() position { return position{m.Counter, m.Writes} }

// here reports whether nothing happened since m was written.
func (m memory) here(epoch string, at position) bool { return m.Epoch == epoch && m.position() == at }

// readMemory reads the file of [Options].State; an absent one is an empty memory.
func readMemory(file, namespace string) (memory, error) {
	var m memory
	if file == "" {
		return m, nil
	}
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		// Found out now, not when it is needed.
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return m, fmt.Errorf("redis: the file that remembers the ledger: %w", err)
		}
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("redis: the file that remembers the ledger: %w", err)
	}
	if err := json.Unmarshal(raw, &m); err != nil || m.Epoch == "" {
		return memory{}, fmt.Errorf("redis: %s does not say which ledger this bridge worked with; if you know that Redis was not wiped, remove it", file)
	}
	if m.Namespace != namespace {
		return memory{}, fmt.Errorf("redis: %s belongs to namespace %q, not %q: give each its own (store.state)", file, m.Namespace, namespace)
	}
	return m, nil
}

// markLife is how long Redis keeps the marks of a store that writes no more.
const markLife = 30 * 24 * time.Hour

// holdsMark reports whether the namespace has the mark this replica wrote down, or cannot have it any more.
func (s *Store) holdsMark(ctx context.Context, n namespaceState) (bool, error) {
	m := s.remembered
	if m.Mark == "" || m.Base != n.base || s.now().Sub(fromMicros(m.At)) > markLife/2 {
		return true, nil
	}
	marks, err := s.db.HGet(ctx, s.prefix+"marks", m.Store).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, fmt.Errorf("redis: read the marks: %w: %w", err, bridge.ErrUnavailable)
	}
	return slices.Contains(strings.Fields(marks), m.Mark), nil
}

// remember writes down where the namespace is; unless it is the end, only if what is there is old. A
// fresh mark goes to Redis first: a copy that does not have it is older than the file.
func (s *Store) remember(end bool) {
	s.remembering.Lock()
	defer s.remembering.Unlock()
	s.mu.Lock()
	m, epoch := s.remembered, s.epoch
	skip := s.opts.State == "" || s.lost != nil || epoch == "" || strings.HasPrefix(epoch, importEpoch) || m.here(epoch, s.seen) ||
		m.Epoch == epoch && !end && time.Since(s.rememberedAt) < rememberEvery
	last := s.marked
	s.mu.Unlock()
	if skip {
		return
	}
	mark, now := rand.Text(), s.now()
	out, err := s.write(context.Background(), markScript, "", append(newCall(4), s.id, mark, last, now.Add(-markLife).UnixMicro()))
	s.mu.Lock()
	if s.lost != nil || s.epoch != epoch {
		s.mu.Unlock()
		return
	}
	if err == nil {
		m.Store, m.Mark, m.At, m.Base, s.marked = s.id, mark, now.UnixMicro(), out.str(2), mark
	} else if m.Epoch != epoch {
		m.Store, m.Mark, m.At, m.Base = "", "", 0, ""
	}
	m.Namespace, m.Epoch, m.Counter, m.Writes = s.opts.Namespace, epoch, s.seen.counter, s.seen.writes
	s.mu.Unlock()
	if err := m.write(s.opts.State); err != nil {
		s.log.Error("this replica cannot write down which ledger it works with: after a restart it would not notice that Redis was wiped", "err", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remembered, s.rememberedAt = m, time.Now()
}

// write replaces the file as a whole.
func (m memory) write(file string) (err error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(raw, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
