package app

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

// Store says where events are kept. It is written as one address (`sqlite:data/pergabridge.db`) or
// as a section with `url`.
type Store struct {
	// Path is the file of the embedded store, relative paths resolved to the config's folder.
	Path string
}

const defaultStore = "sqlite:data/pergabridge.db"

// UnmarshalConfig reads both forms.
func (s *Store) UnmarshalConfig(n *config.Node) {
	at := n
	address := defaultStore
	switch n.Kind() {
	case config.Absent:
	case config.Mapping:
		var long struct {
			URL string `yaml:"url" required:"true" doc:"sqlite:PATH"`
		}
		config.Decode(n, &long)
		at, address = n.Key("url"), long.URL
		if address == "" {
			return
		}
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
	case ok && strings.HasPrefix(scheme, "redis"):
		at.Problemf("use sqlite:PATH", "the store %s is not part of this version", scheme)
	default:
		at.Problemf("for example "+defaultStore, "%q is not the address of a store", address)
	}
}

// ConfigSchema describes both forms.
func (Store) ConfigSchema() map[string]any {
	text := map[string]any{"type": "string", "pattern": "^sqlite:.+", "default": defaultStore}
	return map[string]any{"anyOf": []any{text, map[string]any{
		"type": "object", "additionalProperties": false, "required": []any{"url"}, "properties": map[string]any{"url": text},
	}}}
}

func (s Store) open(ctx context.Context, now func() time.Time, log *slog.Logger) (bridge.Store, error) {
	store, err := sqlite.Open(ctx, s.Path, sqlite.Options{Now: now, Log: log})
	if err != nil {
		return nil, err // not a nil *sqlite.Store, which as a bridge.Store is not nil
	}
	return store, nil
}
