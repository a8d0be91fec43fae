package tesamanager

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

func badAnswer(reply *vendorapi.Reply, op, what string) error {
	o := reply.Outcome
	o.Kind, o.Reason = bridge.OutcomeRetry, bridge.BadAnswer
	o.Detail += "; " + what
	return &vendorapi.Failure{Op: op, Outcome: o}
}

// listOf returns the list of an answer: the answer itself, or the only list in an object, because
// the shape of the list of ids is not published.
func listOf(reply *vendorapi.Reply, op string) ([]any, error) {
	switch x := reply.Body.(type) {
	case []any:
		return x, nil
	case nil:
		if reply.Status == 204 {
			return nil, nil
		}
	case map[string]any:
		var found [][]any
		for _, v := range x {
			if l, ok := v.([]any); ok {
				found = append(found, l)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
	}
	return nil, badAnswer(reply, op, "the answer is neither a list nor an object with one list")
}

// idList reads the ids of a list; an element may be an id or an object that has one.
func idList(reply *vendorapi.Reply) ([]string, error) {
	list, err := listOf(reply, "listReferenceIds")
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(list))
	for _, v := range list {
		id := ""
		switch x := v.(type) {
		case string:
			id = x
		case json.Number:
			id = x.String()
		case map[string]any:
			for _, k := range []string{"reference_id", "referenceId", "id"} {
				if s, ok := x[k]; ok && id == "" {
					id = fmt.Sprint(s)
				}
			}
		}
		if id = strings.TrimSpace(id); id == "" {
			return nil, badAnswer(reply, "listReferenceIds", "an element of the list holds no reference id")
		}
		out = append(out, id)
	}
	return out, nil
}

// judge corrects outcomes: a server error may have come after the write was done.
func judge(p *vendorapi.Profile) vendorapi.Judge {
	return func(op string, reply *vendorapi.Reply) {
		o := &reply.Outcome
		if !p.Operations[op].Reads && reply.Status >= 500 && reply.Status != 501 && o.Kind == bridge.OutcomeRetry {
			o.Kind, o.Reason = bridge.OutcomeUnknown, bridge.ServerError
			o.Detail += "; whether it was done is not known"
		}
		if o.Kind == bridge.OutcomeDone {
			return
		}
		if said := complaint(reply.Body); said != "" {
			o.Detail += ": " + said
		}
	}
}

// complaint picks what an error says; its shape is not published, so an object or a list of them.
func complaint(body any) string {
	if l, ok := body.([]any); ok && len(l) > 0 {
		body = l[0]
	}
	m, ok := body.(map[string]any)
	if !ok {
		return ""
	}
	var parts []string
	for _, k := range []string{"code", "title", "message", "details"} {
		if s, ok := m[k].(string); ok && s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}
