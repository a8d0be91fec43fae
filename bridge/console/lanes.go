package console

import (
	"net/http"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

func (s *server) listLanes(w http.ResponseWriter, r *http.Request) error {
	q := readQuery(r.URL.RawQuery)
	f := bridge.LaneFilter{
		Dest: q.text("destination"), Provider: q.text("provider"), Task: q.text("task"),
		States: choices(q, "state", laneStates), Limit: q.limit(),
	}
	if err := q.done(); err != nil {
		return err
	}
	limit := f.Limit
	f.Limit++
	lanes, err := s.Store.Lanes(r.Context(), f)
	if err != nil {
		return err
	}
	page := api.List[api.Lane]{More: len(lanes) > limit}
	page.Items = laneViews(lanes[:min(limit, len(lanes))])
	return writeJSON(w, http.StatusOK, page)
}

func (s *server) actOnLane(verb bridge.Verb) answer {
	return func(w http.ResponseWriter, r *http.Request) error {
		var a api.LaneAct
		if err := readJSON(w, r, maxCommand, false, &a); err != nil {
			return err
		}
		id, ok := bridge.ParseLaneID(a.Lane)
		if !ok {
			return badBody("lane", "a lane is written provider/dir/task, such as acme/out/4711")
		}
		return s.operate(w, r, bridge.Command{Verb: verb, Lane: id, Note: a.Note})
	}
}
