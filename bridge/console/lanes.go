package console

import (
	"context"
	"iter"
	"net/http"
	"strconv"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

func (s *server) listLanes(w http.ResponseWriter, r *http.Request) error {
	q := readQuery(r.URL.RawQuery)
	f := bridge.LaneFilter{
		Dest: q.text("destination"), Provider: q.text("provider"), Task: q.text("task"),
		States: choices(q, "state", laneStates), After: q.place(), Limit: q.limit(),
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
	lanes = lanes[:min(limit, len(lanes))]
	if page.More {
		page.Next = placeCursor(&lanes[limit-1])
	}
	page.Items = laneViews(lanes)
	return writeJSON(w, http.StatusOK, page)
}

// lanesPiece is how many lanes are asked for at once where all of them are looked at.
const lanesPiece = 500

// lanes goes through every lane that fits, piece by piece; an error is the last thing it gives.
func (s *server) lanes(ctx context.Context, f bridge.LaneFilter) iter.Seq2[*bridge.Lane, error] {
	f.Limit = lanesPiece
	return func(yield func(*bridge.Lane, error) bool) {
		for {
			lanes, err := s.Store.Lanes(ctx, f)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range lanes {
				if !yield(&lanes[i], nil) {
					return
				}
			}
			if len(lanes) < lanesPiece {
				return
			}
			f.After = lanes[lanesPiece-1].Place()
		}
	}
}

// placeCursor writes where a list of lanes goes on.
func placeCursor(l *bridge.Lane) string {
	p := l.Place()
	return strconv.FormatInt(p.Head, 10) + "/" + p.Lane.String()
}

// place reads what placeCursor wrote.
func (q *query) place() bridge.LanePlace {
	v := q.text("after")
	if v == "" {
		return bridge.LanePlace{}
	}
	number, lane, _ := strings.Cut(v, "/")
	head, err := strconv.ParseInt(number, 10, 64)
	id, ok := bridge.ParseLaneID(lane)
	if err != nil || head < 0 || !ok {
		q.fail("after", "the `next` of an answer")
	}
	return bridge.LanePlace{Head: head, Lane: id}
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
