//go:build unix

package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// lookAt looks at one file or folder. What is not there is no problem here. A folder with the sticky bit
// protects what is in it.
func lookAt(what, path string, private bool) (warning string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", nil // whoever opens it says so
	}
	mode := info.Mode()
	switch {
	case info.IsDir() && mode.Perm()&0o002 != 0 && mode&fs.ModeSticky == 0: // as emptyDir of Kubernetes and WSL make them
		return fmt.Sprintf("%s %s may be changed by every user of this machine (%04o), who may put another file in the place of one: chmod o-w %s", what, path, mode.Perm(), path), nil
	case mode.Perm()&0o002 != 0 && mode&fs.ModeSticky == 0:
		return "", fmt.Errorf("%s %s may be changed by every user of this machine (%04o): chmod o-w %s", what, path, mode.Perm(), path)
	case private && mode.Perm()&0o004 != 0 && !info.IsDir():
		return fmt.Sprintf("%s %s may be read by every user of this machine (%04o): chmod o-r %s", what, path, mode.Perm(), path), nil
	}
	return "", nil
}

// mayWrite says whose file it is if it cannot be written to: the usual end of a bridge that was started
// once as root and then as a service.
func mayWrite(path string) error {
	err := unix.Access(path, unix.W_OK)
	if errors.Is(err, fs.ErrNotExist) {
		dir := filepath.Dir(path)
		if err = unix.Access(dir, unix.W_OK); errors.Is(err, fs.ErrNotExist) {
			return nil // it is made, or not, with words of its own
		}
		path = dir
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, unix.EROFS) {
		return fmt.Errorf("%s is on a file system that may only be read; systemd and containers let the bridge write to its own folder only: ReadWritePaths=, or a volume", path)
	}
	if !errors.Is(err, fs.ErrPermission) {
		return nil
	}
	info, statErr := os.Stat(path)
	if statErr != nil {
		return fmt.Errorf("%s may not be written by %s", path, userName(os.Geteuid()))
	}
	owner := "somebody else"
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = userName(int(s.Uid))
	}
	me := userName(os.Geteuid())
	return fmt.Errorf("%s belongs to %s and may not be written by %s, who runs the bridge: chown -R %s %s", path, owner, me, me, filepath.Dir(path))
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}
