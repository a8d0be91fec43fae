package console

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/listener"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// An answer serves one method of one resource. The error is answered by whoever called it: as a
// problem document, or as a page.
type answer func(w http.ResponseWriter, r *http.Request) error

// methods are the answers of one resource by method; "" stands for every method.
type methods map[string]answer

// serve picks the answer. HEAD is answered as GET, without its body (net/http sees to that).
func (m methods) serve(w http.ResponseWriter, r *http.Request) error {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	h := m[method]
	if h == nil {
		h = m[""]
	}
	if h == nil {
		allow := []string{}
		for name := range m {
			allow = append(allow, name)
			if name == http.MethodGet {
				allow = append(allow, http.MethodHead)
			}
		}
		slices.Sort(allow)
		w.Header().Set("Allow", strings.Join(allow, ", "))
		return problem(api.MethodNotAllowed, "this address takes "+strings.Join(allow, ", "))
	}
	return h(w, r)
}

// patience is how long one answer may take; a backup takes what it needs.
const patience = 30 * time.Second

// maxQuery bounds the query of any address, in bytes.
const maxQuery = 8 << 10

// outside is around everything: headers, panics, time.
func (s *server) outside(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header(), listener.Secure(r))
		if s.Prefix != "" {
			w = &prefixed{w, s.Prefix}
		}
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			s.Log.Error("console: a request failed with a panic", slog.String("path", secret.Mask(r.URL.Path)),
				slog.Any("panic", p), slog.String("stack", secret.Mask(string(debug.Stack()))))
			writeProblem(w, problem(api.Internal, "this request met a bug; the log says more"))
		}()
		if len(r.URL.RawQuery) > maxQuery {
			writeProblem(w, problem(api.BadQuery, "the query is too long"))
			return
		}
		h.ServeHTTP(w, r)
	})
}

// secure sets the headers that keep a browser from doing more than it must.
func secure(h http.Header, encrypted bool) {
	listener.Closed(h)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if encrypted {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// open serves everybody.
func open(m methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := m.serve(w, r); err != nil {
			writeProblem(w, asProblem(err))
		}
	})
}

// allowed returns the problem of a caller whose role is not enough.
func allowed(c caller, need Role) error {
	if c.role.may(need) {
		return nil
	}
	return problem(api.Forbidden, "this needs the role "+string(need)+"; "+c.person+" has the role "+string(c.role))
}

// forPrograms serves the API to callers with at least a role.
func (s *server) forPrograms(need Role, m methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.guard.sameSite(r)
		var c caller
		if err == nil {
			c, err = s.guard.identify(r)
		}
		if err == nil {
			err = allowed(c, need)
		}
		if err == nil && c.session != nil && !reads(r) {
			// The buttons of the pages carry a token that makes them safe; the API has none.
			err = problem(api.Unauthorized, "a signed-in browser can only read; use the bearer token")
		}
		if err == nil {
			ctx, cancel := r.Context(), context.CancelFunc(func() {})
			if r.URL.Path != api.Prefix+"/backup" {
				ctx, cancel = context.WithTimeout(ctx, patience)
			}
			defer cancel()
			err = m.serve(w, r.WithContext(with(ctx, c)))
		}
		if err != nil {
			s.refuse(w, r, err)
		}
	})
}

// forMetrics serves /metrics.
func (s *server) forMetrics() http.Handler {
	m := methods{http.MethodGet: func(w http.ResponseWriter, r *http.Request) error {
		if s.Metrics == nil {
			return problem(api.NotFound, "there are no metrics")
		}
		s.Metrics.ServeHTTP(w, r)
		return nil
	}}
	if s.OpenMetrics {
		return open(m)
	}
	return s.forPrograms(Viewer, m)
}

// refuse answers a program with a problem document.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := asProblem(err)
	if p.Code == api.Internal {
		s.Log.Error("console: a request failed", slog.String("method", r.Method),
			slog.String("path", secret.Mask(r.URL.Path)), slog.String("error", secret.Mask(err.Error())))
	}
	if p.Code == api.Unauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="pergabridge"`)
	}
	writeProblem(w, p)
}

func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }
