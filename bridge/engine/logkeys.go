package engine

import (
	"log/slog"

	"github.com/pergabridge/pergabridge/bridge"
)

// The keys of log records. They are part of the interface: operators filter by them.
const (
	LogEvent     = "event"     // id of the event
	LogTask      = "task"      // SSP task id
	LogProvider  = "provider"  // name of the provider
	LogKind      = "kind"      // kind of the event
	LogDest      = "dest"      // destination: ssp or the provider
	LogAttempt   = "attempt"   // number of the try, from 1
	LogOutcome   = "outcome"   // done, retry, refused, unknown
	LogReason    = "reason"    // one of bridge.Reasons
	LogThen      = "then"      // what follows: done, retry, wait, park, skip
	LogDue       = "due"       // when the next try is due
	LogState     = "state"     // state of the event now
	LogStatus    = "status"    // HTTP status of the answer
	LogDetail    = "detail"    // what happened, in words
	LogError     = "error"     // an error of ours
	LogDuty      = "duty"      // name of the duty
	LogSession   = "session"   // id of this replica's session
	LogCall      = "call"      // store call
	LogCount     = "count"     // how many
	LogDuration  = "duration"  // how long
	LogReference = "reference" // the provider's ticket number
)

// eventAttrs are the attributes by which an event is found in the log.
func eventAttrs(e *bridge.Event) []slog.Attr {
	return []slog.Attr{
		slog.String(LogEvent, e.ID), slog.String(LogTask, e.Task),
		slog.String(LogProvider, e.Provider), slog.String(LogKind, string(e.Kind)),
	}
}
