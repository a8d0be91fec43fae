package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
)

type checkCmd struct {
	Schema         bool `help:"Print the JSON Schema of the config file instead, for editors."`
	Offline        bool `help:"Ask neither SSP for its description nor Redis for its settings; a description that is a file is compared all the same."`
	WithoutSecrets bool `help:"Do not look for the secrets, on a machine that does not have them."`
}

// Run checks the config file.
func (x checkCmd) Run(c *cli, con *console) error {
	if x.Schema {
		e := json.NewEncoder(con.out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(app.Schema())
	}
	read := app.Load
	if x.WithoutSecrets {
		read = app.LoadWithoutSecrets
	}
	loaded, err := read(c.Config)
	if err != nil {
		return complain(c, con, err)
	}
	warnings := loaded.Warnings()
	if loaded.SSP.WSDL != "" || !x.Offline && !x.WithoutSecrets {
		problems, warning := checkContract(con.ctx, &loaded.SSP)
		if len(problems) > 0 {
			return complain(c, con, problems)
		}
		if warning != "" {
			warnings = append(warnings, warning)
		}
	}
	if !x.Offline && !x.WithoutSecrets {
		found, problems := loaded.Store.Check(con.ctx)
		if len(problems) > 0 {
			return complain(c, con, problems)
		}
		for _, w := range found {
			warnings = append(warnings, "store: "+w)
		}
	}
	if c.JSON {
		return json.NewEncoder(con.out).Encode(map[string]any{"ok": true, "config": loaded.Version, "warnings": warnings})
	}
	for _, w := range warnings {
		fmt.Fprintln(con.out, "warning:", w)
	}
	fmt.Fprintf(con.out, "%s is fine: %d provider(s), config version %s\n", c.Config, len(loaded.Providers), loaded.Version)
	return nil
}

// complain prints every problem of a config file.
func complain(c *cli, con *console, err error) error {
	var problems config.Problems
	if !errors.As(err, &problems) {
		switch {
		case errors.Is(err, fs.ErrPermission):
			return fmt.Errorf("%w; only an administrator and the service itself may read the config of a service: put sudo before the command (Windows: run as administrator)", err)
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%w; name another file with --config, or try `pergabridge demo`", err)
		}
		return err
	}
	if c.JSON {
		if err := json.NewEncoder(con.out).Encode(map[string]any{"ok": false, "problems": problems}); err != nil {
			return err
		}
		return errFailed
	}
	for _, p := range problems {
		fmt.Fprintln(con.err, p.Error())
	}
	fmt.Fprintf(con.err, "%d problem(s) in %s\n", len(problems), c.Config)
	return errFailed
}

// load reads the config for a verb that needs it.
func load(c *cli, con *console) (*app.Config, error) {
	loaded, err := app.Load(c.Config)
	if err != nil {
		return nil, complain(c, con, err)
	}
	return loaded, nil
}
