package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
)

type dutiesCmd struct {
	List   dutiesListCmd   `cmd:"" help:"List the work that one replica does at a time: reading mailboxes, polls, the sweep."`
	Pause  dutiesPauseCmd  `cmd:"" help:"Stop reading a mailbox folder, or a poll; mail stays on the server."`
	Resume dutiesResumeCmd `cmd:"" help:"Let a paused duty go on from where it was."`
}

type dutiesListCmd struct{}

// Run lists duties.
func (dutiesListCmd) Run(c *cli, con *console) error {
	return ask(c, con, func(cl *client.Client) error {
		list, err := cl.Duties(con.ctx)
		if err != nil {
			return err
		}
		replicas, err := cl.Replicas(con.ctx)
		if err != nil {
			return err
		}
		names := map[string]string{} // by session
		for _, r := range replicas {
			names[r.Session] = r.Name
		}
		return show(c, con, api.List[api.Duty]{Items: list}, func(w io.Writer) {
			if none(w, len(list), "duties have been done yet") {
				return
			}
			fmt.Fprintln(w, "DUTY\tSTATE\tREPLICA")
			for _, d := range list {
				state := "held"
				switch {
				case d.Paused:
					state = "paused"
				case d.Session == "":
					state = "free"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", d.Name, state, dash(cmp.Or(names[d.Session], d.Session)))
			}
		})
	})
}

// A dutyTarget is one duty.
type dutyTarget struct {
	Duty string `arg:"" help:"As listed: mailbox/NAME/FOLDER, or the poll of a provider."`
	Note string `help:"Why; recorded."`
}

type dutiesPauseCmd struct{ dutyTarget }

// Run pauses.
func (x dutiesPauseCmd) Run(c *cli, con *console) error {
	return carryOut(c, con, func(cl *client.Client) (api.Done, error) {
		return cl.PauseDuty(con.ctx, api.DutyAct{Duty: x.Duty, Note: x.Note})
	})
}

type dutiesResumeCmd struct{ dutyTarget }

// Run resumes.
func (x dutiesResumeCmd) Run(c *cli, con *console) error {
	return carryOut(c, con, func(cl *client.Client) (api.Done, error) {
		return cl.ResumeDuty(con.ctx, api.DutyAct{Duty: x.Duty, Note: x.Note})
	})
}
