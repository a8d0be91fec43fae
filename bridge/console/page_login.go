package console

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// maxForm bounds what the forms send, in bytes.
const maxForm = 8 << 10

type loginPage struct {
	Next  string
	Error string
}

func (s *server) loginPage(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.guard.identify(r); err == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	if !s.guard.hasToken {
		if err := local(r); err != nil {
			return err
		}
	}
	return s.page(w, r, http.StatusOK, "login", "Sign in", loginPage{Next: ours(r.URL.Query().Get("next"))})
}

// login changes the admin token for a session.
func (s *server) login(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	next := ours(r.PostForm.Get("next"))
	if !s.guard.hasToken {
		return problem(api.NotFound, "there is no token to sign in with: server.admin_token is not set")
	}
	if err := s.guard.try(r, strings.TrimSpace(r.PostForm.Get("token"))); err != nil {
		p := asProblem(err)
		if p.Code != api.Unauthorized {
			return err
		}
		return s.page(w, r, p.Status, "login", "Sign in", loginPage{Next: next, Error: "This is not the admin token."})
	}
	s.guard.sessions.end(r)
	http.SetCookie(w, cookie(r, s.guard.sessions.begin()))
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// logout ends the session. Its form carries the session's own token, so that nobody else can.
func (s *server) logout(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	c := callerOf(r.Context())
	if c.session == nil || subtle.ConstantTimeCompare([]byte(r.PostForm.Get("csrf")), []byte(c.session.csrf)) != 1 {
		return problem(api.Forbidden, "this form is not of this session; go back and try again")
	}
	s.guard.sessions.end(r)
	http.SetCookie(w, cookie(r, ""))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}

// form reads a form within its bound.
func form(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return err
		}
		return badBody("", "the form cannot be read")
	}
	return nil
}

// ours returns next if it is a page of this console, else the first page.
func ours(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.ContainsAny(next, "\\\r\n\t") || !strings.HasPrefix(next, "/tasks/") {
		return "/"
	}
	return next
}
