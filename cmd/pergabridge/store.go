package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
)

type storeCmd struct {
	Show   storeShowCmd   `cmd:"" help:"Show which replicas work on the store, and whether it was reset."`
	Resume storeResumeCmd `cmd:"" help:"Go on after Redis was wiped or restored."`
}

type storeShowCmd struct{}

// Run shows the store.
func (storeShowCmd) Run(c *cli, con *console) error {
	return ask(c, con, func(cl *client.Client) error {
		status, err := cl.Status(con.ctx)
		if err != nil {
			return err
		}
		replicas, err := cl.Replicas(con.ctx)
		if err != nil {
			return err
		}
		return show(c, con, map[string]any{"reset": status.Reset, "replicas": replicas}, func(w io.Writer) {
			if status.Reset != "" {
				fmt.Fprintf(w, "%s\nnothing is accepted and nothing is delivered; see `pergabridge store resume --help`\n", status.Reset)
			}
			if none(w, len(replicas), "replica works on it") {
				return
			}
			fmt.Fprintln(w, "REPLICA\tSINCE\tDELIVERIES\tDUTIES")
			for _, r := range replicas {
				fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", dash(r.Name), when(r.Since), r.Leases, dash(strings.Join(r.Duties, ", ")))
			}
		})
	})
}

type storeResumeCmd struct {
	Since   string `required:"" help:"Mailboxes and polls read again from this date or time on. What came before and is not in Redis any more is taken for new." placeholder:"DATE"`
	Deliver bool   `help:"Let go what is queued in a Redis that was restored; otherwise it parks, because it may have been delivered already."`
	Note    string `help:"Why; recorded." placeholder:"WHY"`
}

// Run lets the bridge go on with the Redis there is.
func (x storeResumeCmd) Run(c *cli, con *console) error {
	return ask(c, con, func(cl *client.Client) error {
		done, err := cl.ResumeStore(con.ctx, api.StoreResume{Since: x.Since, Deliver: x.Deliver, Note: x.Note})
		if err != nil {
			return err
		}
		return show(c, con, done, func(w io.Writer) {
			if !done.Changed {
				fmt.Fprintln(w, "nothing was reset")
				return
			}
			fmt.Fprintf(w, "resumed; mailboxes and polls read from %s on; %d lane(s) parked with reason store_reset\n", x.Since, done.Parked)
		})
	})
}
