package tesseron

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

const maxBackoff = 30 * time.Minute

// maxForeign bounds the foreign tickets that are remembered; beyond it they are asked about again.
const maxForeign = 20000

type poll struct {
	name     string
	config   *Config
	search   *Destination // with the polls' own share of the rate
	receiver *receiver
	fresh    *vendorapi.Fresh
	bonds    func(context.Context) ([]bridge.Bond, error)
	log      *slog.Logger
	now      func() time.Time
}

// seen is what the poll has seen; it is the duty's cursor.
type seen struct {
	Seeded  bool               `json:"seeded"`
	Tickets map[string]*ticket `json:"t"`
	Foreign map[string]bool    `json:"f,omitempty"`
}

type ticket struct {
	Status   string `json:"s,omitempty"`
	N        int    `json:"n,omitempty"`
	Task     string `json:"k,omitempty"`
	Resolved int64  `json:"r,omitempty"`
	Left     int64  `json:"l,omitempty"` // when it was first found without a bond and not among the hits
	// Adopted: it is followed because of its bond. Quiet: where it stands is where following begins.
	Adopted bool `json:"a,omitempty"`
	Quiet   bool `json:"q,omitempty"`
}

func readSeen(cursor string) (*seen, error) {
	st := &seen{}
	if cursor != "" {
		if err := json.Unmarshal([]byte(cursor), st); err != nil {
			return nil, fmt.Errorf("the cursor cannot be read: %w", err)
		}
	}
	if st.Tickets == nil {
		st.Tickets = map[string]*ticket{}
	}
	if st.Foreign == nil {
		st.Foreign = map[string]bool{}
	}
	return st, nil
}

func (st *seen) write() string {
	b, err := json.Marshal(st)
	if err != nil {
		panic(err) // maps of strings and numbers
	}
	return string(b)
}

// Run makes rounds until ctx or the duty ends.
func (p *poll) Run(ctx context.Context, d bridge.Duty) error {
	// Whoever polled before us, in another replica or under another config, may just have called.
	select {
	case <-time.After(p.apart()):
	case <-ctx.Done():
		return nil
	}
	var st *seen
	load := func(cursor string) (err error) {
		st, err = readSeen(cursor)
		return err
	}
	return provider.Rounds{Name: p.name, Every: p.config.Poll.Every.Std(), MaxPause: maxBackoff, Log: p.log}.Run(ctx, d, load, func(ctx context.Context) error {
		return p.round(ctx, d, st)
	})
}

// apart is the time between two calls of a poll.
func (p *poll) apart() time.Duration {
	return time.Duration(float64(time.Minute) / (float64(p.config.Rate.PerMinute) * p.config.Rate.PollShare))
}

// round searches all pages and tells what has changed.
func (p *poll) round(ctx context.Context, d bridge.Duty, st *seen) error {
	first := !st.Seeded
	before := st.write()
	fresh := p.fresh.Take()
	for _, n := range fresh {
		if st.Tickets[n] == nil {
			st.Tickets[n] = &ticket{}
		}
		delete(st.Foreign, n)
	}
	if len(fresh) > 0 { // kept at once: nobody else knows them
		if _, err := d.Accept(ctx, nil, st.write()); err != nil {
			p.fresh.Add(fresh...)
			return err
		}
	}
	bonds, err := p.bonded(ctx, st)
	if err != nil {
		return err
	}
	find := func(q Search) ([]vendorapi.Record, error) {
		return p.search.all(ctx, "SearchTicketByParameter", q, p.search.api.SearchTicketByParameter, "ticketNumber")
	}
	hits, err := find(Search{SearchParam: p.config.Poll.SearchParam, Filter: p.config.Poll.Filter})
	if err != nil {
		return err
	}
	now := map[string]vendorapi.Record{}
	for _, h := range hits {
		now[h.String("ticketNumber")] = h
	}
	// A ticket that has left the hits is asked for by its number while a task listens, and so is one that was
	// never among them: it was linked or imported, the desk opened it, or it is ours and ended at once.
	missing := map[string]bool{}
	for n, b := range bonds {
		if t := st.Tickets[n]; b.State == bridge.BondOpen || t != nil && t.Resolved == 0 {
			missing[n] = true
		}
	}
	for _, n := range slices.Sorted(maps.Keys(missing)) {
		if _, there := now[n]; there {
			continue
		}
		more, err := find(Search{SearchParam: n})
		if err != nil {
			return err
		}
		for _, h := range more {
			if same(h.String("ticketNumber"), n) {
				now[n] = h
			}
		}
	}
	var events []bridge.Event
	for _, n := range slices.Sorted(maps.Keys(now)) {
		got, err := p.ticket(ctx, n, now[n], st, bonds, first)
		if err != nil {
			return err
		}
		events = append(events, got...)
	}
	p.forget(st, now, bonds)
	st.Seeded = true
	if after := st.write(); after != before || len(events) > 0 {
		if _, err := d.Accept(ctx, events, after); err != nil {
			return err
		}
	}
	return nil
}

