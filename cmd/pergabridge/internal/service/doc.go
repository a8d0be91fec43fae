// Package service makes the bridge a service of the machine: a systemd unit on Linux, a service of
// the Service Control Manager on Windows. Registering, starting and asking for the status go through
// github.com/kardianos/service; what this package adds is what an administrator would otherwise do by
// hand: an account of its own, folders with the right owners, a hardened unit, recovery after a
// failure, a log file where the system keeps none.
//
// # Where things are
//
// [PathsOf] names the places by each system's convention; [Definition] says what one service is. The
// Debian package and `service install` use the same unit ([Definition.Unit]).
//
// # Failure classes
//
// Installing says what is missing before it changes anything: rights, systemd, a config that does
// not hold. A step that fails afterwards is undone as far as the registration is concerned; folders and
// the account stay, they do no harm. Uninstalling never removes data.
//
// On Windows a bridge that cannot start because its config is wrong ends the service with an error in
// the event log and is not started again; every other failure ends the process, and the recovery
// actions start it again.
package service
