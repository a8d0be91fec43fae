package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/pergabridge/pergabridge/bridge"
)

// Options configures a store.
type Options struct {
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Log receives what an operator should know; nil: slog.Default().
	Log *slog.Logger
}

// Store is the embedded [bridge.Store].
type Store struct {
	path string
	now  func() time.Time
	log  *slog.Logger
	lock *os.File

	db    *sql.DB // the writer's single connection
	read  *sql.DB
	tx    *tx // owned by the writer goroutine
	wake  chan struct{}
	ops   queue
	done  chan struct{} // closed when the writer has stopped
	close sync.Once
}

var _ bridge.Store = (*Store)(nil)

// Open opens or makes the database file at path, migrates its schema and takes its lock. It fails
// when another process holds the lock or the schema is newer than this binary.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("sqlite: make the folder of the database: %w", err)
	}
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err == nil { // SQLite would let everybody read it
		f.Close()
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open the lock file: %w", err)
	}
	s := &Store{path: path, now: o.Now, log: o.Log, lock: lock, wake: make(chan struct{}, 1), done: make(chan struct{})}
	s.ops.init()
	if err := lockFile(lock); err != nil {
		lock.Close()
		return nil, fmt.Errorf("sqlite: %s is in use by another process (one bridge works on one file; stop the other, or talk to it through its admin address): %w", path, err)
	}
	if err := s.start(ctx); err != nil {
		s.closeFiles()
		return nil, err
	}
	go s.write()
	return s, nil
}

func dsn(path string, readOnly bool) string {
	q := url.Values{}
	cache := "cache_size(-8000)" // kB
	if readOnly {
		cache = "cache_size(-2000)"
	}
	for _, p := range []string{"busy_timeout(10000)", "synchronous(FULL)", cache, "temp_store(MEMORY)", "journal_size_limit(67108864)"} {
		q.Add("_pragma", p)
	}
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	} else {
		q.Add("_pragma", "journal_mode(WAL)")
		q.Add("_pragma", "wal_autocheckpoint(4000)")
		q.Add("_pragma", "secure_delete(1)") // what retention or a person removes is not left in free pages
		q.Set("_txlock", "immediate")
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// exportDSN is for reading everything: what has to be sorted goes to temporary files.
func exportDSN(path string) string {
	return strings.Replace(dsn(path, true), "temp_store%28MEMORY%29", "temp_store%28FILE%29", 1)
}

func (s *Store) start(ctx context.Context) error {
	var err error
	if s.db, err = sql.Open("sqlite", dsn(s.path, false)); err != nil {
		return fmt.Errorf("sqlite: open %s: %w", s.path, err)
	}
	s.db.SetMaxOpenConns(1)
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("sqlite: %s: %w", s.path, err)
	}
	if s.read, err = sql.Open("sqlite", dsn(s.path, true)); err != nil {
		return fmt.Errorf("sqlite: open %s for reading: %w", s.path, err)
	}
	s.read.SetMaxOpenConns(4)
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("sqlite: connect: %w", err)
	}
	if s.tx, err = newTx(conn, s.now); err != nil {
		conn.Close()
		return fmt.Errorf("sqlite: %s: %w", s.path, err)
	}
	return nil
}

// Wake implements [bridge.Store].
func (s *Store) Wake() <-chan struct{} { return s.wake }

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close finishes what is queued, then closes the files.
func (s *Store) Close() error {
	var err error
	s.close.Do(func() {
		s.ops.close()
		<-s.done
		err = s.closeFiles()
	})
	return err
}

func (s *Store) closeFiles() error {
	var errs []error
	if s.tx != nil {
		errs = append(errs, s.tx.close())
	}
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}
