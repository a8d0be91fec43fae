package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/pergabridge/pergabridge/bridge"
)

// Pin implements [bridge.Board].
func (s *Store) Pin(ctx context.Context, notices ...bridge.Notice) error {
	_, err := s.pin(ctx, "", notices)
	return err
}

// PinNew implements [bridge.Board].
func (s *Store) PinNew(ctx context.Context, n bridge.Notice) (*bridge.Notice, error) {
	r, err := s.pin(ctx, "new", []bridge.Notice{n})
	if err != nil || r.bool(2) {
		return nil, err
	}
	return &bridge.Notice{Kind: n.Kind, Key: n.Key, Value: []byte(r.str(3)), Until: fromMicros(r.num(4))}, nil
}

func (s *Store) pin(ctx context.Context, how string, notices []bridge.Notice) (reply, error) {
	args := append(newCall(2+4*len(notices)), how, len(notices))
	for _, n := range notices {
		if len(n.Value) > bridge.MaxNotice {
			return nil, fmt.Errorf("redis: notice %s %s: %d bytes are more than %d", n.Kind, n.Key, len(n.Value), bridge.MaxNotice)
		}
		args = append(args, n.Kind, n.Key, string(n.Value), micros(n.Until))
	}
	return s.write(ctx, boardScript, rand.Text(), args)
}

// Notices implements [bridge.Board].
func (s *Store) Notices(ctx context.Context, kind, key string) ([]bridge.Notice, error) {
	values, ends := s.prefix+"notice:"+kind, s.prefix+"notices:"+kind
	now := s.now().UnixMicro()
	var alive []redis.Z
	if key != "" {
		switch until, err := s.db.ZScore(ctx, ends, key).Result(); {
		case errors.Is(err, redis.Nil):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("redis: notices: %w: %w", err, bridge.ErrUnavailable)
		case int64(until) > now:
			alive = []redis.Z{{Score: until, Member: key}}
		}
	} else {
		var err error
		alive, err = s.db.ZRangeByScoreWithScores(ctx, ends, &redis.ZRangeBy{Min: "(" + strconv.FormatInt(now, 10), Max: "+inf"}).Result()
		if err != nil {
			return nil, fmt.Errorf("redis: notices: %w: %w", err, bridge.ErrUnavailable)
		}
	}
	if len(alive) == 0 {
		return nil, nil
	}
	keys := make([]string, len(alive))
	for i, z := range alive {
		keys[i], _ = z.Member.(string)
	}
	all, err := s.db.HMGet(ctx, values, keys...).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: notices: %w: %w", err, bridge.ErrUnavailable)
	}
	var out []bridge.Notice
	for i, v := range all {
		if value, ok := v.(string); ok { // taken down meanwhile otherwise
			out = append(out, bridge.Notice{Kind: kind, Key: keys[i], Value: []byte(value), Until: fromMicros(int64(alive[i].Score))})
		}
	}
	slices.SortFunc(out, func(a, b bridge.Notice) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}
