package soap

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	gowsdl "github.com/hooklift/gowsdl/soap"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
)

// addressWrong are statuses that say something about ssp.url, not about the call: every call goes
// to the same address in the same form. Taken as a refusal, they would let updates be skipped one
// after the other while an application pool is being moved.
var addressWrong = []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusUnsupportedMediaType}

// judge makes an outcome of one call. The order is that of the package documentation.
func (d *Destination) judge(x *exchange, a answer, err error) bridge.Outcome {
	if !x.called { // the request could not be built; it will not be better next time
		return bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.MappingFailed, Detail: fmt.Sprintf("the call cannot be built: %v", err)}
	}
	// What the status and the phase alone say: detail, excerpt and retry-after come with it.
	o := outbound.Classify(x.answer, x.err, outbound.Policy{Retry: addressWrong})
	if x.err != nil {
		return o
	}
	say := func(k bridge.OutcomeKind, r bridge.Reason, down bool, format string, args ...any) bridge.Outcome {
		o.Kind, o.Reason, o.Down = k, r, down
		o.Detail = outbound.Excerpt(fmt.Appendf(nil, format, args...))
		if k != bridge.OutcomeRetry {
			o.After = 0
		}
		return o
	}
	var fault *gowsdl.SOAPFault
	switch {
	case errors.As(err, &fault):
		if saysUnknownOperation(fault) {
			d.gate.doubt()
		}
		return say(d.config.OnFault.kind(fault), bridge.Fault, false, "%s", faultText(fault))
	case x.answer.Status/100 != 2:
		if slices.Contains(addressWrong, x.answer.Status) {
			o.Reason, o.Down = bridge.Unavailable, true
			o.Detail += ": is ssp.url the address of WorkflowService.asmx?"
		}
		return o
	case o.Reason == bridge.Unauthorized: // a login page
		o.Detail += ": a login page instead of an answer"
		return o
	case x.head.HTML:
		return say(bridge.OutcomeRetry, bridge.Unavailable, true, "a web page instead of an answer: %s", strings.Join(strings.Fields(string(x.answer.Body[:min(len(x.answer.Body), 300)])), " "))
	case x.head.Empty:
		return say(bridge.OutcomeUnknown, bridge.BadAnswer, false, "status %d with an empty body", x.answer.Status)
	case err != nil:
		return say(bridge.OutcomeUnknown, bridge.BadAnswer, false, "the answer cannot be read: %v", err)
	case a.root.Local == "":
		return say(bridge.OutcomeUnknown, bridge.BadAnswer, false, "the body of the answer holds no response")
	}
	result := ""
	if a.result != nil {
		result = strings.TrimSpace(*a.result)
	}
	if negative(result) {
		return say(bridge.OutcomeRefused, bridge.RefusedAnswer, false, "SSP answered %q", cut(result, maxDetail))
	}
	if result == "" {
		return say(bridge.OutcomeDone, bridge.Delivered, false, "SSP took it")
	}
	return say(bridge.OutcomeDone, bridge.Delivered, false, "SSP took it and answered %q", cut(result, maxDetail))
}
