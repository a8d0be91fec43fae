package service

import (
	"errors"

	"golang.org/x/sys/windows"
)

// Admin implements [Host].
func (Machine) Admin() error {
	if !windows.GetCurrentProcessToken().IsElevated() {
		return errors.New("service: this needs the rights of an administrator: run it in a console opened with \"Run as administrator\"")
	}
	return nil
}
