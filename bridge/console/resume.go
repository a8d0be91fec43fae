package console

import (
	"net/http"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// reset returns why everything stands still, "" if it does not.
func (s *server) reset() string {
	if r, ok := s.Store.(bridge.Resetter); ok {
		if err := r.ResetErr(); err != nil {
			return err.Error()
		}
	}
	return ""
}

// resumption reads the date from which sources begin again.
func (s *server) resumption(since string) (time.Time, string) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04", time.DateTime, time.DateOnly} {
		at, err := time.Parse(form, since)
		if err != nil {
			continue
		}
		switch now := s.Now(); {
		case at.After(now):
			return at, "lies in the future"
		case now.Sub(at) > bridge.ClaimLife:
			return at, "lies more than 90 days back: nothing recognises what came before"
		}
		return at, ""
	}
	return time.Time{}, "is a date (2026-01-31) or a time (2026-01-31T10:00:00Z)"
}

// resumeStore lets the bridge go on with a ledger that was wiped or restored.
func (s *server) resumeStore(w http.ResponseWriter, r *http.Request) error {
	var a api.StoreResume
	if err := readJSON(w, r, maxCommand, false, &a); err != nil {
		return err
	}
	since, wrong := s.resumption(a.Since)
	if wrong != "" {
		return badBody("since", "%s", wrong)
	}
	done, err := s.resume(r, since, a.Deliver, a.Note)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, done)
}

func (s *server) resume(r *http.Request, since time.Time, deliver bool, note string) (bridge.Resumed, error) {
	store, ok := s.Store.(bridge.Resetter)
	if !ok {
		return bridge.Resumed{}, problem(api.NotPossible, "this store is a file of this process: nobody resets it")
	}
	return store.Resume(r.Context(), bridge.Resumption{Person: callerOf(r.Context()).person, Note: note, Since: since, Deliver: deliver})
}

// resumeForm is the form of the banner.
func (s *server) resumeForm(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	if err := genuine(r); err != nil {
		return err
	}
	f := r.PostForm
	since, wrong := s.resumption(strings.TrimSpace(f.Get("since")))
	if wrong != "" {
		return badBody("since", "%s", wrong)
	}
	if _, err := s.resume(r, since, f.Get("deliver") == "yes", strings.TrimSpace(f.Get("note"))); err != nil {
		return err
	}
	http.Redirect(w, r, ours(f.Get("back")), http.StatusSeeOther)
	return nil
}
