package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNoRedis means that there is no redis-server to start.
var ErrNoRedis = errors.New("redis-server is not installed: give the address of one, --store redis://HOST:PORT/DB, or measure a file, --store sqlite")

// A Redis is a redis-server of our own.
type Redis struct {
	Addr string
	dir  string
	cmd  *exec.Cmd
}

// StartRedis starts a redis-server with an AOF that is synchronised as fsync says: always or everysec.
func StartRedis(ctx context.Context, fsync string) (*Redis, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, ErrNoRedis
	}
	r := &Redis{}
	if r.Addr, err = Free(); err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(r.Addr)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if r.dir, err = os.MkdirTemp("", "pergabridge-bench-redis-"); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	r.cmd = exec.Command(program, "--bind", "127.0.0.1", "--port", port, "--dir", r.dir, "--save", "", "--appendonly", "yes", "--appendfsync", fsync, "--loglevel", "warning")
	if err := r.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("bench: %w", err), os.RemoveAll(r.dir))
	}
	c := redis.NewClient(&redis.Options{Addr: r.Addr, MaxRetries: 50, MinRetryBackoff: 20 * time.Millisecond, MaxRetryBackoff: 100 * time.Millisecond})
	defer c.Close()
	if err := c.Ping(ctx).Err(); err != nil {
		_, stopErr := r.Stop()
		return nil, errors.Join(fmt.Errorf("bench: redis-server does not answer: %w", err), stopErr)
	}
	return r, nil
}

// Stop ends the server, throws its data away and returns what it took.
func (r *Redis) Stop() (Usage, error) {
	err := r.cmd.Process.Kill() // nobody needs what it keeps
	_ = r.cmd.Wait()            // it was killed
	return usage(r.cmd.ProcessState), errors.Join(err, os.RemoveAll(r.dir))
}

// Forget throws a namespace away that a run has left in somebody's Redis.
func Forget(ctx context.Context, url, namespace string) error {
	o, err := redis.ParseURL(url)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	c := redis.NewClient(o)
	defer c.Close()
	keys := c.Scan(ctx, 0, "{pb:"+namespace+"}:*", 1000).Iterator()
	for keys.Next(ctx) {
		if err := c.Unlink(ctx, keys.Val()).Err(); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
	}
	if err := keys.Err(); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return nil
}
