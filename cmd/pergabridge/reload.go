package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
)

type reloadCmd struct{}

// Run makes the running bridge read its config anew.
func (reloadCmd) Run(c *cli, con *console) error {
	return ask(c, con, func(cl *client.Client) error {
		v, err := cl.Reload(con.ctx)
		var p *api.Problem
		if errors.As(err, &p) && p.Code == api.Unprocessable {
			if c.JSON {
				if err := show(c, con, p, nil); err != nil {
					return err
				}
			} else {
				fmt.Fprintln(con.err, p.Detail)
			}
			return errFailed
		}
		if err != nil {
			return err
		}
		return show(c, con, v, func(w io.Writer) {
			for _, warning := range v.Warnings {
				fmt.Fprintln(w, "warning:", warning)
			}
			fmt.Fprintf(w, "config %s is in force; it was %s\n", v.Config, v.Previous)
		})
	})
}
