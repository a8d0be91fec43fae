package main_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
	"github.com/pergabridge/pergabridge/bridge/listener/freeport"
	"github.com/pergabridge/pergabridge/bridge/provider/http/vendortest"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// patience is how long anything may take that should happen by itself, on a busy machine.
const patience = 60 * time.Second

// The names of the world.
const (
	alpha     = "alpha"
	beta      = "beta"
	intakeKey = "acceptance-intake-key"
)

// A world is a fake SSP, two fake vendors, and a config file for a bridge between them.
type world struct {
	t             testing.TB
	dir, file     string
	program       string // the binary that serves
	public, admin string // host:port; the same after a restart
	env           []string
	ssp           *ssptest.Server
	vendor        map[string]*vendortest.Vendor
	api           *client.Client
	http          *http.Client

	mu     sync.Mutex
	bridge *child
	logs   []*log
}

// options change what newWorld makes; the zero options are usable.
type options struct {
	ssp ssptest.Options
	// url is the address of WorkflowService, if it is not the fake's.
	url string
	// sspKeys and keys are added to the section of SSP, and to those of providers by name.
	sspKeys string
	keys    map[string]string
	// dir is the folder of config and database; empty: one of its own.
	dir string
	// store is the value of the key store; empty: a file in dir.
	store string
	// plain serves with the binary without the race detector: what is killed again and again under load is about
	// processes, and several of them have to be quick enough on a busy machine.
	plain bool
	// top is added to the config at its top, env to the environment.
	top string
	env []string
}

// hasty keeps the times short that a test would have to wait for.
const hasty = `
retry: {first: 50ms, max: 300ms}
limits: {break_for: 100ms}
`

// newSSP starts a fake SSP and chooses the bridge's addresses, without vendors and config file.
func newSSP(t testing.TB, dir string, o ssptest.Options) *world {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
	}
	w := &world{t: t, dir: dir, program: binary(t), public: freeAddress(t), admin: freeAddress(t), vendor: map[string]*vendortest.Vendor{}}
	w.file = filepath.Join(w.dir, "pergabridge.yaml")
	w.env = []string{"SSP_INTAKE_KEY=" + intakeKey, "PATH=" + os.Getenv("PATH"), "HOME=" + w.dir}
	w.http = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	t.Cleanup(w.http.CloseIdleConnections)
	var err error
	w.ssp, err = ssptest.Start(o)
	require.NoError(t, err)
	t.Cleanup(w.ssp.Close)
	w.api, err = client.New(client.Options{Address: w.admin})
	require.NoError(t, err)
	t.Cleanup(w.api.Close)
	t.Cleanup(w.end)
	return w
}

// newWorld starts the ends and writes the config file. The bridge is not started.
func newWorld(t testing.TB, o options) *world {
	t.Helper()
	w := newSSP(t, o.dir, o.ssp)
	for _, name := range []string{alpha, beta} {
		v, err := vendortest.Start(vendortest.Options{Prefix: strings.ToUpper(name), HookRetry: 50 * time.Millisecond, Webhook: w.webhooks(name)})
		require.NoError(t, err)
		t.Cleanup(v.Close)
		w.vendor[name] = v
		w.group(name)
	}
	if o.plain {
		var err error
		w.program, err = plainBinary()
		require.NoError(t, err)
	}
	w.env = append(w.env, o.env...)
	w.env = append(w.env, vendortest.TokenEnv+"="+w.vendor[alpha].Token(), vendortest.SecretEnv+"="+w.vendor[alpha].Secret())
	w.write(w.config(o))
	return w
}

// group makes SSP call the bridge about the tasks of a group of that provider's name.
func (w *world) group(provider string) {
	w.ssp.SetGroup(provider, ssptest.Group{URL: w.calls(provider), Header: http.Header{"X-Bridge-Key": {intakeKey}}})
}

// config returns the text of the config file.
func (w *world) config(o options) string {
	if o.url == "" {
		o.url = w.ssp.URL()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "server: {listen: %q, admin: %q}\nstore: %s\n", w.public, w.admin, cmp.Or(o.store, "sqlite:data/pergabridge.db"))
	b.WriteString(o.top)
	fmt.Fprintf(&b, "ssp:\n  url: %s\n  intake: {auth: {header: {name: X-Bridge-Key, secret: {env: SSP_INTAKE_KEY}}}}\n", o.url)
	b.WriteString(vendortest.Indented(keysOf(hasty, o.sspKeys), 2))
	b.WriteString("providers:\n")
	for _, name := range []string{alpha, beta} {
		fmt.Fprintf(&b, "  %s:\n%s", name, vendortest.Indented(vendortest.Config(w.vendor[name].URL(), keysOf(hasty, o.keys[name])), 4))
	}
	return b.String()
}

// keysOf joins sections; a key of more replaces that of base.
func keysOf(base, more string) string {
	out := strings.TrimPrefix(more, "\n")
	if out != "" && !strings.HasSuffix(out, "\n") {
		out += "\n"
	}
	for line := range strings.Lines(strings.TrimPrefix(base, "\n")) {
		key, _, _ := strings.Cut(line, ":")
		if !strings.HasPrefix(out, key+":") && !strings.Contains(out, "\n"+key+":") {
			out += line
		}
	}
	return out
}

func (w *world) write(config string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(w.file, []byte(config), 0o600))
}

// edit replaces a piece of the config file.
func (w *world) edit(from, to string) {
	w.t.Helper()
	text, err := os.ReadFile(w.file)
	require.NoError(w.t, err)
	require.Contains(w.t, string(text), from)
	w.write(strings.Replace(string(text), from, to, 1))
}

// webhooks and calls are the addresses of a provider's two entrances.
func (w *world) webhooks(provider string) string {
	return "http://" + w.public + "/webhooks/" + provider
}
func (w *world) calls(provider string) string { return "http://" + w.public + "/ssp/" + provider }

// freeAddress returns one that nothing takes between a bridge's end and its restart.
func freeAddress(t testing.TB) string {
	t.Helper()
	at, err := freeport.Address()
	require.NoError(t, err)
	return at
}

// launch starts the bridge without waiting until it is ready.
func (w *world) launch() *child {
	w.t.Helper()
	c := spawnProgram(w.t, w.program, w.dir, w.env, "serve", "--config", w.file)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bridge = c
	w.logs = append(w.logs, &c.log)
	return c
}

// start starts the bridge and waits until it is ready.
func (w *world) start() *child {
	w.t.Helper()
	c := w.launch()
	w.ready(c)
	return c
}

// ready waits until the bridge answers that it is ready.
func (w *world) ready(c *child) {
	w.t.Helper()
	w.until("the bridge is ready", func() bool {
		select {
		case <-c.ended:
			w.t.Fatalf("the bridge ended: %v\n%s", c.cmd.ProcessState, c.log.String())
		default:
		}
		r, err := w.http.Get("http://" + w.admin + "/readyz")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		_, _ = io.Copy(io.Discard, r.Body)
		return r.StatusCode == http.StatusOK
	})
}

// stop ends the bridge in an orderly way.
func (w *world) stop() {
	w.t.Helper()
	w.mu.Lock()
	c := w.bridge
	w.mu.Unlock()
	c.terminate(w.t)
	require.Equal(w.t, 0, c.exit(w.t), "log:\n%s", c.log.tail(4000))
}

func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// end kills what still runs, shows the log of a failed test, and looks for accidents.
func (w *world) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bridge != nil {
		w.bridge.kill()
	}
	for i, l := range w.logs {
		noAccident(w.t, l.String())
		if w.t.Failed() && i >= len(w.logs)-2 {
			w.t.Logf("log of bridge %d of %d:\n%s", i+1, len(w.logs), l.tail(12_000))
		}
	}
}

// until waits for something to become true.
func (w *world) until(what string, f func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		require.False(w.t, time.Now().After(deadline), "waited %s in vain until %s\n%s", patience, what, w.trouble())
		<-tick.C
	}
}

// trouble describes what is not settled, for a test that fails.
func (w *world) trouble() string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	list, err := w.api.Lanes(ctx, client.Lanes{Limit: 50})
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, l := range list.Items {
		fmt.Fprintf(&b, "lane %s %s %s queued %d head %s %s attempt %d unknown %v: %s\n", l.Lane, l.State, l.Reason, l.Queued, l.HeadKind, l.Head, l.Attempt, l.Unknown, l.Detail)
	}
	q, err := w.api.Quarantine(ctx, client.Events{Waiting: true, Limit: 50})
	if err != nil {
		return b.String() + err.Error()
	}
	for _, e := range q.Items {
		fmt.Fprintf(&b, "%s %s %s %s %s: %s\n", e.State, e.Provider, e.Task, e.Kind, e.Reason, e.Detail)
	}
	return b.String()
}

// settled waits until nothing moves any more: both ends have been heard, and every event has ended or
// waits for a person.
func (w *world) settled() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*patience)
	defer cancel()
	calm := 0
	w.until("everything is settled", func() bool {
		require.NoError(w.t, w.ssp.Idle(ctx), w.trouble())
		for _, v := range w.vendor {
			require.NoError(w.t, v.Idle(ctx), w.trouble())
		}
		c, err := w.api.Counts(ctx)
		require.NoError(w.t, err)
		if c.Events[bridge.StateQueued]+c.Events[bridge.StateLeased]+c.Events[bridge.StateWaiting] == 0 {
			calm++ // an effect may have just called back
		} else {
			calm = 0
		}
		return calm == 3
	})
}

// nothingStuck says that no event waits for a person.
func (w *world) nothingStuck() {
	w.t.Helper()
	c, err := w.api.Counts(w.t.Context())
	require.NoError(w.t, err)
	require.Zero(w.t, c.Events[bridge.StateParked]+c.Events[bridge.StateQuarantined], w.trouble())
}

// bonded creates a task, assigns it and waits until both sides know each other.
func (w *world) bonded(provider string) (task, number string) {
	w.t.Helper()
	task, err := w.ssp.Create(ssptest.Ticket{Title: "Printer on fire", Priority: "1"})
	require.NoError(w.t, err)
	require.NoError(w.t, w.ssp.Assign(task, provider))
	return task, w.number(task, provider)
}

// known makes tasks in SSP that the test itself calls for.
func (w *world) known(tasks ...string) {
	w.t.Helper()
	for _, id := range tasks {
		_, err := w.ssp.Create(ssptest.Ticket{Task: id, Title: "Known"})
		require.NoError(w.t, err)
	}
}

// number waits until SSP knows a task's reference at a provider.
func (w *world) number(task, provider string) (number string) {
	w.t.Helper()
	w.until("SSP knows the reference of task "+task, func() bool {
		got, _ := w.ssp.Task(task)
		number = got.Reference
		return strings.HasPrefix(number, strings.ToUpper(provider))
	})
	return number
}

// texts are the external messages and solutions that took effect at SSP, in order.
func (w *world) texts(task string) []string {
	out := []string{}
	for _, e := range w.ssp.Effects(task) {
		if e.Operation != ssptest.Acknowledgement {
			out = append(out, e.Text)
		}
	}
	return out
}

// ledger is what took effect on a vendor's ticket, in order: "kind text".
func (w *world) ledger(provider, number string) []string {
	out := []string{}
	for _, e := range w.vendor[provider].Ledger() {
		if e.Ticket == number {
			out = append(out, strings.TrimSpace(e.Kind+" "+e.Text))
		}
	}
	return out
}

// run runs a verb with the world's config.
func (w *world) run(args ...string) ran {
	w.t.Helper()
	return command(w.t, w.dir, w.env, append(args, "--config", w.file)...)
}

// done runs a verb that must succeed and returns what it printed.
func (w *world) done(args ...string) string {
	w.t.Helper()
	r := w.run(args...)
	require.Equal(w.t, 0, r.code, "pergabridge %v\n%s%s", args, r.out, r.err)
	return r.out
}

// events returns what `events list --json` shows, oldest first.
func (w *world) events(args ...string) []api.Event {
	w.t.Helper()
	var list api.List[api.Event]
	out := w.done(append([]string{"events", "list", "--json", "--oldest", "--limit", "1000"}, args...)...)
	require.NoError(w.t, json.Unmarshal([]byte(out), &list), out)
	require.False(w.t, list.More)
	return list.Items
}

// event returns what `events show --json` shows.
func (w *world) event(id string) (e api.EventDetail) {
	w.t.Helper()
	require.NoError(w.t, json.Unmarshal([]byte(w.done("events", "show", "--json", id)), &e))
	return e
}

// only returns the single event with this text, echoes aside.
func (w *world) only(text string) api.Event {
	w.t.Helper()
	all := slices.DeleteFunc(w.events(), func(e api.Event) bool { return e.Text != text || e.Reason == bridge.IsEcho })
	require.Len(w.t, all, 1, "events with text %q", text)
	return all[0]
}
