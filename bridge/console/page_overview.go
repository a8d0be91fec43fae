package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/rate"
)

// How many rows the first page shows.
const (
	overviewLanes  = 20
	overviewEvents = 25
)

type overviewPage struct {
	Ready        api.Readiness
	NotReady     []namedCheck
	Wrong        []concern // what somebody should look at, first of all
	Contract     *api.Check
	Checks       []namedCheck // what else is wrong: mailboxes, polls
	Destinations []destinationRow
	Mailboxes    []api.Mailbox
	Replicas     []api.Replica
	Configs      int // how many different configs the replicas work with
	All          *rate.Series
	Parked       []laneRow
	ParkedN      int64
	QuarantineN  int64
	WaitingN     int64
	MoreParked   bool
	Quarantine   []quarantineRow
	Bonds        []bondCount
	Events       []eventRow
}

type namedCheck struct{ Name, Reason string }

type quarantineRow struct {
	Provider string
	Reason   bridge.Reason
	N        int64
}

type bondCount struct {
	State bridge.BondState
	N     int64
}

func (s *server) overviewPage(w http.ResponseWriter, r *http.Request) error {
	if err := pageQuery(r).done(); err != nil {
		return err
	}
	ctx := r.Context()
	counts, err := s.Store.Counts(ctx)
	if err != nil {
		return err
	}
	parked, err := s.Store.Lanes(ctx, bridge.LaneFilter{States: []bridge.LaneState{bridge.LaneParked, bridge.LanePaused}, Limit: overviewLanes + 1})
	if err != nil {
		return err
	}
	events, err := s.Store.Events(ctx, bridge.EventFilter{Newest: true, Limit: overviewEvents})
	if err != nil {
		return err
	}
	p := overviewPage{
		Ready: s.readiness(ctx), Destinations: s.withRates(s.destinationsOf(counts)), All: s.series(""),
		QuarantineN: counts.Events[bridge.StateQuarantined], WaitingN: counts.Events[bridge.StateWaiting],
		Parked: rowsOf(parked[:min(len(parked), overviewLanes)]), MoreParked: len(parked) > overviewLanes,
		Quarantine: quarantineRows(counts),
	}
	for i := range events {
		p.Events = append(p.Events, eventRow{Event: listed(&events[i])})
	}
	if p.Mailboxes, err = s.mailboxes(ctx); err != nil {
		return err
	}
	if p.Replicas, err = s.replicas(ctx); err != nil {
		return err
	}
	configs := map[string]bool{}
	for _, r := range p.Replicas {
		if r.Config != "" {
			configs[r.Config] = true
		}
	}
	p.Configs = len(configs)
	for name, c := range p.Ready.Checks {
		if !c.OK {
			p.NotReady = append(p.NotReady, namedCheck{name, c.Reason})
		}
	}
	for _, d := range p.Destinations {
		p.ParkedN += d.Lanes[bridge.LaneParked]
	}
	for name, c := range p.Ready.Shown {
		if !c.OK && name != "contract" && !strings.HasPrefix(name, "destination ") && !strings.HasPrefix(name, "mailbox ") {
			p.Checks = append(p.Checks, namedCheck{name, c.Reason})
		}
	}
	slices.SortFunc(p.Checks, func(a, b namedCheck) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(p.NotReady, func(a, b namedCheck) int { return strings.Compare(a.Name, b.Name) })
	if c, ok := p.Ready.Shown["contract"]; ok {
		p.Contract = &c
	}
	p.Wrong = p.wrong()
	for _, state := range bondStates {
		p.Bonds = append(p.Bonds, bondCount{state, counts.Bonds[state]})
	}
	return s.page(w, r, http.StatusOK, "overview", "Overview", p)
}

func quarantineRows(c bridge.Counts) []quarantineRow {
	var out []quarantineRow
	for provider, reasons := range c.Quarantine {
		for reason, n := range reasons {
			if n > 0 {
				out = append(out, quarantineRow{provider, reason, n})
			}
		}
	}
	slices.SortFunc(out, func(a, b quarantineRow) int {
		return strings.Compare(a.Provider+"\x00"+string(a.Reason), b.Provider+"\x00"+string(b.Reason))
	})
	return out
}
