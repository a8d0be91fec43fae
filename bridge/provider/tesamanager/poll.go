package tesamanager

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// maxBackoff bounds the pause after failures in a row.
const maxBackoff = 15 * time.Minute

// lostRounds is after how many rounds a request that is in no known state is told of.
const lostRounds = 3

var finals = []string{"FINISHED", "REJECTED", "CANCELED"}

type poll struct {
	name     string
	config   *Config
	api      *API
	receiver *receiver
	known    *known
	fresh    *vendorapi.Fresh
	bonds    func(context.Context) ([]bridge.Bond, error)
	log      *slog.Logger
	now      func() time.Time
	limit    *rate.Limiter
	watched  time.Time // when stalled requests were asked for last
}

func newPoll(name string, c *Config, api *API, r *receiver, k *known, fresh *vendorapi.Fresh, d provider.Deps) *poll {
	return &poll{name: name, config: c, api: api, receiver: r, known: k, fresh: fresh, bonds: d.Bonds, log: d.Log, now: d.Now,
		limit: rate.NewLimiter(rate.Limit(c.Poll.Rate), max(1, int(c.Poll.Rate)))}
}

// Run makes rounds until ctx or the duty ends.
func (p *poll) Run(ctx context.Context, d bridge.Duty) error {
	var st *state
	load := func(cursor string) (err error) {
		st, err = readState(cursor)
		return err
	}
	return provider.Rounds{Name: p.name, Every: p.config.Poll.Every.Std(), MaxPause: maxBackoff, Log: p.log}.Run(ctx, d, load, func(ctx context.Context) error {
		if st.Since == 0 {
			st.Since = p.now().Unix()
			if since := bridge.Since(d); !since.IsZero() { // the ledger was reset: from where a person said
				st.Since = since.Unix()
			}
			// Saved at once: what happens from now on must not be missed.
			if _, err := d.Accept(ctx, nil, st.write()); err != nil {
				return err
			}
		}
		return p.round(ctx, d, st)
	})
}

// round looks at everything once.
func (p *poll) round(ctx context.Context, d bridge.Duty, st *state) error {
	if err := p.met(ctx, d, st); err != nil {
		return err
	}
	now, err := p.states(ctx, st)
	if err != nil {
		return err
	}
	if err := p.finished(ctx, st, now); err != nil {
		return err
	}
	open, err := p.bonded(ctx, st)
	if err != nil {
		return err
	}
	first := !st.Seeded
	for _, id := range slices.Sorted(maps.Keys(st.Requests)) {
		t := st.Requests[id]
		if t.Foreign {
			if _, there := now[id]; !there {
				delete(st.Requests, id)
			}
			continue
		}
		before := t.write()
		events, err := p.request(ctx, id, now[id], t, first, st.Since)
		var f *vendorapi.Failure
		if errors.As(err, &f) && f.Outcome.Status == 404 {
			p.log.Warn("the vendor lists a request that it does not find", "provider", p.name, "reference", id)
			continue
		}
		if err != nil {
			return err
		}
		// With a bond it stays: it would be taken for a new one, and told again.
		over := t.final() && !open[id] && p.now().Unix()-t.Changed > int64(p.config.Poll.AfterFinal.Std().Seconds())
		if over {
			delete(st.Requests, id)
		}
		if over || len(events) > 0 || t.write() != before {
			if _, err := d.Accept(ctx, events, st.write()); err != nil {
				return err
			}
		}
	}
	if first {
		st.Seeded = true
		if _, err := d.Accept(ctx, nil, st.write()); err != nil {
			return err
		}
	}
	return p.stalled(ctx, d, st)
}

// met takes over the requests that this process has written, and keeps them at once.
func (p *poll) met(ctx context.Context, d bridge.Duty, st *state) error {
	fresh := p.fresh.Take()
	added := false
	for _, id := range fresh {
		if st.Requests[id] == nil {
			st.Requests[id] = &tracked{Ours: true}
			added = true
		}
	}
	if !added {
		return nil
	}
	_, err := d.Accept(ctx, nil, st.write())
	if err != nil {
		p.fresh.Add(fresh...)
	}
	return err
}

