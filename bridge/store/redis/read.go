package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
)

const (
	defaultLimit = 100
	// pieceLimit and pieceBudget bound how much one call returns and looks at: Redis does nothing
	// else meanwhile.
	pieceLimit  = 200
	pieceBudget = 2000
)

func limitOf(n int) int {
	if n <= 0 {
		return defaultLimit
	}
	return n
}

func states[T ~string](all []T) string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = string(s)
	}
	return strings.Join(out, ",")
}

// Bonds implements [bridge.Reader].
func (s *Store) Bonds(ctx context.Context, f bridge.BondFilter) ([]bridge.Bond, error) {
	from := strings.Replace(f.AfterKey, "/", "\x1f", 1)
	limit := limitOf(f.Limit)
	var out []bridge.Bond
	for {
		r, err := s.look(ctx, readBondsScript, append(newCall(8), from, limit-len(out), pieceBudget, f.Provider, f.Task, f.RefKey, states(f.States), f.Prefix))
		if err != nil {
			return nil, err
		}
		for i := range int(r.num(1)) {
			out = append(out, r.bond(2+i*bondTexts))
		}
		if from = r.str(0); from == "" || len(out) >= limit {
			return out, nil
		}
	}
}

// Bond implements [bridge.Reader].
func (s *Store) Bond(ctx context.Context, provider, task string) (bridge.Bond, error) {
	out, err := s.Bonds(ctx, bridge.BondFilter{Provider: provider, Task: task})
	if err == nil && (len(out) == 0 || task == "") {
		err = fmt.Errorf("redis: bond %s/%s: %w", provider, task, bridge.ErrNotFound)
	}
	if err != nil {
		return bridge.Bond{}, err
	}
	return out[0], nil
}

// Lanes implements [bridge.Reader].
func (s *Store) Lanes(ctx context.Context, f bridge.LaneFilter) ([]bridge.Lane, error) {
	dests := []string{f.Dest}
	if f.Dest == "" {
		var err error
		if dests, err = s.db.SMembers(ctx, s.prefix+"providers").Result(); err != nil {
			return nil, fmt.Errorf("redis: lanes: %w: %w", err, bridge.ErrUnavailable)
		}
		if dests = append(dests, bridge.SSP); f.Provider != "" {
			dests = []string{f.Provider, bridge.SSP}
		}
		slices.Sort(dests)
		dests = slices.Compact(dests)
	}
	limit := limitOf(f.Limit)
	var out []bridge.Lane
	for _, dest := range dests {
		head, lane := int64(-1), ""
		if p := f.After; p != (bridge.LanePlace{}) {
			switch at := p.Lane.Destination(); {
			case dest < at:
				continue
			case dest == at:
				head, lane = p.Head, p.Lane.String()
			}
		}
		for from := int64(0); len(out) < limit; {
			r, err := s.look(ctx, readLanesScript, append(newCall(9), dest, from, limit-len(out), pieceBudget, f.Provider, f.Task, states(f.States), head, lane))
			if err != nil {
				return nil, err
			}
			for i := range int(r.num(1)) {
				out = append(out, r.lane(2+i*laneTexts))
			}
			if from = r.num(0); from == 0 {
				break
			}
		}
	}
	return out, nil
}

const laneTexts = 14

func (r reply) lane(i int) bridge.Lane {
	return bridge.Lane{
		ID:    bridge.LaneID{Provider: r.str(i), Task: r.str(i + 1), Dir: bridge.Dir(r.str(i + 2))},
		State: bridge.LaneState(r.str(i + 3)), Reason: bridge.Reason(r.str(i + 4)), Head: r.str(i + 5), HeadKind: bridge.Kind(r.str(i + 6)),
		Queued: int(r.num(i + 7)), Due: fromMicros(r.num(i + 8)), Attempt: int(r.num(i + 9)), Unknown: r.bool(i + 10),
		Oldest: fromMicros(r.num(i + 11)), Detail: r.str(i + 12), HeadSeq: r.num(i + 13),
	}
}

// activityRecord is an activity as operate.lua stores it.
type activityRecord struct {
	At     stamp  `json:"at"`
	Person string `json:"person"`
	Verb   string `json:"verb"`
	Target string `json:"target"`
	Note   string `json:"note"`
}

// Activities implements [bridge.Reader].
func (s *Store) Activities(ctx context.Context, limit int) ([]bridge.Activity, error) {
	all, err := s.db.LRange(ctx, s.prefix+"activity", 0, int64(limitOf(limit))-1).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: activities: %w: %w", err, bridge.ErrUnavailable)
	}
	out := make([]bridge.Activity, 0, len(all))
	for _, line := range all {
		var a activityRecord
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			return nil, fmt.Errorf("redis: activities: a record is damaged: %w", err)
		}
		out = append(out, bridge.Activity{At: fromMicros(int64(a.At)), Person: a.Person, Verb: a.Verb, Target: a.Target, Note: a.Note})
	}
	return out, nil
}

// Counts implements [bridge.Reader].
func (s *Store) Counts(ctx context.Context) (bridge.Counts, error) {
	out := bridge.Counts{Events: map[bridge.EventState]int64{}, Bonds: map[bridge.BondState]int64{},
		Destination: map[string]bridge.DestinationCounts{}, Quarantine: map[string]map[bridge.Reason]int64{}}
	r, err := s.look(ctx, readCountsScript, newCall(0))
	if err != nil {
		return out, err
	}
	dests := r.list(1)
	now := s.now()
	for i := 0; i+7 <= len(dests); i += 7 {
		d := bridge.DestinationCounts{Lanes: map[bridge.LaneState]int64{}, Breaker: bridge.BreakerClosed, Paused: dests.bool(i + 1),
			Failures: int(dests.num(i + 2)), Oldest: fromMicros(dests.num(i + 5))}
		openTo := fromMicros(dests.num(i + 3))
		switch {
		case openTo.After(now):
			d.Breaker, d.OpenTo = bridge.BreakerIsOpen, openTo
		case !openTo.IsZero() || dests.bool(i+4):
			d.Breaker, d.OpenTo = bridge.BreakerProbe, openTo
		}
		out.Destination[dests.str(i)] = d
	}
	tallies := r.list(0)
	for i := 0; i+2 <= len(tallies); i += 2 {
		n := tallies.num(i + 1)
		if n == 0 {
			continue
		}
		what, rest, _ := strings.Cut(tallies.str(i), "|")
		a, b := rest, ""
		if at := strings.LastIndexByte(rest, '|'); at >= 0 {
			a, b = rest[:at], rest[at+1:]
		}
		switch what {
		case "event":
			out.Events[bridge.EventState(a)] = n
		case "bond":
			out.Bonds[bridge.BondState(a)] = n
		case "lane":
			if d, ok := out.Destination[a]; ok {
				d.Lanes[bridge.LaneState(b)] = n
			}
		case "queued":
			if d, ok := out.Destination[a]; ok {
				d.Queued = n
				out.Destination[a] = d
			}
		case "quarantine":
			if out.Quarantine[a] == nil {
				out.Quarantine[a] = map[bridge.Reason]int64{}
			}
			out.Quarantine[a][bridge.Reason(b)] = n
		}
	}
	return out, nil
}
