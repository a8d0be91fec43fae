package main_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
)

// breakages are the ways in which a config gets broken; each is found by another check.
var breakages = []func(good string) string{
	func(s string) string { return s + "servr: {}\n" },                                                       // unknown key
	func(s string) string { return s + "waiting: [\n" },                                                      // not YAML
	func(s string) string { return strings.Replace(s, "env: SSP_INTAKE_KEY", "env: NOT_SET", 1) },            // a secret that is not there
	func(s string) string { return otherStore.Replace(s) },                                                   // needs a restart
	func(s string) string { return strings.Replace(s, "${event.id}", "${event.id +}", 1) },                   // an expression
	func(s string) string { return s + "mailboxes: {box: {imap: \"http://imap.example.com\"}}\n" },           // a value
	func(s string) string { return strings.Replace(s, "providers:\n", "providers:\n  ssp: {kind: x}\n", 1) }, // a name
}

var otherStore = strings.NewReplacer("sqlite:data/", "sqlite:other/", `namespace: "`, `namespace: "x`)

// A reloader changes the config file of a running bridge again and again.
type reloader struct {
	w      *world
	file   string
	api    *client.Client
	bridge func() *child
	good   string
	dice   *rand.Rand
	n      int
	fine   map[string]bool // versions that must have been in force
	broken []string        // versions that must have been reported
}

func version(config string) string {
	sum := sha256.Sum256([]byte(config))
	return hex.EncodeToString(sum[:6])
}

// next writes another config and makes the bridge read it.
func (r *reloader) next(bad bool) {
	t, w := r.w.t, r.w
	r.n++
	text := fmt.Sprintf("# config %d\n%s", r.n, strings.ReplaceAll(r.good, "first: 50ms", fmt.Sprintf("first: %dms", 40+r.n%20)))
	if bad {
		text = breakages[r.n%len(breakages)](text)
		r.broken = append(r.broken, version(text))
	} else {
		r.fine[version(text)] = true
	}
	require.NoError(t, os.WriteFile(r.file, []byte(text), 0o600))
	by := r.dice.IntN(3)
	if by == 0 {
		require.NoError(t, r.bridge().cmd.Process.Signal(syscall.SIGHUP))
		w.until("the config is in force, or is reported as broken", func() bool {
			if bad {
				return len(w.logged("the config was read anew and is broken; the one in force stays", "broken", version(text))) > 0
			}
			s, err := r.api.Status(t.Context())
			require.NoError(t, err)
			return s.Config == version(text)
		})
		return
	}
	for range by { // who asks twice gets the same answer
		v, err := r.api.Reload(t.Context())
		if bad {
			var p *api.Problem
			require.ErrorAs(t, err, &p)
			require.Equal(t, api.Unprocessable, p.Code)
			require.Contains(t, p.Detail, "pergabridge.yaml:")
			require.Contains(t, p.Detail, "the config that was in force still is")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, version(text), v.Config)
	}
}

// judge checks that every broken config was reported once.
func (r *reloader) judge() {
	r.w.t.Helper()
	for _, bad := range r.broken {
		require.Len(r.w.t, r.w.logged("the config was read anew and is broken; the one in force stays", "broken", bad), 1, "reports of %s", bad)
	}
}

// configs counts under which configs something was delivered.
func (v *verdict) configs() map[string]int {
	v.t.Helper()
	under := map[string]int{}
	for id := range v.events {
		e, err := v.w.api.Event(v.t.Context(), id)
		require.NoError(v.t, err)
		for _, a := range e.Attempts {
			if a.Config != "" { // the sweep has none
				under[a.Config]++
			}
		}
	}
	return under
}

// logged returns the lines of all logs with a message and the value of a field.
func (w *world) logged(msg, field, value string) (out []map[string]any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.logs {
		for s := bufio.NewScanner(strings.NewReader(l.String())); s.Scan(); {
			var line map[string]any
			if json.Unmarshal(s.Bytes(), &line) == nil && line["msg"] == msg && line[field] == value {
				out = append(out, line)
			}
		}
	}
	return out
}

