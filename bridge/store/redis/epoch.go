package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pergabridge/pergabridge/bridge"
)

// schemaVersion is the version of the key layout this binary writes. It is raised by a change that a
// replica without it would not keep up: an index that has to be complete, a count, a kind of record. What
// the others leave alone, and what may be missing, needs no new number (docs/upgrade.md).
//
// 2: refs, opening and making have to be complete; events of kind open; meta has reset, which stops all.
const schemaVersion = "2"

// Reset is the error of every call once the namespace is not the one this store worked with: Redis
// was wiped, or restored from an older copy, or failed over to a replica that had not got all
// writes. Deliveries, mailboxes and polls have to stop: what was sent before may be sent again. A
// person decides and calls [Store.Resume].
//
// It is noticed by whoever remembers more: a running replica, or one that starts and has its memory on
// disk ([Options].State). That one marks the namespace, so that those stand still as well that began
// afterwards and know nothing.
type Reset struct {
	// Was and Is are the epochs; Is is empty if the namespace is gone.
	Was, Is string
	// Seen is the highest counter this store has seen, Counter what the namespace has now.
	Seen, Counter int64
	// SeenWrites is the number of writes this store has seen, Writes what the namespace has now.
	SeenWrites, Writes int64
	// Unmarked says that what this replica last wrote down is not in the namespace, however far it is.
	Unmarked bool
	// Noticed is the epoch that another replica misses, if this one itself misses nothing.
	Noticed string
}

func (r *Reset) Error() string {
	if strings.HasPrefix(r.Is, importEpoch) {
		return "redis: store_reset: an import into this namespace is under way, or was cut off: wait for it, or run it again"
	}
	if r.Noticed != "" {
		return "redis: store_reset: another replica worked with this namespace when it had more, or another epoch (Redis was wiped, or restored from an older copy)"
	}
	if r.Is == "" {
		return "redis: store_reset: the namespace is gone (Redis was wiped or another one answers)"
	}
	if r.Is != r.Was {
		return fmt.Sprintf("redis: store_reset: the namespace has epoch %s, expected %s (Redis was wiped and set up again)", r.Is, r.Was)
	}
	switch {
	case r.Unmarked:
		return "redis: store_reset: what this replica wrote there last is not in the namespace (Redis was restored from an older copy, and others went on with that)"
	case r.Counter >= r.Seen:
		return fmt.Sprintf("redis: store_reset: the namespace has %d writes, this replica has seen %d (Redis was restored from an older copy, or a fail-over lost writes)", r.Writes, r.SeenWrites)
	}
	return fmt.Sprintf("redis: store_reset: the namespace is at %d, this replica has seen %d (Redis was restored from an older copy, or a fail-over lost writes)", r.Counter, r.Seen)
}

// Unwrap lets callers that only know the contract answer 503.
func (r *Reset) Unwrap() []error { return []error{bridge.ErrReset, bridge.ErrUnavailable} }

// openNamespace makes the namespace if it is new and takes its epoch. What this replica remembers of
// its last run must fit: see [Reset].
func (s *Store) openNamespace(ctx context.Context) error {
	meta := s.prefix + "meta"
	if s.remembered.Counter == 0 { // it misses nothing
		if err := s.db.HSetNX(ctx, meta, "epoch", bridge.NewID()).Err(); err != nil {
			return fmt.Errorf("redis: open the namespace: %w: %w", err, bridge.ErrUnavailable)
		}
	}
	n, err := s.readNamespace(ctx)
	if err != nil {
		return err
	}
	switch n.schema {
	case schemaVersion:
	case "":
		if n.epoch == "" {
			break // it is gone; resuming makes it
		}
		if err := s.db.HSet(ctx, meta, "schema", schemaVersion).Err(); err != nil {
			return fmt.Errorf("redis: open the namespace: %w: %w", err, bridge.ErrUnavailable)
		}
	default:
		return otherSchema(n.schema)
	}
	held, err := s.holdsMark(ctx, n)
	if err != nil {
		return err
	}
	if lost := s.compare(n, held); lost != nil {
		s.notice(ctx, lost)
	}
	return nil
}

// compare takes the namespace as it is, or stops the store if something is missing there.
func (s *Store) compare(n namespaceState, held bool) *Reset {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.remembered
	if was.Counter == 0 {
		was = memory{} // nothing was accepted there: what became of it does not matter
	}
	r := &Reset{Was: was.Epoch, Is: n.epoch, Seen: was.Counter, SeenWrites: was.Writes, Counter: n.counter, Writes: n.writes, Noticed: n.reset}
	s.epoch, s.seen = n.epoch, n.seen
	switch {
	case strings.HasPrefix(n.epoch, importEpoch):
	case n.reset == "" && (was.Epoch == "" || n.follows(was.Epoch)):
		return nil
	case was.Epoch == "": // somebody else noticed it
		r.Was, r.Seen, r.SeenWrites = n.epoch, n.counter, n.writes
	case was.Epoch != n.epoch || n.behind(was.position()):
	case !held:
		r.Unmarked = true
	case n.reset == "":
		return nil
	}
	s.isLost(r)
	return r
}

// otherSchema says what to do about a layout that this binary does not know.
func otherSchema(found string) error {
	was, err := strconv.Atoi(found)
	if known, _ := strconv.Atoi(schemaVersion); err == nil && was < known {
		return fmt.Errorf("redis: the namespace has schema %s, this binary knows %s: with all replicas stopped, export it with the pergabridge that wrote it and import that into an empty namespace with this one (docs/upgrade.md)", found, schemaVersion)
	}
	return fmt.Errorf("redis: the namespace has schema %s, this binary knows %s: start a newer pergabridge", found, schemaVersion)
}

