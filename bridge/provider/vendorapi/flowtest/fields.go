package flowtest

import (
	"slices"

	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/contract"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
)

// Unsent returns what a vendor's file lists and none of the calls held: "operation" for one that was never
// called, else "operation: field".
func Unsent(c *contract.Contract, calls []fake.Call) []string {
	sent := map[string]map[string]bool{}
	for _, call := range calls {
		id, fields := c.Sent(call.Method, call.Path, call.Query, call.Body)
		if sent[id] == nil {
			sent[id] = map[string]bool{}
		}
		for _, f := range fields {
			sent[id][f] = true
		}
	}
	var out []string
	for _, id := range c.Operations() {
		if sent[id] == nil {
			out = append(out, id)
			continue
		}
		for _, f := range c.Fields(id) {
			if !sent[id][f] {
				out = append(out, id+": "+f)
			}
		}
	}
	return slices.Compact(out)
}
