package console

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge/listener"
)

// Bounds of sessions: one ends after sessionIdle without a request and after sessionLife at the
// latest; the oldest makes room for the one that would be too many.
const (
	sessionIdle   = 2 * time.Hour
	sessionLife   = 12 * time.Hour
	sessionMemory = 256
	cookieName    = "pergabridge_session"
)

// A session is one signed-in browser. It lives in memory: a restart signs everybody out.
type session struct {
	person string
	role   Role
	csrf   string // proves that a form is ours
	start  time.Time
	seen   time.Time
}

// sessions are kept under the hash of their id, so that memory does not hold what lets one in.
type sessions struct {
	now func() time.Time

	mu sync.Mutex
	by map[[sha256.Size]byte]*session
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, by: map[[sha256.Size]byte]*session{}}
}

// begin makes a session of a person and returns its id.
func (s *sessions) begin(person string, role Role) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for key, x := range s.by {
		if x.over(now) {
			delete(s.by, key)
		}
	}
	if len(s.by) >= sessionMemory {
		var oldest [sha256.Size]byte
		var start time.Time
		for key, x := range s.by {
			if start.IsZero() || x.start.Before(start) {
				oldest, start = key, x.start
			}
		}
		delete(s.by, oldest)
	}
	id := rand.Text() + rand.Text()
	s.by[sha256.Sum256([]byte(id))] = &session{person: person, role: role, csrf: rand.Text(), start: now, seen: now}
	return id
}

// of returns the session of a request, nil if there is none.
func (s *sessions) of(r *http.Request) *session {
	c, err := r.Cookie(cookieName)
	if err != nil || c.Value == "" {
		return nil
	}
	key := sha256.Sum256([]byte(c.Value))
	s.mu.Lock()
	defer s.mu.Unlock()
	x, now := s.by[key], s.now()
	if x == nil {
		return nil
	}
	if x.over(now) {
		delete(s.by, key)
		return nil
	}
	if !streamed(r) && r.URL.Path != livePath { // a page that is only open is not in use, however often its stream begins anew
		x.seen = now
	}
	return x
}

// alive reports whether a session still holds, without prolonging it.
func (s *sessions) alive(r *http.Request) bool {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.by[sha256.Sum256([]byte(c.Value))]
	return x != nil && !x.over(s.now())
}

// endAll signs everybody out.
func (s *sessions) endAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.by)
}

// end forgets the session of a request.
func (s *sessions) end(r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.by, sha256.Sum256([]byte(c.Value)))
	}
}

func (x *session) over(now time.Time) bool {
	return now.Sub(x.seen) > sessionIdle || now.Sub(x.start) > sessionLife
}

// cookie carries the id of a session; an empty id takes it back.
func (s *server) cookie(r *http.Request, id string) *http.Cookie {
	c := &http.Cookie{Name: cookieName, Value: id, Path: s.Prefix + "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: listener.Secure(r)}
	if id == "" {
		c.MaxAge = -1
	}
	return c
}