// The config changes again and again under load, half of the time to a broken one, and now and then the
// process is killed. Nothing is lost, everything is in order, and each broken config is reported once.
//
// PERGABRIDGE_RELOADS sets the number of reloads (default 100).
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	reloads := number(t, "PERGABRIDGE_RELOADS", 100)
	seed := uint64(number(t, "PERGABRIDGE_SEED", int(time.Now().Unix()&0xffffff)))
	t.Logf("PERGABRIDGE_SEED=%d PERGABRIDGE_RELOADS=%d", seed, reloads)
	w := newWorld(t, underLoad(seed))
	good, err := os.ReadFile(w.file)
	require.NoError(t, err)
	w.start()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	l := newLoad(ctx, w)
	l.calm = 100 * time.Millisecond // a load, and time for the reloads
	l.begins(seed)
	r := &reloader{w: w, file: w.file, api: w.api, bridge: func() *child { return w.bridge }, good: string(good), dice: rand.New(rand.NewPCG(seed, 1)), fine: map[string]bool{version(string(good)): true}}
	kills := 0
	for i := range reloads {
		r.next(i%2 == 1)
		pause(ctx, time.Duration(r.dice.IntN(60))*time.Millisecond)
		if i%20 == 10 { // the config of an even turn is a good one
			w.bridge.kill()
			w.start()
			kills++
		}
	}
	r.next(false)
	l.end(t)
	v := l.verdict(t)
	require.Greater(t, v.effects, reloads, "there was hardly any load")

	r.judge()
	require.Len(t, r.broken, reloads/2)
	under := v.configs()
	for c := range under {
		require.True(t, r.fine[c], "a try under config %s, which is none of ours", c)
	}
	require.Greater(t, len(under), reloads/5, "events were delivered under many configs")
	w.stop()
	t.Logf("reload test: %d reloads (%d broken), %d kills, %d events, %d effects in %.1f s, deliveries under %d configs, %d effects repeated after a kill; seed %d",
		r.n, len(r.broken), kills, len(v.events), v.effects, time.Since(began).Seconds(), len(under), v.repeated, seed)
}

// The same with two replicas on one Redis, each of which reads its own file: both go on together under
// configs that differ, and the one that is killed comes back with the one it was given last.
func TestReloadReplicasUnderLoad(t *testing.T) {
	t.Parallel()
	const rounds = 16
	seed := uint64(number(t, "PERGABRIDGE_SEED", int(time.Now().Unix()&0xffffff)))
	t.Logf("PERGABRIDGE_SEED=%d", seed)
	server := redistest.Start(t)
	o := underLoad(seed)
	o.store, o.plain = onRedis(server.URL(), ""), false
	f := newFleet(t, 2, o)
	f.start()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	l := newLoad(ctx, f.world)
	var readers []*reloader
	for i, provider := range []string{alpha, beta} {
		for n := range lives {
			l.life(provider, rand.New(rand.NewPCG(seed, uint64(1000+n))))
		}
		m := f.members[i]
		good, err := os.ReadFile(m.file)
		require.NoError(t, err)
		readers = append(readers, &reloader{w: f.world, file: m.file, api: m.api, bridge: func() *child { return m.child }, good: string(good),
			dice: rand.New(rand.NewPCG(seed, uint64(i))), fine: map[string]bool{version(string(good)): true}})
	}
	for i := range rounds {
		for n, r := range readers {
			r.next((i+n)%2 == 1) // one of them is broken, the other is fine
			pause(ctx, time.Duration(r.dice.IntN(60))*time.Millisecond)
		}
		if i%8 == 5 {
			n := i / 8 % 2
			readers[n].next(false) // it starts with what is in its file
			f.members[n].child.kill()
			f.launch(f.members[n])
			f.allReady()
		}
	}
	for _, r := range readers {
		r.next(false)
	}
	l.end(t)
	v := l.verdict(t)
	under := v.configs()
	for n, r := range readers {
		r.judge()
		require.Len(t, r.broken, rounds/2)
		here := 0
		for c := range under {
			if r.fine[c] {
				delete(under, c)
				here++
			}
		}
		require.Greater(t, here, 2, "%s delivered under many configs", f.members[n].name)
	}
	require.Empty(t, under, "tries under configs that were never in force")
	f.stop()
	t.Logf("%d reloads at each of two replicas, half of them broken; %d events, %d effects, %d repeated after a kill", rounds, len(v.events), v.effects, v.repeated)
}

