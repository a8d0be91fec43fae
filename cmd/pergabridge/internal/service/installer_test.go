package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"

	kardianos "github.com/kardianos/service"
	"github.com/stretchr/testify/require"
)

// A note taker is machine and service manager; it writes down what is done to it.
type noteTaker struct {
	notes     []string
	admin     error
	exists    map[string]bool
	fail      string // the note that begins with this fails
	status    kardianos.Status
	statusErr error
	platform  string
}

func (n *noteTaker) note(f string, args ...any) error {
	s := fmt.Sprintf(f, args...)
	n.notes = append(n.notes, s)
	if n.fail != "" && strings.HasPrefix(s, n.fail) {
		return errors.New("no luck")
	}
	return nil
}

func (n *noteTaker) Admin() error            { return n.admin }
func (n *noteTaker) Exists(path string) bool { return n.exists[path] }
func (n *noteTaker) Account(_ context.Context, name, home string) (int, int, error) {
	return 998, 997, n.note("account %s %s", name, home)
}
func (n *noteTaker) Run(_ context.Context, name string, args ...string) error {
	return n.note("%s %s", name, strings.Join(args, " "))
}
func (n *noteTaker) Mkdir(path string, mode fs.FileMode) error {
	return n.note("mkdir %s %o", path, mode)
}
func (n *noteTaker) Own(path string, uid, gid int, mode fs.FileMode) error {
	return n.note("own %s %d:%d %o", path, uid, gid, mode)
}
func (n *noteTaker) Install() error                    { return n.note("INSTALL") }
func (n *noteTaker) Uninstall() error                  { return n.note("UNINSTALL") }
func (n *noteTaker) Start() error                      { return n.note("START") }
func (n *noteTaker) Stop() error                       { return n.note("STOP") }
func (n *noteTaker) Platform() string                  { return n.platform }
func (n *noteTaker) Status() (kardianos.Status, error) { return n.status, n.statusErr }

func on(os string, change func(*noteTaker, *Definition)) (*noteTaker, *Installer) {
	n := &noteTaker{platform: systemd, statusErr: kardianos.ErrNotInstalled}
	d := linux()
	if os == "windows" {
		n.platform = "windows-service"
		d.User, d.Paths = "", PathsOf("windows", Name, func(string) string { return `C:\ProgramData` })
		d.Exec, d.Config = `C:\Program Files\Pergabridge\pergabridge.exe`, d.Paths.Config
	}
	if change != nil {
		change(n, &d)
	}
	return n, &Installer{Definition: d, OS: os, Manager: n, Host: n}
}

func TestInstallWithSystemd(t *testing.T) {
	n, i := on("linux", func(_ *noteTaker, d *Definition) { d.Writable = []string{"/srv/ledger"} })
	require.NoError(t, i.Install(t.Context()))
	require.Equal(t, []string{
		"account pergabridge /var/lib/pergabridge",
		"mkdir /etc/pergabridge 700", "own /etc/pergabridge 0:997 750",
		"mkdir /etc/pergabridge/secrets 700", "own /etc/pergabridge/secrets 0:0 700",
		"mkdir /var/lib/pergabridge 700", "own /var/lib/pergabridge 998:997 700",
		"mkdir /srv/ledger 700", "own /srv/ledger 998:997 700",
		"own /etc/pergabridge/pergabridge.yaml 0:997 640",
		"INSTALL",
	}, n.notes)
}

func TestInstallOnWindows(t *testing.T) {
	n, i := on("windows", nil)
	require.NoError(t, i.Install(t.Context()))
	root := `C:\ProgramData\Pergabridge`
	require.Equal(t, []string{
		`mkdir ` + root + ` 700`, `mkdir ` + root + `\secrets 700`, `mkdir ` + root + `\data 700`, `mkdir ` + root + `\logs 700`,
		"INSTALL",
		`icacls ` + root + ` /inheritance:r /grant:r *S-1-5-18:(OI)(CI)F /grant:r *S-1-5-32-544:(OI)(CI)F /grant:r NT SERVICE\pergabridge:(OI)(CI)RX`,
		`icacls ` + root + `\data /grant:r NT SERVICE\pergabridge:(OI)(CI)M`,
		`icacls ` + root + `\logs /grant:r NT SERVICE\pergabridge:(OI)(CI)M`,
	}, n.notes)
	require.Equal(t, []string{"serve", "--config", root + `\pergabridge.yaml`, "--log-file", root + `\logs\pergabridge.log`}, i.Arguments())

	n, i = on("windows", func(n *noteTaker, _ *Definition) { n.fail = "icacls" })
	require.ErrorContains(t, i.Install(t.Context()), `set the rights of `+root)
	require.Equal(t, "UNINSTALL", n.notes[len(n.notes)-1], "a service with open folders does not stay")
}

