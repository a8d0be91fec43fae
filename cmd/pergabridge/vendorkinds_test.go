package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/provider/http/vendortest"
	"github.com/pergabridge/pergabridge/bridge/provider/tehden/tehdentest"
	"github.com/pergabridge/pergabridge/bridge/provider/tesamanager/tesatest"
	"github.com/pergabridge/pergabridge/bridge/provider/tesseron/tesserontest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// A kindsWorld is a world whose providers are of the vendors' own kinds, between SSP and their fakes.
type kindsWorld struct {
	*world
	store string // of the config; default SQLite in the world's folder
	top   string // further sections of the config
}

// newKinds starts SSP alone; the fakes are added by the methods below.
func newKinds(t testing.TB) *kindsWorld {
	t.Helper()
	return &kindsWorld{world: newSSP(t, "", ssptest.Options{Echo: ssptest.EchoMixed, Seed: 1}), store: "sqlite:data/pergabridge.db"}
}

// configure writes the config file with these providers, and makes a group of SSP for each.
func (w *kindsWorld) configure(sections map[string]string) {
	w.t.Helper()
	w.write(w.text(w.public, w.admin, sections))
	for name := range sections {
		w.group(name)
	}
}

// text is the config file of a bridge with these addresses.
func (w *kindsWorld) text(public, admin string, sections map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "server: {listen: %q, admin: %q}\nstore: %s\n", public, admin, w.store)
	fmt.Fprintf(&b, "ssp:\n  url: %s\n  intake: {auth: {header: {name: X-Bridge-Key, secret: {env: SSP_INTAKE_KEY}}}}\n", w.ssp.URL())
	b.WriteString(w.top + "providers:\n")
	for name, section := range sections {
		fmt.Fprintf(&b, "  %s:\n%s", name, vendortest.Indented(section, 4))
	}
	return b.String()
}

// A replica is one of several bridges on one store.
type replica struct {
	*child
	public, admin string
}

// replica starts a bridge of its own addresses with these providers, and waits until it is ready.
func (w *kindsWorld) replica(name string, sections map[string]string) replica {
	w.t.Helper()
	r := replica{public: freeAddress(w.t), admin: freeAddress(w.t)}
	file := filepath.Join(w.dir, name+".yaml")
	require.NoError(w.t, os.WriteFile(file, []byte(w.text(r.public, r.admin, sections)), 0o600))
	r.child = spawn(w.t, w.dir, w.env, "serve", "--config", file)
	w.logs = append(w.logs, &r.log)
	w.t.Cleanup(r.kill)
	w.until(name+" is ready", func() bool {
		a, err := w.http.Get("http://" + r.admin + "/readyz")
		if err != nil {
			return false
		}
		defer a.Body.Close()
		_, _ = io.Copy(io.Discard, a.Body)
		return a.StatusCode == http.StatusOK
	})
	return r
}

// submits calls a replica about a new task, as SSP would.
func (w *kindsWorld) submits(r replica, provider, task, email string) {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"task": task, "request_type": "Submit Request", "direction": "Out", "title": "Task " + task,
		"description": "by " + r.public, "requester": map[string]string{"name": "Jane Doe", "email": email}})
	require.NoError(w.t, err)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://"+r.public+"/ssp/"+provider, bytes.NewReader(body))
	require.NoError(w.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Bridge-Key", intakeKey)
	a, err := w.http.Do(req)
	require.NoError(w.t, err)
	defer a.Body.Close()
	said, err := io.ReadAll(a.Body)
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusAccepted, a.StatusCode, "%s", said)
}

// delivered is how many events a replica has delivered to a destination.
func (w *kindsWorld) delivered(r replica, destination string) int {
	w.t.Helper()
	a, err := w.http.Get("http://" + r.admin + "/metrics")
	require.NoError(w.t, err)
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	require.NoError(w.t, err)
	n := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, `pergabridge_attempts_total{destination="`+destination+`",outcome="done"`) {
			one := 0
			_, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &one)
			require.NoError(w.t, err, line)
			n += one
		}
	}
	return n
}

// tesamanager starts its fake; the bridge is given its account.
func (w *kindsWorld) tesamanager() *tesatest.Vendor {
	w.t.Helper()
	v, err := tesatest.Start(nil)
	flowtest.Watch(w.t, v, err)
	w.env = append(w.env, v.Env()+"="+v.Account())
	return v
}

// tesseron starts its fake; the bridge is given its keys.
func (w *kindsWorld) tesseron(profile string) *tesserontest.Vendor {
	w.t.Helper()
	v, err := tesserontest.Start(profile)
	flowtest.Watch(w.t, v, err)
	v.AddEnterprise("C-1", "Muster GmbH")
	w.env = append(w.env, "TESSERON_BASIC="+tesserontest.BasicKey, "TESSERON_TICKET="+tesserontest.TicketKey)
	return v
}

// tehden starts its fake; the bridge is given its secrets.
func (w *kindsWorld) tehden() *tehdentest.Vendor {
	w.t.Helper()
	v, err := tehdentest.Start()
	flowtest.Watch(w.t, v, err)
	w.env = append(w.env, "TEHDEN_SECRET="+tehdentest.ClientSecret, "TEHDEN_PASSWORD="+tehdentest.Password)
	return v
}

// assign makes a task and hands it to a provider.
func (w *kindsWorld) assign(provider string) string {
	w.t.Helper()
	id, err := w.ssp.Create(ssptest.Ticket{Title: "A task for " + provider, Description: "Smoke & flames", Priority: "1",
		Requester: ssptest.Person{Name: "Jane Doe", Email: "jane@example.com"}})
	require.NoError(w.t, err)
	require.NoError(w.t, w.ssp.Assign(id, provider))
	return id
}

// referred waits until SSP knows a task's reference.
func (w *kindsWorld) referred(task string) (reference string) {
	w.t.Helper()
	w.until("SSP knows the reference of task "+task, func() bool {
		x, _ := w.ssp.Task(task)
		reference = x.Reference
		return reference != ""
	})
	return reference
}

// solved waits until a task is solved with these words.
func (w *kindsWorld) solved(task, with string) {
	w.t.Helper()
	w.until("task "+task+" is solved with "+with, func() bool {
		x, _ := w.ssp.Task(task)
		return x.Status == ssptest.Solved && x.Solution == with
	})
}

// told waits until SSP has a message with these words.
func (w *kindsWorld) told(task, words string) {
	w.t.Helper()
	w.until("task "+task+" is told "+words, func() bool {
		for _, text := range w.texts(task) {
			if strings.Contains(text, words) {
				return true
			}
		}
		return false
	})
}

// secretless says that nothing of what the bridge ever logged holds one of its secrets.
func (w *kindsWorld) secretless(secrets ...string) {
	w.t.Helper()
	for _, l := range w.logs {
		for _, s := range secrets {
			require.NotContains(w.t, l.String(), s)
		}
	}
}
