package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pergabridge/pergabridge/bridge"
)

// headArgs is how many arguments core.lua takes in front of those of a script.
const headArgs = 7

// newCall returns arguments with room for the head, which send fills in.
func newCall(room int) []any { return make([]any, headArgs, headArgs+room) }

// A reply is what a script returned.
type reply []any

func (r reply) str(i int) string {
	if i < len(r) {
		switch v := r[i].(type) {
		case string:
			return v
		case int64:
			return strconv.FormatInt(v, 10)
		}
	}
	return ""
}

func (r reply) num(i int) int64 {
	n, _ := strconv.ParseInt(r.str(i), 10, 64)
	return n
}

func (r reply) bool(i int) bool { return r.str(i) == "1" }

func (r reply) list(i int) reply {
	if i < len(r) {
		v, _ := r[i].([]any)
		return v
	}
	return nil
}

// write runs a script that writes, as one call: a repeat of it, by go-redis or by us, under the
// same id gets the answer of the first. It returns after the answer, or after Options.Timeout.
func (s *Store) write(ctx context.Context, sc *script, id string, args []any) (reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("redis: %s: %w", sc.name, err)
	}
	if err := s.usable(); err != nil {
		return nil, err
	}
	if err := s.wasReset(); err != nil {
		return nil, err
	}
	epoch, seen := s.position()
	args[0], args[1], args[2] = id, epoch, seen.String()
	args[3], args[4], args[5], args[6] = s.now().UnixMicro(), bridge.NewID(), rand.Text(), s.id
	// The caller's end is not ours: leaving early would make the answer a guess. The time is bounded.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Timeout)
	defer cancel()
	out, err := s.eval(ctx, sc, args, s.opts.Wait > 0)
	if err != nil {
		return nil, s.failed(sc, epoch, err)
	}
	if len(out) < 2 {
		return nil, fmt.Errorf("redis: %s: an answer without a head: %w", sc.name, bridge.ErrUnavailable)
	}
	s.saw(epoch, parsePosition(out.str(0)))
	if out.bool(1) {
		s.signal()
	}
	return out, nil
}

// look runs a script that only reads.
func (s *Store) look(ctx context.Context, sc *script, args []any) (reply, error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	args[0], args[1], args[2], args[3], args[4], args[5], args[6] = "", "", "0:0", s.now().UnixMicro(), "", "", ""
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	out, err := s.eval(ctx, sc, args, false)
	if err != nil {
		return nil, s.failed(sc, "", err)
	}
	return out, nil
}

// eval runs a script by its hash, and by its source where Redis does not know it (yet, or any more).
func (s *Store) eval(ctx context.Context, sc *script, args []any, wait bool) (reply, error) {
	keys := []string{s.prefix}
	out, err := s.evalOnce(ctx, wait, func(c redis.Cmdable) *redis.Cmd { return c.EvalSha(ctx, sc.sha, keys, args...) })
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		out, err = s.evalOnce(ctx, wait, func(c redis.Cmdable) *redis.Cmd { return c.Eval(ctx, sc.source, keys, args...) })
	}
	return out, err
}

func (s *Store) evalOnce(ctx context.Context, wait bool, run func(redis.Cmdable) *redis.Cmd) (reply, error) {
	if !wait {
		v, err := run(s.db).Slice()
		return v, err
	}
	var cmd *redis.Cmd
	var waited *redis.Cmd
	_, err := s.db.Pipelined(ctx, func(p redis.Pipeliner) error {
		cmd = run(p)
		waited = p.Do(ctx, "wait", s.opts.Wait, s.opts.WaitTimeout.Milliseconds())
		return nil
	})
	if cmd.Err() != nil {
		return nil, cmd.Err()
	}
	if err != nil {
		return nil, err
	}
	if n, _ := waited.Int64(); n < int64(s.opts.Wait) {
		return nil, &tooFewReplicas{got: n, want: s.opts.Wait}
	}
	v, err := cmd.Slice()
	return v, err
}

// tooFewReplicas says that something was written, but not to as many replicas as was asked for. The
// event stays; the caller is told that it was not accepted, and its repeat is a duplicate.
type tooFewReplicas struct {
	got  int64
	want int
}

func (e *tooFewReplicas) Error() string {
	return fmt.Sprintf("written to %d of %d replicas in time", e.got, e.want)
}

// refusal is an error that a script raised on purpose, or by mistake: Redis answered, nothing was
// written.
func refusal(err error) bool {
	var re redis.Error
	return errors.As(err, &re)
}

// failed turns the error of a call into what callers decide by.
func (s *Store) failed(sc *script, epoch string, err error) error {
	msg := err.Error()
	switch {
	case strings.Contains(msg, "PBFENCED"):
		return fmt.Errorf("redis: %s: %s: %w", sc.name, after(msg, "PBFENCED "), bridge.ErrFenced)
	case strings.Contains(msg, "PBRESET"):
		return s.reset(epoch, after(msg, "PBRESET "))
	}
	return fmt.Errorf("redis: %s: %w: %w", sc.name, err, bridge.ErrUnavailable)
}

func after(s, word string) string {
	_, rest, _ := strings.Cut(s, word)
	return rest
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
