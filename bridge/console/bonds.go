package console

import (
	"context"
	"errors"
	"net/http"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

func (s *server) listBonds(w http.ResponseWriter, r *http.Request) error {
	q := readQuery(r.URL.RawQuery)
	f := bridge.BondFilter{
		Provider: q.text("provider"), Task: q.text("task"), States: choices(q, "state", bondStates),
		AfterKey: q.text("after"), Limit: q.limit(),
	}
	f.RefKey = q.reference(f.Provider, s.ReferenceKey)
	if err := q.done(); err != nil {
		return err
	}
	limit := f.Limit
	f.Limit++
	bonds, err := s.Store.Bonds(r.Context(), f)
	if err != nil {
		return err
	}
	page := api.List[api.Bond]{Items: bonds}
	if len(bonds) > limit {
		page.Items = bonds[:limit]
		page.More, page.Next = true, bonds[limit-1].Provider+"/"+bonds[limit-1].Task
	}
	if page.Items == nil {
		page.Items = []api.Bond{}
	}
	return writeJSON(w, http.StatusOK, page)
}

// bondEvents is how many events are shown with a bond.
const bondEvents = 50

func (s *server) showBond(w http.ResponseWriter, r *http.Request) error {
	if err := readQuery(r.URL.RawQuery).done(); err != nil {
		return err
	}
	provider, task := r.PathValue("provider"), r.PathValue("task")
	bond, err := s.Store.Bond(r.Context(), provider, task)
	if err != nil {
		return err
	}
	d := api.BondDetail{Bond: bond}
	if d.Others, err = s.otherBonds(r.Context(), provider, task); err != nil {
		return err
	}
	lanes, err := s.Store.Lanes(r.Context(), bridge.LaneFilter{Provider: provider, Task: task})
	if err != nil {
		return err
	}
	d.Lanes = laneViews(lanes)
	events, err := s.Store.Events(r.Context(), bridge.EventFilter{Provider: provider, Task: task, Newest: true, Limit: bondEvents})
	if err != nil {
		return err
	}
	d.Events = listedAll(events)
	return writeJSON(w, http.StatusOK, d)
}

// otherBonds returns the bonds of a task with other providers.
func (s *server) otherBonds(ctx context.Context, provider, task string) ([]bridge.Bond, error) {
	bonds, err := s.Store.Bonds(ctx, bridge.BondFilter{Task: task})
	if err != nil {
		return nil, err
	}
	var out []bridge.Bond
	for _, b := range bonds {
		if b.Provider != provider {
			out = append(out, b)
		}
	}
	return out, nil
}

func (s *server) actOnBond(verb bridge.Verb) answer {
	return func(w http.ResponseWriter, r *http.Request) error {
		var a api.BondAct
		if err := readJSON(w, r, maxCommand, false, &a); err != nil {
			return err
		}
		switch {
		case a.Provider == "":
			return badBody("provider", "needed")
		case a.Task == "":
			return badBody("task", "needed")
		case a.Reference == "" && verb != bridge.VerbBondUnlink:
			return badBody("reference", "needed")
		case a.Reference != "" && verb == bridge.VerbBondUnlink:
			return badBody("reference", "not for unlink: it takes away the reference that the task has")
		}
		return s.operate(w, r, bridge.Command{Verb: verb, Provider: a.Provider, Task: a.Task, Reference: a.Reference, Note: a.Note})
	}
}

// importBonds makes bonds row by row. Rows that fail do not hold up the others; a store that is
// gone ends the list, and what was made stays: the same list can be sent again.
func (s *server) importBonds(w http.ResponseWriter, r *http.Request) error {
	var in api.Import
	if err := readJSON(w, r, maxImport, false, &in); err != nil {
		return err
	}
	switch {
	case len(in.Rows) == 0:
		return badBody("rows", "there are none")
	case len(in.Rows) > api.MaxImport:
		return badBody("rows", "at most %d at once", api.MaxImport)
	}
	person := callerOf(r.Context()).person
	out := api.Imported{Rows: make([]api.ImportEnd, len(in.Rows))}
	var gone error
	for i, row := range in.Rows {
		end := &out.Rows[i]
		end.Task = row.Task
		err := gone
		if err == nil {
			var done bridge.CommandResult
			done, err = s.Engine.Operate(r.Context(), bridge.Command{Verb: bridge.VerbBondImport, Person: person, Note: in.Note,
				Provider: row.Provider, Task: row.Task, Reference: row.Reference, State: row.State})
			end.Changed = done.Changed
		}
		switch {
		case err != nil:
			end.Problem = asProblem(err)
			out.Failed++
			if errors.Is(err, bridge.ErrUnavailable) || r.Context().Err() != nil {
				gone = err
			}
		case end.Changed:
			out.Made++
		default:
			out.Unchanged++
		}
	}
	return writeJSON(w, http.StatusOK, out)
}
