package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
)

type mapCmd struct {
	Provider string            `arg:"" help:"Provider whose mapping is tried."`
	In       string            `help:"File with a sample: an input as the sender sends it, or with --as event our event as JSON; - reads standard input." placeholder:"FILE"`
	Event    string            `help:"Instead of --in: id of a stored event of the running bridge." placeholder:"ID"`
	As       string            `help:"What the sample is: ${enum}." enum:"event,process_call,webhook,poll" default:"webhook"`
	Type     string            `help:"Content type of an input." default:"application/json"`
	Header   map[string]string `help:"Header of an input, name=value; may be repeated." short:"H"`
	// Reference is used where a mapping needs the bond.
	Reference string `help:"Reference of the bond, when an event is shown." default:"REF-1"`
}

// Run shows what a mapping makes of a sample, under the config file as it is now. Nothing is stored
// and nothing is sent.
func (x mapCmd) Run(c *cli, con *console) error {
	if (x.In == "") == (x.Event == "") {
		return usageError("name either --in FILE or --event ID")
	}
	loaded, err := app.LoadWithoutSecrets(c.Config)
	if err != nil {
		return complain(c, con, err)
	}
	q := app.MapRequest{Provider: x.Provider, Bond: bridge.Bond{State: bridge.BondOpen, Reference: x.Reference}}
	if x.Event != "" {
		err = x.fromStored(c, con, &q)
	} else {
		err = x.fromFile(&q)
	}
	if err != nil {
		return err
	}
	got, err := app.Preview(con.ctx, loaded, q)
	if err != nil {
		return err
	}
	err = show(c, con, got, func(w io.Writer) {
		if got.Call != "" {
			fmt.Fprintln(w, strings.TrimRight(got.Call, "\n"))
		}
		for _, e := range got.Events {
			enc := json.NewEncoder(w)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			if err := enc.Encode(e); err != nil {
				fmt.Fprintln(w, err)
			}
		}
		for _, why := range got.Quarantined {
			fmt.Fprintln(w, "would be quarantined:", why)
		}
		for _, why := range got.Ignored {
			fmt.Fprintln(w, "would be left:", why)
		}
		if got.Call == "" && len(got.Events)+len(got.Quarantined)+len(got.Ignored) == 0 {
			fmt.Fprintln(w, "no event: the rules ignore this input")
		}
	})
	if err == nil && len(got.Quarantined) > 0 {
		return errFailed
	}
	return err
}

func (x mapCmd) fromFile(q *app.MapRequest) error {
	in := os.Stdin
	if x.In != "-" {
		f, err := os.Open(x.In)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, 16<<20))
	if err != nil {
		return err
	}
	if x.As == "event" {
		q.Event = &bridge.Event{}
		if err := json.Unmarshal(data, q.Event); err != nil {
			return fmt.Errorf("%s is no event: %w; for example {\"kind\":\"submit\",\"task\":\"4711\",\"title\":\"…\"}", x.In, err)
		}
		return nil
	}
	q.Inbound = &app.MapInput{Entrance: bridge.Entrance(x.As), ContentType: x.Type, Header: x.Header, Body: string(data)}
	return nil
}

// fromStored takes a stored event of the running bridge: its input if it has one and it came from
// the provider, else the event itself.
func (x mapCmd) fromStored(c *cli, con *console, q *app.MapRequest) error {
	cl, err := dial(c, con)
	if err != nil {
		return err
	}
	defer cl.Close()
	e, err := cl.Event(con.ctx, x.Event)
	if err != nil {
		return err
	}
	if in := e.Inbound; in != nil && (e.State == bridge.StateQuarantined || e.Dir == bridge.In) {
		body := in.Text
		if body == "" {
			body = string(in.Base64)
		}
		q.Inbound = &app.MapInput{Entrance: in.Entrance, ContentType: in.ContentType, Header: in.Header, Query: in.Query, Body: body}
		return nil
	}
	q.Event = asEvent(e.Event)
	b, err := cl.Bond(con.ctx, e.Provider, e.Task)
	var gone *api.Problem
	switch {
	case err == nil:
		q.Bond = b.Bond
	case !errors.As(err, &gone):
		return err
	}
	return nil
}

func asEvent(e api.Event) *bridge.Event {
	return &bridge.Event{ID: e.ID, Provider: e.Provider, Task: e.Task, Dir: e.Dir, Kind: e.Kind, Mode: e.Mode, Reference: e.Reference, Key: e.Key,
		Text: e.Text, Author: e.Author, Ticket: e.Ticket, Title: e.Title, Description: e.Description, Priority: e.Priority, Requester: e.Requester, Fields: e.Fields}
}
