package console

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// dryRun shows what a mapping makes of a message; nothing is stored, nothing is sent.
func (s *server) dryRun(w http.ResponseWriter, r *http.Request) error {
	if s.Map == nil {
		return problem(api.NotFound, "this bridge cannot try mappings")
	}
	body, err := readBody(w, r, maxMap, false)
	if err != nil {
		return err
	}
	if !json.Valid(body) {
		return badBody("", "not JSON")
	}
	v, err := s.Map(r.Context(), body)
	if err != nil {
		return mapProblem(err)
	}
	raw, err := maskJSON(v)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, raw)
}

// mapProblem keeps the problems that have a meaning of their own; any other failure is what the
// person wanted to know about the mapping.
func mapProblem(err error) error {
	var p *api.Problem
	var refused *bridge.CommandError
	if errors.As(err, &p) || errors.As(err, &refused) || errors.Is(err, bridge.ErrNotFound) || errors.Is(err, bridge.ErrUnavailable) {
		return err
	}
	return problem(api.Unprocessable, err.Error())
}
