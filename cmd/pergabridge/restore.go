package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
)

type restoreCmd struct {
	File string `arg:"" help:"File that backup wrote, or the copy that was made before an upgrade."`
}

// Run puts a backup in the place of the database, or into the empty namespace of a Redis. The bridge must
// not run.
func (x restoreCmd) Run(c *cli, con *console) error {
	store, err := app.LoadStore(c.Config)
	if err != nil {
		return complain(c, con, err)
	}
	if store.Path == "" {
		return x.intoRedis(c, con, store)
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

func (x restoreCmd) intoRedis(c *cli, con *console, store *app.Store) error {
	f, err := os.Open(x.File)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer f.Close()
	if err := store.Restore(con.ctx, f, newLog(con.err, "error")); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(con.out).Encode(map[string]string{"restored": store.String()})
	}
	fmt.Fprintf(con.out, "%s holds the backup now\n"+
		"what came after the backup is missing: replicas that remember it stand still; start them, then store resume --since DATE\n", store)
	return nil
}