// bonded adds the requests that have a bond and are not followed yet: those that were linked or imported,
// and ours that ended before any round saw them; meet finds out which. It returns those with an open bond.
func (p *poll) bonded(ctx context.Context, st *state) (open map[string]bool, err error) {
	bonds, err := p.bonds(ctx)
	if err != nil {
		return nil, err
	}
	open = map[string]bool{}
	all, now := map[string]bool{}, p.now().Unix()
	for _, b := range bonds {
		id := strings.TrimSpace(b.Reference)
		all[id] = true
		if b.State == bridge.BondOpen {
			open[id] = true
		}
		switch t := st.Requests[id]; {
		case t == nil && b.State == bridge.BondOpen:
			st.Requests[id] = &tracked{N: int(now), Adopted: now, Quiet: true} // counted from now: no key comes twice
		case t != nil && t.Foreign:
			st.Requests[id] = &tracked{N: int(now), Adopted: now}
		case t != nil && !t.Met:
			t.Adopted = now
		}
	}
	for id, t := range st.Requests {
		if t.Adopted != 0 && !all[id] {
			delete(st.Requests, id) // its task is over, or has moved
		}
	}
	return open, nil
}

// finalsOverlap is by how much a search for finished requests reaches back, against clocks.
const finalsOverlap = 5 * time.Minute

// finished adds requests that came to an end before any round saw them: written by another replica, or
// while nobody polled. The vendor has no filter for what changed, but one for what did not: what is in the
// list without it and not in the list with it has changed since.
func (p *poll) finished(ctx context.Context, st *state, now map[string]string) error {
	at := p.now()
	if !st.Seeded {
		st.Finals = at.Unix()
		return nil
	}
	if at.Sub(time.Unix(st.Finals, 0)) < p.config.Poll.FinalsEvery.Std() {
		return nil
	}
	since := time.Unix(st.Finals, 0).Add(-finalsOverlap).UTC()
	for _, status := range finals {
		if err := p.limit.WaitN(ctx, min(2, p.limit.Burst())); err != nil {
			return err
		}
		stale, err := p.api.List(ctx, ListQuery{Statuses: []string{status}, NotUpdatedSince: &since})
		if err != nil {
			return err
		}
		all, err := p.api.List(ctx, ListQuery{Statuses: []string{status}})
		if err != nil {
			return err
		}
		old := make(map[string]bool, len(stale))
		for _, id := range stale {
			old[id] = true
		}
		for _, id := range all {
			if old[id] || st.Requests[id] != nil {
				continue
			}
			st.Requests[id] = &tracked{}
			now[id] = status
		}
	}
	st.Finals = at.Unix()
	return nil
}

// states returns the state of every request that matters, and adds new ones to st.
func (p *poll) states(ctx context.Context, st *state) (map[string]string, error) {
	now := map[string]string{}
	list := func(status string, add bool) error {
		if err := p.limit.Wait(ctx); err != nil {
			return err
		}
		ids, err := p.api.List(ctx, ListQuery{Statuses: []string{status}})
		if err != nil {
			return err
		}
		for _, id := range ids {
			if add && st.Requests[id] == nil {
				st.Requests[id] = &tracked{}
			}
			if st.Requests[id] != nil {
				now[id] = status
			}
		}
		return nil
	}
	for _, s := range Statuses {
		if !slices.Contains(finals, s) {
			if err := list(s, true); err != nil {
				return nil, err
			}
		}
	}
	missing := false
	for id, t := range st.Requests {
		if _, ok := now[id]; !ok && !t.final() && !t.Foreign {
			missing = true
		}
	}
	for _, s := range finals {
		if missing {
			if err := list(s, false); err != nil {
				return nil, err
			}
		}
	}
	return now, nil
}

