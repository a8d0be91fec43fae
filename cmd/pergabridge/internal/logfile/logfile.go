// Package logfile is a log file that never grows without bound, for systems that do not keep the log of a
// service: Windows. When the file is full it becomes FILE.1, what was FILE.1 becomes FILE.2, and so on;
// the oldest goes.
//
// # Failure classes
//
// A file that cannot be opened is an error at [Open]. A rotation that fails, because somebody has an old
// file open on Windows, is tried again at the next write and meanwhile the file grows on: a line is never lost
// to a rotation. A file that cannot be opened again behind it is an error of that line, and tried again at the next.
package logfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// A File is an [io.WriteCloser]; safe for use by many goroutines. A line that is written in one piece stays
// in one file.
type File struct {
	path string
	max  int64
	keep int

	mu     sync.Mutex
	f      *os.File // nil while it could not be opened
	size   int64
	closed bool
}

// Open appends to the file at path, which begins anew at max bytes; keep old files stay.
func Open(path string, max int64, keep int) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("logfile: %w", err)
	}
	l := &File{path: path, max: max, keep: keep}
	return l, l.open()
}

func (l *File) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("logfile: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("logfile: %w", err), f.Close())
	}
	l.f, l.size = f, info.Size()
	return nil
}

// Write implements [io.Writer].
func (l *File) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, fmt.Errorf("logfile: %w", os.ErrClosed)
	}
	if l.f == nil {
		if err := l.open(); err != nil {
			return 0, err
		}
	}
	if l.size > 0 && l.size+int64(len(b)) > l.max {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := l.f.Write(b)
	l.size += int64(n)
	return n, err
}

// rotate moves the files on. Only a file that cannot be opened again is an error.
func (l *File) rotate() error {
	_ = l.f.Close() // its lines are written; Windows renames only what is closed
	l.f = nil
	for n := l.keep; n >= 1; n-- {
		from := l.path
		if n > 1 {
			from = l.old(n - 1)
		}
		if err := os.Rename(from, l.old(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			break // the younger ones stay where they are
		}
	}
	if l.keep == 0 {
		_ = os.Remove(l.path) // if it stays it is appended to
	}
	return l.open()
}

func (l *File) old(n int) string { return l.path + "." + strconv.Itoa(n) }

// Close closes the file.
func (l *File) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return err
}
