package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

//go:embed pages
var files embed.FS

// templates holds one complete page a name; each is the frame with its own content.
var templates = func() map[string]*template.Template {
	out := map[string]*template.Template{}
	for _, name := range []string{"overview", "task", "login", "problem"} {
		t := template.New("frame.html").Funcs(template.FuncMap{
			// Replaced for each page: they depend on the time.
			"ago": func(time.Time) string { return "" },
		}).Funcs(helpers)
		out[name] = template.Must(t.ParseFS(files, "pages/frame.html", "pages/parts.html", "pages/"+name+".html"))
	}
	return out
}()

var helpers = template.FuncMap{
	"stamp":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
	"machine":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"why":      why,
	"taskPath": taskPath,
	"lanes":    func(m map[bridge.LaneState]int64, state string) int64 { return m[bridge.LaneState(state)] },
	"plural": func(n any, one, many string) string {
		if fmt.Sprint(n) == "1" {
			return "1 " + one
		}
		return fmt.Sprint(n) + " " + many
	},
}

// taskPath is the address of a task's page.
func taskPath(provider, task string) string {
	return "/tasks/" + escape(provider) + "/" + escape(task)
}

// escape writes one segment of a path; dots alone would be taken for a way through the tree.
func escape(s string) string {
	e := url.PathEscape(s)
	if strings.Trim(e, ".") == "" {
		e = strings.ReplaceAll(e, ".", "%2E")
	}
	return e
}

// ago says how long ago t was, coarsely.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := now.Sub(t)
	switch {
	case d < 0:
		return "in " + span(-d)
	case d < time.Second:
		return "now"
	}
	return span(d) + " ago"
}

func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// A frame is what every page shows around its content.
type frame struct {
	Title    string
	Version  string
	Now      time.Time
	SignedIn bool
	CSRF     string
	Body     any
}

// page writes a page.
func (s *server) page(w http.ResponseWriter, r *http.Request, status int, name, title string, body any) error {
	f := frame{Title: title, Version: s.Version, Now: s.Now(), Body: body}
	if c := callerOf(r.Context()); c.session != nil {
		f.SignedIn, f.CSRF = true, c.session.csrf
	}
	t, err := templates[name].Clone()
	if err != nil {
		return fmt.Errorf("console: page %s: %w", name, err)
	}
	t.Funcs(template.FuncMap{"ago": func(x time.Time) string { return ago(f.Now, x) }})
	var b bytes.Buffer
	if err := t.Execute(&b, f); err != nil {
		return fmt.Errorf("console: page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // fails only when the caller is gone
	return nil
}

// forPeople serves pages to callers who have signed in.
func (s *server) forPeople(m methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := s.guard.identify(r)
		if err == nil {
			s.serve(w, r.WithContext(with(r.Context(), c)), m)
			return
		}
		if p := asProblem(err); p.Code == api.Unauthorized && reads(r) && r.Header.Get("Authorization") == "" {
			http.Redirect(w, r, "/login?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
			return
		}
		s.problemPage(w, r, err)
	})
}

// forVisitors serves pages to everybody.
func (s *server) forVisitors(m methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, m) })
}

// serve answers with a page; a write must come from a page of ours.
func (s *server) serve(w http.ResponseWriter, r *http.Request, m methods) {
	if !reads(r) {
		if err := s.guard.sameSite(r); err != nil {
			s.problemPage(w, r, err)
			return
		}
	}
	if err := m.serve(w, r); err != nil {
		s.problemPage(w, r, err)
	}
}

// problemPage says what went wrong, as a page.
func (s *server) problemPage(w http.ResponseWriter, r *http.Request, err error) {
	p := *asProblem(err)
	p.Detail = secret.Mask(p.Detail)
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(p.RetryAfter))
	}
	if p.Code == api.Internal {
		s.Log.Error("console: a page failed", "path", secret.Mask(r.URL.Path), "error", p.Detail)
	}
	if err := s.page(w, r, p.Status, "problem", p.Title, p); err != nil {
		writeProblem(w, &p)
	}
}

func (s *server) style(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "max-age=300")
	http.ServeFileFS(w, r, files, "pages/style.css")
	return nil
}

// favicon answers what browsers ask without being told to.
func (s *server) favicon(w http.ResponseWriter, _ *http.Request) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
