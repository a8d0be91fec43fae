package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// How much one page of tasks shows, and how many events a search in the texts looks at.
const (
	tasksShown  = 50
	tasksEvents = 200
	tasksPieces = 10 // of so many events, when all that is known is the time
)

// strayShown is how many events of no task a search shows.
const strayShown = 20

type tasksPage struct {
	Search, Provider, State string
	Since                   string // how long ago something came in, such as 24h
	since                   time.Time
	Providers               []string
	BondStates              []bridge.BondState
	LaneStates              []bridge.LaneState
	Rows                    []taskRow
	Next                    string // address of the next page
	More                    bool   // there may be more that cannot be paged to
	// Stray are the events of no task that a search finds: mail of a stranger, or what nobody could read.
	Stray []api.Event
}

// A taskRow is one task at one provider.
type taskRow struct {
	Provider, Task string
	Bond           *bridge.Bond
	Lanes          []api.Lane
	// Found says by what a search found it; Text is the place.
	Found, Text string
	At          time.Time
}

func (s *server) tasksPage(w http.ResponseWriter, r *http.Request) error {
	q := pageQuery(r)
	p := tasksPage{Search: q.text("q"), Provider: q.text("provider"), State: q.text("state"), BondStates: bondStates,
		LaneStates: []bridge.LaneState{bridge.LaneParked, bridge.LanePaused, bridge.LaneHeld, bridge.LaneLeased, bridge.LaneReady}}
	after := q.text("after")
	p.Since, p.since = q.text("since"), q.since(s.Now())
	if p.State != "" && !slices.Contains(bondStates, bridge.BondState(p.State)) && !slices.Contains(laneStates, bridge.LaneState(p.State)) {
		q.fail("state", "one of %s, %s", words(bondStates), words(laneStates))
	}
	if n := len(strings.Fields(p.Search)); n > maxWords {
		q.fail("q", "at most %d words", maxWords)
	}
	if err := q.done(); err != nil {
		return err
	}
	p.Providers = s.providerNames()
	rows, next, err := s.findTasks(r.Context(), &p, after)
	if err != nil {
		return err
	}
	if next != "" {
		p.Next = "/tasks?" + url.Values{"provider": {p.Provider}, "state": {p.State}, "after": {next}}.Encode()
	}
	if len(rows) > tasksShown {
		rows, p.More = rows[:tasksShown], true
	}
	for i := range rows {
		lanes, err := s.Store.Lanes(r.Context(), bridge.LaneFilter{Provider: rows[i].Provider, Task: rows[i].Task})
		if err != nil {
			return err
		}
		rows[i].Lanes = laneViews(lanes)
	}
	p.Rows = rows
	return s.page(w, r, http.StatusOK, "tasks", "Tasks", p)
}

// providerNames lists the configured providers.
func (s *server) providerNames() []string {
	var out []string
	for _, d := range s.Destinations {
		if d.Name != bridge.SSP {
			out = append(out, d.Name)
		}
	}
	return out
}

// findTasks returns tasks that fit; next continues a list without a search.
func (s *server) findTasks(ctx context.Context, p *tasksPage, after string) (rows []taskRow, next string, err error) {
	byLane := slices.Contains(laneStates, bridge.LaneState(p.State))
	switch {
	case p.Search == "" && !p.since.IsZero():
		if rows, err = s.lately(ctx, p); err != nil {
			return nil, "", err
		}
		rows, err = s.narrow(ctx, rows, *p)
		return rows, "", err
	case p.Search != "":
		if rows, err = s.search(ctx, p); err != nil {
			return nil, "", err
		}
		rows, err = s.narrow(ctx, rows, *p)
		return rows, "", err
	case byLane:
		q := &query{values: url.Values{"after": {after}}}
		place := q.place()
		if q.err != nil {
			return nil, "", q.err
		}
		lanes, err := s.Store.Lanes(ctx, bridge.LaneFilter{Provider: p.Provider, States: []bridge.LaneState{bridge.LaneState(p.State)}, After: place, Limit: tasksShown + 1})
		if err != nil {
			return nil, "", err
		}
		if len(lanes) > tasksShown {
			lanes = lanes[:tasksShown]
			next = placeCursor(&lanes[tasksShown-1])
		}
		f := &found{}
		for _, l := range lanes {
			f.add(taskRow{Provider: l.ID.Provider, Task: l.ID.Task, At: l.Oldest})
		}
		rows, err = s.narrow(ctx, f.rows, tasksPage{})
		return rows, next, err
	}
	filter := bridge.BondFilter{Provider: p.Provider, AfterKey: after, Limit: tasksShown + 1}
	if p.State != "" {
		filter.States = []bridge.BondState{bridge.BondState(p.State)}
	}
	bonds, err := s.Store.Bonds(ctx, filter)
	if err != nil {
		return nil, "", err
	}
	if len(bonds) > tasksShown {
		bonds = bonds[:tasksShown]
		next = bonds[tasksShown-1].Provider + "/" + bonds[tasksShown-1].Task
	}
	for i := range bonds {
		rows = append(rows, bondRow(&bonds[i], ""))
	}
	return rows, next, nil
}

func bondRow(b *bridge.Bond, by string) taskRow {
	return taskRow{Provider: b.Provider, Task: b.Task, Bond: b, Found: by, At: b.Changed}
}

// found collects tasks, each once, the best match first.
type found struct {
	rows []taskRow
	seen map[string]bool
}

func (f *found) add(r taskRow) {
	key := r.Provider + "/" + r.Task
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	if !f.seen[key] {
		f.seen[key] = true
		f.rows = append(f.rows, r)
	}
}

// search looks for a task id, then for a reference, then in the texts.
func (s *server) search(ctx context.Context, p *tasksPage) ([]taskRow, error) {
	f := &found{}
	add := func(by string, filter bridge.BondFilter) error {
		filter.Provider, filter.Limit = p.Provider, tasksShown+1
		bonds, err := s.Store.Bonds(ctx, filter)
		for i := range bonds {
			f.add(bondRow(&bonds[i], by))
		}
		return err
	}
	if err := add("task", bridge.BondFilter{Task: p.Search}); err != nil {
		return nil, err
	}
	keys := []string{s.ReferenceKey(p.Provider, p.Search)}
	if p.Provider == "" { // each provider compares in its own way
		for _, name := range s.providerNames() {
			if k := s.ReferenceKey(name, p.Search); !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	for _, k := range keys {
		if k == "" {
			continue
		}
		if err := add("reference", bridge.BondFilter{RefKey: k}); err != nil {
			return nil, err
		}
	}
	// Then what begins with it: half a number is often all that somebody has.
	for _, k := range append([]string{p.Search}, keys...) {
		if k == "" {
			continue
		}
		if err := add("beginning", bridge.BondFilter{Prefix: k}); err != nil {
			return nil, err
		}
	}
	for _, filter := range []bridge.EventFilter{{Task: p.Search}, {Search: p.Search}} {
		filter.Provider, filter.Since, filter.Newest, filter.Limit = p.Provider, p.since, true, tasksEvents
		events, err := s.Store.Events(ctx, filter)
		if err != nil {
			return nil, err
		}
		p.More = p.More || filter.Search != "" && len(events) == tasksEvents
		for i := range events {
			switch e := eventView(&events[i]); {
			case e.Task != "":
				f.add(taskRow{Provider: e.Provider, Task: e.Task, Found: "text", Text: shorten(strings.TrimSpace(or(e.Text, e.Title)), 160), At: e.Received})
			case p.State != "":
			case len(p.Stray) < strayShown:
				p.Stray = append(p.Stray, listed(&events[i]))
			default:
				p.More = true
			}
		}
	}
	return f.rows, nil
}

// lately returns the tasks of which something came in since then, newest first.
func (s *server) lately(ctx context.Context, p *tasksPage) ([]taskRow, error) {
	f := &found{}
	filter := bridge.EventFilter{Provider: p.Provider, Since: p.since, Newest: true, Limit: tasksEvents}
	for piece := 1; ; piece++ {
		events, err := s.Store.Events(ctx, filter)
		if err != nil {
			return nil, err
		}
		for i := range events {
			if e := &events[i]; e.Task != "" {
				f.add(taskRow{Provider: e.Provider, Task: e.Task, Found: string(e.Kind), At: e.Received})
			}
		}
		switch {
		case len(events) < tasksEvents || len(f.rows) > tasksShown && p.State == "":
			return f.rows, nil
		case piece == tasksPieces:
			p.More = true
			return f.rows, nil
		}
		filter.After = events[len(events)-1].Seq
	}
}

// narrow fills in the bonds and leaves out what has another state.
func (s *server) narrow(ctx context.Context, rows []taskRow, p tasksPage) ([]taskRow, error) {
	var out []taskRow
	for _, row := range rows {
		if len(out) > tasksShown {
			break
		}
		if row.Bond == nil {
			bonds, err := s.Store.Bonds(ctx, bridge.BondFilter{Provider: row.Provider, Task: row.Task})
			if err != nil {
				return nil, err
			}
			if len(bonds) > 0 {
				row.Bond = &bonds[0]
			}
		}
		if row.At.Before(p.since) { // the bond is as it was; something may have come for it all the same
			events, err := s.Store.Events(ctx, bridge.EventFilter{Provider: row.Provider, Task: row.Task, Since: p.since, Newest: true, Limit: 1})
			if err != nil {
				return nil, err
			}
			if len(events) == 0 {
				continue
			}
			row.At = events[0].Received
		}
		fits := p.State == "" || row.Bond != nil && string(row.Bond.State) == p.State
		if !fits && slices.Contains(laneStates, bridge.LaneState(p.State)) {
			lanes, err := s.Store.Lanes(ctx, bridge.LaneFilter{Provider: row.Provider, Task: row.Task, States: []bridge.LaneState{bridge.LaneState(p.State)}})
			if err != nil {
				return nil, err
			}
			fits = len(lanes) > 0
		}
		if fits {
			out = append(out, row)
		}
	}
	return out, nil
}

// pageQuery reads the parameters of a page: what was just done is said once and means nothing else.
func pageQuery(r *http.Request) *query {
	q := readQuery(r.URL.RawQuery)
	q.asked = append(q.asked, doneParam)
	return q
}
