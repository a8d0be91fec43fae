package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// How many rows the first page shows.
const (
	overviewLanes  = 20
	overviewEvents = 25
)

type overviewPage struct {
	Ready        api.Readiness
	NotReady     []namedCheck
	Contract     *api.Check
	Destinations []api.Destination
	Parked       []api.Lane
	MoreParked   bool
	Quarantine   []quarantineRow
	Bonds        []bondCount
	Events       []api.Event
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
		Ready: s.readiness(ctx), Destinations: s.destinationsOf(counts), Events: listedAll(events),
		Parked: laneViews(parked[:min(len(parked), overviewLanes)]), MoreParked: len(parked) > overviewLanes,
		Quarantine: quarantineRows(counts),
	}
	for name, c := range p.Ready.Checks {
		if !c.OK {
			p.NotReady = append(p.NotReady, namedCheck{name, c.Reason})
		}
	}
	slices.SortFunc(p.NotReady, func(a, b namedCheck) int { return strings.Compare(a.Name, b.Name) })
	if c, ok := p.Ready.Shown["contract"]; ok {
		p.Contract = &c
	}
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
