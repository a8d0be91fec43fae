package console

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// The first sentence of a task must not say that all is well when it is not.
func TestTheStoryOfATaskDoesNotLie(t *testing.T) {
	event := func(s bridge.EventState, r bridge.Reason) taskEvent {
		var e taskEvent
		e.State, e.Reason = s, r
		return e
	}
	open := &bridge.Bond{State: bridge.BondOpen}
	under := taskLane{Title: "SSP to acme", Lane: &laneRow{Lane: api.Lane{State: bridge.LaneReady, Attempt: 1, Why: "no connection"}}}
	held := under
	held.Stopped = "acme is paused by a person"
	for _, x := range []struct {
		name  string
		page  taskPage
		says  string
		stuck bool
	}{
		{"fine", taskPage{Bond: open, Events: []taskEvent{event(bridge.StateDone, bridge.Delivered), event(bridge.StateEnded, bridge.IsEcho)}},
			"Nothing waits: both sides have everything that was sent.", false},
		{"bounced", taskPage{Bond: open, Events: []taskEvent{event(bridge.StateEnded, bridge.Bounced)}}, "1 of its events did not arrive, a report says: see below.", true},
		{"sent again", taskPage{Bond: open, Events: []taskEvent{event(bridge.StateDone, bridge.Delivered)}}, "Nothing waits: both sides have everything that was sent.", false},
		{"skipped", taskPage{Bond: open, Events: []taskEvent{event(bridge.StateEnded, bridge.Skipped)}}, "1 of its events was refused and left out: see below.", true},
		{"in quarantine", taskPage{Events: []taskEvent{event(bridge.StateQuarantined, bridge.UnknownTask)}}, "1 of its events is in quarantine: see below.", true},
		{"ignored", taskPage{Bond: open, Events: []taskEvent{event(bridge.StateEnded, bridge.IgnoredByOperator)}}, "Nothing waits; what a person ignored was not sent.", false},
		{"observed", taskPage{Bond: open, Events: []taskEvent{event(bridge.StateDone, bridge.Observed)}}, "Nothing waits; what was only observed was not sent.", false},
		{"pending", taskPage{Bond: &bridge.Bond{State: bridge.BondPending}}, "Nothing waits in its lanes.", false},
		{"under way", taskPage{Bond: open, Lanes: []taskLane{under}}, "SSP to acme is under way (1 try so far; the last: no connection).", false},
		{"its destination is paused", taskPage{Bond: open, Lanes: []taskLane{held}}, "SSP to acme waits: acme is paused by a person (1 try so far; the last: no connection).", false},
	} {
		text, stuck := story(&x.page)
		require.Equal(t, x.says, text, x.name)
		require.Equal(t, x.stuck, stuck, x.name)
	}
}

// What the shell is advised to do, a button does as well.
func TestWhatEndedAndCanBeReleasedHasAButton(t *testing.T) {
	for _, r := range bridge.Reasons() {
		e := bridge.Event{ID: "e", State: bridge.StateEnded, Reason: r}
		require.Equal(t, len(eventAdvice(&e)) > 0, len(eventDeeds(&e)) > 0, r)
	}
	for _, s := range eventStates {
		for _, e := range []bridge.Event{{ID: "e", State: s, Reason: bridge.Bounced}, {ID: "e", State: s, Kind: bridge.Update}, {ID: "e", State: s, Inbound: &bridge.Inbound{}}} {
			require.Len(t, eventAdvice(&e), len(eventDeeds(&e)), s)
		}
	}
	unread := bridge.Event{ID: "e", State: bridge.StateQuarantined, Reason: bridge.Unreadable}
	require.Equal(t, []string{"pergabridge quarantine discard e --note WHY"}, eventAdvice(&unread), "nothing is left to be read again, and nobody understood it")
}
