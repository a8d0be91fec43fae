package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/internal/service"
)

type serviceCmd struct {
	Name string `help:"Name of the service; several bridges on one machine differ by it." default:"pergabridge" placeholder:"NAME"`

	Install   serviceInstallCmd   `cmd:"" help:"Make the bridge a service of this machine that starts with it."`
	Uninstall serviceUninstallCmd `cmd:"" help:"Stop the service and take it away; config and data stay."`
	Start     serviceStartCmd     `cmd:"" help:"Start the service."`
	Stop      serviceStopCmd      `cmd:"" help:"Stop the service; deliveries may finish."`
	Status    serviceStatusCmd    `cmd:"" help:"Say whether the service runs; exit code 1 if it does not."`
}

type (
	serviceInstallCmd struct {
		User string `help:"Account to run as; default: one of its own, made if it is missing." placeholder:"ACCOUNT"`
	}
	serviceUninstallCmd struct{}
	serviceStartCmd     struct{}
	serviceStopCmd      struct{}
	serviceStatusCmd    struct{}
)

// installer describes the service; Install completes it from the config.
func (x *serviceCmd) installer() (*service.Installer, error) {
	d := service.Definition{Name: x.Name, User: x.Install.User, Paths: service.PathsOf(runtime.GOOS, x.Name, os.Getenv)}
	if d.Name == "" {
		return nil, usageError("--name: the service needs a name")
	}
	if d.User == "" && runtime.GOOS != "windows" {
		d.User = d.Name
	}
	d.Config = d.Paths.Config
	var err error
	if d.Exec, err = os.Executable(); err != nil {
		return nil, err
	}
	if d.Exec, err = filepath.EvalSymlinks(d.Exec); err != nil {
		return nil, err
	}
	return &service.Installer{Definition: d, OS: runtime.GOOS, Host: service.Machine{}}, nil
}

// open adds the service manager of this machine.
func open(i *service.Installer) error {
	m, err := service.Open(i.Definition, nil)
	if err != nil {
		return fmt.Errorf("%w; let the service manager of this machine run: pergabridge serve --config FILE", err)
	}
	i.Manager = m
	return nil
}

// Run installs the service after the config has passed its check. Secrets may still be missing.
func (x serviceInstallCmd) Run(c *cli, con *console) error {
	i, err := c.Service.installer()
	if err != nil {
		return err
	}
	if i.Config, err = filepath.Abs(c.Config); err != nil {
		return err
	}
	loaded, err := app.LoadWithoutSecrets(i.Config)
	if err != nil {
		return complain(c, con, err)
	}
	if ledger := loaded.Store.File(); ledger != "" && filepath.Dir(ledger) != i.Paths.State {
		i.Writable = append(i.Writable, filepath.Dir(ledger))
	}
	i.LowPorts = slices.ContainsFunc([]string{loaded.Server.Listen, loaded.Server.Admin}, lowPort)
	if err := open(i); err != nil {
		return err
	}
	if err := i.Install(con.ctx); err != nil {
		return err
	}
	fmt.Fprintf(con.out, "the service %s is installed and starts with the machine; config %s\n", i.Name, i.Config)
	fmt.Fprintf(con.out, "files with secrets: %s", i.Paths.Secrets)
	if i.Paths.Environment != "" {
		fmt.Fprintf(con.out, "; environment variables: %s", i.Paths.Environment)
	}
	fmt.Fprintf(con.out, "\nstart it with: pergabridge service start%s\n", nameFlag(i.Name))
	return nil
}

func nameFlag(name string) string {
	if name == service.Name {
		return ""
	}
	return " --name " + name
}

func lowPort(address string) bool {
	_, port, err := net.SplitHostPort(address)
	n, numErr := strconv.Atoi(port)
	return errors.Join(err, numErr) == nil && n > 0 && n < 1024
}

// Run takes the service away.
func (serviceUninstallCmd) Run(c *cli, con *console) error {
	return c.Service.do(con, "is uninstalled; config, secrets and data are where they were", (*service.Installer).Uninstall)
}

// Run starts the service.
func (serviceStartCmd) Run(c *cli, con *console) error {
	return c.Service.do(con, "runs", (*service.Installer).Start)
}

// Run stops the service.
func (serviceStopCmd) Run(c *cli, con *console) error {
	return c.Service.do(con, "is stopped", (*service.Installer).Stop)
}

func (x *serviceCmd) do(con *console, done string, f func(*service.Installer) error) error {
	i, err := x.installer()
	if err != nil {
		return err
	}
	if err := open(i); err != nil {
		return err
	}
	if err := f(i); err != nil {
		return err
	}
	fmt.Fprintf(con.out, "the service %s %s\n", x.Name, done)
	return nil
}

// Run prints the status.
func (serviceStatusCmd) Run(c *cli, con *console) error {
	i, err := c.Service.installer()
	if err != nil {
		return err
	}
	if err := open(i); err != nil {
		return err
	}
	status, err := i.Status()
	if errors.Is(err, service.ErrNotInstalled) {
		status, err = "not installed", nil
	}
	if err != nil {
		return err
	}
	if c.JSON {
		if err := json.NewEncoder(con.out).Encode(map[string]string{"name": i.Name, "status": strings.ReplaceAll(status, " ", "_")}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(con.out, "the service %s is %s\n", i.Name, status)
	}
	if status != "running" {
		return errFailed
	}
	return nil
}
