package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

//go:embed pages
var assets embed.FS

// pageNames are the pages; each has a file.
var pageNames = []string{"overview", "tasks", "task", "events", "parked", "quarantine", "quarantined", "providers", "provider", "mailboxes",
	"activity", "act", "repair", "repairs", "login", "problem"}

// templates holds one complete page a name; each is the frame with its own content.
var templates = func() map[string]*template.Template {
	out := map[string]*template.Template{}
	for _, name := range pageNames {
		t := template.New("frame.html").Funcs(helpers).Funcs((&frame{}).helpers())
		out[name] = template.Must(t.ParseFS(assets, "pages/frame.html", "pages/parts.html", "pages/"+name+".html"))
	}
	return out
}()

var helpers = template.FuncMap{
	"stamp":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
	"machine":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"why":       why,
	"todo":      todo,
	"taskPath":  taskPath,
	"eventPath": func(id string) string { return "/quarantine/" + escape(id) },
	"filePath":  func(id string, n int) string { return "/events/" + escape(id) + "/files/" + strconv.Itoa(n) },
	"bytes":     files.Size,
	"sidePath":  func(name string) string { return "/providers/" + escape(name) },
	"chart":     chart,
	"pretty":    pretty,
	"lanes":     func(m map[bridge.LaneState]int64, state string) int64 { return m[bridge.LaneState(state)] },
	"plural": func(n any, one, many string) string {
		if fmt.Sprint(n) == "1" {
			return "1 " + one
		}
		return fmt.Sprint(n) + " " + many
	},
	// words writes a name of the code as people read it: process_call as "process call".
	"words": func(v any) string { return strings.ReplaceAll(fmt.Sprint(v), "_", " ") },
	// brief is the beginning of a text that has a title.
	"brief": func(title, text string) string {
		return shorten(strings.TrimSpace(strings.TrimPrefix(title+": "+text, ": ")), 160)
	},
	"sum": func(a, b int) int { return a + b },
	"dict": func(pairs ...any) map[string]any {
		out := map[string]any{}
		for i := 0; i+1 < len(pairs); i += 2 {
			out[pairs[i].(string)] = pairs[i+1]
		}
		return out
	},
}

// helpers are what depends on who looks, and when.
func (f *frame) helpers() template.FuncMap {
	return template.FuncMap{
		"ago":  func(t time.Time) string { return ago(f.Now, t) },
		"may":  func(role string) bool { return f.Role.may(Role(role)) },
		"csrf": func() string { return f.CSRF },
		"here": func() string { return f.Here },
		"do":   f.button,
		"doAs": func(verb bridge.Verb, target, what, word string) *button {
			return f.button(verb, target, what).called(word)
		},
	}
}

// A button is one deed on one target, or nothing if the person may not.
type button struct {
	*deed
	Target, What, CSRF, Back string
	// Ask is the address of the page that asks first.
	Ask string
}

func (f *frame) button(verb bridge.Verb, target, what string) *button {
	d := deedOf(verb)
	if d == nil || !f.Role.may(Operator) {
		return nil
	}
	b := &button{deed: d, Target: target, What: what, CSRF: f.CSRF, Back: f.Here}
	b.Ask = "/act?" + url.Values{"verb": {string(verb)}, "target": {target}, "back": {f.Here}}.Encode()
	return b
}

// called returns the button with another word on it, for where the verb means more than usual.
func (b *button) called(word string) *button {
	if b == nil {
		return nil
	}
	d := *b.deed
	d.Word = word
	b.deed = &d
	return b
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
	Person   string
	Role     Role
	CSRF     string
	// Here is the address of the page itself, where its buttons lead back to.
	Here string
	// Flash says what was just done.
	Flash string
	// Live is the address of the stream that keeps the page fresh; empty for pages that stand still.
	Live string
	Nav  []place
	// Reset says why everything stands still.
	Reset string
	Body  any
}

// A place is one entry of the navigation.
type place struct {
	Path, Name string
	Current    bool
}

var navigation = []place{{"/", "Overview", false}, {"/tasks", "Tasks", false}, {"/events", "Events", false}, {"/parked", "Parked", false},
	{"/quarantine", "Quarantine", false}, {"/providers", "Providers", false}, {"/mailboxes", "Mailboxes", false}, {"/activity", "Activity", false}}

// live names the pages that are worth a stream.
var live = map[string]bool{"overview": true, "tasks": true, "task": true, "parked": true, "quarantine": true, "quarantined": true,
	"providers": true, "mailboxes": true, "activity": true, "repair": true, "repairs": true}

func (s *server) frame(r *http.Request, name, title string, body any) *frame {
	f := &frame{Title: title, Version: s.Version, Now: s.Now(), Here: here(r), Body: body}
	c := callerOf(r.Context())
	if c.role == "" {
		return f
	}
	f.Person, f.Role, f.CSRF, f.SignedIn = c.person, c.role, c.csrf, c.session != nil
	f.Reset = s.reset()
	if d := deedOf(bridge.Verb(r.URL.Query().Get(doneParam))); d != nil {
		f.Flash = d.Done
	}
	if live[name] {
		f.Live = livePath + "?" + url.Values{"at": {f.Here}}.Encode()
	}
	for _, p := range navigation {
		p.Current = r.URL.Path == p.Path || p.Path != "/" && strings.HasPrefix(r.URL.Path, p.Path+"/")
		f.Nav = append(f.Nav, p)
	}
	return f
}

// doneParam is set on the way back from a deed; it names the verb.
const doneParam = "done"

// here is the address of a request without what is only said once.
func here(r *http.Request) string {
	q := r.URL.Query()
	q.Del(doneParam)
	u := url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: q.Encode()}
	return u.String()
}

// page writes a page, or only its changing part for a stream.
func (s *server) page(w http.ResponseWriter, r *http.Request, status int, name, title string, body any) error {
	f := s.frame(r, name, title, body)
	t, err := templates[name].Clone()
	if err != nil {
		return fmt.Errorf("console: page %s: %w", name, err)
	}
	t.Funcs(f.helpers())
	entry := "frame.html"
	if streamed(r) {
		entry = "main"
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, entry, f); err != nil {
		return fmt.Errorf("console: page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(s.below(b.Bytes())) // fails only when the caller is gone
	return nil
}

// forPeople serves pages to callers who have signed in with at least a role: need to change
// something, [Viewer] to look.
func (s *server) forPeople(need Role, m methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := s.guard.identify(r)
		if err == nil {
			r = r.WithContext(with(r.Context(), c))
			if err = allowed(c, need); err == nil {
				s.serve(w, r, m)
				return
			}
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
	http.ServeFileFS(w, r, assets, "pages/style.css")
	return nil
}

func (s *server) script(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "max-age=300")
	http.ServeFileFS(w, r, assets, "pages/console.js")
	return nil
}

// favicon answers what browsers ask without being told to.
func (s *server) favicon(w http.ResponseWriter, _ *http.Request) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
