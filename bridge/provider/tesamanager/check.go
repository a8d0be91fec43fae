package tesamanager

import (
	"context"
	"fmt"

	"github.com/pergabridge/pergabridge/bridge/provider"
)

type checker struct {
	api    *API
	config *Config
}

// Check asks for the requests of a reference that nobody has: that needs the token, the host, the
// path and the tenant, and changes nothing.
func (c *checker) Check(ctx context.Context) []provider.CheckResult {
	list := provider.CheckResult{What: "listReferenceIds (token, host, path, tenant)", OK: true, Detail: "answered"}
	if _, err := c.api.List(ctx, ListQuery{ExternalReference: c.config.ExternalReference.Of("pergabridge-check")}); err != nil {
		list.OK, list.Detail = false, err.Error()
	}
	out := []provider.CheckResult{list}
	known, err := Contract()
	if err != nil {
		return append(out, provider.CheckResult{What: "contract", Detail: err.Error()})
	}
	off := 0
	for _, op := range c.api.client.Profile.Operations {
		if op.Disabled {
			off++
		}
	}
	return append(out, provider.CheckResult{What: "contract", OK: true, Detail: fmt.Sprintf("%s; %d operations are disabled", known.Assumed(), off)})
}
