// Command pergabridge keeps the tasks of SSP and the tickets of external service providers in step.
// See the README, or `pergabridge --help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/pergabridge/pergabridge/cmd/pergabridge/internal/service"
)

// Exit codes: fine; the thing asked about failed; wrong use.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
)

// cli is the command line: one field a verb, one file a group of verbs.
type cli struct {
	Config string `help:"Config file; default: pergabridge.yaml in the current folder, else that of the machine's service." default:"pergabridge.yaml" placeholder:"FILE" short:"c"`
	JSON   bool   `help:"Print JSON, for scripts."`

	Demo     demoCmd     `cmd:"" group:"begin" help:"Play a task's whole life between a fake SSP and a fake provider; needs nothing."`
	Init     initCmd     `cmd:"" group:"begin" help:"Begin a config: a few questions, or flags; the file explains itself."`
	Recipes  recipesCmd  `cmd:"" group:"begin" help:"Print config sections for well-known ticket systems."`
	Check    checkCmd    `cmd:"" group:"begin" help:"Check the config file and say everything that is wrong with it."`
	Contract contractCmd `cmd:"" group:"begin" help:"Connect to an SSP that nobody has seen: read its contract, and prove it."`
	Provider providerCmd `cmd:"" group:"begin" help:"Try a provider out, or make one call of it by hand."`
	Map      mapCmd      `cmd:"" group:"begin" help:"Show what a mapping makes of an input or an event, without sending anything."`

	Serve   serveCmd   `cmd:"" group:"run" help:"Run the bridge."`
	Service serviceCmd `cmd:"" group:"run" help:"Run the bridge as a service of this machine: systemd or Windows."`
	Reload  reloadCmd  `cmd:"" group:"run" help:"Make the running bridge read its config anew; if anything is wrong with it, the old one stays."`

	Events     eventsCmd     `cmd:"" group:"decide" help:"Look at events and decide about them."`
	Lanes      lanesCmd      `cmd:"" group:"decide" help:"Look at the ordered queues of tasks; pause, resume, retry."`
	Duties     dutiesCmd     `cmd:"" group:"decide" help:"Look at what one replica does at a time, such as reading a mailbox; pause, resume."`
	Bonds      bondsCmd      `cmd:"" group:"decide" help:"Look at the links between tasks and providers' tickets, and mend them."`
	Quarantine quarantineCmd `cmd:"" group:"decide" help:"Look at what nobody understood, and decide about it."`
	Erase      eraseCmd      `cmd:"" group:"decide" help:"Remove what the events of a task, or those that mention an address, say: for privacy."`

	Backup  backupCmd  `cmd:"" group:"keep" help:"Write a copy of the state of a running bridge to a file."`
	Restore restoreCmd `cmd:"" group:"keep" help:"Put a backup in the place of the database file, or into an empty namespace of a Redis; the bridge must not run."`
	Export  exportCmd  `cmd:"" group:"keep" help:"Write the whole ledger of a stopped bridge as one stream, to move it to another store."`
	Import  importCmd  `cmd:"" group:"keep" help:"Read what export wrote into an empty store."`
	Store   storeCmd   `cmd:"" group:"keep" help:"Look at the Redis that several replicas share, and go on after it was wiped or restored."`

	Bench      benchCmd      `cmd:"" group:"other" help:"Measure what this program does on this machine, between real peers."`
	Completion completionCmd `cmd:"" group:"other" help:"Print the completion script of a shell."`
	Man        manCmd        `cmd:"" hidden:"" group:"other" help:"Print the man page."`
	Version    versionCmd    `cmd:"" group:"other" help:"Print version and build."`
}

// A console is where a verb prints.
type console struct {
	ctx      context.Context
	out, err io.Writer
	in       io.Reader // nil: standard input, if it is a terminal
}

// errFailed ends a verb with exit code 1 after it has said everything itself.
var errFailed = errors.New("failed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("pergabridge"),
		kong.Description("Connects the ticketing of Pergapedia / SSP7 with the systems of external service providers."),
		kong.ExplicitGroups([]kong.Group{
			{Key: "begin", Title: "To begin:"}, {Key: "run", Title: "To run it:"}, {Key: "decide", Title: "To look and decide:"},
			{Key: "keep", Title: "To keep and to move:"}, {Key: "other", Title: "Besides:"},
		}),
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { exit = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.UsageOnError(),
	)
	if err != nil {
		panic(err) // the command line contradicts itself
	}
	parser.Model.HelpFlag.Help = "Show this help; behind a command, that of the command."
	k, err := parser.Parse(args)
	if exit >= 0 { // --help
		return exit
	}
	if err != nil {
		fmt.Fprintf(errOut, "pergabridge: %v\nTry: pergabridge --help\n", err)
		return exitUsage
	}
	if k.Command() != "init" { // which begins one here, whatever the machine has
		c.Config = findConfig(c.Config)
	}
	err = k.Run(&c, &console{ctx: ctx, out: out, err: errOut})
	switch {
	case err == nil:
		return exitFine
	case errors.Is(err, errFailed):
		return exitFailed
	}
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(errOut, "pergabridge: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(errOut, "pergabridge: %v\n", err)
	return exitFailed
}

// defaultConfig is what --config is when nobody says anything.
const defaultConfig = "pergabridge.yaml"

// findConfig returns the config of the machine's service where none was named and none is in the current
// folder.
func findConfig(named string) string {
	if named != defaultConfig {
		return named
	}
	if _, err := os.Stat(named); err == nil {
		return named
	}
	p := service.PathsOf(runtime.GOOS, service.Name, os.Getenv).Config
	if _, err := os.Stat(p); errors.Is(err, fs.ErrNotExist) { // one that may not be looked at is there
		return named
	}
	return p
}

// A usageError is wrong use that the parser could not see.
type usageError string

func (e usageError) Error() string { return string(e) }
