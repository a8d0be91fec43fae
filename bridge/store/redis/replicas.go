package redisstore

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
)

// Duties implements [bridge.Reader].
func (s *Store) Duties(ctx context.Context) ([]bridge.DutyState, error) {
	_, duties, err := s.presence(ctx)
	return duties, err
}

// Replicas implements [bridge.Reader].
func (s *Store) Replicas(ctx context.Context) ([]bridge.Replica, error) {
	replicas, _, err := s.presence(ctx)
	return replicas, err
}

// presence reads who is alive and who has which duty.
func (s *Store) presence(ctx context.Context) ([]bridge.Replica, []bridge.DutyState, error) {
	r, err := s.look(ctx, readReplicasScript, newCall(0))
	if err != nil {
		return nil, nil, err
	}
	var replicas []bridge.Replica
	for x := r.list(0); len(x) >= 4; x = x[4:] {
		since, name, _ := strings.Cut(x.str(3), ":")
		at, _ := strconv.ParseInt(since, 10, 64) // written by session.lua
		replicas = append(replicas, bridge.Replica{Name: name, Session: x.str(0), Since: fromMicros(at), Until: fromMicros(x.num(1)), Leases: int(x.num(2))})
	}
	var duties []bridge.DutyState
	for x := r.list(1); len(x) >= 4; x = x[4:] {
		duties = append(duties, bridge.DutyState{Name: x.str(0), Session: x.str(1), Paused: x.bool(2), Cursor: x.str(3)})
	}
	slices.SortFunc(replicas, func(a, b bridge.Replica) int { return strings.Compare(a.Session, b.Session) })
	slices.SortFunc(duties, func(a, b bridge.DutyState) int { return strings.Compare(a.Name, b.Name) })
	for _, d := range duties {
		if i := slices.IndexFunc(replicas, func(x bridge.Replica) bool { return x.Session == d.Session }); i >= 0 {
			replicas[i].Duties = append(replicas[i].Duties, d.Name)
		}
	}
	return replicas, duties, nil
}
