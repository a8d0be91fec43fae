package console

import (
	"slices"

	"github.com/pergabridge/pergabridge/bridge"
)

// What a deed is done to.
const (
	onEvent       = "event"
	onLane        = "lane"
	onDestination = "destination"
	onBond        = "bond"
	onDuty        = "duty"
)

// A deed is one thing that a person can do with a button.
type deed struct {
	Verb bridge.Verb
	On   string
	Word string // on the button
	Done string // said afterwards
	// Means says before it is done what it means. Asks is set where that has to be read first.
	Means string
	Asks  bool
	// Fields are asked for: note, reference, task. Those in Needed must not be empty; for an
	// assignment one of the two is enough.
	Fields []string
	Needed []string
}

// deeds is every button of the console.
var deeds = []deed{
	{Verb: bridge.VerbEventRetry, On: onEvent, Word: "Retry", Done: "It is tried again.",
		Means: "It is tried again now. If an earlier try may have had its effect, it may happen twice."},
	{Verb: bridge.VerbEventSettle, On: onEvent, Word: "Settle as done", Done: "It counts as done; its lane goes on.", Asks: true,
		Means:  "The other side has it already, by whatever way. It is not sent again, and the lane goes on with the next event. For a submit, give the provider's ticket number if it has one: it makes the bond.",
		Fields: []string{"reference", "note"}},
	{Verb: bridge.VerbEventIgnore, On: onEvent, Word: "Ignore", Done: "It is ended without effect. Resume the lane when the others may go on.", Asks: true,
		Means:  "It is ended without ever reaching the other side. What waits behind it stays where it is until the lane is resumed.",
		Fields: []string{"note"}},
	{Verb: bridge.VerbLanePause, On: onLane, Word: "Pause", Done: "The lane is paused.", Asks: true,
		Means:  "Nothing of this lane is delivered until somebody resumes it. Events go on queueing in order.",
		Fields: []string{"note"}},
	{Verb: bridge.VerbLaneResume, On: onLane, Word: "Resume", Done: "The lane goes on.", Means: "The lane goes on with what is at its head."},
	{Verb: bridge.VerbLaneRetry, On: onLane, Word: "Retry", Done: "It is tried again.", Means: "The head of the lane is tried again now."},
	{Verb: bridge.VerbDestPause, On: onDestination, Word: "Pause", Done: "It is paused.", Asks: true,
		Means:  "Nothing is delivered there until somebody resumes it. Events go on queueing in order, and nothing is lost.",
		Fields: []string{"note"}},
	{Verb: bridge.VerbDestResume, On: onDestination, Word: "Resume", Done: "It goes on.", Means: "Deliveries go on; an open breaker is closed."},
	{Verb: bridge.VerbDutyPause, On: onDuty, Word: "Pause", Done: "It is paused.", Asks: true,
		Means:  "Nothing is read there until somebody resumes it. Mail stays on the server; a poll goes on from where it was.",
		Fields: []string{"note"}},
	{Verb: bridge.VerbDutyResume, On: onDuty, Word: "Resume", Done: "It goes on within seconds.", Means: "Reading goes on from where it was."},
	{Verb: bridge.VerbBondLink, On: onBond, Word: "Link a reference", Done: "The task has its reference.", Asks: true,
		Means:  "The task gets this ticket number at the provider. What waited for it goes on, and SSP is told.",
		Fields: []string{"reference", "note"}, Needed: []string{"reference"}},
	{Verb: bridge.VerbBondMove, On: onBond, Word: "Move a reference here", Done: "The reference belongs to this task now.", Asks: true,
		Means:  "The ticket number is taken from whichever task has it and given to this one.",
		Fields: []string{"reference", "note"}, Needed: []string{"reference"}},
	{Verb: bridge.VerbBondUnlink, On: onBond, Word: "Unlink", Done: "The reference is taken away.", Asks: true,
		Means:  "The task loses its ticket number at the provider; the bond is pending again.",
		Fields: []string{"note"}},
	{Verb: bridge.VerbReread, On: onEvent, Word: "Read again", Done: "It was read again.",
		Means: "The input is read once more under the config in force."},
	{Verb: bridge.VerbAssign, On: onEvent, Word: "Assign", Done: "It has its task.", Asks: true,
		Means:  "It gets the task or the reference that it lacks, and goes its way in order.",
		Fields: []string{"task", "reference", "note"}},
	{Verb: bridge.VerbDiscard, On: onEvent, Word: "Discard", Done: "It is discarded.", Asks: true,
		Means:  "It is ended for good and reaches nobody. The record stays.",
		Fields: []string{"note"}, Needed: []string{"note"}},
}

// deedOf returns the deed of a verb, nil if there is none.
func deedOf(v bridge.Verb) *deed {
	i := slices.IndexFunc(deeds, func(d deed) bool { return d.Verb == v })
	if i < 0 {
		return nil
	}
	return &deeds[i]
}

// headDeeds is what makes sense for the head of a parked lane.
var headDeeds = []bridge.Verb{bridge.VerbEventRetry, bridge.VerbEventSettle, bridge.VerbEventIgnore}

// eventDeeds returns what makes sense for an event, most useful first.
func eventDeeds(e *bridge.Event) []bridge.Verb {
	switch e.State {
	case bridge.StateParked:
		return headDeeds
	case bridge.StateQuarantined:
		out := openDeeds(e)
		if e.Inbound != nil {
			out = append(out, bridge.VerbReread)
		}
		if e.Kind != "" { // what nobody understood goes nowhere, whatever its task
			out = append(out, bridge.VerbAssign)
		}
		return append(out, bridge.VerbDiscard)
	case bridge.StateWaiting:
		return append(openDeeds(e), bridge.VerbAssign, bridge.VerbEventIgnore)
	case bridge.StateEnded:
		switch e.Reason {
		case bridge.IsDuplicate, bridge.IsMerged, bridge.IsLate, bridge.Skipped, bridge.Bounced, bridge.IgnoredByOperator, bridge.IsSuperseded, bridge.IsEcho:
			return []bridge.Verb{bridge.VerbEventRetry}
		}
	}
	return nil
}

// openDeeds returns what makes sense for a provider's new ticket that is held back because a submit of
// ours may have made it: a person may know that none did.
func openDeeds(e *bridge.Event) []bridge.Verb {
	if e.Kind == bridge.Open && e.Reason == bridge.UnknownReference {
		return []bridge.Verb{bridge.VerbEventRetry}
	}
	return nil
}

// laneDeeds returns what makes sense for a lane itself; its head has deeds of its own.
func laneDeeds(state bridge.LaneState, reason bridge.Reason) []bridge.Verb {
	switch {
	case state == bridge.LanePaused, state == bridge.LaneParked && reason == bridge.AwaitsResume:
		return []bridge.Verb{bridge.VerbLaneResume}
	case state == bridge.LaneParked:
		return nil
	}
	return []bridge.Verb{bridge.VerbLanePause}
}
