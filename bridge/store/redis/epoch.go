package redisstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
)

// schemaVersion is the version of the key layout this binary writes.
const schemaVersion = "1"

// Reset is the error of every call once the namespace is not the one this store worked with: Redis
// was wiped, or restored from an older copy, or failed over to a replica that had not got all
// writes. Deliveries, mailboxes and polls have to stop: what was sent before may be sent again. A
// person decides and calls [Store.Resume].
type Reset struct {
	// Was and Is are the epochs; Is is empty if the namespace is gone.
	Was, Is string
	// Seen is the highest counter this store has seen, Counter what the namespace has now.
	Seen, Counter int64
}

func (r *Reset) Error() string {
	if strings.HasPrefix(r.Is, importEpoch) {
		return "redis: store_reset: an import into this namespace is under way, or was cut off: wait for it, or run it again"
	}
	if r.Is == "" {
		return "redis: store_reset: the namespace is gone (Redis was wiped or another one answers)"
	}
	if r.Is != r.Was {
		return fmt.Sprintf("redis: store_reset: the namespace has epoch %s, expected %s (Redis was wiped and set up again)", r.Is, r.Was)
	}
	return fmt.Sprintf("redis: store_reset: the namespace is at %d, this replica has seen %d (Redis was restored from an older copy, or a fail-over lost writes)", r.Counter, r.Seen)
}

// Unwrap lets callers that only know the contract answer 503.
func (r *Reset) Unwrap() error { return bridge.ErrUnavailable }

// openNamespace makes the namespace if it is new and takes its epoch.
func (s *Store) openNamespace(ctx context.Context) error {
	meta := s.prefix + "meta"
	if s.opts.Epoch == "" {
		if err := s.db.HSetNX(ctx, meta, "epoch", bridge.NewID()).Err(); err != nil {
			return fmt.Errorf("redis: open the namespace: %w: %w", err, bridge.ErrUnavailable)
		}
	}
	v, err := s.db.HMGet(ctx, meta, "epoch", "schema", "counter").Result()
	if err != nil {
		return fmt.Errorf("redis: open the namespace: %w: %w", err, bridge.ErrUnavailable)
	}
	r := reply(v)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch, s.seen = r.str(0), r.num(2)
	if strings.HasPrefix(s.epoch, importEpoch) {
		s.lost = &Reset{Was: s.opts.Epoch, Is: s.epoch, Counter: s.seen}
		s.log.Error("the ledger is not whole", "reason", "store_reset", "err", s.lost)
		return nil
	}
	if want := s.opts.Epoch; want != "" && want != s.epoch {
		s.lost = &Reset{Was: want, Is: s.epoch, Counter: s.seen}
		s.log.Error("the ledger is not the one this bridge worked with; it stands still until somebody resumes it", "reason", "store_reset", "err", s.lost)
		return nil
	}
	switch schema := r.str(1); schema {
	case schemaVersion:
	case "":
		if err := s.db.HSet(ctx, meta, "schema", schemaVersion).Err(); err != nil {
			return fmt.Errorf("redis: open the namespace: %w: %w", err, bridge.ErrUnavailable)
		}
	default:
		return fmt.Errorf("redis: the namespace has schema %s, this binary knows %s: start a newer pergabridge", schema, schemaVersion)
	}
	return nil
}

// Epoch returns the random name the namespace got when it was made. Kept beside the config and given
// back as Options.Epoch it lets a bridge that starts see that Redis was wiped meanwhile.
func (s *Store) Epoch() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch
}

// ResetErr returns the [*Reset] this store met, nil if none: for readiness, metrics and the console.
func (s *Store) ResetErr() error {
	if err := s.wasReset(); err != nil {
		return err
	}
	return nil
}

// Resume makes the namespace as it is now the one to work with, under an epoch that is not the lost
// one: every other replica meets a [*Reset] too and is resumed on its own. Events that come again from before
// are not known as repeats; sources have to be told where to start before.
func (s *Store) Resume(ctx context.Context, person string) error {
	s.mu.Lock()
	lost := s.lost
	s.mu.Unlock()
	if lost == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	if is, err := s.db.HGet(ctx, s.prefix+"meta", "epoch").Result(); err == nil && strings.HasPrefix(is, importEpoch) {
		return fmt.Errorf("redis: resume: %w", &Reset{Was: lost.Was, Is: is})
	}
	r, err := s.eval(ctx, resumeScript, []any{lost.Was, bridge.NewID(), lost.Seen, schemaVersion}, s.opts.Wait > 0)
	if err != nil {
		return fmt.Errorf("redis: resume: %w: %w", err, bridge.ErrUnavailable)
	}
	epoch, counter := r.str(0), r.num(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch, s.seen, s.lost, s.doubts = epoch, counter, nil, nil
	s.said.forget()
	s.log.Warn("the ledger was resumed after a reset", "person", person, "epoch", epoch)
	return nil
}

func (s *Store) position() (epoch string, seen int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch, s.seen
}

func (s *Store) saw(counter int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = max(s.seen, counter)
}

func (s *Store) wasReset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost == nil {
		return nil
	}
	return s.lost
}

// reset notes what a script found ("epoch E counter N") and stops the store.
func (s *Store) reset(found string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost == nil {
		s.lost = &Reset{Was: s.epoch, Seen: s.seen}
		_, _ = fmt.Sscanf(found, "epoch %s counter %d", &s.lost.Is, &s.lost.Counter)
		if s.lost.Is == "none" {
			s.lost.Is = ""
		}
		s.log.Error("the ledger is not the one this bridge worked with; it stands still until somebody resumes it", "reason", "store_reset", "err", s.lost)
	}
	return s.lost
}
