package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// A verdict compares what the ends saw with what they were sent and with the records of the bridge.
type verdict struct {
	t       *testing.T
	w       *world
	events  map[string]api.Event   // every record, by id
	of      map[string][]api.Event // records of a task, by task, in order of acceptance
	effects int
	// repeated counts effects beyond the first, each covered by a try of unknown outcome.
	repeated int
}

func newVerdict(t *testing.T, w *world) *verdict {
	v := &verdict{t: t, w: w, events: map[string]api.Event{}, of: map[string][]api.Event{}}
	for e, err := range w.api.AllEvents(t.Context(), client.Events{Limit: 1000}) {
		require.NoError(t, err)
		v.events[e.ID] = e
		v.of[e.Task] = append(v.of[e.Task], e)
	}
	return v
}

// task judges one task: both directions in order and complete, and nothing that had to stay away.
func (v *verdict) task(p *path) {
	var in, out, acknowledged []string
	for _, e := range v.w.ssp.Effects(p.task) {
		if e.Operation == ssptest.Acknowledgement {
			acknowledged = append(acknowledged, e.Text)
			continue
		}
		in = append(in, e.Text)
	}
	out = v.w.ledger(p.provider, p.number)
	v.effects += len(in) + len(out) + len(acknowledged)

	once := func(direction bridge.Dir, effects, want []string) {
		if seen := v.collapse(p, direction, effects); !slices.Equal(want, seen) {
			v.t.Fatalf("task %s at %s, direction %s: wanted\n%q\nand the other side saw\n%q\nrecords: %s", p.task, p.provider, direction, want, seen, v.tries(p.task, direction))
		}
	}
	once(bridge.In, in, append([]string(nil), p.in...))
	once(bridge.Out, out, p.out)
	require.Equal(v.t, []string{p.number}, v.collapse(p, bridge.In, acknowledged), "task %s: acknowledge", p.task)

	for _, text := range p.late {
		for _, e := range v.of[p.task] {
			if e.Text == text {
				require.Equal(v.t, bridge.StateEnded, e.State, "%+v", e)
				require.Equal(v.t, bridge.IsLate, e.Reason, "%+v", e)
			}
		}
	}
	for text, id := range p.told {
		e, ok := v.events[id]
		require.True(v.t, ok, "a sender was told event %s for %q, and there is no such record", id, text)
		require.Equal(v.t, text, e.Text)
		require.Equal(v.t, bridge.StateDone, e.State, "%+v", e)
	}
}

// collapse makes one of effects that follow each other and are the same, if the record of their event
// shows for each repetition a try of unknown outcome.
func (v *verdict) collapse(p *path, dir bridge.Dir, effects []string) []string {
	var out []string
	runs := map[string]int{}
	for i, e := range effects {
		if i > 0 && effects[i-1] == e {
			runs[e]++
			continue
		}
		out = append(out, e)
	}
	for effect, again := range runs {
		v.repeated += again
		e := v.record(p, dir, effect)
		detail, err := v.w.api.Event(v.t.Context(), e.ID)
		require.NoError(v.t, err)
		unknown := 0
		for i, a := range detail.Attempts {
			// A done that came when the event was being tried again has taken the place of the unknown.
			late := a.Outcome == bridge.OutcomeDone && i < len(detail.Attempts)-1
			if late || a.Outcome == bridge.OutcomeUnknown && (a.Reason == bridge.LeaseExpired || a.Reason == bridge.NoAnswer) && a.Then != bridge.ThenPark {
				unknown++
			}
		}
		require.LessOrEqual(v.t, again, unknown, "%q took effect %d times at task %s; record: %+v", effect, again+1, p.task, detail)
	}
	return out
}

// record finds the event behind an effect.
func (v *verdict) record(p *path, dir bridge.Dir, effect string) api.Event {
	for _, e := range v.of[p.task] {
		if e.Dir != dir || e.State != bridge.StateDone {
			continue
		}
		switch kind, text, _ := strings.Cut(effect, " "); {
		case dir == bridge.In && (e.Text == effect || e.Kind == bridge.Acknowledge && effect == p.number),
			dir == bridge.Out && e.Text == text && e.Text != "",
			dir == bridge.Out && kind == "create" && e.Kind == bridge.Submit,
			dir == bridge.Out && kind == "close" && e.Kind == bridge.Close:
			return e
		}
	}
	require.Fail(v.t, "an effect without a record", "%q at task %s", effect, p.task)
	return api.Event{}
}

// processCalls says that SSP was told a known event for each of its calls, and gave none up; and that a
// second copy of a call, where it was answered at all, was told the same event, or one from which nothing followed.
func (v *verdict) processCalls() {
	told := func(c ssptest.ProcessCall, text string) string {
		var a answer
		require.NoError(v.t, json.Unmarshal([]byte(text), &a), "%+v", c)
		if _, ok := v.events[a.Event]; !ok {
			v.t.Fatalf("SSP was told event %q, and there is no such record: %+v", a.Event, c)
		}
		return a.Event
	}
	for _, c := range v.w.ssp.ProcessCalls() {
		require.True(v.t, c.Delivered, "%+v", c)
		first := told(c, c.Answer)
		if c.Again == "" {
			continue
		}
		if again := told(c, c.Again); again != first { // what has no effect has a record each: an echo
			require.Equal(v.t, bridge.StateEnded, v.events[again].State, "the second copy of a call was taken for another: %+v", c)
		}
	}
}

// nothingElse says that there are no tickets, tasks and events beside those of the load.
func (v *verdict) nothingElse(paths []*path) {
	count := map[string]int{}
	for _, p := range paths {
		count[p.provider]++
	}
	for name, vendor := range v.w.vendor {
		require.Len(v.t, vendor.Tickets(), count[name], "a ticket was opened twice at %s", name)
	}
	known := map[string]bool{}
	for _, p := range paths {
		known[p.task] = true
	}
	for _, e := range v.events {
		left := e.Reason == bridge.IgnoredByRule || e.Reason == bridge.NotPublic // nothing follows from it
		require.True(v.t, known[e.Task] || left, "%+v", e)
		require.True(v.t, e.State.Final(), "%+v", e)
	}
}

// tries tells what a task's records say, with every try in one direction.
func (v *verdict) tries(task string, dir bridge.Dir) string {
	var b strings.Builder
	for _, e := range v.of[task] {
		b.WriteString(brief([]api.Event{e}))
		if e.Dir != dir {
			continue
		}
		detail, err := v.w.api.Event(v.t.Context(), e.ID)
		require.NoError(v.t, err)
		for _, a := range detail.Attempts {
			fmt.Fprintf(&b, "\n    %d %s to %s %s %s %s: %s -> %d %s", a.N, a.Started.Format("04:05.000"), a.Ended.Format("04:05.000"), a.Outcome, a.Reason, a.Then, a.Detail, a.Status, a.Answer)
		}
	}
	return b.String()
}

// brief tells what a task's records say, for a test that fails.
func brief(events []api.Event) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "\n%d %s %s %s %q %s %s first %s, %s", e.Seq, e.ID, e.Dir, e.Kind, e.Text, e.State, e.Reason, e.First, e.Detail)
	}
	return b.String()
}

// unknowns counts from the logs the leases that a killed process left behind.
func (w *world) unknowns() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.logs {
		for s := bufio.NewScanner(strings.NewReader(l.String())); s.Scan(); {
			var line struct {
				Msg   string
				Count int
			}
			if json.Unmarshal(s.Bytes(), &line) == nil && line.Msg == "leases of a dead session are unknown now" {
				n += line.Count
			}
		}
	}
	return n
}
