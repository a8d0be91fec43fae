package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"

	"github.com/pergabridge/pergabridge/bridge"
)

// migrate leads the schema to [schemaVersion], one version a transaction. A file that holds something is
// copied before the first step: the copy is what an older binary can go on with.
func (s *Store) migrate(ctx context.Context) error {
	v, err := version(ctx, s.db)
	if err != nil {
		return err
	}
	if v > schemaVersion {
		return newer(v)
	}
	if v > 0 && v < schemaVersion {
		copied := BeforeUpgrade(s.path, v)
		if err := copyTo(ctx, s.db, copied); err != nil {
			return fmt.Errorf("copy it before the schema goes from %d to %d (nothing was changed; the copy needs as much room as the file): %w", v, schemaVersion, err)
		}
		s.log.Info("the database is migrated; the copy is the way back", slog.String("copy", copied), slog.Int("from", v), slog.Int("to", schemaVersion))
	}
	for ; v < schemaVersion; v++ {
		t, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return fmt.Errorf("migrate to schema %d: %w", v+1, err)
		}
		if _, err = t.ExecContext(ctx, migrations[v]); err == nil {
			_, err = t.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", v+1))
		}
		if err == nil && v == 0 {
			_, err = t.ExecContext(ctx, "INSERT INTO meta VALUES ('epoch', ?)", bridge.NewID())
		}
		if err != nil {
			return fmt.Errorf("migrate to schema %d: %w", v+1, errors.Join(err, t.Rollback()))
		}
		if err := t.Commit(); err != nil {
			return fmt.Errorf("migrate to schema %d: %w", v+1, err)
		}
	}
	return nil
}

// BeforeUpgrade returns where the copy of the database at path stands that is made before its schema goes on
// from version v.
func BeforeUpgrade(path string, v int) string { return path + ".schema-" + strconv.Itoa(v) }

func version(ctx context.Context, db *sql.DB) (int, error) {
	var v int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&v); err != nil {
		return 0, fmt.Errorf("read the schema version (is this a pergabridge database?): %w", err)
	}
	return v, nil
}

func newer(v int) error {
	return fmt.Errorf("the schema is version %d, this binary knows up to %d: start a newer pergabridge, or restore the backup made before the upgrade", v, schemaVersion)
}

// copyTo makes a copy of a database that appears under its name only when it is whole and on the disk. One
// that is there already, of an upgrade that was begun before, is replaced.
func copyTo(ctx context.Context, db *sql.DB, path string) error {
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	defer os.Remove(part)
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return err
	}
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
