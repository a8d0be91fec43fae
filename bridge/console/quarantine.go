package console

import (
	"net/http"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

func (s *server) listQuarantine(w http.ResponseWriter, r *http.Request) error {
	q := readQuery(r.URL.RawQuery)
	f := s.eventFilter(q)
	f.States = []bridge.EventState{bridge.StateQuarantined}
	if q.flag("waiting") { // those on their way there can be assigned too
		f.States = append(f.States, bridge.StateWaiting)
	}
	if err := q.done(); err != nil {
		return err
	}
	page, err := s.events(r.Context(), f)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, page)
}

func (s *server) showQuarantined(w http.ResponseWriter, r *http.Request) error {
	if err := readQuery(r.URL.RawQuery).done(); err != nil {
		return err
	}
	e, attempts, err := s.Store.Event(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if e.State != bridge.StateQuarantined && e.State != bridge.StateWaiting {
		return problem(api.NotFound, "event "+e.ID+" is "+string(e.State)+", not in quarantine")
	}
	return writeJSON(w, http.StatusOK, detailView(&e, attempts))
}

func (s *server) assign(w http.ResponseWriter, r *http.Request) error {
	var a api.Assign
	if err := readJSON(w, r, maxCommand, false, &a); err != nil {
		return err
	}
	if a.Task == "" && a.Reference == "" {
		return badBody("task", "a task or a reference is needed")
	}
	return s.operate(w, r, bridge.Command{Verb: bridge.VerbAssign, Event: r.PathValue("id"), Task: a.Task, Reference: a.Reference, Note: a.Note})
}

func (s *server) discard(w http.ResponseWriter, r *http.Request) error {
	var a api.Note
	if err := readJSON(w, r, maxCommand, false, &a); err != nil {
		return err
	}
	if a.Note == "" {
		return badBody("note", "say why it is thrown away")
	}
	return s.operate(w, r, bridge.Command{Verb: bridge.VerbDiscard, Event: r.PathValue("id"), Note: a.Note})
}

// reread reads the input again under the config in force.
func (s *server) reread(w http.ResponseWriter, r *http.Request) error {
	var a struct{}
	if err := readJSON(w, r, maxCommand, true, &a); err != nil {
		return err
	}
	done, err := s.Engine.Reread(r.Context(), callerOf(r.Context()).person, r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, doneView(done))
}
