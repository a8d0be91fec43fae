// Package asptest runs a real ASP.NET .asmx service for tests: Mono's FastCGI server behind nginx,
// on free ports of the loopback interface, in a temporary folder, without a daemon and without root.
//
// The default service has SSP's three operations under our argument names; the others have them under
// names, types and protections that installations may have. A service writes down what arrives
// ([Host.Calls]) and throws an exception when an argument begins with [Throw].
//
// A machine without the programs cannot run such a test, and a test that is skipped proves nothing:
// [Start] fails it, saying what to install. [Missing] tells a build script beforehand.
package asptest

import (
	"context"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/template"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/pergabridge/pergabridge/bridge/listener/freeport"
)

//go:embed WorkflowService.asmx nginx.conf services
var files embed.FS

// A Service is one of the services that a [Host] can run.
type Service struct {
	file   string
	config string // web.config, if it needs one
	front  front
}

// front is what the web server before the service does.
type front struct {
	Basic       bool // asks for [User] and [Password]
	Windows1252 bool // answers in windows-1252
	Map         string
}

// The services.
var (
	// Default has the default contract.
	Default = Service{file: "WorkflowService.asmx"}
	// Hungarian has other names in another order, a namespace of its own, truth values as results, and
	// a hash over [HashSecret] and the other arguments.
	Hungarian = Service{file: "services/hungarian.asmx"}
	// Complex takes a number and objects, answers nothing, and speaks SOAP 1.2 only.
	Complex = Service{file: "services/complex.asmx", config: "services/complex.config"}
	// Dutch is behind Basic authentication, answers in windows-1252, and throws faults with detail.
	Dutch = Service{file: "services/dutch.asmx", front: front{Basic: true, Windows1252: true}}
)

// What the services want to see.
const (
	User       = "bridge"
	Password   = "s3cret-of-the-front"
	HashSecret = "between-us-0815"
)

// Throw, at the beginning of an argument, makes the service throw an exception with that argument
// as its message.
const Throw = "throw!"

const (
	monoServer = "fastcgi-mono-server4"
	webServer  = "nginx"
	// patience covers Mono compiling the service on a busy machine; it takes about a second.
	patience = 90 * time.Second
	tries    = 5 // to find two free ports
)

// Missing returns what has to be installed for [Start] to work: Debian packages. It is empty if
// nothing is missing.
func Missing() []string {
	var out []string
	if program(monoServer) == "" {
		out = append(out, "mono-fastcgi-server4")
	}
	if program(webServer) == "" {
		out = append(out, "nginx-light")
	}
	return out
}

// program looks beyond PATH, too: nginx is in /usr/sbin, which users often lack.
func program(name string) string {
	if p, err := exec.LookPath(name); err == nil {
		return p
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"} {
		if p, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return p
		}
	}
	return ""
}

// A Host is a running service.
type Host struct {
	// URL is the address of WorkflowService.asmx.
	URL  string
	file string // of the service
	log  string // file the service writes
	user bool   // the front asks for credentials
}

