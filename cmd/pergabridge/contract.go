package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/soap"
)

type contractCmd struct {
	Inspect inspectCmd `cmd:"" help:"Read the description of SSP's web service and propose what to write under ssp.operations."`
	Verify  verifyCmd  `cmd:"" help:"Make the first contact with SSP: set a reference on a test task, add a message, and ask what SSP shows."`
}

type inspectCmd struct {
	Source string `arg:"" optional:"" help:"Address of WorkflowService.asmx or file with its description; without it what the section ssp of the config names."`
	YAML   bool   `name:"yaml" help:"Print only the lines to paste."`
}

// inspectTimeout bounds the reading of a description, its imports included.
const inspectTimeout = 2 * time.Minute

// Run reads a description. Credentials, certificates and proxy are those of the config, if it names the
// same server: a password is for nobody else.
func (x inspectCmd) Run(c *cli, con *console) error {
	ctx, stop := context.WithTimeout(con.ctx, inspectTimeout)
	defer stop()
	var o soap.InspectOptions
	ssp, err := loadSSP(c, con)
	missing := errors.Is(err, os.ErrNotExist)
	switch {
	case err != nil && (!missing || x.Source == ""):
		return err
	case missing:
	case x.Source == "" && ssp.WSDL != "":
		x.Source = string(ssp.WSDL)
	case x.Source == "":
		x.Source, o.Outbound = ssp.URL, ssp.Outbound
	case sameServer(x.Source, ssp.URL):
		o.Outbound = ssp.Outbound
	}
	r, err := soap.Inspect(ctx, x.Source, o)
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		b, err := r.JSON()
		if err != nil {
			return err
		}
		fmt.Fprintf(con.out, "%s\n", b)
	case x.YAML:
		fmt.Fprint(con.out, r.YAML())
	default:
		fmt.Fprintf(con.out, "%s\nTo paste into the config; a section ssp that is there already takes the lines under the first:\n\n%s", r.Text(), r.YAML())
	}
	if !r.Complete() {
		return errFailed
	}
	return nil
}

func sameServer(a, b string) bool {
	x, err := url.Parse(a)
	y, err2 := url.Parse(b)
	return err == nil && err2 == nil && x.Host != "" && x.Scheme == y.Scheme && strings.EqualFold(x.Host, y.Host)
}

// loadSSP reads the section ssp alone, so that the first contact can be made before the rest of the
// config is written.
func loadSSP(c *cli, con *console) (*soap.Config, error) {
	data, err := os.ReadFile(c.Config)
	if err != nil {
		return nil, err
	}
	n, err := config.Parse(c.Config, data)
	if err != nil {
		return nil, complain(c, con, err)
	}
	ssp := new(soap.Config)
	config.Decode(n.Key("ssp"), ssp)
	if p := n.Problems(); len(p) > 0 {
		return nil, complain(c, con, p)
	}
	return ssp, nil
}

type verifyCmd struct {
	Task      string `required:"" help:"Id of a test task, assigned to the integrated group." placeholder:"TASK"`
	Reference string `help:"Reference to set; without it one that names the time." placeholder:"NUMBER"`
	Message   string `help:"Message to add; without it one that names the time." placeholder:"TEXT"`
	Yes       bool   `help:"Send without asking. Nobody has looked then, and nothing is confirmed." xor:"how"`
	DryRun    bool   `help:"Show what would be sent, and send nothing." xor:"how"`
}

// Run makes the first contact.
func (x verifyCmd) Run(c *cli, con *console) error {
	ssp, err := loadSSP(c, con)
	if err != nil {
		return err
	}
	o := soap.VerifyOptions{
		Config: *ssp, Task: x.Task, Reference: x.Reference, Message: x.Message, Yes: x.Yes, DryRun: x.DryRun, Out: con.out,
	}
	if c.JSON {
		o.Out = con.err
	}
	if in := con.input(); in != nil {
		o.Ask = asker(in, o.Out)
	}
	v, err := soap.Verify(con.ctx, o)
	if c.JSON && v != nil {
		e := json.NewEncoder(con.out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			return err
		}
	}
	return err
}

// input returns where the operator types; nil if nobody does.
func (con *console) input() io.Reader {
	if con.in != nil {
		return con.in
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		return os.Stdin
	}
	return nil
}

// asker asks for yes or no, until one of them comes.
func asker(in io.Reader, out io.Writer) func(context.Context, string) (bool, error) {
	lines := bufio.NewReader(in)
	return func(ctx context.Context, question string) (bool, error) {
		for ctx.Err() == nil {
			fmt.Fprintf(out, "\n   %s [yes/no] ", question)
			line, err := lines.ReadString('\n')
			switch strings.ToLower(strings.TrimSpace(line)) {
			case "yes", "y":
				return true, nil
			case "no", "n":
				return false, nil
			}
			if err != nil {
				return false, fmt.Errorf("no answer: %w", err)
			}
		}
		return false, ctx.Err()
	}
}

// contractTimeout bounds what `check` waits for SSP.
const contractTimeout = 10 * time.Second

// checkContract compares the config with SSP's description. What could not be compared is a warning:
// the config may be checked where SSP cannot be reached.
func checkContract(ctx context.Context, ssp *soap.Config) (config.Problems, string) {
	ctx, stop := context.WithTimeout(ctx, contractTimeout)
	defer stop()
	problems, err := ssp.CheckContract(ctx, outbound.Options{})
	if err != nil {
		return nil, fmt.Sprintf("the contract was not checked: %v", err)
	}
	return problems, ""
}
