package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	kardianos "github.com/kardianos/service"
)

// A Manager is the service manager of the machine as far as one service is concerned;
// [kardianos.Service] is one.
type Manager interface {
	Install() error
	Uninstall() error
	Start() error
	Stop() error
	Status() (kardianos.Status, error)
	Platform() string
}

// A Host is what an [Installer] does to the machine beside the service manager. Tests have one that
// only takes notes.
type Host interface {
	// Admin returns nil if the caller may install services.
	Admin() error
	// Account makes sure that the account exists, and returns what chown needs.
	Account(ctx context.Context, name, home string) (uid, gid int, err error)
	// Run runs a program of the system.
	Run(ctx context.Context, name string, args ...string) error
	Exists(path string) bool
	Mkdir(path string, mode fs.FileMode) error
	// Own gives a file or folder to an account, with these rights.
	Own(path string, uid, gid int, mode fs.FileMode) error
}

// An Installer makes and removes one service.
type Installer struct {
	Definition
	OS      string // as runtime.GOOS
	Manager Manager
	Host    Host
}

// ErrNotInstalled is what Start, Stop and Status return where there is no such service.
var ErrNotInstalled = errors.New("service: it is not installed; pergabridge service install does that")

const systemd = "linux-systemd"

// Install makes account, folders and service. It starts nothing. A service that is there already is an
// error: uninstall it first, data and config stay.
func (i *Installer) Install(ctx context.Context) error {
	if err := i.ready(); err != nil {
		return err
	}
	if i.OS == "windows" {
		return i.installWindows(ctx)
	}
	return i.installSystemd(ctx)
}

// ready says what keeps the service from being installed, before anything is changed.
func (i *Installer) ready() error {
	if err := i.Host.Admin(); err != nil {
		return err
	}
	if err := i.needSystemd(); err != nil {
		return err
	}
	if i.OS != "windows" {
		if unit := i.packaged(); unit != "" {
			return fmt.Errorf("service: the package has installed it already (%s): systemctl enable --now %s", unit, i.Name)
		}
	}
	if _, err := i.Manager.Status(); !errors.Is(err, kardianos.ErrNotInstalled) {
		return fmt.Errorf("service: %s is installed already; remove it with: pergabridge service uninstall", i.Name)
	}
	return nil
}

func (i *Installer) needSystemd() error {
	if p := i.Manager.Platform(); i.OS != "windows" && p != systemd {
		return fmt.Errorf("service: services are installed with systemd and on Windows only, and this machine has %s; let its own service manager run: %s %s",
			orNone(p), i.Exec, strings.Join(i.Arguments(), " "))
	}
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "neither"
	}
	return s
}

// packaged returns the unit that a package of the distribution has installed.
func (i *Installer) packaged() string {
	for _, dir := range []string{"/usr/lib/systemd/system/", "/lib/systemd/system/"} {
		if unit := dir + i.Name + ".service"; i.Host.Exists(unit) {
			return unit
		}
	}
	return ""
}

func (i *Installer) installSystemd(ctx context.Context) error {
	if _, err := i.Unit(); err != nil { // also guards the names before they reach other programs
		return err
	}
	uid, gid, err := i.Host.Account(ctx, i.User, i.Paths.State)
	if err != nil {
		return fmt.Errorf("service: make the account %s: %w", i.User, err)
	}
	for _, d := range []struct {
		path     string
		mode     fs.FileMode
		uid, gid int
	}{
		{filepath.Dir(i.Paths.Config), 0o750, 0, gid},
		{i.Paths.Secrets, 0o700, 0, 0},
		{i.Paths.State, 0o700, uid, gid},
	} {
		if err := i.Host.Mkdir(d.path, 0o700); err != nil {
			return fmt.Errorf("service: %w", err)
		}
		if err := i.Host.Own(d.path, d.uid, d.gid, d.mode); err != nil {
			return fmt.Errorf("service: %w", err)
		}
	}
	for _, d := range i.Writable {
		if err := i.Host.Mkdir(d, 0o700); err != nil {
			return fmt.Errorf("service: %w", err)
		}
		if err := i.Host.Own(d, uid, gid, 0o700); err != nil {
			return fmt.Errorf("service: %w", err)
		}
	}
	if filepath.Dir(i.Config) == filepath.Dir(i.Paths.Config) { // elsewhere the rights are somebody else's affair
		if err := i.Host.Own(i.Config, 0, gid, 0o640); err != nil {
			return fmt.Errorf("service: %w", err)
		}
	}
	if err := i.Manager.Install(); err != nil {
		return errors.Join(fmt.Errorf("service: %w", err), ignoreMissing(i.Manager.Uninstall()))
	}
	return nil
}

