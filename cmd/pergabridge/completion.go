package main

import (
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"github.com/pergabridge/pergabridge/cmd/pergabridge/internal/clidoc"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/internal/service"
)

type completionCmd struct {
	Shell string `arg:"" help:"One of ${enum}." enum:"bash,zsh,fish,powershell"`
}

// Run prints the completion script of a shell.
func (x completionCmd) Run(con *console, k *kong.Kong) error {
	_, err := fmt.Fprint(con.out, clidoc.Complete(k.Model, x.Shell))
	return err
}

type manCmd struct{}

// Run prints the man page.
func (manCmd) Run(con *console, k *kong.Kong) error {
	b := buildInfo()
	date, err := time.Parse(time.RFC3339, b.Time)
	if b.Time != "" && err != nil {
		return fmt.Errorf("the date of this build: %w", err)
	}
	p := service.PathsOf("linux", service.Name, nil)
	_, err = fmt.Fprint(con.out, clidoc.Man(k.Model, clidoc.Page{
		Version: b.Version, Date: date,
		Exit: [][2]string{{"0", "Fine."}, {"1", "The thing asked about failed."}, {"2", "Wrong use."}},
		Files: [][2]string{
			{p.Config, "The config of the service, where no pergabridge.yaml is in the current folder."},
			{p.Secrets, "Files with one secret each, for {file: secrets/NAME}; root's alone."},
			{p.Environment, "NAME=VALUE lines for {env: NAME}."},
			{p.State, "The ledger."},
		},
	}))
	return err
}
