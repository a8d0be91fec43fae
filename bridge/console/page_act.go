package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// actPage asks before something is done.
type actPage struct {
	*deed
	Target string
	Back   string
	Error  string
	// Event, Lane, Destination, Bond or Duty is what it is about.
	Event       *api.Event
	Lane        *api.Lane
	Destination *api.Destination
	Bond        *bridge.Bond
	Duty        string
	// Values are what was filled in already.
	Values map[string]string
}

// Wants reports whether a field is asked for.
func (p actPage) Wants(field string) bool { return slices.Contains(p.Fields, field) }

// Must reports whether a field must not be empty.
func (p actPage) Must(field string) bool { return slices.Contains(p.Needed, field) }

func (s *server) askPage(w http.ResponseWriter, r *http.Request) error {
	q := readQuery(r.URL.RawQuery)
	verb, target, back := q.text("verb"), q.text("target"), q.text("back")
	if err := q.done(); err != nil {
		return err
	}
	d := deedOf(bridge.Verb(verb))
	if d == nil {
		return badQuery("verb", "there is no such command")
	}
	return s.ask(w, r, http.StatusOK, actPage{deed: d, Target: target, Back: ours(back), Values: map[string]string{}})
}

// ask shows the page, with what the target is now.
func (s *server) ask(w http.ResponseWriter, r *http.Request, status int, p actPage) error {
	ctx := r.Context()
	title := p.Word
	switch p.On {
	case onEvent:
		e, _, err := s.Store.Event(ctx, p.Target)
		if err != nil {
			return err
		}
		v := listed(&e)
		p.Event = &v
		title += ": event of " + e.Provider
		if e.Task != "" {
			title = p.Word + ": " + or(string(e.Kind), "event") + " of task " + e.Task
		}
	case onLane:
		id, ok := bridge.ParseLaneID(p.Target)
		if !ok {
			return badQuery("target", "a lane is written provider/dir/task")
		}
		lanes, err := s.Store.Lanes(ctx, bridge.LaneFilter{Provider: id.Provider, Task: id.Task})
		if err != nil {
			return err
		}
		for i := range lanes {
			if lanes[i].ID == id {
				v := laneView(&lanes[i])
				p.Lane = &v
			}
		}
		title += ": lane " + id.String()
	case onDestination:
		d, err := s.destination(r, p.Target)
		if err != nil {
			return err
		}
		p.Destination = &d
		title += ": " + d.Name
	case onDuty:
		p.Duty = p.Target
		title += ": " + p.Target
	case onBond:
		provider, task, _ := strings.Cut(p.Target, "/")
		switch b, err := s.Store.Bond(ctx, provider, task); {
		case err == nil:
			p.Bond = &b
		case !errors.Is(err, bridge.ErrNotFound):
			return err
		}
		title += ": task " + task + " at " + provider
	}
	return s.page(w, r, status, "act", title, p)
}

// destination returns one destination by its name.
func (s *server) destination(r *http.Request, name string) (api.Destination, error) {
	list, err := s.destinations(r.Context())
	if err != nil {
		return api.Destination{}, err
	}
	for _, d := range list {
		if d.Name == name {
			return d, nil
		}
	}
	return api.Destination{}, problem(api.NotFound, "there is no destination "+name)
}

// act does what a button says and leads back to where it stood.
func (s *server) act(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	if err := genuine(r); err != nil {
		return err
	}
	f := r.PostForm
	d := deedOf(bridge.Verb(f.Get("verb")))
	if d == nil {
		return badBody("verb", "there is no such command")
	}
	p := actPage{deed: d, Target: f.Get("target"), Back: ours(f.Get("back")), Values: map[string]string{}}
	for _, name := range d.Fields {
		p.Values[name] = strings.TrimSpace(f.Get(name))
	}
	for _, name := range d.Needed {
		if p.Values[name] == "" {
			p.Error = "The " + name + " is needed."
		}
	}
	if d.Verb == bridge.VerbAssign && p.Values["task"] == "" && p.Values["reference"] == "" {
		p.Error = "A task or a reference is needed."
	}
	if p.Error == "" {
		err := s.carryOut(r, p)
		var refused *bridge.CommandError
		switch {
		case err == nil:
			http.Redirect(w, r, afterwards(p.Back, d.Verb), http.StatusSeeOther)
			return nil
		case !errors.As(err, &refused):
			return err
		}
		p.Error = refused.Msg
		return s.ask(w, r, http.StatusConflict, p)
	}
	return s.ask(w, r, http.StatusBadRequest, p)
}

// carryOut gives the command that a filled form means.
func (s *server) carryOut(r *http.Request, p actPage) error {
	person := callerOf(r.Context()).person
	if p.Verb == bridge.VerbReread {
		_, err := s.Engine.Reread(r.Context(), person, p.Target)
		return err
	}
	c := bridge.Command{Verb: p.Verb, Person: person, Note: p.Values["note"], Task: p.Values["task"], Reference: p.Values["reference"]}
	switch p.On {
	case onEvent:
		c.Event = p.Target
	case onLane:
		id, ok := bridge.ParseLaneID(p.Target)
		if !ok {
			return badBody("target", "a lane is written provider/dir/task")
		}
		c.Lane = id
	case onDestination:
		if _, err := s.destination(r, p.Target); err != nil { // the store takes any name
			return err
		}
		c.Dest = p.Target
	case onDuty:
		c.Duty = p.Target
	case onBond:
		c.Provider, c.Task, _ = strings.Cut(p.Target, "/")
	}
	_, err := s.Engine.Operate(r.Context(), c)
	return err
}

// afterwards is the address that says what was done.
func afterwards(back string, v bridge.Verb) string {
	u, err := url.Parse(back)
	if err != nil {
		return "/"
	}
	q := u.Query()
	q.Set(doneParam, string(v))
	u.RawQuery = q.Encode()
	return u.String()
}
