//go:build unix

package service

import (
	"errors"
	"os"
)

// Admin implements [Host].
func (Machine) Admin() error {
	if os.Geteuid() != 0 {
		return errors.New("service: this needs the rights of an administrator: run it as root, for instance with sudo")
	}
	return nil
}
