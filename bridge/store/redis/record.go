package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"github.com/pergabridge/pergabridge/bridge"
)

// leasedEvent joins the record of a leased event, as ev_pack in core.lua makes it, with what the
// event says.
func leasedEvent(seq int64, record string, said bridge.Event) (bridge.Event, error) {
	a, err := unpack(record)
	if err != nil || len(a) < 15 {
		return said, fmt.Errorf("redis: event %d: the record is damaged: %w", seq, err)
	}
	r := reply(a)
	e := said
	e.Seq, e.ID, e.Provider, e.Task, e.Dir, e.Kind = seq, r.str(0), r.str(1), r.str(2), bridge.Dir(r.str(3)), bridge.Kind(r.str(4))
	e.Reference, e.RefKey, e.Mode, e.Entrance = r.str(5), r.str(6), bridge.SubmitMode(r.str(7)), bridge.Entrance(r.str(8))
	e.State, e.Reason, e.Detail, e.First, e.Repeat = bridge.StateLeased, "", r.str(11), r.str(12), int(r.num(13))
	if e.Received.IsZero() {
		e.Received = fromMicros(r.num(14))
	}
	return e, nil
}

// storedBond reads the record of a bond, as bond_pack in core.lua makes it.
func storedBond(lane bridge.LaneID, record string) (bridge.Bond, error) {
	a, err := unpack(record)
	if err != nil || len(a) < 8 {
		return bridge.Bond{}, fmt.Errorf("redis: bond %s/%s: the record is damaged: %w", lane.Provider, lane.Task, err)
	}
	r := reply(a)
	acked, _ := a[5].(bool)
	return bridge.Bond{Provider: lane.Provider, Task: lane.Task, State: bridge.BondState(r.str(0)), Reference: r.str(1), RefKey: r.str(2),
		Resolves: int(r.num(3)), Submit: r.str(4), Acknowledged: acked, Created: fromMicros(r.num(6)), Changed: fromMicros(r.num(7))}, nil
}

// said remembers what lately accepted events say: they are mostly delivered by the replica that
// accepted them, which then need not read and decode them. What an event says never changes before
// it is settled.
type said struct {
	mu       sync.Mutex
	new, old map[string]bridge.Event // by seq; the older half is dropped when the newer is full
	newSize  int
}

const saidHalf = 4 << 20

func (c *said) put(seq string, e bridge.Event, size int) {
	if len(e.Fields) > 0 {
		return // whose numbers are of another type when they are read back
	}
	e.Window = 0 // not stored
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.new == nil || c.newSize > saidHalf {
		c.old, c.new, c.newSize = c.new, map[string]bridge.Event{}, 0
	}
	c.new[seq] = e
	c.newSize += size
}

func (c *said) get(seq string) (bridge.Event, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.new[seq]
	if !ok {
		e, ok = c.old[seq]
	}
	return e, ok
}

func (c *said) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.new, c.old, c.newSize = nil, nil, 0
}

// bodies returns what events say, from memory or from Redis.
func (s *Store) bodies(ctx context.Context, seqs []string) ([]bridge.Event, error) {
	out := make([]bridge.Event, len(seqs))
	var missing []string
	var at []int
	for i, seq := range seqs {
		e, ok := s.said.get(seq)
		if !ok {
			missing, at = append(missing, seq), append(at, i)
			continue
		}
		out[i] = e
	}
	if len(missing) == 0 {
		return out, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Timeout)
	defer cancel()
	all, err := s.db.HMGet(ctx, s.prefix+"body", missing...).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: settle: %w: %w", err, bridge.ErrUnavailable)
	}
	for j, v := range all {
		body, _ := v.(string)
		if err := json.Unmarshal([]byte(body), &out[at[j]]); err != nil {
			return nil, fmt.Errorf("redis: event %s: the stored body is damaged: %w", missing[j], err)
		}
		seq, err := strconv.ParseInt(missing[j], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("redis: event %q: %w", missing[j], err)
		}
		out[at[j]].Seq = seq
	}
	return out, nil
}
