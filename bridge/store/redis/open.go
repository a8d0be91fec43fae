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
)

// Durability says how far the operator trusts the server to keep what it was told.
type Durability string

// The durabilities.
const (
	// DurabilityChecked is the default: Open refuses a server that may lose what was accepted.
	DurabilityChecked Durability = ""
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
	// Epoch, if known from an earlier run, is the epoch the namespace must have; see Store.Epoch.
	Epoch string
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
	epoch  string
	seen   int64    // highest counter
	lost   *Reset   // set when the namespace is not the one we worked with
	doubts []string // calls of settle whose answers were lost
}

var _ bridge.Store = (*Store)(nil)

var namespace = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Open connects to the Redis at url, lets the doctor look at it, and opens or makes the namespace.
// See the package documentation for the forms of url.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	if !namespace.MatchString(o.Namespace) {
		return nil, fmt.Errorf("redis: namespace %q: it is required, and made of at most 64 letters, digits, dots, dashes and underscores", o.Namespace)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.WaitTimeout <= 0 {
		o.WaitTimeout = 500 * time.Millisecond
	}
	db, err := dial(url, o)
	if err != nil {
		return nil, err
	}
	s := &Store{opts: o, id: bridge.NewID(), prefix: "{pb:" + o.Namespace + "}:", db: db, now: o.Now, log: o.Log.With("store", "redis", "namespace", o.Namespace),
		wake: make(chan struct{}, 1), offers: offers{ready: make(chan struct{}, 1)}}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *Store) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*s.opts.Timeout)
	defer cancel()
	if err := s.db.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("redis: connect: %w: %w", err, bridge.ErrUnavailable)
	}
	if err := s.checkDurability(ctx); err != nil {
		return err
	}
	if err := s.openNamespace(ctx); err != nil {
		return err
	}
	run, stop := context.WithCancel(context.Background())
	s.stop = stop
	for range acceptors {
		s.done.Go(s.accepting)
	}
	s.done.Go(func() { s.listen(run) })
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

func (s *Store) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
