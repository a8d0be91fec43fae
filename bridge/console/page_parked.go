package console

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// parkedShown is how many lanes one page shows.
const parkedShown = 100

type parkedPage struct {
	Destination  string
	Reason       bridge.Reason
	State        bridge.LaneState
	Destinations []string
	Reasons      []bridge.Reason // of the lanes that are stopped now
	States       []bridge.LaneState
	Lanes        []laneRow
	Next         string // address of the next page
}

// A laneRow is a stopped lane with what can be done to its head.
type laneRow struct {
	api.Lane
	HeadDeeds, Deeds []bridge.Verb
}

func rowsOf(lanes []bridge.Lane) []laneRow {
	out := make([]laneRow, len(lanes))
	for i, v := range laneViews(lanes) {
		out[i] = laneRow{Lane: v, Deeds: laneDeeds(v.State, v.Reason)}
		if v.State == bridge.LaneParked && v.Reason != bridge.AwaitsResume && v.Head != "" {
			out[i].HeadDeeds = headDeeds
		}
	}
	return out
}

// stopped are the states of lanes that do not move by themselves.
var stopped = []bridge.LaneState{bridge.LaneParked, bridge.LanePaused}

func (s *server) parkedPage(w http.ResponseWriter, r *http.Request) error {
	q := pageQuery(r)
	p := parkedPage{Destination: q.text("destination"), Reason: choice(q, "reason", bridge.Reasons()), State: choice(q, "state", stopped), States: stopped}
	place := q.place()
	if err := q.done(); err != nil {
		return err
	}
	for _, d := range s.Destinations {
		p.Destinations = append(p.Destinations, d.Name)
	}
	states := stopped
	if p.State != "" {
		states = []bridge.LaneState{p.State}
	}
	var fit []bridge.Lane
	looked := 0
	for l, err := range s.lanes(r.Context(), bridge.LaneFilter{Dest: p.Destination, States: states, After: place}) {
		if err != nil {
			return err
		}
		if !slices.Contains(p.Reasons, l.Reason) {
			p.Reasons = append(p.Reasons, l.Reason)
		}
		if p.Reason == "" || l.Reason == p.Reason {
			fit = append(fit, *l)
		}
		if looked++; looked >= lanesPiece && len(fit) > parkedShown {
			break
		}
	}
	if p.Reason != "" && !slices.Contains(p.Reasons, p.Reason) {
		p.Reasons = append(p.Reasons, p.Reason)
	}
	slices.Sort(p.Reasons)
	if len(fit) > parkedShown {
		fit = fit[:parkedShown]
		p.Next = "/parked?" + url.Values{"destination": {p.Destination}, "reason": {string(p.Reason)}, "state": {string(p.State)}, "after": {placeCursor(&fit[parkedShown-1])}}.Encode()
	}
	p.Lanes = rowsOf(fit)
	return s.page(w, r, http.StatusOK, "parked", "Parked", p)
}
