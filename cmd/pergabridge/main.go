// Command pergabridge keeps the tasks of SSP and the tickets of external service providers in step.
// See the README, or `pergabridge --help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	Config string `help:"Config file; where the current folder has none, that of the machine's service." default:"pergabridge.yaml" placeholder:"FILE" short:"c"`
	JSON   bool   `help:"Print JSON, for scripts."`

	Init       initCmd       `cmd:"" help:"Begin a config: a few questions, or flags; the file explains itself."`
	Serve      serveCmd      `cmd:"" help:"Run the bridge."`
	Demo       demoCmd       `cmd:"" help:"Play a task's whole life between a fake SSP and a fake provider; needs nothing."`
	Check      checkCmd      `cmd:"" help:"Check the config file and say everything that is wrong with it."`
	Contract   contractCmd   `cmd:"" help:"Connect to an SSP that nobody has seen: read its contract, and prove it."`
	Map        mapCmd        `cmd:"" help:"Show what a mapping makes of an input or an event, without sending anything."`
	Events     eventsCmd     `cmd:"" help:"Look at events and decide about them."`
	Lanes      lanesCmd      `cmd:"" help:"Look at the ordered queues of tasks; pause, resume, retry."`
	Duties     dutiesCmd     `cmd:"" help:"Look at what one replica does at a time, such as reading a mailbox; pause, resume."`
	Bonds      bondsCmd      `cmd:"" help:"Look at the links of tasks and references, and mend them."`
	Quarantine quarantineCmd `cmd:"" help:"Look at what nobody understood, and decide about it."`
	Provider   providerCmd   `cmd:"" help:"Try a provider out, or make one call of it by hand."`
	Recipes    recipesCmd    `cmd:"" help:"Config sections for well-known ticket systems."`
	Reload     reloadCmd     `cmd:"" help:"Make the running bridge read its config anew; if anything is wrong with it, the old one stays."`
	Erase      eraseCmd      `cmd:"" help:"Remove what the events of a task, or those that mention an address, say: for privacy."`
	Store      storeCmd      `cmd:"" help:"The Redis that several replicas share: who works on it, and going on after a reset."`
	Backup     backupCmd     `cmd:"" help:"Write a copy of the state of a running bridge to a file."`
	Restore    restoreCmd    `cmd:"" help:"Put a backup in the place of the database; the bridge must not run."`
	Bench      benchCmd      `cmd:"" help:"Measure this program on this machine, between real peers."`
	Export     exportCmd     `cmd:"" help:"Write the whole ledger of a stopped bridge as one stream, to move it to another store."`
	Import     importCmd     `cmd:"" help:"Read such a stream into an empty store."`
	Service    serviceCmd    `cmd:"" help:"Run the bridge as a service of this machine: systemd or Windows."`
	Completion completionCmd `cmd:"" help:"Print the completion script of a shell."`
	Man        manCmd        `cmd:"" hidden:"" help:"Print the man page."`
	Version    versionCmd    `cmd:"" help:"Print version and build."`
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
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { exit = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.UsageOnError(),
	)
	if err != nil {
		panic(err) // the command line contradicts itself
	}
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
	if p := service.PathsOf(runtime.GOOS, service.Name, os.Getenv).Config; exists(p) {
		return p
	}
	return named
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// A usageError is wrong use that the parser could not see.
type usageError string

func (e usageError) Error() string { return string(e) }
