package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// eventsShown is how many events one page of a list shows.
const eventsShown = 50

type eventsPage struct {
	Provider  string
	State     bridge.EventState
	Reason    bridge.Reason
	Since     string // how long ago it came in, such as 24h
	Providers []string
	States    []bridge.EventState
	Reasons   []bridge.Reason
	Events    []eventRow
	Next      string
}

// An eventRow is an event with what can be done to it.
type eventRow struct {
	api.Event
	Deeds []bridge.Verb
}

// eventsPage lists events by how they stand and why: everything that bounced, everything that somebody ignored. It
// has no stream: a rare reason is looked for among all events.
func (s *server) eventsPage(w http.ResponseWriter, r *http.Request) error {
	q := pageQuery(r)
	p := eventsPage{Provider: q.text("provider"), State: choice(q, "state", eventStates), Reason: choice(q, "reason", bridge.Reasons()),
		Since: q.text("since"), Providers: s.providerNames(), States: eventStates, Reasons: slices.Sorted(slices.Values(bridge.Reasons()))}
	f := bridge.EventFilter{Provider: p.Provider, Reason: p.Reason, Since: q.since(s.Now()), After: q.after()}
	if p.State != "" {
		f.States = []bridge.EventState{p.State}
	}
	if err := q.done(); err != nil {
		return err
	}
	var err error
	p.Events, p.Next, err = s.eventRows(r.Context(), f, "/events", url.Values{"provider": {p.Provider}, "state": {string(p.State)}, "reason": {string(p.Reason)}, "since": {p.Since}})
	if err != nil {
		return err
	}
	return s.page(w, r, http.StatusOK, "events", "Events", p)
}

// eventRows returns one page of a list of events, newest first, and the address of the next one: path with what was
// asked for.
func (s *server) eventRows(ctx context.Context, f bridge.EventFilter, path string, asked url.Values) (rows []eventRow, next string, err error) {
	f.Newest, f.Limit = true, eventsShown+1
	events, err := s.Store.Events(ctx, f)
	if err != nil {
		return nil, "", err
	}
	if len(events) > eventsShown {
		events = events[:eventsShown]
		asked.Set("after", cursor(&events[eventsShown-1]))
		next = path + "?" + asked.Encode()
	}
	for i := range events {
		rows = append(rows, eventRow{listed(&events[i]), eventDeeds(&events[i])})
	}
	return rows, next, nil
}