// Rename changes a name in the running service, as a new release of it would, and returns when the
// service's description has the new one.
func (h *Host) Rename(t testing.TB, old, name string) {
	t.Helper()
	text, err := os.ReadFile(h.file)
	if err != nil {
		t.Fatalf("asptest: %v", err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("asptest: the service has no %s", old)
	}
	if err := os.WriteFile(h.file, []byte(strings.ReplaceAll(string(text), old, name)), 0o600); err != nil {
		t.Fatalf("asptest: %v", err)
	}
	if err := h.await(t.Context(), `name="`+name+`"`); err != nil {
		t.Fatalf("asptest: the service did not take its new form: %v", err)
	}
}

// windows1252 is the table by which the web server recodes what the service says.
func windows1252() string {
	var b strings.Builder
	for c := 0x80; c <= 0xFF; c++ {
		r := charmap.Windows1252.DecodeByte(byte(c))
		if r != utf8.RuneError && r != rune(c) || c >= 0xA0 {
			fmt.Fprintf(&b, "%X %X;\n", c, string(r))
		}
	}
	return b.String()
}

// Start runs the default service until the test ends.
func Start(t testing.TB) *Host {
	t.Helper()
	return StartService(t, Default)
}

// StartService runs a service until the test ends.
func StartService(t testing.TB, s Service) *Host {
	t.Helper()
	t.Attr("peer", "ASP.NET host (Mono behind nginx)") // counted by the summary of all tests
	if m := Missing(); len(m) > 0 {
		t.Fatalf("asptest: this test talks to a real ASP.NET host; install it: apt-get install --no-install-recommends %s", strings.Join(m, " "))
	}
	var err error
	for range tries {
		var h *Host
		if h, err = start(t, s); err == nil {
			return h
		}
		t.Logf("asptest: %v", err)
	}
	t.Fatalf("asptest: no host after %d tries: %v", tries, err)
	return nil
}

func start(t testing.TB, s Service) (*Host, error) {
	dir := t.TempDir()
	app := filepath.Join(dir, "app")
	if err := os.Mkdir(app, 0o700); err != nil {
		return nil, err
	}
	h := &Host{file: filepath.Join(app, "WorkflowService.asmx"), log: filepath.Join(app, "calls.log"), user: s.front.Basic}
	for from, to := range map[string]string{s.file: h.file, s.config: filepath.Join(app, "web.config")} {
		if from == "" {
			continue
		}
		text, err := files.ReadFile(from)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			return nil, err
		}
	}
	if s.front.Basic {
		if err := os.WriteFile(filepath.Join(dir, "users"), []byte(User+":{PLAIN}"+Password+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	s.front.Map = windows1252()
	web, fcgi, err := freePorts()
	if err != nil {
		return nil, err
	}
	conf, err := template.ParseFS(files, "nginx.conf")
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	if err := conf.Execute(&text, map[string]any{"Web": web, "FastCGI": fcgi, "App": app, "Front": s.front}); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	var kids children
	// Mono keeps what it compiles under TMPDIR, and settings under HOME.
	env := append(os.Environ(), "TMPDIR="+dir, "HOME="+dir, "MONO_REGISTRY_PATH="+dir)
	mono := kids.run(env, program(monoServer), "/applications=/:"+app, "/socket=tcp:127.0.0.1:"+fcgi)
	nginx := kids.run(env, program(webServer), "-p", dir, "-c", "nginx.conf", "-e", filepath.Join(dir, "error.log"))
	h.URL = "http://127.0.0.1:" + web + "/WorkflowService.asmx"
	if err := h.await(t.Context(), "definitions", mono, nginx); err != nil {
		kids.stop()
		return nil, fmt.Errorf("%w\nmono: %s\nnginx: %s", err, mono.output(), nginx.output())
	}
	t.Cleanup(kids.stop)
	return h, nil
}

// freePorts returns two ports that were free a moment ago.
func freePorts() (web, fcgi string, err error) {
	var ports [2]int
	for i := range ports {
		if ports[i], err = freeport.Port(); err != nil {
			return "", "", err
		}
	}
	return strconv.Itoa(ports[0]), strconv.Itoa(ports[1]), nil
}

// await asks for the service's description until it comes. The first request compiles the service.
func (h *Host) await(ctx context.Context, word string, kids ...*child) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := h.describe(ctx, client, word)
		if err == nil {
			return nil
		}
		for _, k := range kids {
			select {
			case <-k.ended:
				return fmt.Errorf("%s ended: %w", filepath.Base(k.cmd.Path), err)
			default:
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

func (h *Host) describe(ctx context.Context, client *http.Client, word string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+"?WSDL", nil)
	if err != nil {
		return err
	}
	if h.user {
		req.SetBasicAuth(User, Password)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || !strings.Contains(string(body), word) {
		return fmt.Errorf("status %d: %.500s", res.StatusCode, body)
	}
	return nil
}

// children are the processes of one host.
type children struct{ all []*child }

// A child is one process.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu  sync.Mutex
	out strings.Builder
}

// maxOutput bounds what is kept of a process's output.
const maxOutput = 64 << 10

// Write keeps the beginning of what the process says.
func (c *child) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.Write(b[:min(len(b), max(0, maxOutput-c.out.Len()))])
	return len(b), nil
}

func (c *child) output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

// run starts a process; one that cannot be started has ended.
func (k *children) run(env []string, path string, args ...string) *child {
	c := &child{cmd: exec.Command(path, args...), ended: make(chan struct{})}
	c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr = env, c, c
	isolate(c.cmd)
	if err := c.cmd.Start(); err != nil {
		_, _ = c.Write([]byte(err.Error()))
		close(c.ended)
		return c
	}
	k.all = append(k.all, c)
	go func() {
		defer close(c.ended)
		_ = c.cmd.Wait() // how it ended does not matter: it is killed
	}()
	return c
}

// stop ends the processes, each with all it started.
func (k *children) stop() {
	for _, c := range k.all {
		select {
		case <-c.ended: // its number may be somebody else's by now
		default:
			kill(c.cmd)
			<-c.ended
		}
	}
}

// A Call is one call that arrived.
type Call struct {
	Operation string
	Args      []string // in the order of the parameters
	Null      []bool   // which of them were null
}

// Calls returns every call that arrived, in order.
func (h *Host) Calls() ([]Call, error) {
	data, err := os.ReadFile(h.log)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var calls []Call
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		c := Call{Operation: words[0]}
		for _, w := range words[1:] {
			text, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimPrefix(w, "-"), "="))
			if err != nil {
				return nil, fmt.Errorf("asptest: %q: %w", line, err)
			}
			c.Args = append(c.Args, string(text))
			c.Null = append(c.Null, w == "-")
		}
		calls = append(calls, c)
	}
	return calls, nil
}