// request returns what is new of one request, and updates t.
func (p *poll) request(ctx context.Context, id, status string, t *tracked, first bool, since int64) ([]bridge.Event, error) {
	if !t.Met {
		ours, err := p.meet(ctx, id, t)
		if err != nil || !ours {
			return nil, err
		}
	}
	switch {
	case t.Ours:
		since = 0 // all of it is of our time, whatever the vendor's clock says
	case !first:
		since = t.Adopted
	}
	silent := first && !t.Ours || t.Quiet
	var news []News
	add := func(what, key string, item map[string]any) {
		news = append(news, News{What: what, ReferenceID: id, ExternalReference: t.External, Status: vendorapi.FirstText(status, t.Status), ID: key, Item: item})
	}
	if err := p.limit.WaitN(ctx, min(2, p.limit.Burst())); err != nil {
		return nil, err
	}
	events, err := p.api.Events(ctx, id)
	if err != nil {
		return nil, err
	}
	var stuck []News
	ready, lost := t.order(events, p.now(), p.config.Poll.Inconsistent.Std(), p.config.Poll.Gap.Std())
	for _, e := range ready {
		if e.EventDate.Unix() < since && !e.EventDate.IsZero() {
			continue // before our time
		}
		add("event", strconv.FormatInt(e.SequenceNumber, 10), e.Record.Canonical())
	}
	for _, e := range lost {
		stuck = append(stuck, News{What: "event", ReferenceID: id, ExternalReference: t.External, Status: vendorapi.FirstText(status, t.Status),
			ID: strconv.FormatInt(e.SequenceNumber, 10), Item: e.Record.Canonical()})
	}
	issues, err := p.api.Issues(ctx, id)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(issues, func(a, b Issue) int { return int(a.IssueSequence - b.IssueSequence) })
	for _, i := range issues {
		key := strconv.FormatInt(i.ID, 10)
		mark := fmt.Sprintf("%t.%t.%s", i.Resolved, i.Repeated, i.LastUpdated)
		if t.Issues[key] == mark {
			continue
		}
		if t.Issues == nil {
			t.Issues = map[string]string{}
		}
		t.Issues[key] = mark
		if at, ok := i.Record.Time("last_updated"); ok && at.Unix() < since {
			continue
		}
		add("issue", key+"."+mark, i.Record.Canonical())
	}
	switch {
	case status == "" && !t.final():
		if t.Lost++; t.Lost == lostRounds {
			add("status", fmt.Sprintf("%d.lost", t.N), map[string]any{"previous": t.Status})
			news[len(news)-1].Status = "UNKNOWN"
		}
	case status != "" && status != t.Status:
		previous := t.Status
		t.Status, t.Lost, t.Quiet = status, 0, false
		t.N++
		if !silent || previous != "" {
			add("status", fmt.Sprintf("%d.%s", t.N, status), map[string]any{"previous": previous})
		}
	}
	if len(news) > 0 {
		t.Changed = p.now().Unix()
	}
	out, err := p.receiver.Events(ctx, news...)
	if err != nil {
		return nil, err
	}
	held, err := p.receiver.Events(ctx, stuck...)
	for i := range held {
		held[i].Quarantine = bridge.NoRule
		held[i].Detail = fmt.Sprintf("the vendor has marked event %s of request %s as inconsistent for longer than %s; ask the vendor, then retry or discard it",
			stuck[i].ID, id, p.config.Poll.Inconsistent)
	}
	return append(out, held...), err
}

// meet finds out whose request it is.
func (p *poll) meet(ctx context.Context, id string, t *tracked) (bool, error) {
	external, ok := p.known.get(id)
	if !ok {
		if err := p.limit.Wait(ctx); err != nil {
			return false, err
		}
		r, err := p.api.Get(ctx, id)
		if err != nil {
			return false, err
		}
		external = r.ExternalReference
		if external == "" {
			p.log.Warn("the vendor does not say whose request it is; it is taken as ours", "provider", p.name, "reference", id)
		}
	}
	t.Met, t.External = true, external
	switch _, ours := p.config.ExternalReference.Task(external); {
	case external == "" || ours:
		t.Adopted, t.Quiet = 0, false // it was adopted before anybody had looked: nothing of it was told yet
	case t.Adopted == 0:
		t.Foreign = true
		return false, nil
	default:
		t.Quiet = true
	}
	return true, nil
}

// stalled tells of requests that stopped moving, once for each standstill.
func (p *poll) stalled(ctx context.Context, d bridge.Duty, st *state) error {
	after := p.config.Poll.StalledAfter.Std()
	if after == 0 || p.now().Sub(p.watched) < p.config.Poll.StalledEvery.Std() {
		return nil
	}
	p.watched = p.now()
	since := p.now().Add(-after).UTC().Truncate(time.Second)
	var open []string
	for _, s := range Statuses {
		if !slices.Contains(finals, s) {
			open = append(open, s)
		}
	}
	if err := p.limit.Wait(ctx); err != nil {
		return err
	}
	ids, err := p.api.List(ctx, ListQuery{Statuses: open, NotUpdatedSince: &since})
	if err != nil {
		return err
	}
	var news []News
	for _, id := range ids {
		t := st.Requests[id]
		if t == nil || t.Foreign || t.Told == t.mark() {
			continue
		}
		t.Told = t.mark()
		p.log.Warn("a request has stopped moving", "provider", p.name, "reference", id, "status", t.Status, "since", since.Format(time.RFC3339))
		news = append(news, News{What: "stalled", ReferenceID: id, ExternalReference: t.External, Status: t.Status, ID: t.Told,
			Item: map[string]any{"since": since.Format(time.RFC3339)}})
	}
	events, err := p.receiver.Events(ctx, news...)
	if err != nil || len(news) == 0 {
		return err
	}
	_, err = d.Accept(ctx, events, st.write())
	return err
}
