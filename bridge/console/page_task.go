package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// taskEvents is how many events one task page shows.
const taskEvents = 40

type taskPage struct {
	Provider, Task string
	Bond           *bridge.Bond
	Others         []bridge.Bond
	Lanes          []taskLane
	BondDeeds      []bridge.Verb
	Story          string // how it stands, in a sentence
	Stuck          bool
	Events         []taskEvent // oldest first
	Older          string      // address of the page before
	Latest         string      // address of the newest page, when this is another
}

// A taskLane is one direction, also when there is nothing in it.
type taskLane struct {
	Dir   bridge.Dir
	Title string
	Lane  *laneRow
	// Stopped says why nothing of the lane goes out though it could: its destination is down or paused.
	Stopped string
}

// A taskEvent is one entry of the timeline.
type taskEvent struct {
	api.EventDetail
	Deeds []bridge.Verb
	// Behind is the lane whose head this event waits behind.
	Behind *laneRow
}

func (s *server) taskPage(w http.ResponseWriter, r *http.Request) error {
	q := pageQuery(r)
	before := q.text("before")
	if err := q.done(); err != nil {
		return err
	}
	f := bridge.EventFilter{Provider: r.PathValue("provider"), Task: r.PathValue("task"), Newest: true, Limit: taskEvents + 1}
	p := taskPage{Provider: f.Provider, Task: f.Task}
	if before != "" {
		n, err := strconv.ParseInt(before, 10, 64)
		if err != nil || n < 1 {
			return badQuery("before", "the number of an event")
		}
		f.After = n
		p.Latest = taskPath(p.Provider, p.Task)
	}
	ctx := r.Context()
	switch b, err := s.Store.Bond(ctx, p.Provider, p.Task); {
	case err == nil:
		p.Bond = &b
	case !errors.Is(err, bridge.ErrNotFound):
		return err
	}
	events, err := s.Store.Events(ctx, f)
	if err != nil {
		return err
	}
	if p.Bond == nil && len(events) == 0 && before == "" {
		return problem(api.NotFound, "nothing is known of task "+p.Task+" at "+p.Provider)
	}
	if len(events) > taskEvents {
		events = events[:taskEvents]
		p.Older = taskPath(p.Provider, p.Task) + "?before=" + cursor(&events[taskEvents-1])
	}
	slices.Reverse(events)
	told := map[string]bool{}
	for i := range events {
		e, attempts, err := s.Store.Event(ctx, events[i].ID)
		if err != nil {
			return err
		}
		d := detailView(&e, attempts)
		d.Text, d.Description = shorten(d.Text, listText), shorten(d.Description, listText)
		// SSP sends title and description with every call; they are news only once.
		if told[d.Title+"\x00"+d.Description] {
			d.Title, d.Description = "", ""
		} else {
			told[d.Title+"\x00"+d.Description] = true
		}
		p.Events = append(p.Events, taskEvent{EventDetail: d, Deeds: eventDeeds(&e)})
	}
	if p.Others, err = s.otherBonds(ctx, p.Provider, p.Task); err != nil {
		return err
	}
	lanes, err := s.Store.Lanes(ctx, bridge.LaneFilter{Provider: p.Provider, Task: p.Task})
	if err != nil {
		return err
	}
	counts, err := s.Store.Counts(ctx)
	if err != nil {
		return err
	}
	standing := s.standing(ctx, counts)
	for _, l := range []taskLane{{Dir: bridge.Out, Title: "SSP to " + p.Provider}, {Dir: bridge.In, Title: p.Provider + " to SSP"}} {
		for i := range lanes {
			if lanes[i].ID.Dir == l.Dir {
				l.Lane = &rowsOf(lanes[i : i+1])[0]
				l.Stopped = standing[l.Lane.Destination]
			}
		}
		p.Lanes = append(p.Lanes, l)
		for i := range p.Events {
			if e := &p.Events[i]; l.Lane != nil && e.Dir == l.Dir && e.State == bridge.StateQueued && e.ID != l.Lane.Head {
				e.Behind = l.Lane
			}
		}
	}
	p.Story, p.Stuck = story(&p)
	p.BondDeeds = []bridge.Verb{bridge.VerbBondLink}
	if p.Bond != nil && p.Bond.Reference != "" {
		p.BondDeeds = []bridge.Verb{bridge.VerbBondUnlink, bridge.VerbBondMove}
	}
	return s.page(w, r, http.StatusOK, "task", "Task "+p.Task+" at "+p.Provider, p)
}

