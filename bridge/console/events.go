package console

import (
	"context"
	"net/http"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

func (s *server) listEvents(w http.ResponseWriter, r *http.Request) error {
	q := readQuery(r.URL.RawQuery)
	f := s.eventFilter(q)
	f.States = choices(q, "state", eventStates)
	if err := q.done(); err != nil {
		return err
	}
	page, err := s.events(r.Context(), f)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, page)
}

// events returns one page: the store is asked for one more, to know whether there is more.
func (s *server) events(ctx context.Context, f bridge.EventFilter) (api.List[api.Event], error) {
	limit := f.Limit
	f.Limit++
	events, err := s.Store.Events(ctx, f)
	if err != nil {
		return api.List[api.Event]{}, err
	}
	var page api.List[api.Event]
	if len(events) > limit {
		events = events[:limit]
		page.More, page.Next = true, cursor(&events[limit-1])
	}
	page.Items = listedAll(events)
	return page, nil
}

func (s *server) showEvent(w http.ResponseWriter, r *http.Request) error {
	if err := readQuery(r.URL.RawQuery).done(); err != nil {
		return err
	}
	e, attempts, err := s.Store.Event(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, detailView(&e, attempts))
}

func (s *server) actOnEvent(verb bridge.Verb) answer {
	return func(w http.ResponseWriter, r *http.Request) error {
		var a api.Act
		if err := readJSON(w, r, maxCommand, true, &a); err != nil {
			return err
		}
		if a.Reference != "" && verb != bridge.VerbEventSettle {
			return badBody("reference", "only for settle")
		}
		return s.operate(w, r, bridge.Command{Verb: verb, Event: r.PathValue("id"), Reference: a.Reference, Note: a.Note})
	}
}

// operate carries out a command and answers with what it did.
func (s *server) operate(w http.ResponseWriter, r *http.Request, c bridge.Command) error {
	c.Person = callerOf(r.Context()).person
	done, err := s.Engine.Operate(r.Context(), c)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, doneView(done))
}
