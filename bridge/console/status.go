package console

import (
	"net/http"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

func (s *server) counts(w http.ResponseWriter, r *http.Request) error {
	if err := readQuery(r.URL.RawQuery).done(); err != nil {
		return err
	}
	c, err := s.Store.Counts(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, c)
}

func (s *server) activity(w http.ResponseWriter, r *http.Request) error {
	q := readQuery(r.URL.RawQuery)
	limit := q.limit()
	if err := q.done(); err != nil {
		return err
	}
	list, err := s.Store.Activities(r.Context(), limit+1)
	if err != nil {
		return err
	}
	page := api.List[api.Activity]{More: len(list) > limit, Items: []api.Activity{}}
	for _, a := range list[:min(limit, len(list))] {
		a.Target, a.Note = secret.Mask(a.Target), secret.Mask(a.Note)
		page.Items = append(page.Items, a)
	}
	return writeJSON(w, http.StatusOK, page)
}

func (s *server) status(w http.ResponseWriter, r *http.Request) error {
	if err := readQuery(r.URL.RawQuery).done(); err != nil {
		return err
	}
	v := api.Status{
		Version: s.Version, Config: s.ConfigVersion, Started: s.Started, Now: s.Now(),
		Ready: s.readiness(r.Context()).Ready,
	}
	if s.Contract != nil {
		raw, err := maskJSON(s.Contract())
		if err != nil {
			return err
		}
		v.Contract = raw
	}
	return writeJSON(w, http.StatusOK, v)
}
