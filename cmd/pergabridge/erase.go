package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
)

type eraseCmd struct {
	What     string `arg:"" name:"task|address" help:"A task, or a mail address."`
	Provider string `help:"Only at this provider." placeholder:"NAME"`
	Note     string `help:"Why; recorded with every event." required:"" placeholder:"WHY"`
	Yes      bool   `help:"Do it. Without this only what would be erased is shown."`
}

// Help says what is left.
func (eraseCmd) Help() string {
	return "Removes what settled events, their inputs, files and tries say, for good. That they were, their" +
		" references and how they ended stays, so that nothing is done twice. A task takes all its events; an" +
		" address takes every event that mentions it. Backups made before still have everything."
}

// Run erases piece by piece: what was done before a break stays done, and running it again does the rest.
func (x eraseCmd) Run(c *cli, con *console) error {
	q := api.Erase{Task: x.What, Provider: x.Provider, Note: x.Note, DryRun: !x.Yes}
	if strings.Contains(x.What, "@") {
		q.Task, q.Address = "", x.What
	}
	return ask(c, con, func(cl *client.Client) error {
		total := api.Erased{Erased: []string{}, Kept: []api.Kept{}}
		for {
			piece, err := cl.Erase(con.ctx, q)
			if err != nil {
				return err
			}
			total.Looked += piece.Looked
			total.Erased, total.Kept = append(total.Erased, piece.Erased...), append(total.Kept, piece.Kept...)
			if q.After = piece.Next; q.After == "" {
				break
			}
		}
		if err := show(c, con, total, func(w io.Writer) { eraseReport(w, x, total) }); err != nil {
			return err
		}
		if len(total.Kept) > 0 {
			return errFailed
		}
		return nil
	})
}

func eraseReport(w io.Writer, x eraseCmd, total api.Erased) {
	for _, id := range total.Erased {
		fmt.Fprintln(w, id)
	}
	for _, k := range total.Kept {
		fmt.Fprintf(w, "%s  kept: it is %s (provider %s, task %q)\n", k.Event, k.State, k.Provider, k.Task)
	}
	did := "erased"
	if !x.Yes {
		did = "would be erased"
	}
	fmt.Fprintf(w, "%d of %d events %s", len(total.Erased), total.Looked, did)
	if len(total.Kept) > 0 {
		fmt.Fprintf(w, "; %d not settled: settle, ignore or discard them, then erase again", len(total.Kept))
	}
	fmt.Fprintln(w)
	if !x.Yes && len(total.Erased) > 0 {
		fmt.Fprintln(w, "nothing was changed; repeat with --yes to do it")
	}
}
