package main

import (
	"io"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
)

type quarantineCmd struct {
	List    quarantineListCmd    `cmd:"" help:"List what nobody understood, and with --waiting what waits for its bond."`
	Show    quarantineShowCmd    `cmd:"" help:"Show one input whole."`
	Retry   quarantineRetryCmd   `cmd:"" help:"Read an input again under the config in force."`
	Assign  quarantineAssignCmd  `cmd:"" help:"Say which task or ticket an input belongs to."`
	Discard quarantineDiscardCmd `cmd:"" help:"Throw an input out; --note says why."`
}

type quarantineListCmd struct {
	Provider string `help:"Of this provider." placeholder:"NAME"`
	Reason   string `help:"With this reason." placeholder:"REASON"`
	Search   string `help:"With these words in the texts." placeholder:"WORDS"`
	Waiting  bool   `help:"Also those that still wait for their bond."`
	Limit    int    `help:"How many." default:"50"`
}

// Run lists the quarantine.
func (x quarantineListCmd) Run(c *cli, con *console) error {
	return ask(c, con, func(cl *client.Client) error {
		list, err := cl.Quarantine(con.ctx, client.Events{Provider: x.Provider, Reason: bridge.Reason(x.Reason), Search: x.Search, Waiting: x.Waiting, Limit: x.Limit})
		if err != nil {
			return err
		}
		return show(c, con, list, func(w io.Writer) { eventTable(w, list.Items, list.More, "inputs in quarantine") })
	})
}

type quarantineShowCmd struct {
	ID  string `arg:"" help:"Event id."`
	Raw bool   `help:"Print the input as it came (a mail with its headers, for one), secrets masked, and nothing else."`
}

// Run shows one quarantined input.
func (x quarantineShowCmd) Run(c *cli, con *console) error {
	return ask(c, con, func(cl *client.Client) error {
		e, err := cl.Quarantined(con.ctx, x.ID)
		if err != nil {
			return err
		}
		if x.Raw {
			return rawInput(con, e)
		}
		return show(c, con, e, func(w io.Writer) { eventDetail(w, e) })
	})
}

type quarantineRetryCmd struct {
	ID string `arg:"" help:"Event id."`
}

// Run reads an input again.
func (x quarantineRetryCmd) Run(c *cli, con *console) error {
	return carryOut(c, con, func(cl *client.Client) (api.Done, error) { return cl.Reread(con.ctx, x.ID) })
}

type quarantineAssignCmd struct {
	ID        string `arg:"" help:"Event id."`
	Task      string `help:"The task it belongs to." placeholder:"TASK"`
	Reference string `help:"The provider's ticket number it belongs to." placeholder:"NUMBER"`
	Note      string `help:"Why; recorded." placeholder:"WHY"`
}

// Run assigns an event.
func (x quarantineAssignCmd) Run(c *cli, con *console) error {
	if x.Task == "" && x.Reference == "" {
		return usageError("name --task or --reference")
	}
	return carryOut(c, con, func(cl *client.Client) (api.Done, error) {
		return cl.Assign(con.ctx, x.ID, api.Assign{Task: x.Task, Reference: x.Reference, Note: x.Note})
	})
}

type quarantineDiscardCmd struct {
	ID   string `arg:"" help:"Event id."`
	Note string `help:"Why; recorded." required:"" placeholder:"WHY"`
}

// Run discards an input.
func (x quarantineDiscardCmd) Run(c *cli, con *console) error {
	return carryOut(c, con, func(cl *client.Client) (api.Done, error) { return cl.Discard(con.ctx, x.ID, x.Note) })
}
