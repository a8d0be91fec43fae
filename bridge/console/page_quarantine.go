package console

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

type quarantinePage struct {
	Provider  string
	Reason    bridge.Reason
	Waiting   bool
	Providers []string
	Reasons   []bridge.Reason // of what is in quarantine now
	Counts    []quarantineRow
	Events    []eventRow
	Next      string
}

func (s *server) quarantinePage(w http.ResponseWriter, r *http.Request) error {
	q := pageQuery(r)
	p := quarantinePage{Provider: q.text("provider"), Reason: choice(q, "reason", bridge.Reasons()), Waiting: q.flag("waiting")}
	f := bridge.EventFilter{Provider: p.Provider, Reason: p.Reason, After: q.after(), States: []bridge.EventState{bridge.StateQuarantined}}
	asked := url.Values{"provider": {p.Provider}, "reason": {string(p.Reason)}}
	if p.Waiting {
		f.States = append(f.States, bridge.StateWaiting)
		asked.Set("waiting", "true")
	}
	if err := q.done(); err != nil {
		return err
	}
	counts, err := s.Store.Counts(r.Context())
	if err != nil {
		return err
	}
	p.Counts, p.Providers = quarantineRows(counts), s.providerNames()
	for _, c := range p.Counts {
		if !slices.Contains(p.Reasons, c.Reason) {
			p.Reasons = append(p.Reasons, c.Reason)
		}
	}
	slices.Sort(p.Reasons)
	if p.Events, p.Next, err = s.eventRows(r.Context(), f, "/quarantine", asked); err != nil {
		return err
	}
	return s.page(w, r, http.StatusOK, "quarantine", "Quarantine", p)
}

type quarantinedPage struct {
	api.EventDetail
	Deeds []bridge.Verb
}

// quarantinedPage shows one event with its raw input, whatever has become of it meanwhile.
func (s *server) quarantinedPage(w http.ResponseWriter, r *http.Request) error {
	if err := pageQuery(r).done(); err != nil {
		return err
	}
	e, attempts, err := s.Store.Event(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	p := quarantinedPage{detailView(&e, attempts), eventDeeds(&e)}
	return s.page(w, r, http.StatusOK, "quarantined", "Event of "+e.Provider, p)
}