// A namespaceState is what meta says.
type namespaceState struct {
	epoch, schema, reset, base string
	position
	// seen is what of the position a fail-over would not lose: nothing if too few replicas have it. What
	// nobody was told must not be missed.
	seen   position
	before []string
}

// follows reports whether a person let this namespace follow the one with epoch was.
func (n namespaceState) follows(was string) bool { return was != "" && slices.Contains(n.before, was) }

func (s *Store) readNamespace(ctx context.Context) (namespaceState, error) {
	var v *redis.SliceCmd
	var waited *redis.Cmd
	_, err := s.db.Pipelined(ctx, func(p redis.Pipeliner) error {
		v = p.HMGet(ctx, s.prefix+"meta", "epoch", "schema", "counter", "reset", "before", "writes", "base")
		if s.opts.Wait > 0 { // WAIT is about what this connection wrote
			p.Set(ctx, s.prefix+"look", "", time.Second)
			waited = p.Do(ctx, "wait", s.opts.Wait, s.opts.WaitTimeout.Milliseconds())
		}
		return nil
	})
	if err != nil {
		return namespaceState{}, fmt.Errorf("redis: read the namespace: %w: %w", err, bridge.ErrUnavailable)
	}
	r := reply(v.Val())
	n := namespaceState{epoch: r.str(0), schema: r.str(1), position: position{r.num(2), r.num(5)}, reset: r.str(3), before: strings.Split(r.str(4), ","), base: r.str(6)}
	if waited == nil {
		n.seen = n.position
	} else if replicas, _ := waited.Int(); replicas >= s.opts.Wait {
		n.seen = n.position
	}
	return n, nil
}

// Epoch returns the random name the namespace got when it was made.
func (s *Store) Epoch() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch
}

// ResetErr implements [bridge.Resetter].
func (s *Store) ResetErr() error {
	if err := s.wasReset(); err != nil {
		return err
	}
	return nil
}

// onlyNoticed reports whether it is another replica that misses something.
func (s *Store) onlyNoticed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost != nil && s.lost.Noticed != ""
}

// adopt goes on with a namespace.
func (s *Store) adopt(epoch string, at position) {
	s.mu.Lock()
	s.epoch, s.seen, s.lost, s.doubts, s.marked = epoch, at, nil, nil, ""
	s.mu.Unlock()
	s.said.forget()
	s.remember(false)
	s.signal()
}

// isLost stops the store; s.mu is held.
func (s *Store) isLost(r *Reset) {
	s.lost = r
	s.log.Error("the ledger is not the one this bridge worked with: nothing is accepted and nothing is delivered until somebody resumes it (pergabridge store resume)", "reason", string(bridge.StoreReset), "err", r)
}

func (s *Store) position() (epoch string, seen position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch, s.seen
}

// saw notes an answer to a call that was made under an epoch.
func (s *Store) saw(epoch string, at position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch == epoch {
		s.seen = s.seen.and(at)
	}
}

func (s *Store) wasReset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost == nil {
		return nil
	}
	return s.lost
}

// reset notes what a script found ("epoch E counter N writes W", and "mark" if that is what is missing), stops
// the store, and tells the others.
func (s *Store) reset(epoch, found string) error {
	s.mu.Lock()
	if s.lost != nil || s.epoch != epoch {
		defer s.mu.Unlock()
		if s.lost == nil { // the call was made before somebody resumed
			return fmt.Errorf("redis: the ledger was resumed meanwhile: %w", bridge.ErrUnavailable)
		}
		return s.lost
	}
	r := &Reset{Was: s.epoch, Seen: s.seen.counter, SeenWrites: s.seen.writes, Unmarked: strings.HasSuffix(found, " mark")}
	_, _ = fmt.Sscanf(found, "epoch %s counter %d writes %d", &r.Is, &r.Counter, &r.Writes)
	if r.Is == "none" {
		r.Is = ""
	}
	if r.Is == r.Was && !r.Unmarked && !(position{r.Counter, r.Writes}).behind(s.seen) {
		r.Noticed = r.Was
	}
	s.isLost(r)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.Timeout)
	defer cancel()
	s.notice(ctx, r)
	return r
}

// notice tells the other replicas of a reset: one who has just begun knows nothing of what was lost, and
// has to stand still as well. A replica that has seen nothing accepted misses nothing.
func (s *Store) notice(ctx context.Context, lost *Reset) {
	if lost.Noticed != "" || lost.Was == "" || lost.Seen == 0 {
		return
	}
	if err := s.db.Eval(ctx, noticeScript.source, []string{s.prefix}, lost.Was).Err(); err != nil {
		s.log.Warn("the other replicas could not be told of the reset; it is tried again", "err", err)
	}
}

// watchEvery is how often a store looks whether somebody resumed, and writes down where it is.
const watchEvery = time.Second

// watch tells the other replicas of a reset, follows them when one was resumed, and keeps the memory
// of this one fresh.
func (s *Store) watch(ctx context.Context) {
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			s.remember(true)
			return
		case <-t.C:
		}
		s.mu.Lock()
		lost, open := s.lost, s.closedFor == nil
		s.mu.Unlock()
		switch {
		case lost != nil:
			s.lookAfterReset(ctx, lost)
		case open:
			s.remember(false)
		}
	}
}

func (s *Store) lookAfterReset(ctx context.Context, lost *Reset) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	n, err := s.readNamespace(ctx)
	switch {
	case err != nil:
	case n.reset != "" || n.epoch == "" || strings.HasPrefix(n.epoch, importEpoch):
	case n.follows(lost.Was), lost.Noticed != "" && n.epoch == lost.Was, lost.Seen == 0:
		s.log.Warn("the ledger was resumed at another replica", "epoch", n.epoch)
		s.adopt(n.epoch, n.seen)
	}
	s.notice(ctx, lost)
}
