package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge/listener/freeport"
)

// A Bridge is the program under test, running.
type Bridge struct {
	Admin string // host:port
	cmd   *exec.Cmd
	log   *tail
	ended chan error
}

// A Usage is what a process took.
type Usage struct {
	User   float64 `json:"user_seconds"`
	System float64 `json:"system_seconds"`
	// Memory is the most that was resident at once, in bytes; 0 where the system does not tell.
	Memory int64 `json:"memory_bytes"`
}

// CPU returns the seconds of the processor.
func (u Usage) CPU() float64 { return u.User + u.System }

// Start writes config to dir and runs the program with it until [Bridge.Stop]. Config names its admin
// listener as ADMIN. It returns when the bridge is ready.
func Start(ctx context.Context, dir, config string, env ...string) (*Bridge, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	b := &Bridge{log: &tail{}, ended: make(chan error, 1)}
	if b.Admin, err = Free(); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "pergabridge.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(config, "ADMIN", b.Admin)), 0o600); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	b.cmd = exec.Command(program, "serve", "--config", file)
	b.cmd.Env = append(os.Environ(), env...)
	b.cmd.Stdout, b.cmd.Stderr = b.log, b.log
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	go func() { b.ended <- b.cmd.Wait() }()
	if err := b.ready(ctx); err != nil {
		_ = b.cmd.Process.Kill() // it is of no use
		return nil, err
	}
	return b, nil
}

// patience is how long the bridge may take to become ready.
const patience = 30 * time.Second

func (b *Bridge) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.Admin+"/healthz", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(r); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-b.ended:
			return fmt.Errorf("bench: the bridge ended (%v): %s", err, b.log)
		case <-ctx.Done():
			return fmt.Errorf("bench: the bridge does not become ready: %s", b.log)
		case <-tick.C:
		}
	}
}

// Metrics returns the samples of the bridge's /metrics whose name begins with prefix, as name{labels}.
func (b *Bridge) Metrics(ctx context.Context, prefix string) (map[string]float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.Admin+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("bench: metrics: %w", err)
	}
	defer res.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(res.Body); err != nil {
		return nil, fmt.Errorf("bench: metrics: %w", err)
	}
	out := map[string]float64{}
	for line := range strings.SplitSeq(text.String(), "\n") {
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || !strings.HasPrefix(line, prefix) {
			continue
		}
		var v float64
		if _, err := fmt.Sscan(line[i+1:], &v); err == nil {
			out[line[:i]] = v
		}
	}
	return out, nil
}

// Stop ends the bridge in order and returns what it took.
func (b *Bridge) Stop() (Usage, error) {
	if err := interrupt(b.cmd.Process); err != nil {
		return Usage{}, fmt.Errorf("bench: %w", err)
	}
	select {
	case err := <-b.ended:
		if err != nil {
			return Usage{}, fmt.Errorf("bench: the bridge ended with %w: %s", err, b.log)
		}
	case <-time.After(patience):
		_ = b.cmd.Process.Kill() // it was asked
		<-b.ended
		return Usage{}, errors.New("bench: the bridge does not stop")
	}
	return usage(b.cmd.ProcessState), nil
}

// Kill ends the bridge at once, when something else has failed.
func (b *Bridge) Kill() {
	if b.cmd.ProcessState == nil {
		_ = b.cmd.Process.Kill() // it may have ended by itself
	}
}

// Log returns the end of what the bridge wrote.
func (b *Bridge) Log() string { return b.log.String() }

// Free returns an address of this machine where nobody listens.
func Free() (string, error) {
	at, err := freeport.Address()
	if err != nil {
		return "", fmt.Errorf("bench: %w", err)
	}
	return at, nil
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailBytes = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if len(t.b) > 2*tailBytes {
		t.b = append([]byte(nil), t.b[len(t.b)-tailBytes:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
