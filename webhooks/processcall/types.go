package processcall

import (
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
)

// reassigned is SSP's request type of a task that the external system reported ready. It is always
// an echo of our own resolve.
const reassigned = "reassigned"

// builtinTypes are the request types in SSP's own words, and our names of the same kinds.
var builtinTypes = map[string]string{
	"submitrequest":       string(bridge.Submit),
	"submit":              string(bridge.Submit),
	"update":              string(bridge.Update),
	"resolutionrejection": string(bridge.RejectSolution),
	"rejectsolution":      string(bridge.RejectSolution),
	"closed":              string(bridge.Close),
	"close":               string(bridge.Close),
	"reassigned":          reassigned,
}

var builtinDirections = map[string]bridge.Dir{
	"in": bridge.In, "inbound": bridge.In, "incoming": bridge.In,
	"out": bridge.Out, "outbound": bridge.Out, "outgoing": bridge.Out,
}

// table is a look-up that ignores case, white space, hyphens and underscores in what it is asked.
func table[V any](builtin map[string]V, more map[string]V) map[string]V {
	t := make(map[string]V, len(builtin)+len(more))
	for k, v := range builtin {
		t[k] = v
	}
	for k, v := range more {
		t[plain(strings.TrimSpace(k))] = v
	}
	return t
}

// meant is what request type and direction together say.
type meant struct {
	kind bridge.Kind
	echo bridge.EchoBy
	// unknown names the value that nobody configured: request_type, direction or "".
	unknown string
}

// judge decides what a request type with a direction means. Direction In is our own writing come
// back: the kind is then the one that was written, where the type tells it.
func (r *Reader) judge(requestType, direction string) meant {
	kind, known := r.types[plain(strings.TrimSpace(requestType))]
	dir, dirKnown := r.directions[plain(strings.TrimSpace(direction))]
	switch {
	case strings.TrimSpace(direction) != "" && !dirKnown:
		return meant{unknown: "direction"}
	case dir == bridge.In && kind == string(bridge.Update):
		return meant{kind: bridge.Update, echo: bridge.EchoByDirection}
	case kind == reassigned:
		return meant{kind: bridge.Resolve, echo: bridge.EchoByDirection}
	case dir == bridge.In:
		return meant{echo: bridge.EchoByDirection}
	case !known:
		return meant{unknown: "request_type"}
	case dir == "" && kind == string(bridge.Update):
		return meant{kind: bridge.Update, echo: bridge.EchoByText}
	}
	return meant{kind: bridge.Kind(kind)}
}
