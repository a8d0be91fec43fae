// Package asptest runs a real ASP.NET .asmx service for tests: Mono's FastCGI server behind nginx,
// on free ports of the loopback interface, in a temporary folder, without a daemon and without root.
//
// The service has SSP's three operations under our argument names. It writes down what arrives
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
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/template"
	"time"
)

//go:embed WorkflowService.asmx nginx.conf
var files embed.FS

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
	URL string
	log string // file the service writes
}

// Start runs the service until the test ends.
func Start(t testing.TB) *Host {
	t.Helper()
	t.Attr("peer", "ASP.NET host (Mono behind nginx)") // counted by the summary of all tests
	if m := Missing(); len(m) > 0 {
		t.Fatalf("asptest: this test talks to a real ASP.NET host; install it: apt-get install --no-install-recommends %s", strings.Join(m, " "))
	}
	var err error
	for range tries {
		var h *Host
		if h, err = start(t); err == nil {
			return h
		}
		t.Logf("asptest: %v", err)
	}
	t.Fatalf("asptest: no host after %d tries: %v", tries, err)
	return nil
}

func start(t testing.TB) (*Host, error) {
	dir := t.TempDir()
	app := filepath.Join(dir, "app")
	if err := os.Mkdir(app, 0o700); err != nil {
		return nil, err
	}
	service, err := files.ReadFile("WorkflowService.asmx")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(app, "WorkflowService.asmx"), service, 0o600); err != nil {
		return nil, err
	}
	web, fcgi, err := freePorts()
	if err != nil {
		return nil, err
	}
	conf, err := template.ParseFS(files, "nginx.conf")
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	if err := conf.Execute(&text, map[string]any{"Web": web, "FastCGI": fcgi, "App": app}); err != nil {
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
	h := &Host{URL: "http://127.0.0.1:" + web + "/WorkflowService.asmx", log: filepath.Join(app, "calls.log")}
	if err := await(t.Context(), h.URL, mono, nginx); err != nil {
		kids.stop()
		return nil, fmt.Errorf("%w\nmono: %s\nnginx: %s", err, mono.output(), nginx.output())
	}
	t.Cleanup(kids.stop)
	return h, nil
}

// freePorts returns two ports that were free a moment ago.
func freePorts() (string, string, error) {
	var ports [2]string
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		defer l.Close() // only once both are known, so that they differ
		if _, ports[i], err = net.SplitHostPort(l.Addr().String()); err != nil {
			return "", "", err
		}
	}
	return ports[0], ports[1], nil
}

// await asks for the service's description until it comes. The first request compiles the service.
func await(ctx context.Context, url string, kids ...*child) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := describe(ctx, client, url+"?WSDL")
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

func describe(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
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
	if res.StatusCode != http.StatusOK || !strings.Contains(string(body), "definitions") {
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
