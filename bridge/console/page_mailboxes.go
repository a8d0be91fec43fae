package console

import (
	"net/http"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/console/api"
)

type mailboxesPage struct {
	Mailboxes []api.Mailbox
	// Others are further duties that bring events: polls.
	Others []api.Duty
}

// mailboxesPage shows everything that is read by turns: mailboxes, then polls.
func (s *server) mailboxesPage(w http.ResponseWriter, r *http.Request) error {
	if err := pageQuery(r).done(); err != nil {
		return err
	}
	boxes, err := s.mailboxes(r.Context())
	if err != nil {
		return err
	}
	duties, err := s.Store.Duties(r.Context())
	if err != nil {
		return err
	}
	p := mailboxesPage{Mailboxes: boxes}
	for _, d := range duties {
		if of, _, ok := strings.Cut(d.Name, "/"); ok {
			if _, configured := s.configured(of); configured {
				p.Others = append(p.Others, api.Duty{Name: d.Name, Session: d.Session, Paused: d.Paused})
			}
		}
	}
	return s.page(w, r, http.StatusOK, "mailboxes", "Mailboxes", p)
}
