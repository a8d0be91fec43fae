package soap

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	gowsdl "github.com/hooklift/gowsdl/soap"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/outbound"
)

// addressWrong are statuses that say something about ssp.url, not about the call: every call goes
// to the same address in the same form. Taken as a refusal, they would let updates be skipped one
// after the other while an application pool is being moved.
var addressWrong = []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusUnsupportedMediaType}

// judge makes an outcome of one call. The order is that of the package documentation.
func (d *Destination) judge(l bridge.Lease, c call, x *exchange, a answer, err error) bridge.Outcome {
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
		return say(d.config.OnFault.kind(fault), bridge.Fault, false, "%s", faultText(fault, x.detail))
	case x.answer.Status == http.StatusBadRequest && x.head.HTML:
		// The web server turned it away; the service answers in SOAP, or not at all. Taken as a refusal,
		// a host name that the server does not know would let updates be skipped one after the other.
		o.Kind, o.Reason = bridge.OutcomeRetry, bridge.ServerError
		return d.explained(o, x)
	case x.answer.Status/100 != 2:
		if slices.Contains(addressWrong, x.answer.Status) {
			o.Reason, o.Down = bridge.Unavailable, true
		}
		return d.explained(o, x)
	case o.Reason == bridge.Unauthorized: // a login page
		return d.explained(o, x)
	case x.head.HTML:
		return say(bridge.OutcomeRetry, bridge.Unavailable, true, "a web page instead of an answer: %s", strings.Join(strings.Fields(string(x.answer.Body[:min(len(x.answer.Body), 300)])), " "))
	case x.head.Empty && c.oneWay:
		return say(bridge.OutcomeDone, bridge.Delivered, false, "SSP took it; this operation answers nothing")
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
	answered := "SSP took it"
	if result != "" {
		answered += fmt.Sprintf(" and answered %q", cut(result, maxDetail))
	}
	if !c.success.IsZero() {
		switch ok, err := c.success.Bool(d.environment(l, x, a, result)); {
		case err != nil: // SSP has acted; what it said is not understood
			return say(bridge.OutcomeUnknown, bridge.BadAnswer, false, "the success test of ssp.operations failed on the answer %q: %v", cut(result, maxDetail), err)
		case !ok:
			return say(bridge.OutcomeRefused, bridge.RefusedAnswer, false, "SSP answered %q, which is no success (%s)", cut(result, maxDetail), c.success.Source())
		}
		return say(bridge.OutcomeDone, bridge.Delivered, false, "%s", answered)
	}
	if !a.complex && negative(result) {
		return say(bridge.OutcomeRefused, bridge.RefusedAnswer, false, "SSP answered %q", cut(result, maxDetail))
	}
	return say(bridge.OutcomeDone, bridge.Delivered, false, "%s", answered)
}

// explained adds to an outcome what its status means here.
func (d *Destination) explained(o bridge.Outcome, x *exchange) bridge.Outcome {
	if why := d.explain.cause(x.answer); why != "" {
		o.Detail += ": " + outbound.Excerpt([]byte(why))
	}
	return o
}

// environment is what a success test sees.
func (d *Destination) environment(l bridge.Lease, x *exchange, a answer, result string) map[string]any {
	env := mapping.LeaseEnv(l)
	head := map[string]string{}
	for name := range x.answer.Header {
		head[strings.ToLower(name)] = x.answer.Header.Get(name)
	}
	env["status"], env["answer"], env["answer_text"], env["header"] = x.answer.Status, a.value, result, head
	if a.value == nil && a.result != nil {
		env["answer"] = result
	}
	return env
}
