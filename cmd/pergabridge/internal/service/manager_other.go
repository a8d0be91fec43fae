//go:build !windows

package service

import kardianos "github.com/kardianos/service"

// describe hands over the unit as it is.
func describe(c *kardianos.Config, d Definition) error {
	unit, err := d.Unit()
	c.Option = kardianos.KeyValue{"SystemdScript": unit}
	return err
}

// UnderManager reports whether this process was started by a service manager that wants to be
// talked to through github.com/kardianos/service: that of Windows alone. systemd is told how things
// stand by package sdnotify.
func UnderManager() bool { return false }
