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
	"github.com/pergabridge/pergabridge/bridge/store/transfer"
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
	ends := s.prefix + "notices:" + kind
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
	sortMembers(alive)
	return s.notices(ctx, kind, alive)
}

func sortMembers(all []redis.Z) {
	slices.SortFunc(all, func(a, b redis.Z) int { return strings.Compare(member(a), member(b)) })
}

func member(z redis.Z) string {
	s, _ := z.Member.(string)
	return s
}

// notices reads the values of notices whose keys and ends are known.
func (s *Store) notices(ctx context.Context, kind string, up []redis.Z) ([]bridge.Notice, error) {
	keys := make([]string, len(up))
	for i, z := range up {
		keys[i] = member(z)
	}
	all, err := s.db.HMGet(ctx, s.prefix+"notice:"+kind, keys...).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: notices: %w: %w", err, bridge.ErrUnavailable)
	}
	var out []bridge.Notice
	for i, v := range all {
		if value, ok := v.(string); ok { // taken down meanwhile otherwise
			out = append(out, bridge.Notice{Kind: kind, Key: keys[i], Value: []byte(value), Until: fromMicros(int64(up[i].Score))})
		}
	}
	return out, nil
}

// boardPiece is how many notices, which may be large, are read at once.
const boardPiece = 20

// board hands what is on the board to take, by kind and key, also what is over and was not taken down yet. No
// key lists the kinds: they are found among all keys of Redis.
func (s *Store) board(ctx context.Context, take func(*transfer.Notice) error) error {
	boards := s.prefix + "notices:"
	var kinds []string
	if err := s.scan(ctx, boards+"*", func(keys []string) error {
		for _, k := range keys {
			kinds = append(kinds, strings.TrimPrefix(k, boards))
		}
		return nil
	}); err != nil {
		return err
	}
	slices.Sort(kinds)
	for _, kind := range slices.Compact(kinds) { // a scan may show a key twice
		all, err := s.db.ZRangeWithScores(ctx, boards+kind, 0, -1).Result()
		if err != nil {
			return fmt.Errorf("redis: notices: %w: %w", err, bridge.ErrUnavailable)
		}
		sortMembers(all)
		for piece := range slices.Chunk(all, boardPiece) {
			up, err := s.notices(ctx, kind, piece)
			if err != nil {
				return err
			}
			for _, n := range up {
				if err := take(&transfer.Notice{Kind: n.Kind, Key: n.Key, Value: n.Value, Until: micros(n.Until)}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// scan hands the keys of Redis that match a pattern to take, in pieces, perhaps some of them twice.
func (s *Store) scan(ctx context.Context, pattern string, take func(keys []string) error) error {
	for cursor := uint64(0); ; {
		keys, next, err := s.db.Scan(ctx, cursor, pattern, 1000).Result()
		if err != nil {
			return fmt.Errorf("redis: look through the keys: %w: %w", err, bridge.ErrUnavailable)
		}
		if err := take(keys); err != nil {
			return err
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
