package console

import (
	"net/http"

	"github.com/pergabridge/pergabridge/bridge/console/api"
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
	limit, after := q.limit(), q.text("after")
	if err := q.done(); err != nil {
		return err
	}
	page, err := s.activities(r.Context(), after, limit)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, page)
}

func (s *server) status(w http.ResponseWriter, r *http.Request) error {
	if err := readQuery(r.URL.RawQuery).done(); err != nil {
		return err
	}
	v := api.Status{
		Version: s.Version, Config: s.ConfigVersion, Started: s.Started, Now: s.Now(),
		Ready: s.readiness(r.Context()).Ready, Replica: s.Replica, Reset: s.reset(),
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
