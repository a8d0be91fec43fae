package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
)

// carryOut gives one command and says what it did.
func carryOut(c *cli, con *console, f func(*client.Client) (api.Done, error)) error {
	return ask(c, con, func(cl *client.Client) error {
		done, err := f(cl)
		if err != nil {
			return err
		}
		return show(c, con, done, func(w io.Writer) {
			switch {
			case !done.Changed:
				fmt.Fprintln(w, "nothing to do: it already is so")
			case done.Detail != "":
				fmt.Fprintln(w, "done:", done.Detail)
			default:
				fmt.Fprintln(w, "done")
			}
			for _, r := range done.Receipts {
				fmt.Fprintln(w, strings.TrimSpace(fmt.Sprintf("event %s: %s %s", r.Event, r.Status, r.Reason)))
			}
			if len(done.Receipts) == 0 {
				for _, id := range done.Events {
					fmt.Fprintln(w, "  event", id)
				}
			}
		})
	})
}
