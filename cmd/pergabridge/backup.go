package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pergabridge/pergabridge/bridge/console/client"
)

type backupCmd struct {
	File string `arg:"" help:"File to write; it must not exist."`
}

// Run writes a backup of the running bridge. The file appears under its name only when it is whole.
func (x backupCmd) Run(c *cli, con *console) error {
	if _, err := os.Lstat(x.File); err == nil {
		return fmt.Errorf("%s exists already: name a new file", x.File)
	}
	part, err := os.CreateTemp(filepath.Dir(x.File), filepath.Base(x.File)+".part-*") // readable by its owner only
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	defer part.Close()
	return ask(c, con, func(cl *client.Client) error {
		n, err := cl.Backup(con.ctx, part)
		if err != nil {
			return err
		}
		if err := part.Sync(); err != nil {
			return err
		}
		if err := part.Close(); err != nil {
			return err
		}
		if err := os.Rename(part.Name(), x.File); err != nil {
			return err
		}
		fmt.Fprintf(con.out, "%s: %d bytes\n", x.File, n)
		return nil
	})
}
