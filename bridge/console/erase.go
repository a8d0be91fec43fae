package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// erasePiece is how many events one request looks at.
const erasePiece = 200

// erase removes the contents of events, a piece of the ledger at a time. What is not settled stays: it is
// still to be delivered, and a person decides about that first.
func (s *server) erase(w http.ResponseWriter, r *http.Request) error {
	var q api.Erase
	if err := readJSON(w, r, maxCommand, false, &q); err != nil {
		return err
	}
	q.Task, q.Address = strings.TrimSpace(q.Task), strings.TrimSpace(q.Address)
	f := bridge.EventFilter{Provider: q.Provider, Task: q.Task, Limit: erasePiece}
	switch {
	case (q.Task == "") == (q.Address == ""):
		return badBody("task", "give a task or an address, one of the two")
	case q.Address != "" && !strings.Contains(strings.Trim(q.Address, "@"), "@"):
		return badBody("address", "a whole mail address is needed, such as ann@example.com: a part would erase what is not meant")
	case strings.TrimSpace(q.Note) == "":
		return badBody("note", "say why; it stands in the activity")
	}
	if q.After != "" {
		var err error
		if f.After, err = strconv.ParseInt(q.After, 10, 64); err != nil || f.After < 0 {
			return badBody("after", "the next of the answer before")
		}
	}
	events, err := s.Store.Events(r.Context(), f)
	if err != nil {
		return err
	}
	out := api.Erased{Looked: len(events), Erased: []string{}, Kept: []api.Kept{}}
	for i := range events {
		if err := s.eraseOne(r.Context(), q, &events[i], &out); err != nil {
			return err
		}
	}
	if len(events) == erasePiece {
		out.Next = strconv.FormatInt(events[len(events)-1].Seq, 10)
	}
	return writeJSON(w, http.StatusOK, out)
}

func (s *server) eraseOne(ctx context.Context, q api.Erase, listed *bridge.Event, out *api.Erased) error {
	if listed.Detail == bridge.ErasedDetail {
		return nil
	}
	if q.Address != "" {
		e, attempts, err := s.Store.Event(ctx, listed.ID)
		switch {
		case errors.Is(err, bridge.ErrNotFound):
			return nil
		case err != nil:
			return err
		case !mentions(&e, attempts, q.Address, s.ReadMail):
			return nil
		}
		listed = &e
	}
	keep := func() {
		out.Kept = append(out.Kept, api.Kept{Event: listed.ID, Provider: listed.Provider, Task: listed.Task, State: listed.State})
	}
	if !listed.State.Final() {
		keep()
		return nil
	}
	if q.DryRun {
		out.Erased = append(out.Erased, listed.ID)
		return nil
	}
	c := bridge.Command{Verb: bridge.VerbEventErase, Event: listed.ID, Person: callerOf(ctx).person, Note: q.Note}
	done, err := s.Engine.Operate(ctx, c)
	var unfit *bridge.CommandError
	switch {
	case errors.As(err, &unfit): // it was released meanwhile
		keep()
	case err != nil:
		return err
	case done.Changed:
		out.Erased = append(out.Erased, listed.ID)
	}
	return nil
}
