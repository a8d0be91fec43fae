//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/listener/freeport"
	"github.com/pergabridge/pergabridge/soap/asptest"
	"github.com/pergabridge/pergabridge/soap/ssptest"
	"github.com/pergabridge/pergabridge/soap/workflow"
)

// The blocks of docs/quick-start.md, in order. Only the values of the first are somebody's own.
var shellBlock = regexp.MustCompile("(?ms)^```sh([^\n]*)\n(.*?)^```$")

// newcomer pastes the whole page into a shell, with values of its own, in a folder with the download and nothing else.
func newcomer(t *testing.T, archive string, values map[string]string) (said string) {
	t.Helper()
	page, err := os.ReadFile("../../../../docs/quick-start.md")
	require.NoError(t, err)
	blocks := shellBlock.FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(blocks), 6)
	var script strings.Builder
	script.WriteString("set -eu\n") // the newcomer stops at the first thing that goes wrong
	for i, b := range blocks {
		require.Equal(t, i == 0, strings.TrimSpace(b[1]) == "values", "the first block, and no other, has the values")
		text := b[2]
		if i == 0 {
			lines := strings.Split(strings.TrimSpace(text), "\n")
			require.Len(t, lines, len(values))
			for n, line := range lines {
				name, _, _ := strings.Cut(line, "=")
				require.Contains(t, values, name)
				lines[n] = name + "='" + values[name] + "'"
			}
			text = strings.Join(lines, "\n") + "\n"
		}
		script.WriteString(text)
	}
	dir := t.TempDir()
	require.NoError(t, os.Symlink(archive, filepath.Join(dir, filepath.Base(archive))))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "bash")
	var out bytes.Buffer
	c.Dir, c.Stdin, c.Stdout, c.Stderr = dir, strings.NewReader(script.String()), &out, &out
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	c.WaitDelay = time.Second
	err = c.Run()
	log, _ := os.ReadFile(filepath.Join(dir, "bridge", "pergabridge.log")) // not there if it was never started
	require.NoError(t, err, "%s\n%s", out.String(), log)
	require.NotContains(t, string(log), "panic: ")
	require.NotContains(t, out.String(), "panic: ")
	return out.String()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	at, err := freeport.Address()
	require.NoError(t, err)
	return at
}

// A desk is a provider that takes the calls of the config that init begins, and no others.
type desk struct {
	*httptest.Server
	mu      sync.Mutex
	tickets []map[string]string
}

func newDesk(t *testing.T) *desk {
	d := &desk{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var ticket map[string]string
		if r.Method != http.MethodPost || r.URL.Path != "/api/tickets" || r.Header.Get("Authorization") != "Bearer desk-token" || json.NewDecoder(r.Body).Decode(&ticket) != nil {
			http.Error(w, "no", http.StatusTeapot)
			return
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.tickets = append(d.tickets, ticket)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"number": "DESK-%d"}`, len(d.tickets))
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *desk) values(t *testing.T, ssp string) map[string]string {
	return map[string]string{"SSP_URL": ssp, "PROVIDER": "desk-1", "PROVIDER_URL": d.URL + "/api", "PROVIDER_TOKEN": "desk-token", "TASK": "4711",
		"LISTEN": freeAddress(t), "ADMIN": freeAddress(t)}
}

func (d *desk) check(t *testing.T, said string) {
	t.Helper()
	require.Contains(t, said, `"status":"bonded","reference":"DESK-1"`)
	require.Regexp(t, `acknowledge .*done`, said)
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Len(t, d.tickets, 1)
	require.Equal(t, []string{"4711", "A first ticket", "From the quick start."}, []string{d.tickets[0]["task"], d.tickets[0]["title"], d.tickets[0]["text"]})
}

// tryQuickStart lets somebody new follow the page to the letter, with what was downloaded; SSP has the number in
// the end. The two runs go on beside each other.
func tryQuickStart(t *testing.T, archive string) {
	t.Run("fake SSP", func(t *testing.T) {
		t.Parallel()
		ssp, err := ssptest.Start(ssptest.Options{})
		require.NoError(t, err)
		defer ssp.Close()
		_, err = ssp.Create(ssptest.Ticket{Task: "4711", Title: "A first ticket"})
		require.NoError(t, err)
		d := newDesk(t)
		d.check(t, newcomer(t, archive, d.values(t, ssp.URL())))
		task, ok := ssp.Task("4711")
		require.True(t, ok)
		require.Equal(t, "DESK-1", task.Reference)
	})
	t.Run("ASP.NET host", func(t *testing.T) {
		t.Parallel()
		host := asptest.Start(t)
		d := newDesk(t)
		d.check(t, newcomer(t, archive, d.values(t, host.URL)))
		calls, err := host.Calls()
		require.NoError(t, err)
		require.Len(t, calls, 1)
		require.Equal(t, workflow.Acknowledgement, calls[0].Operation)
		require.Equal(t, []string{"4711", "DESK-1"}, calls[0].Args)
	})
}