func (i *Installer) installWindows(ctx context.Context) error {
	root := windowsDir(i.Paths.Config)
	folders := []string{root, i.Paths.Secrets, i.Paths.State, windowsDir(i.Paths.Log)}
	for _, d := range append(slices.Clone(folders), i.Writable...) {
		if err := i.Host.Mkdir(d, 0o700); err != nil {
			return fmt.Errorf("service: %w", err)
		}
	}
	if err := i.Manager.Install(); err != nil {
		return fmt.Errorf("service: %w", err)
	}
	// The account exists only now. Administrators and the system may do everything, the service reads
	// its folder and writes ledger and log; nobody else may look inside.
	account := i.windowsAccount()
	run := [][]string{{root, "/inheritance:r", "/grant:r", "*S-1-5-18:(OI)(CI)F", "/grant:r", "*S-1-5-32-544:(OI)(CI)F", "/grant:r", account + ":(OI)(CI)RX"}}
	for _, d := range append([]string{i.Paths.State, windowsDir(i.Paths.Log)}, i.Writable...) {
		run = append(run, []string{d, "/grant:r", account + ":(OI)(CI)M"})
	}
	for _, args := range run {
		if err := i.Host.Run(ctx, "icacls", args...); err != nil {
			return errors.Join(fmt.Errorf("service: set the rights of %s: %w", args[0], err), ignoreMissing(i.Manager.Uninstall()))
		}
	}
	return nil
}

// windowsAccount is the account of the service: its own virtual account unless one was named.
func (i *Installer) windowsAccount() string {
	if i.User == "" {
		return `NT SERVICE\` + i.Name
	}
	return i.User
}

func windowsDir(p string) string { return p[:max(0, strings.LastIndexByte(p, '\\'))] }

// Uninstall stops the service and takes it away from the service manager. Config, secrets, ledger and
// account stay.
func (i *Installer) Uninstall() error {
	if err := i.Host.Admin(); err != nil {
		return err
	}
	if err := i.needSystemd(); err != nil {
		return err
	}
	if i.OS != "windows" {
		if unit := i.packaged(); unit != "" {
			return fmt.Errorf("service: it belongs to a package (%s): apt-get remove %s", unit, i.Name)
		}
	}
	status, err := i.Manager.Status()
	if errors.Is(err, kardianos.ErrNotInstalled) {
		return ErrNotInstalled
	}
	if status == kardianos.StatusRunning {
		if err := i.Manager.Stop(); err != nil {
			return fmt.Errorf("service: stop it: %w", err)
		}
	}
	if err := i.Manager.Uninstall(); err != nil {
		return fmt.Errorf("service: %w", err)
	}
	return nil
}

// Start starts the service; [ErrNotInstalled] if there is none.
func (i *Installer) Start() error { return i.control(i.Manager.Start) }

// Stop ends the service and lets deliveries finish; [ErrNotInstalled] if there is none.
func (i *Installer) Stop() error { return i.control(i.Manager.Stop) }

func (i *Installer) control(do func() error) error {
	if err := errors.Join(i.Host.Admin(), i.needSystemd()); err != nil {
		return err
	}
	if _, err := i.Manager.Status(); errors.Is(err, kardianos.ErrNotInstalled) {
		return ErrNotInstalled
	}
	if err := do(); err != nil {
		return fmt.Errorf("service: %w%s", err, i.where())
	}
	return nil
}

// where says where the reason of a failure stands.
func (i *Installer) where() string {
	if i.OS == "windows" {
		return "\nthe reason is in the event log (Application, source " + i.Name + ") and in " + i.Paths.Log
	}
	return "\nthe reason is in the journal: journalctl -u " + i.Name + " -n 20"
}

// Status returns running, stopped or failed; [ErrNotInstalled] if there is none.
func (i *Installer) Status() (string, error) {
	if err := i.needSystemd(); err != nil {
		return "", err
	}
	s, err := i.Manager.Status()
	switch {
	case errors.Is(err, kardianos.ErrNotInstalled):
		return "", ErrNotInstalled
	case err != nil && strings.Contains(err.Error(), "failed state"):
		return "failed", nil
	case err != nil:
		return "", fmt.Errorf("service: %w", err)
	case s == kardianos.StatusRunning:
		return "running", nil
	}
	return "stopped", nil
}

// ignoreMissing is err unless it says that there was nothing to take back.
func ignoreMissing(err error) error {
	if errors.Is(err, kardianos.ErrNotInstalled) || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
