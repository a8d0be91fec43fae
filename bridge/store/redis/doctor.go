package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pergabridge/pergabridge/bridge"
)

// A Finding is one thing the doctor found that may lose what was accepted.
type Finding struct {
	Setting string // of the server: appendonly, appendfsync, maxmemory-policy
	Is      string
	Want    string
	Loses   string // what a crash may lose, in words
}

func (f Finding) String() string {
	return fmt.Sprintf("%s is %q, not %q: %s", f.Setting, f.Is, f.Want, f.Loses)
}

// Doctor looks at the settings of the server. known is false where the server does not show them
// (CONFIG is forbidden, as managed services do).
func Doctor(ctx context.Context, db redis.Cmdable) (found []Finding, known bool, err error) {
	for _, f := range []Finding{
		{Setting: "appendonly", Want: "yes", Loses: "a crash of Redis loses everything since its last snapshot"},
		{Setting: "appendfsync", Want: "always", Loses: "a crash of the machine loses the last second or more of what was accepted, leased and settled: those events are gone, and some deliveries happen twice"},
		{Setting: "maxmemory-policy", Want: "noeviction", Loses: "Redis throws records away when its memory is full"},
	} {
		v, err := db.ConfigGet(ctx, f.Setting).Result()
		if err != nil {
			if _, ok := err.(redis.Error); ok { //nolint:errorlint // go-redis returns it bare
				return nil, false, nil
			}
			return nil, false, fmt.Errorf("redis: doctor: %w", err)
		}
		if f.Is = v[f.Setting]; f.Is == "" {
			return nil, false, nil
		}
		if f.Is != f.Want {
			found = append(found, f)
		}
	}
	return found, true, nil
}

// maxSkew is how far a replica's clock may be from that of Redis: sessions live ten seconds, and the
// clocks of all replicas have to agree within one.
const maxSkew = time.Second

// An Examination is what the doctor found.
type Examination struct {
	Findings []Finding
	// Known is false where the server does not show its settings.
	Known bool
	// Cluster is set for a Redis Cluster, which is not supported yet.
	Cluster bool
	// Replicas is how many replicas have every write, up to Options.Wait; zero if that is zero.
	Replicas int
	// Skew is how far the clock of Redis is before ours.
	Skew time.Duration
}

// Examine looks at the server as it is now; after a fail-over it may be another one.
func (s *Store) Examine(ctx context.Context) (Examination, error) {
	var x Examination
	if err := s.reach(ctx); err != nil {
		return x, err
	}
	if info, err := s.db.Info(ctx, "cluster").Result(); err == nil { // an ACL may forbid it: then the first script would tell
		x.Cluster = strings.Contains(info, "cluster_enabled:1")
	}
	var err error
	if x.Findings, x.Known, err = Doctor(ctx, s.db); err != nil {
		return x, fmt.Errorf("%w: %w", err, bridge.ErrUnavailable)
	}
	if s.opts.Wait > 0 {
		n, err := s.db.Do(ctx, "wait", s.opts.Wait, s.opts.WaitTimeout.Milliseconds()).Int()
		if err != nil {
			return x, fmt.Errorf("redis: doctor: %w: %w", err, bridge.ErrUnavailable)
		}
		x.Replicas = min(n, s.opts.Wait)
	}
	before := s.now()
	at, err := s.db.Time(ctx).Result()
	if redis.HasErrorPrefix(err, "NOPERM") { // an ACL without it: then nobody compares the clocks
		return x, nil
	}
	if err != nil {
		return x, fmt.Errorf("redis: doctor: %w: %w", err, bridge.ErrUnavailable)
	}
	after := s.now()
	if x.Skew = at.Sub(before.Add(after.Sub(before) / 2)); x.Skew.Abs() <= after.Sub(before)/2 {
		x.Skew = 0 // within the time the question took
	}
	return x, nil
}

// judge says what of an examination the operator should know, and what forbids to work.
func (s *Store) judge(x Examination) (warnings []string, err error) {
	if x.Cluster {
		return nil, errors.New("redis: this is a Redis Cluster, which is not supported yet: use one Redis, or a master and replicas under Sentinels")
	}
	words := make([]string, len(x.Findings))
	for i, f := range x.Findings {
		words[i] = f.String()
	}
	switch found := strings.Join(words, "; "); {
	case !x.Known && s.opts.Durability == DurabilityAlways:
		return nil, errors.New("redis: the server does not show its configuration (CONFIG is forbidden): if it keeps every write on disk (appendonly yes, appendfsync always, noeviction), write `durability: asserted`; if not, `durability: relaxed`")
	case found != "" && s.opts.Durability != DurabilityRelaxed:
		return nil, fmt.Errorf("redis: this server may lose what was accepted: %s. Correct the server, or write `durability: relaxed`", found)
	case found != "":
		warnings = append(warnings, "this Redis may lose what was accepted, and durability is relaxed: "+found)
	case !x.Known && s.opts.Durability == DurabilityRelaxed:
		warnings = append(warnings, "this Redis does not show its configuration and durability is relaxed: nobody knows what a crash may lose")
	}
	if x.Replicas < s.opts.Wait {
		warnings = append(warnings, fmt.Sprintf("only %d of %d replicas of Redis have the writes: until they do, nothing is accepted (wait: %d)", x.Replicas, s.opts.Wait, s.opts.Wait))
	}
	if x.Skew.Abs() > maxSkew {
		warnings = append(warnings, fmt.Sprintf("the clock of this machine differs from that of Redis by %s: the clocks of all replicas have to agree within a second (NTP)", x.Skew.Abs().Round(10*time.Millisecond)))
	}
	return warnings, nil
}

// checkServer lets Open fail unless the server keeps what it was told, or the operator wrote out that
// it need not.
func (s *Store) checkServer(ctx context.Context) error {
	x, err := s.Examine(ctx)
	if err != nil {
		return err
	}
	warnings, err := s.judge(x)
	for _, w := range warnings {
		s.log.Warn(w)
	}
	return err
}

// Check connects to the Redis at url as [Open] would, without changing anything there. The error is
// what Open would refuse; warnings are what an operator should know.
func Check(ctx context.Context, url string, o Options) (warnings []string, err error) {
	s, err := prepare(url, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.db.Close()) }()
	ctx, cancel := context.WithTimeout(ctx, 2*s.opts.Timeout)
	defer cancel()
	x, err := s.Examine(ctx)
	if err != nil {
		return nil, err
	}
	return s.judge(x)
}

// Conditions returns what readiness asks of this store beside whether it answers. What must hold is in
// must; shown is what people should see although work goes on.
func (s *Store) Conditions() (must, shown map[string]func(context.Context) error) {
	must = map[string]func(context.Context) error{
		"store_reset": func(context.Context) error { return s.ResetErr() },
	}
	shown = map[string]func(context.Context) error{
		"store_server": func(ctx context.Context) error {
			x, err := s.Examine(ctx)
			if err != nil {
				return err
			}
			warnings, err := s.judge(x)
			if err == nil && len(warnings) > 0 {
				err = errors.New(strings.Join(warnings, "; "))
			}
			return err
		},
	}
	return must, shown
}
