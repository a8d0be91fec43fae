package redisstore

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
)

// Replicas implements [bridge.Reader].
func (s *Store) Replicas(ctx context.Context) ([]bridge.Replica, error) {
	r, err := s.look(ctx, replicasScript, newCall(0))
	if err != nil {
		return nil, err
	}
	var out []bridge.Replica
	for i := 0; i+5 <= len(r); i += 5 {
		since, name, _ := strings.Cut(r.str(i+1), ":")
		at, _ := strconv.ParseInt(since, 10, 64) // written by session.lua
		v := bridge.Replica{Name: name, Session: r.str(i), Since: fromMicros(at), Until: fromMicros(r.num(i + 2)), Leases: int(r.num(i + 3))}
		if d := r.str(i + 4); d != "" {
			v.Duties = strings.Split(d, "\n")
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b bridge.Replica) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Since.Compare(b.Since), cmp.Compare(a.Session, b.Session))
	})
	return out, nil
}
