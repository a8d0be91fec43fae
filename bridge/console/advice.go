package console

import (
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// command writes a command line; arguments that a shell would take apart are quoted.
func command(words ...string) string {
	out := make([]string, 0, len(words)+1)
	out = append(out, "pergabridge")
	for _, w := range words {
		if w == "" || strings.ContainsFunc(w, needsQuotes) {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}

func needsQuotes(c rune) bool {
	safe := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_./:,=+@%", c)
	return !safe
}

// laneAdvice lists the commands that make sense for a lane.
func laneAdvice(l *bridge.Lane) []string {
	lane := l.ID.String()
	switch {
	case l.State == bridge.LanePaused:
		return []string{command("lanes", "resume", lane)}
	case l.State == bridge.LaneHeld:
		return []string{command("bonds", "show", l.ID.Provider, l.ID.Task)}
	case l.State != bridge.LaneParked:
		return nil
	case l.Reason == bridge.AwaitsResume:
		return []string{command("lanes", "resume", lane)}
	case l.Reason == bridge.ReferenceConflict:
		return []string{
			command("events", "show", l.Head),
			command("bonds", "list"),
			command("events", "ignore", l.Head),
		}
	}
	return []string{
		command("events", "show", l.Head),
		command("events", "retry", l.Head),
		command("events", "settle", l.Head),
		command("events", "ignore", l.Head),
	}
}

// eventAdvice lists the commands that make sense for an event: what its buttons do.
func eventAdvice(e *bridge.Event) []string {
	var out []string
	for _, v := range eventDeeds(e) {
		switch v {
		case bridge.VerbEventRetry:
			out = append(out, command("events", "retry", e.ID))
		case bridge.VerbEventSettle:
			out = append(out, command("events", "settle", e.ID))
		case bridge.VerbEventIgnore:
			out = append(out, command("events", "ignore", e.ID))
		case bridge.VerbReread:
			out = append(out, command("quarantine", "retry", e.ID))
		case bridge.VerbAssign:
			out = append(out, command("quarantine", "assign", e.ID)+" --task TASK")
		case bridge.VerbDiscard:
			out = append(out, command("quarantine", "discard", e.ID)+" --note WHY")
		}
	}
	return out
}

// health says how a destination is, why, and what to do.
func health(d *api.Destination) (api.Health, string, []string) {
	parked := d.Lanes[bridge.LaneParked]
	switch {
	case d.Paused:
		return api.Paused, "a person paused it", []string{command("lanes", "resume", d.Name)}
	case d.Breaker == bridge.BreakerIsOpen:
		return api.Down, fmt.Sprintf("%d tries in a row failed; its events wait and nothing is lost", d.Failures), nil
	case d.Breaker == bridge.BreakerProbe:
		return api.Down, "one delivery tries whether it is back", nil
	case d.Failures > 0:
		return api.Failing, fmt.Sprintf("the last tries failed (%d in a row)", d.Failures), nil
	case parked > 0:
		return api.Parked, fmt.Sprintf("lanes that wait for a person: %d", parked), []string{command("lanes", "list")}
	}
	return api.Fine, "", nil
}
