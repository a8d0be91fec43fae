package redisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Durability says how far the operator trusts the server to keep what it was told.
type Durability string

// The durabilities.
const (
	// DurabilityAlways is the default: Open refuses a server that may lose what was accepted. Empty
	// means the same.
	DurabilityAlways Durability = "always"
	// DurabilityRelaxed accepts such a server and says at Open what a crash may lose.
	DurabilityRelaxed Durability = "relaxed"
	// DurabilityAsserted accepts a server that does not show its configuration: the operator says
	// that it keeps what it was told.
	DurabilityAsserted Durability = "asserted"
)

// Options configures a store.
type Options struct {
	// Namespace keeps several bridges on one Redis apart; required.
	Namespace string
	// Durability is what the doctor demands of the server at Open.
	Durability Durability
	// Wait is how many replicas must have a write before it is answered; zero: none.
	Wait int
	// WaitTimeout bounds that; zero: 500 ms. It must be well below Timeout.
	WaitTimeout time.Duration
	// Timeout bounds every call, repeats included; zero: 5 s.
	Timeout time.Duration
	// Username and Password are those of the ACL user, if the URL does not name them; the others are
	// for Sentinels.
	Username, SentinelUsername string
	Password, SentinelPassword secret.Text
	// Patient lets Open return although Redis does not answer: until it does, every call is
	// [bridge.ErrUnavailable]. What Redis answers and Open must refuse is an error all the same.
	Patient bool
	// State is a file in which this replica remembers which ledger it worked with, so that it notices
	// when it starts that Redis was wiped or restored meanwhile; empty: it remembers nothing.
	State string
	// CAFile is a PEM file with the certificates that sign the server's; empty: those of the system.
	CAFile string
	// Now is the clock; nil: time.Now. The clocks of all replicas must agree within a second.
	Now func() time.Time
	// Log receives what an operator should know; nil: slog.Default().
	Log *slog.Logger
}

// Store is the [bridge.Store] that many replicas share.
type Store struct {
	opts   Options
	id     string // of this replica's store, to know its own wake-ups
	prefix string
	db     *redis.Client
	now    func() time.Time
	log    *slog.Logger
	wake   chan struct{}
	offers offers
	said   said
	stop   context.CancelFunc
	done   sync.WaitGroup
	close  sync.Once

	mu     sync.Mutex
	closed bool
	// closedFor is why Redis cannot be used yet, since Open; nil once it could.
	closedFor    error
	epoch        string
	seen         position
	remembering  sync.Mutex // one writes down at a time
	marked       string     // the last mark of this store, under this epoch; see mark
	lost         *Reset     // set when the namespace is not the one we worked with
	remembered   memory     // on disk
	rememberedAt time.Time
	doubts       []string // calls of settle whose answers were lost
}

var _ bridge.Store = (*Store)(nil)

// connectEvery is how often a Redis that did not answer at Open is tried again.
const connectEvery = 500 * time.Millisecond

var namespace = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Open connects to the Redis at url, lets the doctor look at it, and opens or makes the namespace.
// See the package documentation for the forms of url.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	s, err := prepare(url, o)
	if err != nil {
		return nil, err
	}
	err = s.connect(ctx)
	if err != nil && (!o.Patient || !errors.Is(err, bridge.ErrUnavailable)) {
		return nil, errors.Join(err, s.db.Close())
	}
	run, stop := context.WithCancel(context.Background())
	s.stop = stop
	if err != nil {
		s.log.Error("Redis does not answer; nothing is accepted and nothing is delivered until it does", "err", err)
		s.closedFor = err
		s.done.Go(func() { s.keepConnecting(run) })
	}
	for range acceptors {
		s.done.Go(s.accepting)
	}
	s.done.Go(func() { s.listen(run) })
	s.done.Go(func() { s.watch(run) })
	s.remember(false)
	return s, nil
}

// prepare makes a store that is not connected yet.
func prepare(url string, o Options) (*Store, error) {
	if !namespace.MatchString(o.Namespace) {
		return nil, fmt.Errorf("redis: namespace %q: it is required, and made of at most 64 letters, digits, dots, dashes and underscores", o.Namespace)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	switch o.Durability {
	case "":
		o.Durability = DurabilityAlways
	case DurabilityAlways, DurabilityRelaxed, DurabilityAsserted:
	default:
		return nil, fmt.Errorf("redis: durability %q: use always, relaxed or asserted", o.Durability)
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.WaitTimeout <= 0 {
		o.WaitTimeout = 500 * time.Millisecond
	}
	driver.Store(o.Log)
	m, err := readMemory(o.State, o.Namespace)
	if err != nil {
		return nil, err
	}
	db, err := dial(url, o)
	if err != nil {
		return nil, err
	}
	return &Store{opts: o, remembered: m, id: bridge.NewID(), prefix: "{pb:" + o.Namespace + "}:", db: db, now: o.Now, log: o.Log.With("store", "redis", "namespace", o.Namespace),
		wake: make(chan struct{}, 1), offers: offers{ready: make(chan struct{}, 1)}}, nil
}

// connect does what has to be done before the first call. The error is [bridge.ErrUnavailable] if it
// may go away by itself.
func (s *Store) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*s.opts.Timeout)
	defer cancel()
	if err := s.checkServer(ctx); err != nil {
		return err
	}
	return s.openNamespace(ctx)
}

// reach says whether Redis lets us in.
func (s *Store) reach(ctx context.Context) error {
	err := s.db.Ping(ctx).Err()
	switch {
	case err == nil:
		return nil
	case redis.HasErrorPrefix(err, "NOAUTH"), redis.HasErrorPrefix(err, "WRONGPASS"), redis.HasErrorPrefix(err, "NOPERM"):
		return fmt.Errorf("redis: connect: %w: correct username and password", err)
	}
	return fmt.Errorf("redis: connect: %w: %w", err, bridge.ErrUnavailable)
}

// keepConnecting tries until Redis is there and as it has to be.
func (s *Store) keepConnecting(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(connectEvery):
		}
		err := s.connect(ctx)
		s.mu.Lock()
		was := s.closedFor
		s.closedFor = err
		s.mu.Unlock()
		if err == nil {
			s.log.Info("Redis answers; the bridge works")
			s.signal()
			return
		}
		if ctx.Err() == nil && was.Error() != err.Error() {
			s.log.Error("Redis cannot be used yet", "err", err)
		}
	}
}

// usable returns why no call can be made now.
func (s *Store) usable() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return fmt.Errorf("redis: closed: %w", bridge.ErrUnavailable)
	case errors.Is(s.closedFor, bridge.ErrUnavailable):
		return s.closedFor
	case s.closedFor != nil:
		return fmt.Errorf("%w: %w", s.closedFor, bridge.ErrUnavailable)
	}
	return nil
}

// Close finishes what is under way and closes the connections.
func (s *Store) Close() error {
	var err error
	s.close.Do(func() {
		s.offers.close()
		s.stop()
		s.done.Wait()
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		err = s.db.Close()
	})
	return err
}
