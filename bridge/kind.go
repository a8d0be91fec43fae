package bridge

import "strings"

// Kind says what happened on one side and must be applied to the other.
type Kind string

// The kinds of events. The first four come from SSP (its external request types, in SSP's own
// words beside them), [Update] and the last three go to SSP (its web-service operations; Open, for
// which it has none, by mail).
const (
	Submit         Kind = "submit"          // "Submit Request": the task was assigned to the provider's group
	Update         Kind = "update"          // "Update", or ProcessInstanceTaskExternalUpdateMessage: a text was added
	RejectSolution Kind = "reject_solution" // "Resolution Rejection": a user declined the provider's solution
	Close          Kind = "close"           // "Closed": the task was closed by hand in SSP
	Acknowledge    Kind = "acknowledge"     // ProcessInstanceTaskExternalAcknowledgement: the external reference
	Resolve        Kind = "resolve"         // ProcessInstanceTaskExternalReassignment: the provider's solution
	Open           Kind = "open"            // the provider opened a ticket by itself, which SSP does not know yet
)

// Kinds lists every kind that may travel in a direction, in the order of a task's life.
func Kinds(d Dir) []Kind {
	if d == Out {
		return []Kind{Submit, Update, RejectSolution, Close}
	}
	return []Kind{Acknowledge, Update, Resolve, Open}
}

// Valid reports whether events of kind k travel in direction d.
func (k Kind) Valid(d Dir) bool {
	for _, x := range Kinds(d) {
		if x == k {
			return true
		}
	}
	return false
}

// openPrefix starts what stands for the task of an [Open] event.
const openPrefix = "new:"

// OpenTask returns what stands for the task of an [Open] event until SSP has one: its lane is the
// lane of this task. refKey is the event's [Event.RefKey].
func OpenTask(refKey string) string { return openPrefix + refKey }

// Dir is the direction of an event, in SSP's own words: [Out] leaves SSP for a provider, [In]
// comes from a provider into SSP.
type Dir string

// The two directions.
const (
	Out Dir = "out"
	In  Dir = "in"
)

// SSP is the destination name of the portal itself; no provider may be called so.
const SSP = "ssp"

// Destination returns the destination that events of direction d at provider are delivered to.
func (d Dir) Destination(provider string) string {
	if d == In {
		return SSP
	}
	return provider
}

// Opposite returns the other direction.
func (d Dir) Opposite() Dir {
	if d == In {
		return Out
	}
	return In
}

// LaneID names the ordered queue of one direction of one task at one provider.
type LaneID struct {
	Provider string `json:"provider"`
	Task     string `json:"task"`
	Dir      Dir    `json:"dir"`
}

// Destination returns the destination the lane delivers to.
func (l LaneID) Destination() string { return l.Dir.Destination(l.Provider) }

// String returns the lane as operators write it: provider/dir/task.
func (l LaneID) String() string { return l.Provider + "/" + string(l.Dir) + "/" + l.Task }

// ParseLaneID reads the form that [LaneID.String] writes. A task may hold slashes.
func ParseLaneID(s string) (LaneID, bool) {
	p := strings.SplitN(s, "/", 3)
	if len(p) != 3 || p[0] == "" || p[2] == "" || (p[1] != string(Out) && p[1] != string(In)) {
		return LaneID{}, false
	}
	return LaneID{Provider: p[0], Dir: Dir(p[1]), Task: p[2]}, true
}
