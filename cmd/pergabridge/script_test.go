package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
	"github.com/pergabridge/pergabridge/bridge/provider/http/vendortest"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// PERGABRIDGE_UPDATE=1 rewrites the expected output in the scripts.
func params(t *testing.T, dir string) testscript.Params {
	program := binary(t)
	return testscript.Params{
		Dir: dir, UpdateScripts: os.Getenv("PERGABRIDGE_UPDATE") != "", RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"run": func(ts *testscript.TestScript, neg bool, args []string) {
			scriptRun(ts, program, neg, args)
		}},
	}
}

// The scripts of testdata/alone need no running bridge.
//
//	run CODE ARG…   runs the binary, which must end with CODE
func TestScriptsAlone(t *testing.T) {
	t.Parallel()
	testscript.Run(t, params(t, "testdata/alone"))
}

func scriptRun(ts *testscript.TestScript, program string, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: run CODE [ARG…]")
	}
	code := 0
	err := ts.Exec(program, args[1:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, wanted %s", code, args[0])
	}
	for _, sign := range []string{"DATA RACE", "goroutine "} {
		if log := ts.ReadFile("stderr"); strings.Contains(log, sign) {
			ts.Fatalf("the binary had an accident")
		}
	}
}

// The scripts of testdata/live have a fake SSP, two fake vendors and a running bridge between them.
//
//	run CODE ARG…                           runs the binary, which must end with CODE
//	bridge start|stop|restart               it runs at the beginning
//	ssp create TASK | assign TASK PROVIDER | say TASK TEXT | decline TASK TEXT | close TASK TEXT
//	vendor NAME reply|resolve NUMBER TEXT | refuse PATH | heal | down | up
//	call PROVIDER CODE FILE                 a process call with this body is answered with CODE
//	learn                                   the config learns that "Nieuwe aanvraag" is a submit
//	settled                                 waits until nothing moves
//	await STATE N                           waits until N events have this state
//	event VAR FLAG…                         VAR is the id of the only event that `events list FLAG…` shows
func TestScriptsLive(t *testing.T) {
	t.Parallel()
	scriptsLive(t, func() string { return "" })
}

// Every verb says and does the same when a Redis is the ledger.
func TestScriptsLiveOnRedis(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t)
	scriptsLive(t, func() string { return onRedis(r.URL(), "") })
}

// onRedis is the section store of a namespace that nobody else uses.
func onRedis(url, more string) string {
	return fmt.Sprintf("{url: %q, namespace: %q%s}", url, bridge.NewID(), more)
}

func scriptsLive(t *testing.T, store func() string) {
	p := params(t, "testdata/live")
	p.Setup = func(env *testscript.Env) error {
		w := newWorld(env.T().(testing.TB), options{dir: env.WorkDir, sspKeys: "on_fault: {server: refused}", store: store()})
		w.start()
		env.Values["world"] = w
		env.Vars = append(env.Vars, w.env...)
		return nil
	}
	for name, f := range map[string]func(*world, *testscript.TestScript, []string){
		"bridge": scriptBridge, "ssp": scriptSSP, "vendor": scriptVendor, "call": scriptCall, "event": scriptEvent,
		"learn": func(w *world, _ *testscript.TestScript, _ []string) {
			w.edit("intake: {auth:", "intake: {types: {Nieuwe aanvraag: submit}, auth:")
		},
		"settled": func(w *world, _ *testscript.TestScript, _ []string) { w.settled() },
		"await": func(w *world, ts *testscript.TestScript, args []string) {
			w.until(strings.Join(args, " "), func() bool {
				c, err := w.api.Counts(w.t.Context())
				ts.Check(err)
				return strconv.FormatInt(c.Events[bridge.EventState(args[0])], 10) == args[1]
			})
		},
	} {
		p.Cmds[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			if neg {
				ts.Fatalf("%s cannot be negated", name)
			}
			f(ts.Value("world").(*world), ts, args)
		}
	}
	testscript.Run(t, p)
}

func scriptBridge(w *world, ts *testscript.TestScript, args []string) {
	switch args[0] {
	case "start":
		w.start()
	case "stop":
		w.stop()
	case "restart":
		w.restart()
	default:
		ts.Fatalf("bridge %v", args)
	}
}

func scriptSSP(w *world, ts *testscript.TestScript, args []string) {
	task, rest := args[1], strings.Join(args[2:], " ")
	switch args[0] {
	case "create":
		_, err := w.ssp.Create(ssptest.Ticket{Task: task, Title: "Printer on fire", Priority: "1", Requester: ssptest.Person{Name: "Jane Doe"}})
		ts.Check(err)
	case "assign":
		ts.Check(w.ssp.Assign(task, rest))
		w.number(task, rest)
	case "say":
		ts.Check(w.ssp.UserUpdate(task, rest))
	case "decline":
		ts.Check(w.ssp.DeclineSolution(task, rest))
	case "close":
		ts.Check(w.ssp.CloseByUser(task, rest))
	default:
		ts.Fatalf("ssp %v", args)
	}
}

func scriptVendor(w *world, ts *testscript.TestScript, args []string) {
	v := w.vendor[args[0]]
	switch args[1] {
	case "reply":
		_, err := v.Reply(args[2], "bob", strings.Join(args[3:], " "), true)
		ts.Check(err)
	case "resolve":
		ts.Check(v.Resolve(args[2], "bob", strings.Join(args[3:], " ")))
	case "refuse":
		v.Fail(vendortest.Fault{Kind: vendortest.Refuse, Method: "POST", Path: args[2]})
	case "heal":
		v.Heal()
	case "down":
		v.Down()
	case "up":
		ts.Check(v.Up())
	default:
		ts.Fatalf("vendor %v", args)
	}
}

func scriptCall(w *world, ts *testscript.TestScript, args []string) {
	p := w.call(args[0], nil)
	p.body = []byte(ts.ReadFile(args[2]))
	a, err := w.send(w.t.Context(), p)
	ts.Check(err)
	if strconv.Itoa(a.code) != args[1] {
		ts.Fatalf("answered %d %s", a.code, a.body)
	}
}

func scriptEvent(w *world, ts *testscript.TestScript, args []string) {
	var list api.List[api.Event]
	require.NoError(w.t, json.Unmarshal([]byte(w.done(append([]string{"events", "list", "--json"}, args[1:]...)...)), &list))
	if len(list.Items) != 1 {
		all, err := w.api.Events(w.t.Context(), client.Events{})
		ts.Check(err)
		ts.Fatalf("%d events, not one; all: %s", len(list.Items), brief(all.Items))
	}
	ts.Setenv(args[0], list.Items[0].ID)
}
