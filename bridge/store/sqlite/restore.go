package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Restore puts a backup in the place of the database at path and returns where the one that stood there is
// now, or its log if only that stood there; empty if there was nothing. Nothing is thrown away. It fails, and changes nothing, while a process works with the
// database, when the backup is damaged or is no backup, and when its schema is newer than this binary.
func Restore(ctx context.Context, path, backup string, now time.Time) (old string, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("sqlite: restore: %w", err)
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", fmt.Errorf("sqlite: restore: %w", err)
	}
	defer lock.Close()
	if err := lockFile(lock); err != nil {
		return "", fmt.Errorf("sqlite: restore: a bridge works with %s; stop it first: %w", path, err)
	}
	part := path + ".restore"
	defer os.Remove(part)
	if err := copyFile(part, backup); err != nil {
		return "", fmt.Errorf("sqlite: restore: %w", err)
	}
	if err := inspect(ctx, part); err != nil {
		return "", fmt.Errorf("sqlite: restore: %s: %w", backup, err)
	}
	switch _, err := os.Stat(path); {
	case err == nil:
		settleWAL(ctx, path)
	case !errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("sqlite: restore: %w", err)
	}
	if old, err = putAside(path, now); err != nil {
		return "", err
	}
	if err := os.Rename(part, path); err != nil {
		return old, fmt.Errorf("sqlite: restore: %w", err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return old, fmt.Errorf("sqlite: restore: %w", err)
	}
	return old, nil
}

// putAside renames the database at path and its log, and returns the new name; empty if there was nothing. A log
// whose database is gone goes too: SQLite would replay it over the file that is put in its place.
func putAside(path string, now time.Time) (string, error) {
	old := path + ".before-restore-" + now.UTC().Format("20060102T150405Z")
	found := false
	for _, end := range []string{"-wal", "-shm", ""} { // the file itself last: without it the others are nothing
		switch err := os.Rename(path+end, old+end); {
		case err == nil:
			found = true
		case !errors.Is(err, os.ErrNotExist):
			return "", fmt.Errorf("sqlite: restore: put the present database aside: %w", err)
		}
	}
	if !found {
		return "", nil
	}
	return old, nil
}

// settleWAL writes what stands in the log into the database, so that one file holds everything. A database
// that cannot be opened is put aside as it is.
func settleWAL(ctx context.Context, path string) {
	db, err := sql.Open("sqlite", dsn(path, false))
	if err != nil {
		return
	}
	defer db.Close()
	_, _ = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
}

// copyFile copies a file so that it is on the disk, readable by its owner only.
func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// inspect says what is wrong with a backup. The path is opened read-only and leaves no files beside it.
func inspect(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dsn(path, true)+"&mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer db.Close()
	v, err := version(ctx, db)
	if err != nil {
		return err
	}
	if v > schemaVersion {
		return newer(v)
	}
	var epoch string
	if v == 0 || db.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'epoch'").Scan(&epoch) != nil {
		return errors.New("this is no backup of a pergabridge database; what export wrote is for the verb import; a backup of a Redis is restored with a config whose store is a Redis")
	}
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("it is damaged: %s", verdict)
	}
	return nil
}
