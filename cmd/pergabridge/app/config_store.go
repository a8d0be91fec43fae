package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

// Store says where events are kept: in a file of this process, or in a Redis that several replicas
// share. It is written as one address (`sqlite:data/pergabridge.db`) or as a section with `url`.
type Store struct {
	// Path is the file of the embedded store, relative paths resolved to the config's folder.
	Path string
	// Redis is the section of a Redis; nil: the embedded store.
	Redis *redisstore.Config

	node *config.Node // where the config says it
}

// File is what the bridge itself writes on this machine: the ledger, or what it remembers of one that is
// a Redis. Empty: nothing.
func (s *Store) File() string {
	if s.Redis != nil {
		return string(s.Redis.State)
	}
	return s.Path
}

const defaultStore = "sqlite:data/pergabridge.db"

// UnmarshalConfig reads both forms.
func (s *Store) UnmarshalConfig(n *config.Node) {
	s.node = n
	at := n
	address := defaultStore
	switch n.Kind() {
	case config.Absent:
	case config.Mapping:
		at = n.Key("url")
		text, ok := at.Text()
		if !at.Exists() {
			n.Problemf("for example url: "+defaultStore, "has no url")
			return
		}
		if !ok {
			return
		}
		if address = text; isRedis(address) {
			s.Redis = &redisstore.Config{}
			config.Decode(n, s.Redis)
			return
		}
		var short struct {
			URL string `yaml:"url"`
		}
		config.Decode(n, &short)
	default:
		text, ok := n.Text()
		if !ok {
			return
		}
		address = text
	}
	scheme, rest, ok := strings.Cut(address, ":")
	switch {
	case ok && scheme == "sqlite" && rest != "":
		s.Path = n.Abs(strings.TrimPrefix(rest, "//"))
	case isRedis(address):
		at.Problemf("write store: {url: redis://HOST:PORT/DB, namespace: NAME}", "a Redis needs a namespace, which keeps several bridges on it apart")
	default:
		at.Problemf("for example "+defaultStore+", or redis:// with a namespace", "%q is not the address of a store", redisstore.Masked(address))
	}
}

func isRedis(address string) bool {
	scheme, _, ok := strings.Cut(address, ":")
	return ok && (strings.HasPrefix(scheme, "redis") || strings.HasPrefix(scheme, "valkey"))
}

// ConfigSchema describes both forms.
func (Store) ConfigSchema() map[string]any {
	text := map[string]any{"type": "string", "pattern": "^sqlite:.+", "default": defaultStore}
	redis := config.Schema(redisstore.Config{})
	return map[string]any{"anyOf": []any{
		text,
		map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string", "pattern": "^sqlite:.+"}, "required": []any{"url"}, "maxProperties": 1},
		redis,
	}}
}

// place is the store without where the config says it.
func (s Store) place() Store {
	s.node = nil
	return s
}

// String names the store for people.
func (s Store) String() string {
	if s.Redis != nil {
		return redisstore.Masked(s.Redis.URL) + " namespace " + s.Redis.Namespace
	}
	return "sqlite:" + s.Path
}

func (s Store) open(ctx context.Context, now func() time.Time, log *slog.Logger) (bridge.Store, error) {
	if s.Redis != nil {
		o := s.Redis.Options()
		o.Now, o.Log, o.Patient = now, log, true
		store, err := redisstore.Open(ctx, s.Redis.URL, o)
		if err != nil {
			return nil, err // not a nil *redisstore.Store, which as a bridge.Store is not nil
		}
		return store, nil
	}
	store, err := sqlite.Open(ctx, s.Path, sqlite.Options{Now: now, Log: log})
	if err != nil {
		return nil, err // as above
	}
	return store, nil
}

// Check looks at the server that keeps the events, without changing anything there. Problems are what
// `serve` would refuse, or could not reach. A file is not looked at: another process may have it.
func (s Store) Check(ctx context.Context) (warnings []string, problems config.Problems) {
	if s.Redis == nil {
		return nil, nil
	}
	o := s.Redis.Options()
	o.Log = slog.New(slog.DiscardHandler)
	warnings, err := redisstore.Check(ctx, s.Redis.URL, o)
	switch {
	case errors.Is(err, bridge.ErrUnavailable):
		s.node.Problemf("check --offline does not ask", "%v", err)
	case err != nil:
		s.node.Problemf("", "%v", err)
	}
	return warnings, s.node.Problems()
}

// A conditioned store says more about its state than that it answers.
type conditioned interface {
	Conditions() (must, shown map[string]func(context.Context) error)
}
