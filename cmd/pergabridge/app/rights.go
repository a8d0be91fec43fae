package app

import (
	"errors"
	"fmt"
	"path/filepath"
)

// rights refuses a config whose files somebody else may change, and logs what deserves a second look.
func (a *App) rights(c *Config) error {
	warnings, err := c.checkRights()
	if err != nil {
		return err
	}
	for _, w := range warnings {
		a.o.Log.Warn(w)
	}
	return nil
}

// checkRights looks at who may read and change what this bridge lives on, before anything is opened, and
// again before a changed config comes in force: the config file, the files of secrets, and the ledger or the memory of one
// that is a Redis. Somebody else who may change one of them is an error; somebody else who may read a secret or the ledger,
// or change a folder, is a warning.
func (c *Config) checkRights() (warnings []string, err error) {
	var errs []error
	look := func(what, path string, secret bool) {
		warning, err := lookAt(what, path, secret)
		if warning != "" {
			warnings = append(warnings, warning)
		}
		errs = append(errs, err)
	}
	if c.File != "" {
		look("the config", c.File, false)
	}
	for _, f := range c.node.SecretFiles() {
		look("the secret", f, true)
	}
	if p := c.Store.File(); p != "" {
		what := "the database"
		if c.Store.Redis != nil {
			what = "the memory of the ledger (store.state)" // who changes it hides a reset, or feigns one
		}
		look("the folder of "+what, filepath.Dir(p), false)
		look(what, p, c.Store.Redis == nil)
		if err := mayWrite(p); err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", what, p, err))
		}
	}
	return warnings, errors.Join(errs...)
}
