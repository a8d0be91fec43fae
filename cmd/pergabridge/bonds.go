package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
)

type bondsCmd struct {
	List   bondsListCmd   `cmd:"" help:"List bonds."`
	Show   bondsShowCmd   `cmd:"" help:"Show a bond with its lanes and latest events."`
	Link   bondsLinkCmd   `cmd:"" help:"Give a task its reference; makes the bond if there is none."`
	Unlink bondsUnlinkCmd `cmd:"" help:"Take the reference away; the bond is pending again."`
	Move   bondsMoveCmd   `cmd:"" help:"Give a reference, wherever it is now, to a task."`
	Import bondsImportCmd `cmd:"" help:"Make the bonds of tickets that are already open in both systems."`
}

type bondsListCmd struct {
	Provider  string   `help:"With this provider." placeholder:"NAME"`
	Task      string   `help:"Of this task." placeholder:"TASK"`
	Reference string   `help:"With this reference, also one from before." placeholder:"NUMBER"`
	State     []string `help:"pending, open, resolved, closed, superseded."`
	Limit     int      `help:"How many." default:"50"`
}

// Run lists bonds.
func (x bondsListCmd) Run(c *cli, con *console) error {
	f := client.Bonds{Provider: x.Provider, Task: x.Task, Reference: x.Reference, Limit: x.Limit}
	for _, s := range x.State {
		f.States = append(f.States, bridge.BondState(s))
	}
	return ask(c, con, func(cl *client.Client) error {
		list, err := cl.Bonds(con.ctx, f)
		if err != nil {
			return err
		}
		return show(c, con, list, func(w io.Writer) {
			if none(w, len(list.Items), "bonds") {
				return
			}
			fmt.Fprintln(w, "PROVIDER\tTASK\tREFERENCE\tSTATE\tSOLUTIONS\tCHANGED")
			for _, b := range list.Items {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", b.Provider, b.Task, dash(b.Reference), b.State, b.Resolves, when(b.Changed))
			}
			if list.More {
				fmt.Fprintln(w, "… there are more; narrow the search or raise --limit")
			}
		})
	})
}

type bondsShowCmd struct {
	Provider string `arg:"" help:"Provider."`
	Task     string `arg:"" help:"Task id."`
}

// Run shows a bond.
func (x bondsShowCmd) Run(c *cli, con *console) error {
	return ask(c, con, func(cl *client.Client) error {
		b, err := cl.Bond(con.ctx, x.Provider, x.Task)
		if err != nil {
			return err
		}
		return show(c, con, b, func(w io.Writer) {
			fmt.Fprintf(w, "task %s at %s: %s, reference %s\n", b.Task, b.Provider, b.State, dash(b.Reference))
			for _, o := range b.Others {
				fmt.Fprintf(w, "also at %s: %s, reference %s\n", o.Provider, o.State, dash(o.Reference))
			}
			for _, l := range b.Lanes {
				fmt.Fprintf(w, "lane %s: %s%s, %d queued, head %s\n", l.Lane, l.State, reasonOf(l.Reason, l.Why), l.Queued, dash(l.Head))
			}
			fmt.Fprintln(w)
			eventTable(w, b.Events, false, "events")
		})
	})
}

type bondsLinkCmd struct {
	Provider  string `arg:"" help:"Provider."`
	Task      string `arg:"" help:"Task id."`
	Reference string `arg:"" help:"The provider's ticket number."`
	Note      string `help:"Why; recorded." placeholder:"WHY"`
}

// Run links a task.
func (x bondsLinkCmd) Run(c *cli, con *console) error {
	return carryOut(c, con, func(cl *client.Client) (api.Done, error) {
		return cl.LinkBond(con.ctx, api.BondAct{Provider: x.Provider, Task: x.Task, Reference: x.Reference, Note: x.Note})
	})
}

type bondsUnlinkCmd struct {
	Provider string `arg:"" help:"Provider."`
	Task     string `arg:"" help:"Task id."`
	Note     string `help:"Why; recorded." placeholder:"WHY"`
}

