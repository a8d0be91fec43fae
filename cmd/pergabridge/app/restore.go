package app

import (
	"context"
	"errors"
	"io"
	"log/slog"

	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
)

// Restore reads what `backup` wrote of a Redis into the namespace of the config, which must be empty.
func (s Store) Restore(ctx context.Context, r io.Reader, log *slog.Logger) error {
	if s.Redis == nil {
		return errors.New("restore: the store of this config is a file")
	}
	o := s.Redis.Options()
	o.Log, o.State = log, "" // whoever remembers what was lost decides afterwards
	store, err := redisstore.Open(ctx, s.Redis.URL, o)
	if err != nil {
		return err
	}
	return errors.Join(store.Restore(ctx, r), store.Close())
}