// What is on its way when the config changes is neither cut short nor repeated, and the new config
// serves meanwhile. What a broken config is told, and where, is what a person needs.
func TestReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.known("1", "2")
	g := newGate(t, w, alpha)
	w.start()
	before, err := os.ReadFile(w.file)
	require.NoError(t, err)
	w.mustSend(w.call(alpha, map[string]any{"task": "1", "request_type": "Submit Request", "title": "under the old config"}), http.StatusAccepted)
	g.await(t)

	// The new config has another key for SSP's calls, and alpha at its own address.
	w.edit("X-Bridge-Key", "X-Other-Key")
	w.edit("kind: http", "kind: http\n    # changed")
	out := w.done("reload")
	require.Contains(t, out, "it was "+version(string(before)))
	after, err := os.ReadFile(w.file)
	require.NoError(t, err)
	require.Contains(t, out, "config "+version(string(after))+" is in force")
	w.mustSend(w.call(alpha, map[string]any{"task": "2", "request_type": "Submit Request", "title": "x"}), http.StatusUnauthorized)
	other := w.call(beta, map[string]any{"task": "2", "request_type": "Submit Request", "title": "under the new one"})
	other.header = func(h http.Header) { h.Set("X-Other-Key", intakeKey) }
	w.mustSend(other, http.StatusAccepted)
	w.number("2", beta)

	close(g.open) // the ticket that was on its way is made now, and only once
	number := w.number("1", alpha)
	require.Len(t, w.vendor[alpha].Tickets(), 1)
	for _, e := range w.events() {
		if e.Kind == bridge.Submit {
			d := w.event(e.ID)
			require.Len(t, d.Attempts, 1)
			require.Equal(t, map[string]string{"1": version(string(before)), "2": version(string(after))}[e.Task], d.Attempts[0].Config)
		}
	}
	require.NotEmpty(t, number)

	// A broken one: exit code, words, place; ready all the same, and visible everywhere.
	w.edit("store: sqlite:data/", "store: sqlite:elsewhere/")
	refused := w.run("reload")
	require.Equal(t, 1, refused.code)
	require.Contains(t, refused.err, "pergabridge.yaml:2:8: store: cannot change while the bridge runs (restart the bridge, or take this change back and reload the others)")
	require.Contains(t, refused.err, "nothing was changed")
	ready, err := w.http.Get("http://" + w.admin + "/readyz")
	require.NoError(t, err)
	defer ready.Body.Close()
	require.Equal(t, http.StatusOK, ready.StatusCode)
	var readiness api.Readiness
	require.NoError(t, json.NewDecoder(ready.Body).Decode(&readiness))
	require.False(t, readiness.Shown["config"].OK)
	require.Contains(t, readiness.Shown["config"].Reason, "store: cannot change while the bridge runs")
	require.Contains(t, w.metrics(), "\npergabridge_config_broken 1\n")

	// What somebody else may have written is not put in force, however well it reads.
	w.write(string(after))
	require.NoError(t, os.Chmod(w.file, 0o666))
	refused = w.run("reload")
	require.Equal(t, 1, refused.code)
	require.Contains(t, refused.err, "the config "+w.file+" may be changed by every user of this machine (0666): chmod o-w "+w.file)
	require.NoError(t, os.Chmod(w.file, 0o600))

	w.done("reload")
	require.Contains(t, w.metrics(), "\npergabridge_config_broken 0\n")
	require.Contains(t, w.metrics(), `pergabridge_config_reloads_total{result="broken"} 2`)
	require.Contains(t, w.metrics(), `pergabridge_config_reloads_total{result="done"} 2`)
	acts, err := w.api.Activity(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, acts, 4)
	for _, a := range acts {
		require.Equal(t, "config_reload", a.Verb)
		require.Equal(t, "config", a.Target)
		require.NotEmpty(t, a.Person)
	}
	require.Contains(t, acts[1].Note, "is broken and was not put in force")
}

// With server.reload_on_change nobody has to ask.
func TestReloadOnChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.edit("server: {", "server: {reload_on_change: true, ")
	w.start()
	good, err := os.ReadFile(w.file)
	require.NoError(t, err)
	in := func(v string) func() bool {
		return func() bool {
			s, err := w.api.Status(t.Context())
			require.NoError(t, err)
			return s.Config == v
		}
	}
	bad := "servr: {}\n" + string(good)
	w.write(bad)
	w.until("the broken config is reported", func() bool { return strings.Contains(w.metrics(), "\npergabridge_config_broken 1\n") })
	require.True(t, in(version(string(good)))())
	changed := "# changed\n" + string(good)
	w.write(changed)
	w.until("the changed config is in force", in(version(changed)))
	require.Len(t, w.logged("the config was read anew and is broken; the one in force stays", "broken", version(bad)), 1)
	w.write(string(good)) // back to one that was there before
	w.until("the first config is in force", in(version(string(good))))
}

// metrics returns a scrape.
func (w *world) metrics() string {
	w.t.Helper()
	res, err := w.http.Get("http://" + w.admin + "/metrics")
	require.NoError(w.t, err)
	defer res.Body.Close()
	var b strings.Builder
	_, err = bufio.NewReader(res.Body).WriteTo(&b)
	require.NoError(w.t, err)
	return b.String()
}
