package console

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// mailboxes returns how the reading of every folder goes, secrets masked.
func (s *server) mailboxes(ctx context.Context) ([]api.Mailbox, error) {
	if s.Mailboxes == nil {
		return []api.Mailbox{}, nil
	}
	all, err := s.Mailboxes(ctx)
	for i := range all {
		b := &all[i]
		b.Address, b.Why, b.Error, b.Advice = secret.Mask(b.Address), secret.Mask(b.Why), secret.Mask(b.Error), secret.Mask(b.Advice)
	}
	return all, err
}

// replicas joins the sessions that are alive with what they tell of themselves.
func (s *server) replicas(ctx context.Context) ([]api.Replica, error) {
	all, err := s.Store.Replicas(ctx)
	if err != nil {
		return nil, err
	}
	told, err := s.Store.Notices(ctx, api.NoticeReplica, "")
	if err != nil {
		return nil, err
	}
	by := map[string]api.Replica{}
	for _, n := range told {
		var r api.Replica
		if json.Unmarshal(n.Value, &r) == nil { // another version may write what this one does not know
			by[n.Key] = r
		}
	}
	mine := ""
	if s.Session != nil {
		mine = s.Session()
	}
	out := make([]api.Replica, 0, len(all))
	for _, r := range all {
		v := by[r.Session]
		v.Name, v.Session, v.Since, v.Until, v.Leases, v.Duties, v.This = r.Name, r.Session, r.Since, r.Until, r.Leases, r.Duties, r.Session == mine
		out = append(out, v)
	}
	return out, nil
}

func (s *server) listMailboxes(w http.ResponseWriter, r *http.Request) error {
	return listAll(w, r, s.mailboxes)
}

func (s *server) listReplicas(w http.ResponseWriter, r *http.Request) error {
	return listAll(w, r, s.replicas)
}

func (s *server) listDuties(w http.ResponseWriter, r *http.Request) error {
	return listAll(w, r, func(ctx context.Context) ([]api.Duty, error) {
		all, err := s.Store.Duties(ctx)
		out := make([]api.Duty, 0, len(all))
		for _, d := range all {
			out = append(out, api.Duty{Name: d.Name, Session: d.Session, Paused: d.Paused})
		}
		return out, err
	})
}

// listAll answers with a list that is short and comes whole.
func listAll[T any](w http.ResponseWriter, r *http.Request, read func(context.Context) ([]T, error)) error {
	if err := readQuery(r.URL.RawQuery).done(); err != nil {
		return err
	}
	all, err := read(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, api.List[T]{Items: all})
}

func (s *server) actOnDuty(verb bridge.Verb) answer {
	return func(w http.ResponseWriter, r *http.Request) error {
		var a api.DutyAct
		if err := readJSON(w, r, maxCommand, false, &a); err != nil {
			return err
		}
		if a.Duty == "" {
			return badBody("duty", "the name of a duty, as GET /duties lists it")
		}
		// The store takes any name; a mistyped one must not look like success.
		all, err := s.Store.Duties(r.Context())
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(d bridge.DutyState) bool { return d.Name == a.Duty }) {
			return problem(api.NotFound, "there is no duty "+strconv.Quote(a.Duty)+"; GET /duties and `pergabridge duties list` name all")
		}
		return s.operate(w, r, bridge.Command{Verb: verb, Duty: a.Duty, Note: a.Note})
	}
}