// Run unlinks a task.
func (x bondsUnlinkCmd) Run(c *cli, con *console) error {
	return carryOut(c, con, func(cl *client.Client) (api.Done, error) {
		return cl.UnlinkBond(con.ctx, api.BondAct{Provider: x.Provider, Task: x.Task, Note: x.Note})
	})
}

type bondsMoveCmd struct {
	Provider  string `arg:"" help:"Provider."`
	Reference string `arg:"" help:"The provider's ticket number."`
	Task      string `arg:"" help:"The task that shall have it."`
	Note      string `help:"Why; recorded." placeholder:"WHY"`
}

// Run moves a reference.
func (x bondsMoveCmd) Run(c *cli, con *console) error {
	return carryOut(c, con, func(cl *client.Client) (api.Done, error) {
		return cl.MoveBond(con.ctx, api.BondAct{Provider: x.Provider, Task: x.Task, Reference: x.Reference, Note: x.Note})
	})
}

type bondsImportCmd struct {
	File string `arg:"" help:"CSV file with a header line: provider,task,reference and, if wanted, state (open, resolved, closed); - reads standard input."`
	Note string `help:"Why; recorded." placeholder:"WHY"`
}

// Run imports bonds.
func (x bondsImportCmd) Run(c *cli, con *console) error {
	in := os.Stdin
	if x.File != "-" {
		f, err := os.Open(x.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	rows, lines, err := readBonds(in)
	if err != nil {
		return fmt.Errorf("%s: %w", x.File, err)
	}
	return ask(c, con, func(cl *client.Client) error {
		got, err := cl.ImportBonds(con.ctx, api.Import{Rows: rows, Note: x.Note})
		if perr := show(c, con, got, func(w io.Writer) {
			for i, r := range got.Rows {
				if r.Problem != nil {
					fmt.Fprintf(w, "%s:%d: task %s: %s\n", x.File, lines[i], r.Task, r.Problem.Error())
				}
			}
			fmt.Fprintf(w, "%d made, %d there already, %d failed\n", got.Made, got.Unchanged, got.Failed)
		}); perr != nil {
			return perr
		}
		if err == nil && got.Failed > 0 {
			return errFailed
		}
		return err
	})
}

// readBonds reads the CSV and returns the line of each row. Separators are commas or semicolons, as
// spreadsheets write them; a byte order mark is skipped.
func readBonds(in io.Reader) ([]api.ImportRow, []int, error) {
	data, err := io.ReadAll(io.LimitReader(in, 64<<20))
	if err != nil {
		return nil, nil, err
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	first, _, _ := strings.Cut(text, "\n")
	r := csv.NewReader(strings.NewReader(text))
	if strings.Count(first, ";") > strings.Count(first, ",") {
		r.Comma = ';'
	}
	r.TrimLeadingSpace = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, errors.New("the file is empty; the first line is provider,task,reference[,state]")
	}
	if err != nil {
		return nil, nil, err
	}
	column := map[string]int{}
	for i, h := range header {
		name := strings.ToLower(strings.TrimSpace(h))
		switch name {
		case "provider", "task", "reference", "state":
			column[name] = i
		default:
			return nil, nil, fmt.Errorf("line 1: unknown column %q; the columns are provider,task,reference and, if wanted, state", h)
		}
	}
	for _, need := range []string{"provider", "task", "reference"} {
		if _, ok := column[need]; !ok {
			return nil, nil, fmt.Errorf("line 1: column %q is missing; the columns are provider,task,reference and, if wanted, state", need)
		}
	}
	var rows []api.ImportRow
	var lines []int
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, lines, nil
		}
		if err != nil {
			return nil, nil, err
		}
		line, _ := r.FieldPos(0)
		row := api.ImportRow{Provider: strings.TrimSpace(record[column["provider"]]), Task: strings.TrimSpace(record[column["task"]]), Reference: strings.TrimSpace(record[column["reference"]])}
		if i, ok := column["state"]; ok {
			row.State = bridge.BondState(strings.ToLower(strings.TrimSpace(record[i])))
		}
		rows, lines = append(rows, row), append(lines, line)
	}
}
