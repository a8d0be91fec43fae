package browsertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/client"
	"github.com/pergabridge/pergabridge/bridge/provider/http/vendortest"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/mailin/dovecottest"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

const (
	intakeKey  = "browser-intake-key"
	adminToken = "browser-admin-token"
	group      = "Printers (ACME)"
)

// binary is the program under test, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pergabridge-browsertest-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "pergabridge")
	out, err := exec.Command("go", "build", "-tags", "nomsgpack", "-ldflags", "-X main.version=1.0.0", "-o", path, "github.com/pergabridge/pergabridge/cmd/pergabridge").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return path, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path)) // a leftover in the temporary folder harms nobody
	}
	os.Exit(code)
}

// A world is a running binary between a fake SSP and a fake provider.
type world struct {
	t             *testing.T
	ssp           *ssptest.Server
	vendor        *vendortest.Vendor
	public, admin string
	client        *client.Client
	process       *os.Process
	log           *output
}

// output keeps what a program prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start starts everything.
func start(t *testing.T) *world {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	w := &world{t: t, log: &output{}}
	w.ssp, err = ssptest.Start(ssptest.Options{Echo: ssptest.EchoMixed, Seed: 1})
	require.NoError(t, err)
	t.Cleanup(w.ssp.Close)
	w.vendor, err = vendortest.Start(vendortest.Options{})
	require.NoError(t, err)
	t.Cleanup(w.vendor.Close)

	box := dovecottest.Start(t, dovecottest.Options{})
	dir := t.TempDir()
	hash := func(name string) string {
		raw, err := bcrypt.GenerateFromPassword([]byte(name+"-password"), bcrypt.MinCost)
		require.NoError(t, err)
		return string(raw)
	}
	config := fmt.Sprintf(`server:
  listen: 127.0.0.1:0
  admin: 127.0.0.1:0
  admin_token: {env: TEST_ADMIN_TOKEN}
  users:
    vera: {role: viewer, password: '%s'}
    otto: {role: operator, password: '%s'}
    ada: {role: admin, password: '%s'}
store: sqlite:%s
waiting: 1s
ssp:
  url: %s
  intake: {auth: {header: {name: X-Bridge-Key, secret: {env: TEST_INTAKE_KEY}}}}
providers:
  acme:
%s  fibre:
%s
mail: {domain: bridge.example.com, secret: {env: TEST_MAIL_SECRET}}
mailboxes:
  support:
    imap: imaps://%s
    tls: {ca: %s}
    username: support@example.com
    password: {env: TEST_IMAP_PASSWORD}
    providers: {acme: {senders: [acme.example]}}
`, hash("vera"), hash("otto"), hash("ada"), filepath.Join(dir, "browser.db"), w.ssp.URL(),
		vendortest.Indented(vendortest.Config(w.vendor.URL(), ""), 4), vendortest.Indented(vendortest.Config(w.vendor.URL(), "mode: observe\n"), 4),
		box.IMAPS, box.CA)
	file := filepath.Join(dir, "pergabridge.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))

	c := exec.Command(path, "serve", "--config", file)
	c.Env = append(os.Environ(), "TEST_ADMIN_TOKEN="+adminToken, "TEST_INTAKE_KEY="+intakeKey,
		"TEST_MAIL_SECRET=browser-mail-secret-0123456789", "TEST_IMAP_PASSWORD="+dovecottest.Password,
		vendortest.TokenEnv+"="+w.vendor.Token(), vendortest.SecretEnv+"="+w.vendor.Secret())
	lines, err := c.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	w.process = c.Process
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(w.log, bufio.NewReader(lines)) // ends with the program
	}()
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt) // it may have ended already
		<-read
		if err := c.Wait(); err != nil {
			t.Errorf("the bridge ended with %v: %s", err, w.log)
		}
	})
	w.until("the bridge listens", func() bool {
		m := regexp.MustCompile(`"msg":"serving",.*"public":"([^"]+)","admin":"([^"]+)"`).FindStringSubmatch(w.log.String())
		if m != nil {
			w.public, w.admin = m[1], m[2]
		}
		return m != nil
	})
	w.client, err = client.New(client.Options{Address: w.admin, Token: secret.New(adminToken), Person: "test"})
	require.NoError(t, err)
	t.Cleanup(w.client.Close)
	w.until("the bridge is ready", func() bool {
		res, err := http.Get("http://" + w.admin + "/readyz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	w.ssp.SetGroup(group, ssptest.Group{URL: "http://" + w.public + "/ssp/acme", Header: http.Header{"X-Bridge-Key": {intakeKey}}})
	w.vendor.SetWebhook("http://" + w.public + "/webhooks/acme")
	return w
}

// until waits for something.
func (w *world) until(what string, f func() bool) {
	w.t.Helper()
	require.Eventually(w.t, f, 20*time.Second, 10*time.Millisecond, "%s\n%s", what, w.log)
}

// call is what SSP's process would send.
func (w *world) call(fields map[string]any) {
	w.t.Helper()
	body, err := json.Marshal(fields)
	require.NoError(w.t, err)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+w.public+"/ssp/acme", bytes.NewReader(body))
	require.NoError(w.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Bridge-Key", intakeKey)
	res, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	defer res.Body.Close()
	require.Less(w.t, res.StatusCode, 300)
}

// A scene is what the console shows in the tests.
type scene struct {
	Open, Parked  string // tasks
	OpenReference string
	ParkedEvent   string
	Lost          string // an event of a task nobody submitted, in quarantine
}

// play makes one ticket that lives, one that is parked with an update behind it, and two events in
// quarantine.
func (w *world) play() scene {
	w.t.Helper()
	var s scene
	var err error
	s.Open, err = w.ssp.Create(ssptest.Ticket{Title: "Printer on 3rd floor is on fire", Description: "Smoke & flames since 9:15 <urgent>", Priority: "1",
		Requester: ssptest.Person{Name: "Jane Doe", Email: "jane.doe@example.com"}})
	require.NoError(w.t, err)
	require.NoError(w.t, w.ssp.Assign(s.Open, group))
	w.until("the reference is known", func() bool {
		task, _ := w.ssp.Task(s.Open)
		s.OpenReference = task.Reference
		return s.OpenReference != ""
	})
	require.NoError(w.t, w.ssp.UserUpdate(s.Open, "It is still burning. Please hurry."))
	_, err = w.vendor.Reply(s.OpenReference, "bob", "<p>A technician is on the way &amp; brings an extinguisher.</p>", true)
	require.NoError(w.t, err)
	w.until("the answer is in SSP", func() bool {
		task, _ := w.ssp.Task(s.Open)
		for _, m := range task.Messages {
			if m.External {
				return true
			}
		}
		return false
	})

	w.call(map[string]any{"task": "9001", "request_type": "Mystery", "text": "what is this?"})
	w.call(map[string]any{"task": "9002", "request_type": "Update", "text": "Meant for the printer, sent to the wrong task."})
	w.until("both are in quarantine", func() bool {
		list, err := w.client.Events(context.Background(), client.Events{States: []bridge.EventState{bridge.StateQuarantined}})
		if err != nil || len(list.Items) < 2 {
			return false
		}
		for _, e := range list.Items {
			if strings.Contains(e.Text, "Meant for") {
				s.Lost = e.ID
			}
		}
		return s.Lost != ""
	})

	w.vendor.Fail(vendortest.Fault{Kind: vendortest.Refuse, Method: http.MethodPost, Path: "/tickets"})
	s.Parked, err = w.ssp.Create(ssptest.Ticket{Title: "Coffee machine leaks", Description: "Kitchen, ground floor", Priority: "3"})
	require.NoError(w.t, err)
	require.NoError(w.t, w.ssp.Assign(s.Parked, group))
	w.until("the submit is parked", func() bool {
		list, err := w.client.Events(context.Background(), client.Events{Task: s.Parked, States: []bridge.EventState{bridge.StateParked}})
		if err != nil || len(list.Items) == 0 {
			return false
		}
		s.ParkedEvent = list.Items[0].ID
		return true
	})
	require.NoError(w.t, w.ssp.UserUpdate(s.Parked, "The kitchen is under water now."))
	return s
}
