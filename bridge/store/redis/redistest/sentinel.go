package redistest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Sentinels watch over a master called "bridge" and its replica.
type Sentinels struct {
	Master, Replica *Server
	// URL is the address as the config writes it.
	URL string
}

// SentinelOptions change what [StartSentinels] makes.
type SentinelOptions struct {
	// Down is how long a master is silent until it is held for down.
	Down time.Duration
	// Alone makes one Sentinel over a master without a replica.
	Alone bool
	// InMemory keeps the files of master and replica in memory; see [StartInMemory].
	InMemory bool
	// Password is asked for by the servers, SentinelPassword by the Sentinels; empty: none.
	Password, SentinelPassword string
}

// StartSentinels starts a master, a replica and three Sentinels, and returns when all know each other
// and the replica follows.
func StartSentinels(t testing.TB, o SentinelOptions) *Sentinels {
	t.Helper()
	ctx := context.Background()
	var settings []string
	if o.Password != "" {
		settings = []string{"--requirepass", o.Password, "--masterauth", o.Password}
	}
	begin := Start
	if o.InMemory {
		begin = StartInMemory
	}
	s := &Sentinels{Master: begin(t, settings...)}
	others, replicas := 2, 0
	if o.Alone {
		others = 0
	} else {
		s.Replica = begin(t, append(settings, "--replicaof", "127.0.0.1 "+strconv.Itoa(s.Master.Port))...)
		replicas = 1
	}
	hosts := ""
	for range others + 1 {
		port := FreePort(t)
		c := startSentinel(t, port, s.Master.Port, others/2+1, o)
		if hosts != "" {
			hosts += ","
		}
		hosts += "127.0.0.1:" + strconv.Itoa(port)
		require.Eventually(t, func() bool {
			r, err := c.Replicas(ctx, "bridge").Result()
			return err == nil && len(r) == replicas
		}, patience, 50*time.Millisecond, "the Sentinel knows the replica")
		defer func() { // when all have been started
			require.Eventually(t, func() bool {
				r, err := c.Sentinels(ctx, "bridge").Result()
				return err == nil && len(r) == others
			}, patience, 50*time.Millisecond, "the Sentinels know each other")
		}()
	}
	s.URL = "redis+sentinel://" + hosts + "/bridge/0"
	if !o.Alone {
		c := redis.NewClient(&redis.Options{Addr: s.Master.Addr(), Password: o.Password})
		defer c.Close()
		require.Eventually(t, func() bool { return c.Do(ctx, "wait", 1, 100).Val() == int64(1) }, patience, 50*time.Millisecond, "the replica follows")
	}
	return s
}

// startSentinel starts one Sentinel and returns a client of it.
func startSentinel(t testing.TB, port, master, quorum int, o SentinelOptions) *redis.SentinelClient {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nlogfile %s\nsentinel monitor bridge 127.0.0.1 %d %d\n"+
		"sentinel down-after-milliseconds bridge %d\nsentinel failover-timeout bridge 3000\n", port, dir, filepath.Join(dir, "log"), master, quorum, max(o.Down, time.Millisecond).Milliseconds())
	if o.Password != "" {
		text += fmt.Sprintf("sentinel auth-pass bridge %q\n", o.Password)
	}
	if o.SentinelPassword != "" {
		text += fmt.Sprintf("requirepass %q\n", o.SentinelPassword)
	}
	conf := filepath.Join(dir, "sentinel.conf")
	require.NoError(t, os.WriteFile(conf, []byte(text), 0o600))
	cmd := exec.Command("redis-server", conf, "--sentinel")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	c := redis.NewSentinelClient(&redis.Options{Addr: "127.0.0.1:" + strconv.Itoa(port), Password: o.SentinelPassword, MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = c.Close() })
	return c
}
