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
	Name  string
	Error string
	Users bool // people have names and passwords
	Token bool // there is an admin token
}

func (s *server) loginPage(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.guard.identify(r); err == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	if s.guard.open() {
		if err := local(r); err != nil {
			return err
		}
	}
	return s.signIn(w, r, http.StatusOK, loginPage{Next: ours(r.URL.Query().Get("next"))})
}

func (s *server) signIn(w http.ResponseWriter, r *http.Request, status int, p loginPage) error {
	p.Users, p.Token = len(s.guard.users) > 0, s.guard.hasToken
	return s.page(w, r, status, "login", "Sign in", p)
}

// login changes a password or the admin token for a session. A name that the config knows is
// checked with its password alone: the token cannot be used in somebody's name.
func (s *server) login(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	if s.guard.open() {
		return problem(api.NotFound, "there is nothing to sign in with: neither server.users nor server.admin_token is set")
	}
	p := loginPage{Next: ours(r.PostForm.Get("next"))}
	name, err := personName(r.PostForm.Get("name"), "name")
	if err != nil {
		return err
	}
	user, err := s.signedIn(r, name, r.PostForm.Get("token"))
	if err != nil {
		if asProblem(err).Code != api.Unauthorized {
			return err
		}
		p.Name, p.Error = name, "This is not the admin token."
		if len(s.guard.users) > 0 {
			p.Error = "The name or the password is wrong."
		}
		return s.signIn(w, r, http.StatusUnauthorized, p)
	}
	s.guard.sessions.end(r)
	http.SetCookie(w, s.cookie(r, s.guard.sessions.begin(user.Name, user.Role)))
	s.Log.Info("console: somebody signed in", "person", user.Name, "role", user.Role, "remote", r.RemoteAddr)
	http.Redirect(w, r, p.Next, http.StatusSeeOther)
	return nil
}

// signedIn returns who comes in with this name and password or token.
func (s *server) signedIn(r *http.Request, name, word string) (User, error) {
	_, known := s.guard.users[name]
	if known || !s.guard.hasToken {
		return s.guard.password(r, name, word)
	}
	if err := s.guard.try(r, strings.TrimSpace(word)); err != nil {
		if asProblem(err).Code == api.Unauthorized {
			s.guard.decoyed(r, word)
		}
		return User{}, err
	}
	return User{Name: or(name, personBrowser), Role: Admin}, nil
}

// logout ends the session. Its form carries the session's own token, so that nobody else can.
func (s *server) logout(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	if err := genuine(r); err != nil {
		return err
	}
	s.guard.sessions.end(r)
	http.SetCookie(w, s.cookie(r, ""))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}

// genuine reports why a form does not come from a page that we showed to this caller, nil if it
// does.
func genuine(r *http.Request) error {
	c := callerOf(r.Context())
	if c.csrf != "" && subtle.ConstantTimeCompare([]byte(r.PostForm.Get("csrf")), []byte(c.csrf)) != 1 {
		return problem(api.Forbidden, "this form is not of this session; go back, reload the page and try again")
	}
	return nil
}

// form reads a form within the usual bound.
func form(w http.ResponseWriter, r *http.Request) error { return formOf(w, r, maxForm) }

// formOf reads a form of at most limit bytes.
func formOf(w http.ResponseWriter, r *http.Request, limit int64) error {
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return err
		}
		return badBody("", "the form cannot be read")
	}
	return nil
}

// places are the pages that a form may lead back to.
var places = func() []string {
	out := []string{"/repairs"}
	for _, p := range navigation[1:] { // the first is everything else
		out = append(out, p.Path)
	}
	return out
}()

// ours returns next if it is a page of this console, else the first page.
func ours(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	for _, p := range places {
		if u.Path == p || p != "/events" && strings.HasPrefix(u.Path, p+"/") { // below the events are files, no pages
			return next
		}
	}
	return "/"
}
