package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pergabridge/pergabridge/cmd/pergabridge/initial"
)

type initCmd struct {
	SSPURL      string `name:"ssp-url" help:"Address of SSP's WorkflowService.asmx." placeholder:"URL"`
	FromWSDL    string `name:"from-wsdl" help:"File with SSP's own description of it; its arguments are bound, and its address is taken." placeholder:"FILE"`
	Provider    string `help:"Name of the provider; it becomes a part of addresses." placeholder:"NAME"`
	Kind        string `help:"What the provider is: a kind, or a recipe of \"recipes list\"." placeholder:"KIND"`
	ProviderURL string `name:"provider-url" help:"Address of the provider's API." placeholder:"URL"`
	Listen      string `help:"Address that SSP and the provider call." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	Admin       string `help:"Address of console and API." default:"127.0.0.1:8081" placeholder:"HOST:PORT"`
	Yes         bool   `help:"Ask nothing; where no flag says otherwise, take the first choice."`
}

// Run asks what it was not told, and begins a config.
func (x initCmd) Run(c *cli, con *console) error {
	if _, err := os.Lstat(c.Config); err == nil {
		return fmt.Errorf("%s is there already: init begins a config and never changes one; name another with --config", c.Config)
	}
	if err := x.ask(con); err != nil {
		return err
	}
	d, err := initial.Make(con.ctx, initial.Answers{
		SSP: x.SSPURL, WSDL: x.FromWSDL, Provider: x.Provider, Kind: x.Kind, ProviderURL: x.ProviderURL, Listen: x.Listen, Admin: x.Admin,
	}, c.Config)
	if err != nil {
		return err
	}
	made, err := d.Write(c.Config)
	if err != nil {
		return err
	}
	missing := d.Missing(c.Config)
	if c.JSON {
		return json.NewEncoder(con.out).Encode(map[string]any{"config": c.Config, "made": made, "missing_secrets": append([]string{}, missing...)})
	}
	x.tell(con.out, c.Config, made, missing)
	return nil
}

// tell says what to do next.
func (x initCmd) tell(w io.Writer, file string, made, missing []string) {
	flag := ""
	if file != defaultConfig {
		flag = " --config " + file
	}
	for _, path := range made {
		fmt.Fprintln(w, "wrote", path)
	}
	fmt.Fprintln(w, "\nNext:")
	for _, path := range missing {
		fmt.Fprintf(w, "  - write what the other side gave you into %s\n", path)
	}
	fmt.Fprintf(w, "  - look at every line of %s that says \"your\"\n", file)
	fmt.Fprintf(w, "  - pergabridge check%s\n  - pergabridge serve%s\n", flag, flag)
	fmt.Fprintf(w, "  - let SSP call POST http://%s/ssp/%s with the header X-Bridge-Key: the content of %s\n",
		x.Listen, x.Provider, filepath.Join(filepath.Dir(file), "secrets", "ssp_intake_key"))
}

// A question is asked on a terminal when a flag did not answer it.
type question struct {
	flag, text, otherwise string
	value                 *string
	skip                  func() bool
}

// ask completes the answers.
func (x *initCmd) ask(con *console) error {
	questions := []question{
		{"--ssp-url", "Address of SSP's WorkflowService.asmx", "", &x.SSPURL, func() bool { return x.FromWSDL != "" }},
		{"--provider", "Name of the provider (small letters; it becomes a part of addresses)", "acme", &x.Provider, nil},
		{"--kind", "What is it? One of " + strings.Join(initial.Kinds(), ", "), "http", &x.Kind, nil},
		{"--provider-url", "Address of its API; empty to fill it in later", "", &x.ProviderURL, func() bool {
			return x.Kind == "mail" || x.Kind == "tehden"
		}},
	}
	in := con.input()
	var lines *bufio.Scanner
	if in != nil && !x.Yes {
		lines = bufio.NewScanner(in)
	}
	for _, q := range questions {
		if *q.value != "" || q.skip != nil && q.skip() {
			continue
		}
		*q.value = q.otherwise
		if lines != nil {
			fmt.Fprint(con.err, q.text)
			if q.otherwise != "" {
				fmt.Fprintf(con.err, " [%s]", q.otherwise)
			}
			fmt.Fprint(con.err, ": ")
			if !lines.Scan() {
				fmt.Fprintln(con.err)
				return fmt.Errorf("nothing was written: %s was not answered", q.flag)
			}
			if text := strings.TrimSpace(lines.Text()); text != "" {
				*q.value = text
			}
		}
		if *q.value == "" && q.flag == "--ssp-url" {
			return usageError("say where SSP is: --ssp-url https://ssp.example.com/Workflow/WebService/WorkflowService.asmx, or --from-wsdl FILE")
		}
	}
	for flag, address := range map[string]string{"--ssp-url": x.SSPURL, "--provider-url": x.ProviderURL} {
		if address == "" {
			continue
		}
		if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return usageError(fmt.Sprintf("%s %q is not an http or https address", flag, address))
		}
	}
	return nil
}
