package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
)

type restoreCmd struct {
	File string `arg:"" help:"File that backup wrote, or the copy that was made before an upgrade."`
}

// Run puts a backup in the place of the database. The bridge must not run; the present database is put
// aside.
func (x restoreCmd) Run(c *cli, con *console) error {
	store, err := app.LoadStore(c.Config)
	if err != nil {
		return complain(c, con, err)
	}
	if store.Path == "" {
		return fmt.Errorf("restore is for a database file, and this config has a Redis (%s): write the ledger with export and read it into an empty namespace with import", store)
	}
	old, err := sqlite.Restore(con.ctx, store.Path, x.File, time.Now())
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(con.out).Encode(map[string]string{"restored": store.Path, "previous": old})
	}
	fmt.Fprintf(con.out, "%s is the backup now\n", store.Path)
	if old != "" {
		fmt.Fprintf(con.out, "what stood there is %s\n", old)
	}
	return nil
}