// What keeps it from being installed is said before anything is changed.
func TestInstallRefuses(t *testing.T) {
	for words, change := range map[string]func(*noteTaker, *Definition){
		"as root":                        func(n *noteTaker, _ *Definition) { n.admin = errors.New("run it as root") },
		"this machine has linux-upstart": func(n *noteTaker, _ *Definition) { n.platform = "linux-upstart" },
		"this machine has neither":       func(n *noteTaker, _ *Definition) { n.platform = "" },
		"systemctl enable --now pergabridge": func(n *noteTaker, _ *Definition) {
			n.exists = map[string]bool{"/lib/systemd/system/pergabridge.service": true}
		},
		"service uninstall": func(n *noteTaker, _ *Definition) { n.statusErr, n.status = nil, kardianos.StatusStopped },
		"the account":       func(_ *noteTaker, d *Definition) { d.User = "a b" },
	} {
		n, i := on("linux", change)
		require.ErrorContains(t, i.Install(t.Context()), words)
		require.Empty(t, n.notes, words)
	}
	n, i := on("linux", func(n *noteTaker, _ *Definition) { n.fail = "INSTALL" })
	require.ErrorContains(t, i.Install(t.Context()), "no luck")
	require.Equal(t, "UNINSTALL", n.notes[len(n.notes)-1])
}

func TestUninstall(t *testing.T) {
	n, i := on("linux", func(n *noteTaker, _ *Definition) { n.statusErr, n.status = nil, kardianos.StatusRunning })
	require.NoError(t, i.Uninstall())
	require.Equal(t, []string{"STOP", "UNINSTALL"}, n.notes, "data, config and account stay")

	n, i = on("linux", nil)
	require.ErrorIs(t, i.Uninstall(), ErrNotInstalled)
	require.Empty(t, n.notes)

	n, i = on("linux", func(n *noteTaker, _ *Definition) {
		n.statusErr, n.exists = nil, map[string]bool{"/usr/lib/systemd/system/pergabridge.service": true}
	})
	require.ErrorContains(t, i.Uninstall(), "apt-get remove pergabridge")
	require.Empty(t, n.notes)
}

func TestStartStopStatus(t *testing.T) {
	n, i := on("linux", nil)
	require.ErrorIs(t, i.Start(), ErrNotInstalled)
	require.ErrorIs(t, i.Stop(), ErrNotInstalled)
	_, err := i.Status()
	require.ErrorIs(t, err, ErrNotInstalled)
	require.Empty(t, n.notes)

	n, i = on("linux", func(n *noteTaker, _ *Definition) { n.statusErr = nil })
	for want, status := range map[string]kardianos.Status{"running": kardianos.StatusRunning, "stopped": kardianos.StatusStopped} {
		n.status = status
		got, err := i.Status()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	n.statusErr = errors.New("service in failed state")
	got, err := i.Status()
	require.NoError(t, err)
	require.Equal(t, "failed", got)
	n.statusErr = nil
	require.NoError(t, i.Start())
	require.NoError(t, i.Stop())
	require.Equal(t, []string{"START", "STOP"}, n.notes)
	n.fail = "START"
	require.ErrorContains(t, i.Start(), "journalctl -u pergabridge")

	n.platform = "unix-systemv"
	_, err = i.Status()
	require.ErrorContains(t, err, "unix-systemv")
	_, w := on("windows", func(n *noteTaker, _ *Definition) { n.statusErr, n.fail = nil, "START" })
	require.ErrorContains(t, w.Start(), "event log")
}

// The manager of this machine takes the definition, and a definition that does not hold never gets there.
func TestOpen(t *testing.T) {
	m, err := Open(linux(), nil)
	if !errors.Is(err, kardianos.ErrNoServiceSystemDetected) {
		require.NoError(t, err)
		require.NotEmpty(t, m.Platform())
	}
	if runtime.GOOS != "windows" {
		require.False(t, UnderManager())
		_, err = Open(Definition{Name: "a b"}, nil)
		require.ErrorContains(t, err, "small letters")
	}
}
