package tesseron

import (
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// judge takes success from the body.
func judge(p *vendorapi.Profile) vendorapi.Judge {
	return func(op string, reply *vendorapi.Reply) {
		o := &reply.Outcome
		r := p.Record("answer", reply.Object())
		said := strings.TrimSpace(r.String("message"))
		if said != "" {
			o.Detail += ": " + said
		}
		code, hasCode := r.Int("statusCode")
		success, told := r.Bool("success")
		if reply.Status == 303 && reply.Body != nil {
			// The answer of an obsolete operation; it names nowhere to go.
			o.Kind, o.Reason, o.Down = bridge.OutcomeRefused, bridge.RefusedAnswer, false
			if told && success {
				o.Kind, o.Reason = bridge.OutcomeDone, bridge.Delivered
			}
			o.Detail += "; the operation is obsolete, use GetEnterprises"
			return
		}
		if reply.Status/100 != 2 || o.Kind != bridge.OutcomeDone {
			return
		}
		switch {
		case hasCode && (code == 401 || code == 403):
			o.Kind, o.Reason, o.Down = bridge.OutcomeRetry, bridge.Unauthorized, true
		case hasCode && code == 429:
			o.Kind, o.Reason, o.Down = bridge.OutcomeRetry, bridge.Throttled, true
		case hasCode && code >= 500:
			o.Kind, o.Reason = bridge.OutcomeUnknown, bridge.ServerError
		case hasCode && code >= 400, told && !success:
			o.Kind, o.Reason = bridge.OutcomeRefused, bridge.RefusedAnswer
			o.Detail += fmt.Sprintf("; success is %t", success)
		case !told:
			o.Kind, o.Reason = bridge.OutcomeUnknown, bridge.BadAnswer
			o.Detail += "; the answer does not say whether it was done"
		}
	}
}
