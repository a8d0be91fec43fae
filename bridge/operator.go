package bridge

import "context"

// An Operator carries out what a person decides. Every command is recorded as an [Activity] in
// the same commit.
type Operator interface {
	// Operate carries out one command. A command that does not fit the state of its target
	// returns a [*CommandError]; an unknown target returns [ErrNotFound].
	Operate(ctx context.Context, c Command) (CommandResult, error)
}

// A Command is one decision of a person.
type Command struct {
	Verb   Verb   `json:"verb"`
	Person string `json:"person"`
	Note   string `json:"note,omitempty"`

	Event string `json:"event,omitempty"` // event verbs
	Lane  LaneID `json:"lane,omitzero"`   // lane verbs
	Dest  string `json:"dest,omitempty"`  // destination verbs
	Duty  string `json:"duty,omitempty"`  // duty verbs

	Provider  string `json:"provider,omitempty"` // bond verbs and assign
	Task      string `json:"task,omitempty"`
	Reference string `json:"reference,omitempty"` // also event settle, for a submit
	RefKey    string `json:"-"`
	// State is the state an imported bond starts in: open (default), resolved or closed.
	State BondState `json:"state,omitempty"`

	// Events are what a quarantined input became when it was read again, for [VerbReread].
	Events []Event `json:"-"`
}

// Verb is what a command does.
type Verb string

// The verbs.
const (
	VerbEventRetry  Verb = "event_retry"  // parked head: try again now; merged, late, skipped, bounced, ignored, superseded or echo event: append to its lane after all, with what it does to its bond
	VerbEventIgnore Verb = "event_ignore" // end without effect; its lane then awaits resume
	VerbEventSettle Verb = "event_settle" // declare done (submit: with Reference); its lane goes on
	VerbEventErase  Verb = "event_erase"  // remove what a settled event and its tries say; that it was, and how it ended, stays

	VerbLanePause  Verb = "lane_pause"
	VerbLaneResume Verb = "lane_resume" // paused, or parked with an ignored head
	VerbLaneRetry  Verb = "lane_retry"  // try the head of a parked lane again now

	VerbDestPause  Verb = "dest_pause"
	VerbDestResume Verb = "dest_resume" // also closes an open breaker

	// A paused duty is given to nobody. Who has it loses it at once: its next Accept is fenced.
	// [ErrNotFound] if nobody ever had it.
	VerbDutyPause  Verb = "duty_pause"
	VerbDutyResume Verb = "duty_resume"

	VerbBondLink   Verb = "bond_link"   // give a task its reference; makes the bond if there is none
	VerbBondUnlink Verb = "bond_unlink" // take it away: the bond is pending again
	VerbBondMove   Verb = "bond_move"   // give Reference, wherever it is now, to Task
	VerbBondImport Verb = "bond_import" // a ticket that was open in both systems before the first day

	VerbAssign  Verb = "quarantine_assign"  // give a quarantined or waiting event its Task or Reference
	VerbDiscard Verb = "quarantine_discard" // end it; Note says why
	VerbReread  Verb = "quarantine_reread"  // accept Events in its place, in one step

	// VerbConfigReload only records that the config was read anew: Dest is "config", Note says how it
	// ended.
	VerbConfigReload Verb = "config_reload"
)

// CommandResult is what a command did.
type CommandResult struct {
	// Events are the events that moved.
	Events []string `json:"events,omitempty"`
	// Receipts belong to the Events of [VerbReread].
	Receipts []Receipt `json:"-"`
	// Changed is false when everything already was as asked.
	Changed bool   `json:"changed"`
	Detail  string `json:"detail,omitempty"`
}

// A CommandError says why a command cannot be carried out and what would help.
type CommandError struct{ Msg string }

func (e *CommandError) Error() string { return e.Msg }
