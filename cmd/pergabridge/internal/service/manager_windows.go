package service

import kardianos "github.com/kardianos/service"

// describe adds what the Service Control Manager wants to know.
func describe(c *kardianos.Config, d Definition) error {
	c.UserName = (&Installer{Definition: d}).windowsAccount()
	c.Option = kardianos.KeyValue{
		kardianos.StartType: kardianos.ServiceStartAutomatic, "DelayedAutoStart": true, // after the network and a local proxy
		kardianos.OnFailure: kardianos.OnFailureRestart, kardianos.OnFailureDelayDuration: "10s", kardianos.OnFailureResetPeriod: 3600,
	}
	return nil
}

// UnderManager reports whether this process was started by the Service Control Manager, which
// wants to be talked to.
func UnderManager() bool { return !kardianos.Interactive() }
