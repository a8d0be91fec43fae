package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
	"github.com/pergabridge/pergabridge/bridge/store/transfer"
)

// Kind names the kind of store: sqlite or redis.
func (s Store) Kind() string {
	if s.Redis != nil {
		return "redis"
	}
	return "sqlite"
}

// Porter opens the store to move its ledger, while no bridge works with it. A file that is to be
// exported must exist.
func (s Store) Porter(ctx context.Context, exporting bool, log *slog.Logger) (p transfer.Porter, closeStore func() error, err error) {
	if s.Redis != nil {
		o := s.Redis.Options()
		o.Log = log
		if !exporting {
			o.State = "" // what comes in may be what was lost: whoever remembers it decides afterwards
		}
		store, err := redisstore.Open(ctx, s.Redis.URL, o)
		if err != nil {
			return nil, nil, err
		}
		return store, store.Close, nil
	}
	if _, err := os.Stat(s.Path); exporting && errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("there is no database at %s: is this the config of the bridge?", s.Path)
	}
	store, err := sqlite.Open(ctx, s.Path, sqlite.Options{Log: log})
	if err != nil {
		return nil, nil, err
	}
	return store, store.Close, nil
}
