package redisstore

import (
	"context"
	"errors"
	"io"
)

// Backup implements [bridge.Reader].
func (s *Store) Backup(ctx context.Context, w io.Writer) error { return errors.New("redis: backup") }
