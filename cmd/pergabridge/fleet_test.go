package main_test

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/console/client"
)

// A fleet is a world with several replicas of the bridge on one Redis. What calls in reaches them in turn,
// through a front that stands at the address of the world; whoever meets a dead one is told 502.
type fleet struct {
	*world
	members []*member
}

// A member is one replica: its config differs from the others' in its addresses and its name.
type member struct {
	name, file    string
	program       string // empty: that of the world
	public, admin string
	child         *child
	api           *client.Client
}

// newFleet makes the world and the configs; nothing runs yet.
func newFleet(t testing.TB, n int, o options) *fleet {
	t.Helper()
	f := &fleet{world: newWorld(t, o)}
	text, err := os.ReadFile(f.file)
	require.NoError(t, err)
	own := fmt.Sprintf("{listen: %q, admin: %q}", f.public, f.admin)
	require.Contains(t, string(text), own)
	for i := range n {
		m := &member{name: fmt.Sprint("r", i), public: freeAddress(t), admin: freeAddress(t)}
		if i == 0 {
			m.admin = f.admin // the world asks the first one
		}
		m.file = filepath.Join(f.dir, m.name, "pergabridge.yaml")
		require.NoError(t, os.Mkdir(filepath.Dir(m.file), 0o700))
		require.NoError(t, os.WriteFile(m.file, []byte(strings.Replace(string(text), own, fmt.Sprintf("{listen: %q, admin: %q, replica: %s}", m.public, m.admin, m.name), 1)), 0o600))
		m.api, err = client.New(client.Options{Address: m.admin})
		require.NoError(t, err)
		t.Cleanup(m.api.Close)
		f.members = append(f.members, m)
	}
	f.file = f.members[0].file
	f.front(t)
	t.Cleanup(func() {
		for _, m := range f.members {
			if m.child != nil {
				m.child.kill()
			}
		}
	})
	return f
}

// front hands calls to the members in turn.
func (f *fleet) front(t testing.TB) {
	t.Helper()
	var turn atomic.Int64
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	s := &http.Server{Handler: &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			m := f.members[int(turn.Add(1))%len(f.members)]
			r.SetURL(&url.URL{Scheme: "http", Host: m.public})
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		ErrorLog:     nil,
	}}
	l, err := net.Listen("tcp", f.public)
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.Serve(l) }() // until it is closed
	t.Cleanup(func() {
		_ = s.Close()
		<-ended
		transport.CloseIdleConnections()
	})
}

// launch starts one member without waiting until it is ready.
func (f *fleet) launch(m *member) {
	f.t.Helper()
	m.child = spawnProgram(f.t, cmp.Or(m.program, f.world.program), f.dir, f.env, "serve", "--config", m.file)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logs = append(f.logs, &m.child.log)
}

// start starts all members and waits until they are ready.
func (f *fleet) start() {
	f.t.Helper()
	for _, m := range f.members {
		f.launch(m)
	}
	f.allReady()
}

func (f *fleet) allReady() {
	f.t.Helper()
	for _, m := range f.members {
		f.until(m.name+" is ready", func() bool {
			select {
			case <-m.child.ended:
				f.t.Fatalf("replica %s ended: %v\n%s", m.name, m.child.cmd.ProcessState, m.child.log.String())
			default:
			}
			code, _ := f.ask(m, "/readyz")
			return code == http.StatusOK
		})
	}
}

// ask gets a page of the admin listener; code is zero if nobody answers.
func (f *fleet) ask(m *member, path string) (code int, text string) {
	r, err := f.http.Get("http://" + m.admin + path)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	raw, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(raw)
}

// stop ends all members in an orderly way.
func (f *fleet) stop() {
	f.t.Helper()
	for _, m := range f.members {
		m.child.terminate(f.t)
	}
	for _, m := range f.members {
		require.Equal(f.t, 0, m.child.exit(f.t), "log:\n%s", m.child.log.tail(4000))
	}
}