// standing says of every destination to which nothing goes now why that is so.
func (s *server) standing(ctx context.Context, counts bridge.Counts) map[string]string {
	out := map[string]string{}
	for _, d := range s.destinationsOf(counts) {
		switch {
		case d.Health == api.Paused:
			out[d.Name] = d.Name + " is paused by a person; it goes on when somebody resumes " + d.Name
		case d.Health == api.Down:
			out[d.Name] = d.Name + " is down; it goes on by itself when " + d.Name + " is back"
		}
	}
	if c, ok := s.readiness(ctx).Shown["contract"]; ok && !c.OK && out[bridge.SSP] == "" {
		out[bridge.SSP] = "nothing is sent to SSP: " + c.Reason
	}
	return out
}

// story says in a sentence how a task stands, and whether it needs a person.
func story(p *taskPage) (text string, stuck bool) {
	var parts []string
	for _, l := range p.Lanes {
		if l.Lane == nil {
			continue
		}
		switch l.Lane.State {
		case bridge.LaneParked, bridge.LanePaused:
			stuck = true
			parts = append(parts, l.Title+" has stopped and waits for a person: "+or(l.Lane.Why, string(l.Lane.Reason)))
		case bridge.LaneHeld:
			parts = append(parts, l.Title+" waits until the provider's ticket number is known")
		case bridge.LaneReady, bridge.LaneLeased:
			text := l.Title + " is under way"
			if l.Stopped != "" {
				text = l.Title + " waits: " + l.Stopped
			}
			if l.Lane.Attempt > 0 && l.Lane.Why != "" {
				text += fmt.Sprintf(" (%s so far; the last: %s)", tries(l.Lane.Attempt), l.Lane.Why)
			}
			parts = append(parts, text)
		}
	}
	for _, x := range []struct {
		what string
		n    int
	}{
		{"did not arrive, a report says", p.ended(bridge.Bounced)},
		{"was refused and left out", p.ended(bridge.Skipped)},
		{"is in quarantine", p.in(bridge.StateQuarantined)},
	} {
		if x.n > 0 {
			stuck = true
			parts = append(parts, fmt.Sprintf("%d of its events %s: see below", x.n, x.what))
		}
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, ". ") + ".", stuck
	case p.Bond == nil:
		return "Nothing of it is on its way.", false
	case p.Bond.State == bridge.BondPending:
		return "Nothing waits in its lanes.", false
	case p.ended(bridge.Observed) > 0:
		return "Nothing waits; what was only observed was not sent.", false
	case p.ended(bridge.IgnoredByOperator) > 0:
		return "Nothing waits; what a person ignored was not sent.", false
	}
	return "Nothing waits: both sides have everything that was sent.", false
}

func tries(n int) string {
	if n == 1 {
		return "1 try"
	}
	return strconv.Itoa(n) + " tries"
}

// ended counts the shown events that ended or are done for a reason.
func (p *taskPage) ended(r bridge.Reason) (n int) {
	for i := range p.Events {
		if e := &p.Events[i]; e.Reason == r && (e.State == bridge.StateEnded || e.State == bridge.StateDone) {
			n++
		}
	}
	return n
}

// in counts the shown events in a state.
func (p *taskPage) in(state bridge.EventState) (n int) {
	for i := range p.Events {
		if p.Events[i].State == state {
			n++
		}
	}
	return n
}
