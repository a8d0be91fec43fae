package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
)

type eventsCmd struct {
	List   eventsListCmd   `cmd:"" help:"List events."`
	Show   eventsShowCmd   `cmd:"" help:"Show one event with its attempts and its input."`
	Retry  eventsRetryCmd  `cmd:"" help:"Try a parked event again now, or release one that was merged or ended."`
	Ignore eventsIgnoreCmd `cmd:"" help:"End a parked event without effect; \"lanes resume\" then lets its lane go on."`
	Settle eventsSettleCmd `cmd:"" help:"Say that a parked event has happened; for a submit with the ticket number."`
}

type eventsListCmd struct {
	Provider  string   `help:"Of this provider." placeholder:"NAME"`
	Task      string   `help:"Of this task." placeholder:"TASK"`
	Direction string   `help:"out (from SSP) or in (to SSP)." enum:",out,in" default:"" placeholder:"DIRECTION"`
	Kind      string   `help:"submit, update, reject_solution, close, acknowledge, resolve or open." placeholder:"KIND"`
	State     []string `help:"queued, leased, parked, waiting, quarantined, done, ended."`
	Reason    string   `help:"With this reason." placeholder:"REASON"`
	Reference string   `help:"With this reference." placeholder:"NUMBER"`
	Search    string   `help:"With these words in the texts." placeholder:"WORDS"`
	Since     string   `help:"Received since a time (RFC 3339) or so long ago: 90m, 24h, 7d." placeholder:"WHEN"`
	Limit     int      `help:"How many." default:"50"`
	Oldest    bool     `help:"Oldest first."`
}

// Run lists events.
func (x eventsListCmd) Run(c *cli, con *console) error {
	f := client.Events{Provider: x.Provider, Task: x.Task, Dir: bridge.Dir(x.Direction), Kind: bridge.Kind(x.Kind), Reason: bridge.Reason(x.Reason),
		Reference: x.Reference, Search: x.Search, Since: x.Since, Newest: !x.Oldest, Limit: x.Limit}
	for _, s := range x.State {
		f.States = append(f.States, bridge.EventState(s))
	}
	return ask(c, con, func(cl *client.Client) error {
		list, err := cl.Events(con.ctx, f)
		if err != nil {
			return err
		}
		return show(c, con, list, func(w io.Writer) { eventTable(w, list.Items, list.More, "events") })
	})
}

func eventTable(w io.Writer, events []api.Event, more bool, what string) {
	if none(w, len(events), what) {
		return
	}
	fmt.Fprintln(w, "EVENT\tRECEIVED\tPROVIDER\tTASK\tDIR\tKIND\tSTATE\tREASON\tTEXT")
	for _, e := range events {
		text := e.Text
		if text == "" {
			text = e.Title
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.ID, when(e.Received), e.Provider, dash(e.Task), e.Dir, dash(e.Kind), e.State, dash(e.Reason), brief(text, 40))
	}
	if more {
		fmt.Fprintln(w, "… there are more; narrow the search or raise --limit")
	}
}

type eventsShowCmd struct {
	ID  string `arg:"" help:"Event id."`
	Raw bool   `help:"Print the input as it came, secrets masked, and nothing else."`
}

// Run shows one event.
func (x eventsShowCmd) Run(c *cli, con *console) error {
	return ask(c, con, func(cl *client.Client) error {
		e, err := cl.Event(con.ctx, x.ID)
		if err != nil {
			return err
		}
		if x.Raw {
			return rawInput(con, e)
		}
		return show(c, con, e, func(w io.Writer) { eventDetail(w, e) })
	})
}

func eventDetail(w io.Writer, e api.EventDetail) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s:\t%s\n", name, value)
		}
	}
	line("event", e.ID)
	line("lane", e.Lane)
	line("kind", strings.TrimSpace(string(e.Kind)+" "+string(e.Mode)))
	line("state", string(e.State)+reasonOf(e.Reason, e.Why))
	line("detail", e.Detail)
	line("first", e.First)
	if e.Repeat > 0 {
		line("repeats", fmt.Sprint(e.Repeat))
	}
	line("reference", e.Reference)
	line("received", e.Received.Local().Format(time.RFC3339)+" by "+string(e.Entrance))
	line("sender's id", e.Key)
	line("title", e.Title)
	line("author", e.Author)
	line("text", brief(e.Text, 400))
	line("description", brief(e.Description, 400))
	for _, a := range e.Attempts {
		fmt.Fprintf(w, "\nattempt %d\t%s, %s (%s), then %s\n", a.N, a.Started.Local().Format("15:04:05.000"), a.Outcome, a.Reason, a.Then)
		line("  said", a.Detail)
		line("  sent", brief(a.Request, 600))
		line("  answered", brief(a.Answer, 600))
	}
	if in := e.Inbound; in != nil {
		fmt.Fprintf(w, "\ninput\t%s, %s, %d bytes\n", in.Entrance, dash(in.ContentType), in.Size)
		line("  body", brief(in.Text, 1000))
	}
	if len(e.Do) > 0 {
		fmt.Fprintf(w, "\nyou can\t%s\n", strings.Join(e.Do, "\n\t"))
	}
}

// rawInput prints the input of an event: a mail, for one, to be opened in a mail program.
func rawInput(con *console, e api.EventDetail) error {
	in := e.Inbound
	if in == nil {
		return fmt.Errorf("event %s: no input is kept with it: it was made here, only recorded, or its retention has ended", e.ID)
	}
	body := in.Base64
	if len(body) == 0 {
		body = []byte(in.Text)
	}
	_, err := con.out.Write(body)
	return err
}

func reasonOf(r bridge.Reason, why string) string {
	switch {
	case r == "":
		return ""
	case why == "":
		return ", " + string(r)
	}
	return ", " + string(r) + ": " + why
}

type eventsRetryCmd struct {
	ID   string `arg:"" help:"Event id."`
	Note string `help:"Why; recorded." placeholder:"WHY"`
}

// Run retries an event.
func (x eventsRetryCmd) Run(c *cli, con *console) error {
	return carryOut(c, con, func(cl *client.Client) (api.Done, error) { return cl.RetryEvent(con.ctx, x.ID, api.Act{Note: x.Note}) })
}

type eventsIgnoreCmd struct {
	ID   string `arg:"" help:"Event id."`
	Note string `help:"Why; recorded." placeholder:"WHY"`
}

// Run ignores an event.
func (x eventsIgnoreCmd) Run(c *cli, con *console) error {
	return carryOut(c, con, func(cl *client.Client) (api.Done, error) { return cl.IgnoreEvent(con.ctx, x.ID, api.Act{Note: x.Note}) })
}

type eventsSettleCmd struct {
	ID        string `arg:"" help:"Event id."`
	Reference string `help:"The provider's ticket number, when a submit is settled." placeholder:"NUMBER"`
	Note      string `help:"Why; recorded." placeholder:"WHY"`
}

// Run settles an event.
func (x eventsSettleCmd) Run(c *cli, con *console) error {
	return carryOut(c, con, func(cl *client.Client) (api.Done, error) {
		return cl.SettleEvent(con.ctx, x.ID, api.Act{Reference: x.Reference, Note: x.Note})
	})
}
