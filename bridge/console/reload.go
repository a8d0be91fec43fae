package console

import (
	"net/http"

	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// reload answers POST /reload.
func (s *server) reload(w http.ResponseWriter, r *http.Request) error {
	if s.Reload == nil {
		return problem(api.NotFound, "this bridge was not started from a config file")
	}
	v, err := s.Reload(r.Context(), callerOf(r.Context()).person)
	if err != nil {
		return mapProblem(err)
	}
	return writeJSON(w, http.StatusOK, v)
}
