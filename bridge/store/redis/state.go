package redisstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// rememberEvery is how old the memory on disk may become.
const rememberEvery = 5 * time.Second

// A memory is what a replica keeps on its own disk of the namespace it works with.
type memory struct {
	Namespace string `json:"namespace"`
	Epoch     string `json:"epoch"`
	Counter   int64  `json:"counter"` // a lower bound of the highest that was seen
}

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

// remember writes down where the namespace is; unless it is the end, only if what is there is old.
func (s *Store) remember(end bool) {
	s.mu.Lock()
	m := memory{Namespace: s.opts.Namespace, Epoch: s.epoch, Counter: s.seen}
	skip := s.opts.State == "" || s.lost != nil || s.epoch == "" || strings.HasPrefix(s.epoch, importEpoch) || m == s.remembered ||
		m.Epoch == s.remembered.Epoch && !end && time.Since(s.rememberedAt) < rememberEvery
	s.mu.Unlock()
	if skip {
		return
	}
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
