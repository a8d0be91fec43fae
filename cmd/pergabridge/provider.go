package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
)

type providerCmd struct {
	Check providerCheckCmd `cmd:"" help:"Try a provider out: credentials, reachability, contract. Changes nothing there."`
	Call  providerCallCmd  `cmd:"" help:"Make one call of a provider by hand; shows it only, unless --send is given."`
}

// tool builds one provider of the config.
func tool(c *cli, con *console, name string) (*app.Tool, error) {
	loaded, err := load(c, con)
	if err != nil {
		return nil, err
	}
	return app.NewTool(loaded, name, con.err)
}

type providerCheckCmd struct {
	Name string `arg:"" help:"Provider."`
	Code string `help:"Code that the provider's authorization page gave, for OAuth with a person's permission." placeholder:"CODE"`
}

// Run tries the provider out.
func (x providerCheckCmd) Run(c *cli, con *console) error {
	t, err := tool(c, con, x.Name)
	if err != nil {
		return err
	}
	defer t.Close()
	if x.Code != "" {
		if err := t.Redeem(con.ctx, x.Code); err != nil {
			return err
		}
	}
	results := t.Check(con.ctx)
	err = show(c, con, results, func(w io.Writer) {
		for _, r := range results {
			fmt.Fprintf(w, "%s\t%s\t%s\n", map[bool]string{true: "ok", false: "FAILED"}[r.OK], r.What, r.Detail)
		}
	})
	for _, r := range results {
		if !r.OK && err == nil {
			err = errFailed
		}
	}
	return err
}

type providerCallCmd struct {
	Name      string `arg:"" help:"Provider."`
	Operation string `arg:"" optional:"" help:"Operation; without it they are listed."`
	In        string `help:"JSON file with the fields, by the names of the list; - reads standard input." placeholder:"FILE"`
	Send      bool   `help:"Really make the call."`
}

// Run shows or makes a call.
func (x providerCallCmd) Run(c *cli, con *console) error {
	t, err := tool(c, con, x.Name)
	if err != nil {
		return err
	}
	defer t.Close()
	if x.Operation == "" {
		return x.list(c, con, t)
	}
	in, err := x.input()
	if err != nil {
		return err
	}
	call, objections, err := t.Show(x.Operation, in)
	if err != nil {
		return err
	}
	out := struct {
		Call       string   `json:"call"`
		Objections []string `json:"objections,omitempty"`
		Sent       bool     `json:"sent"`
		Answer     string   `json:"answer,omitempty"`
		Error      string   `json:"error,omitempty"`
	}{Call: call, Objections: objections, Sent: x.Send}
	var failed error
	if x.Send {
		if out.Answer, failed = t.Call(con.ctx, x.Operation, in); failed != nil {
			out.Error = failed.Error()
		}
	}
	err = show(c, con, out, func(w io.Writer) {
		fmt.Fprintln(w, strings.TrimRight(out.Call, "\n"))
		for _, o := range out.Objections {
			fmt.Fprintln(w, "the vendor's description objects:", o)
		}
		switch {
		case !out.Sent:
			fmt.Fprintln(w, "\nnothing was sent; add --send to make the call")
		case failed != nil:
			fmt.Fprintf(w, "\nfailed: %s\n%s\n", out.Error, out.Answer)
		default:
			fmt.Fprintf(w, "\nanswered:\n%s\n", out.Answer)
		}
	})
	if err == nil && failed != nil {
		return errFailed
	}
	return err
}

func (x providerCallCmd) list(c *cli, con *console, t *app.Tool) error {
	list, err := t.Operations()
	if err != nil {
		return err
	}
	return show(c, con, list, func(w io.Writer) {
		for _, o := range list {
			what := map[bool]string{true: "reads", false: "writes"}[o.Reads]
			if o.Disabled {
				what = "disabled"
			}
			fmt.Fprintf(w, "%s\t%s\t%s %s\t%s\n", o.Name, what, o.Method, o.Path, strings.Join(o.Fields, ", "))
		}
	})
}

func (x providerCallCmd) input() (json.RawMessage, error) {
	switch x.In {
	case "":
		return nil, nil
	case "-":
		return io.ReadAll(io.LimitReader(os.Stdin, 16<<20))
	}
	return os.ReadFile(x.In)
}
