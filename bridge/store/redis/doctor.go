package redisstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
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

// checkDurability lets Open fail unless the server keeps what it was told, or the operator wrote
// out that it need not.
func (s *Store) checkDurability(ctx context.Context) error {
	switch s.opts.Durability {
	case DurabilityChecked, DurabilityRelaxed, DurabilityAsserted:
	default:
		return fmt.Errorf("redis: durability %q: use relaxed or asserted, or leave it out", s.opts.Durability)
	}
	found, known, err := Doctor(ctx, s.db)
	if err != nil {
		return err
	}
	if !known {
		if s.opts.Durability == DurabilityAsserted {
			return nil
		}
		return fmt.Errorf("redis: the server does not show its configuration (CONFIG is forbidden): if it keeps every write on disk (appendonly yes, appendfsync always, noeviction), write `durability: asserted`")
	}
	if len(found) == 0 {
		return nil
	}
	words := make([]string, len(found))
	for i, f := range found {
		words[i] = f.String()
	}
	if s.opts.Durability == DurabilityRelaxed {
		s.log.Warn("this Redis may lose what was accepted, and durability is relaxed", "findings", words)
		return nil
	}
	return fmt.Errorf("redis: this server may lose what was accepted: %s. Correct the server, or write `durability: relaxed`", strings.Join(words, "; "))
}