// forget drops tickets that ended long ago, or that nobody has spoken of for as long. One that is among the hits
// or has an open bond stays: it would be taken for a new one, and told again.
func (p *poll) forget(st *seen, hits map[string]vendorapi.Record, bonds map[string]bridge.Bond) {
	now := p.now().Unix()
	for n, t := range st.Tickets {
		_, hit := hits[n]
		bond, bonded := bonds[n]
		switch {
		case hit || bonded:
			t.Left = 0
		case t.Left == 0:
			t.Left = now
		}
		if last := max(t.Resolved, t.Left); last != 0 && !hit && bond.State != bridge.BondOpen && now-last > int64(p.config.Poll.Forget.Std().Seconds()) {
			delete(st.Tickets, n)
		}
	}
}

// bonded returns the bonds by ticket number, and stops following tickets of somebody else whose task is over
// or has moved.
func (p *poll) bonded(ctx context.Context, st *seen) (map[string]bridge.Bond, error) {
	list, err := p.bonds(ctx)
	if err != nil {
		return nil, err
	}
	bonds := make(map[string]bridge.Bond, len(list))
	for _, b := range list {
		bonds[strings.TrimSpace(b.Reference)] = b
	}
	for n, t := range st.Tickets {
		if _, there := bonds[n]; t.Adopted && !there {
			delete(st.Tickets, n)
		}
	}
	return bonds, nil
}

// era is where the changes of an adopted ticket are counted from, so that one that is followed for a second
// time does not repeat the keys of the first.
func (p *poll) era() int { return int(p.now().Unix()) }

// ticket returns what a hit tells that was not told yet.
func (p *poll) ticket(ctx context.Context, number string, hit vendorapi.Record, st *seen, bonds map[string]bridge.Bond, first bool) ([]bridge.Event, error) {
	bond, bonded := bonds[number]
	if st.Foreign[number] && !bonded {
		return nil, nil
	}
	status, t := hit.String("ticketStatus"), st.Tickets[number]
	if t == nil {
		whole, err := p.search.api.GetTicket(ctx, number)
		if err != nil {
			return nil, err
		}
		task, ours := p.config.Reference.Task(whole.String("referenceNumber"))
		switch {
		case ours:
		case bonded:
			delete(st.Foreign, number)
			t = &ticket{Task: bond.Task, N: p.era(), Adopted: true, Quiet: true}
			st.Tickets[number] = t
		default:
			if len(st.Foreign) >= maxForeign {
				clear(st.Foreign)
			}
			st.Foreign[number] = true
			return nil, nil
		}
		if t == nil {
			t = &ticket{Task: task, Quiet: first} // first: before our time
			st.Tickets[number] = t
		}
	}
	if t.Quiet {
		t.Quiet, t.Status = false, status
		return nil, nil
	}
	if status == t.Status {
		return nil, nil
	}
	previous := t.Status
	t.Status = status
	t.N++
	t.Resolved = 0
	if say := p.config.telling(status); say != nil && say.Kind == string(bridge.Resolve) {
		t.Resolved = p.now().Unix()
	}
	item := hit.Canonical()
	item["previous"] = previous
	return p.receiver.Events(ctx, News{TicketNumber: number, Task: t.Task, Status: status, ID: fmt.Sprintf("%s.%d.%s", number, t.N, status), Item: item})
}
