package app

import (
	"errors"
	"fmt"
	"path/filepath"
)

// checkRights looks at who may read and change what this bridge lives on, before anything is opened: the
// config file, the files of secrets, and the ledger. Somebody else who may change one of them is an
// error; somebody else who may read a secret or the ledger is a warning.
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
	if p := c.Store.Path; p != "" {
		look("the folder of the database", filepath.Dir(p), false)
		look("the database", p, true)
		if err := mayWrite(p); err != nil {
			errs = append(errs, fmt.Errorf("the database %s: %w", p, err))
		}
	}
	return warnings, errors.Join(errs...)
}
