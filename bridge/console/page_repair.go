package console

import (
	"net/http"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

type repairsPage struct {
	api.RepairRequest
	Total  int
	Error  string
	Most   int
	Past   []api.Repair
	Asking bool // whether to begin is to be decided
}

// repairsPage asks before a repair begins, and lists those that were begun.
func (s *server) repairsPage(w http.ResponseWriter, r *http.Request) error {
	q := pageQuery(r)
	p := repairsPage{RepairRequest: api.RepairRequest{Of: api.RepairOf(q.text("of")), Provider: q.text("provider"),
		Reason: choice(q, "reason", bridge.Reasons()), Verb: q.text("verb")}}
	if err := q.done(); err != nil {
		return err
	}
	if p.Of == "" {
		var err error
		if p.Past, err = s.known(r.Context(), ""); err != nil {
			return err
		}
		return s.page(w, r, http.StatusOK, "repairs", "Repairs", p)
	}
	return s.askRepair(w, r, http.StatusOK, p)
}

func (s *server) askRepair(w http.ResponseWriter, r *http.Request, status int, p repairsPage) error {
	check := p.RepairRequest
	if check.Note == "" {
		check.Note = "asked for below"
	}
	if err := checkRepair(check); err != nil {
		return err
	}
	todo, err := s.targets(r.Context(), p.RepairRequest)
	if err != nil {
		return err
	}
	p.Total, p.Most, p.Asking = len(todo), repairMost, true
	return s.page(w, r, status, "repairs", "Repair", p)
}

func (s *server) beginRepair(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	if err := genuine(r); err != nil {
		return err
	}
	f := r.PostForm
	q := api.RepairRequest{Of: api.RepairOf(f.Get("of")), Provider: f.Get("provider"), Reason: bridge.Reason(f.Get("reason")),
		Verb: f.Get("verb"), Note: strings.TrimSpace(f.Get("note"))}
	if q.Verb == "discard" && q.Note == "" {
		return s.askRepair(w, r, http.StatusBadRequest, repairsPage{RepairRequest: q, Error: "The note is needed."})
	}
	v, err := s.begin(r.Context(), q)
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/repairs/"+v.ID, http.StatusSeeOther)
	return nil
}

func (s *server) repairPage(w http.ResponseWriter, r *http.Request) error {
	if err := pageQuery(r).done(); err != nil {
		return err
	}
	v, err := s.repairOf(r)
	if err != nil {
		return err
	}
	return s.page(w, r, http.StatusOK, "repair", "Repair", v)
}
