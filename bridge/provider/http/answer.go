package httpprovider

import (
	"bytes"
	"fmt"
	"maps"
	"mime"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// answerEnv adds what is known of an answer to env.
func answerEnv(env map[string]any, a outbound.Answer) map[string]any {
	out := maps.Clone(env)
	header := make(map[string]string, len(a.Header))
	for k := range a.Header {
		header[k] = a.Header.Get(k)
	}
	out["status"], out["header"], out["answer_text"] = a.Status, header, string(a.Body)
	if v, err := mapping.Decode(a.Header.Get("Content-Type"), a.Body); err == nil {
		out["answer"] = v
	}
	return out
}

// succeeded applies a success rule. Without one a 2xx is good, unless it brought a page where data
// was expected.
func (call *Call) succeeded(env map[string]any, a outbound.Answer) (ok bool, err error) {
	if !call.Success.IsZero() {
		return call.Success.Bool(env)
	}
	if a.Status/100 != 2 {
		return false, nil
	}
	media, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if media == "text/html" && bytes.HasPrefix(bytes.TrimSpace(a.Body), []byte("<")) { // scripts say text/html of JSON, too
		return false, fmt.Errorf("the answer is an HTML page")
	}
	return true, nil
}

// judge makes an outcome of what came back for an operation. wantsReference is set for those that
// open a ticket.
func (o *Operation) judge(env map[string]any, a outbound.Answer, callErr error, wantsReference bool) bridge.Outcome {
	out := outbound.Classify(a, callErr, o.Statuses)
	if callErr != nil || a.Status == 0 {
		return out
	}
	if out.Kind == bridge.OutcomeRetry && out.Reason == bridge.Unauthorized {
		return out // a login page says nothing that a rule could judge
	}
	env = answerEnv(env, a)
	if !o.listed(a.Status) {
		again, err := o.RetryIf.Bool(env)
		switch {
		case err != nil && out.Kind == bridge.OutcomeDone:
			return badAnswer(out, "retry_if", err)
		case err != nil:
			out.Detail += "; retry_if: " + secret.Mask(err.Error())
		case again:
			out.Kind, out.Reason, out.After = bridge.OutcomeRetry, bridge.ServerError, a.RetryAfter
			out.Detail += "; retry_if is true"
			return out
		}
		ok, err := o.succeeded(env, a)
		switch {
		case err != nil && out.Kind == bridge.OutcomeDone:
			return badAnswer(out, "success", err)
		case err != nil:
			out.Detail += "; success: " + secret.Mask(err.Error())
		case ok:
			out.Kind, out.Reason, out.After, out.Down = bridge.OutcomeDone, bridge.Delivered, 0, false
		case out.Kind == bridge.OutcomeDone:
			out.Kind, out.Reason = bridge.OutcomeRefused, bridge.RefusedAnswer
			out.Detail += "; success is false"
		}
	}
	if out.Kind != bridge.OutcomeDone {
		return out
	}
	return o.harvest(out, env, wantsReference)
}

// listed reports whether the config itself says what a status means; no rule overrides that.
func (o *Operation) listed(status int) bool {
	for _, l := range [][]int{o.Statuses.Done, o.Statuses.Retry, o.Statuses.Refused, o.Statuses.Unknown} {
		if slices.Contains(l, status) {
			return true
		}
	}
	return false
}

// harvest takes reference and comment id from a good answer.
func (o *Operation) harvest(out bridge.Outcome, env map[string]any, wantsReference bool) bridge.Outcome {
	if !o.Reference.IsZero() {
		ref, err := o.Reference.String(env)
		ref = strings.TrimSpace(ref)
		switch {
		case err == nil && ref != "":
			out.Reference = ref
		case !wantsReference:
		case err != nil:
			return badAnswer(out, "reference", err)
		default:
			return badAnswer(out, "reference", fmt.Errorf("the answer holds no ticket number"))
		}
	}
	if !o.Comment.IsZero() {
		id, err := o.Comment.String(env)
		if err != nil {
			// The text was taken; without its id the echo is told by its text.
			out.Detail += "; comment: " + secret.Mask(err.Error())
		}
		out.Comment = strings.TrimSpace(id)
	}
	return out
}

// badAnswer is a call that was taken, but whose answer is not what the config promises: it may or
// may not have had its effect.
func badAnswer(out bridge.Outcome, what string, err error) bridge.Outcome {
	out.Kind, out.Reason = bridge.OutcomeUnknown, bridge.BadAnswer
	out.Detail += "; " + what + ": " + secret.Mask(err.Error())
	return out
}
