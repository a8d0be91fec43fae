package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
)

// Machine is the [Host] that really does it.
type Machine struct{}

// Account implements [Host]: a system account without a shell, made where there is none.
func (m Machine) Account(ctx context.Context, name, home string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	var unknown user.UnknownUserError
	if errors.As(err, &unknown) {
		if err = m.Run(ctx, "useradd", "--system", "--user-group", "--home-dir", home, "--no-create-home", "--shell", "/usr/sbin/nologin", name); err != nil {
			return 0, 0, err
		}
		u, err = user.Lookup(name)
	}
	if err != nil {
		return 0, 0, err
	}
	uid, err = strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	return uid, gid, errors.Join(err, gidErr)
}

// Run implements [Host]; the error repeats what the program said.
func (Machine) Run(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Exists implements [Host].
func (Machine) Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Mkdir implements [Host]; a folder that is there stays as it is.
func (Machine) Mkdir(path string, mode fs.FileMode) error { return os.MkdirAll(path, mode) }

// Own implements [Host].
func (Machine) Own(path string, uid, gid int, mode fs.FileMode) error {
	return errors.Join(os.Chown(path, uid, gid), os.Chmod(path, mode))
}
