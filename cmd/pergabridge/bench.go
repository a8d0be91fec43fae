package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/bench"
	"github.com/pergabridge/pergabridge/mailin/dovecottest/dovecot"
)

type benchCmd struct {
	Webhook benchWebhookCmd `cmd:"" default:"withargs" help:"From webhooks to answered SOAP calls. What bench alone does."`
	Mail    benchMailCmd    `cmd:"" help:"From a mailbox full of mail (a real Dovecot) to answered SOAP calls."`
}

type benchMailCmd struct {
	Mails int           `help:"Mails in the mailbox." default:"1000"`
	Size  int           `help:"Bytes of each mail, about." default:"20000"`
	Tasks int           `help:"Tasks they are about, in turn." default:"1000"`
	Limit time.Duration `help:"End a run that does not get anywhere." default:"2m"`
}

// Run measures and prints.
func (x benchMailCmd) Run(c *cli, con *console) error {
	if x.Mails < 1 || x.Tasks < 1 || x.Size < 1 || x.Limit <= 0 {
		return usageError("bench mail: --mails, --tasks, --size and --limit must be above zero")
	}
	r, err := bench.Mail(con.ctx, bench.MailOptions{Mails: x.Mails, Size: x.Size, Tasks: x.Tasks, Limit: x.Limit})
	switch {
	case errors.Is(err, dovecot.ErrMissing):
		return fmt.Errorf("bench mail: a real mail server is measured against: %w", err)
	case err != nil:
		return err
	}
	return show(c, con, r, func(w io.Writer) {
		fmt.Fprintf(w, "%d mails of %s about %d tasks: every one an answered SOAP call after %.2f s, %.0f a second\n", r.Mails, files.Size(r.Size), r.Tasks, r.Seconds, r.Rate)
		fmt.Fprintf(w, "  ready after   %6.2f s\n  first answer  %6.2f s\n", r.Ready, r.First)
		for _, step := range []string{"list", "fetch", "read", "accept", "file"} {
			fmt.Fprintf(w, "  %-12s  %6.2f s\n", step, r.Steps[step])
		}
		fmt.Fprintf(w, "the bridge took %.2f s of the processor (%.2f user, %.2f system) and %s of memory at most\n", r.Bridge.CPU(), r.Bridge.User, r.Bridge.System, files.Size(int(r.Bridge.Memory)))
	})
}
