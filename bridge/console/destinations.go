package console

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

func (s *server) listDestinations(w http.ResponseWriter, r *http.Request) error {
	if err := readQuery(r.URL.RawQuery).done(); err != nil {
		return err
	}
	list, err := s.destinations(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, api.List[api.Destination]{Items: list})
}

func (s *server) destinations(ctx context.Context) ([]api.Destination, error) {
	counts, err := s.Store.Counts(ctx)
	if err != nil {
		return nil, err
	}
	return s.destinationsOf(counts), nil
}

// destinationsOf returns the configured destinations, then those that only the store still knows.
func (s *server) destinationsOf(counts bridge.Counts) []api.Destination {
	out := make([]api.Destination, 0, len(s.Destinations))
	known := map[string]bool{}
	for _, d := range s.Destinations {
		known[d.Name] = true
		out = append(out, destinationView(d, counts.Destination[d.Name]))
	}
	configured := len(out)
	for name, c := range counts.Destination {
		if !known[name] {
			out = append(out, destinationView(Destination{Name: name, Note: "the config does not name it any more"}, c))
		}
	}
	slices.SortFunc(out[configured:], func(a, b api.Destination) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func destinationView(d Destination, c bridge.DestinationCounts) api.Destination {
	v := api.Destination{
		Name: d.Name, Kind: d.Kind, Mode: d.Mode, Address: secret.Mask(d.Address), Note: secret.Mask(d.Note),
		Paused: c.Paused, Breaker: c.Breaker, Failures: c.Failures, OpenTo: c.OpenTo, Lanes: c.Lanes, Queued: c.Queued, Oldest: c.Oldest,
	}
	if v.Breaker == "" {
		v.Breaker = bridge.BreakerClosed
	}
	if v.Lanes == nil {
		v.Lanes = map[bridge.LaneState]int64{}
	}
	v.Health, v.Why, v.Do = health(&v)
	return v
}

func (s *server) actOnDestination(verb bridge.Verb) answer {
	return func(w http.ResponseWriter, r *http.Request) error {
		var a api.Note
		if err := readJSON(w, r, maxCommand, true, &a); err != nil {
			return err
		}
		// The store takes any name; a mistyped one must not look like success.
		d, err := s.destination(r, r.PathValue("name"))
		if err != nil {
			return err
		}
		return s.operate(w, r, bridge.Command{Verb: verb, Dest: d.Name, Note: a.Note})
	}
}

// testDestination makes a test call.
func (s *server) testDestination(w http.ResponseWriter, r *http.Request) error {
	var a struct{}
	if err := readJSON(w, r, maxCommand, true, &a); err != nil {
		return err
	}
	answer, err := s.test(r.Context(), r.PathValue("name"))
	t := api.Tested{OK: err == nil, Answer: answer}
	if err != nil {
		if x := asProblem(err); x.Code == api.NotFound {
			return err
		}
		t.Answer = secret.Mask(err.Error())
	}
	return writeJSON(w, http.StatusOK, t)
}
