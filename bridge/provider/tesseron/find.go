package tesseron

import (
	"context"
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// all reads every page of a search. It stops on an empty page, or on a short one when the vendor's own
// counts do not speak of more. A hit comes again when a new one moved the rest to later pages; but a page that is
// the first one again means that the vendor does not page as asked.
func (d *Destination) all(ctx context.Context, op string, q Search, get func(context.Context, Search) (Page, error), id string) ([]vendorapi.Record, error) {
	var out []vendorapi.Record
	seen := map[string]bool{}
	q.Take = d.config.PageSize
	bad := func(what string) error {
		return &vendorapi.Failure{Op: op, Outcome: bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.BadAnswer, Detail: d.name + ": " + op + ": " + what}}
	}
	for page := 1; ; page++ {
		if page > d.config.MaxPages {
			return nil, bad(fmt.Sprintf("more than max_pages (%d) pages; ask for something narrower with search", d.config.MaxPages))
		}
		p, err := get(ctx, q)
		if err != nil {
			return nil, err
		}
		before := len(out)
		for _, r := range p.Items {
			key := r.String(id)
			if key == "" {
				return nil, bad("a hit without " + id)
			}
			if !seen[key] {
				seen[key] = true
				out = append(out, r)
			}
		}
		if len(p.Items) > 0 && len(out) == before && p.Items[0].String(id) == out[0].String(id) {
			return nil, bad(fmt.Sprintf("page %d is the first one again: the vendor does not page as asked", page))
		}
		if len(p.Items) == 0 || len(p.Items) < q.Take && int64(len(out)) >= max(p.Count, p.Filtered) {
			return out, nil
		}
		q.Skip += len(p.Items)
	}
}

func same(a, b string) bool { return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b)) }

// fits compares a hit exactly: the vendor's search may be fuzzy.
func (d *Destination) fits(r vendorapi.Record, by, value string) bool {
	switch by {
	case "email":
		for _, e := range d.api.client.Profile.Records("email", r.List("emails")) {
			if same(e.String("address"), value) {
				return true
			}
		}
		return false
	case "name":
		if n := strings.TrimSpace(r.String("foreName") + " " + r.String("surname")); n != "" {
			return same(n, value)
		}
	}
	return same(r.String(by), value)
}

// lookFor returns the only hit that fits; none gives an empty record. within may leave hits out.
func (d *Destination) lookFor(ctx context.Context, what string, x *Party, env map[string]any, within func(vendorapi.Record) bool) (r vendorapi.Record, found bool, value string, err error) {
	if value, err = x.Value.Eval(env); err != nil {
		return r, false, "", vendorapi.Unmapped(d.name, what+".value", err)
	}
	if value = strings.TrimSpace(value); value == "" {
		return r, false, "", nil
	}
	search := value
	if !x.Search.IsZero() {
		if search, err = x.Search.Eval(env); err != nil {
			return r, false, "", vendorapi.Unmapped(d.name, what+".search", err)
		}
	}
	op, get, id := "GetEnterprises", d.api.GetEnterprises, "enterpriseId"
	if what == "contact" {
		op, get, id = "GetContacts", d.api.GetContacts, "contactId"
	}
	hits, err := d.all(ctx, op, Search{SearchParam: search, Filter: x.Filter}, get, id)
	if err != nil {
		return r, false, value, err
	}
	var fit []vendorapi.Record
	for _, h := range hits {
		if within(h) && d.fits(h, x.By, value) {
			fit = append(fit, h)
		}
	}
	if len(fit) > 1 {
		return r, false, value, vendorapi.Refused(d.name, op, fmt.Sprintf("%d %ss have %s %q; a person has to say which one it is", len(fit), what, x.By, value))
	}
	if len(fit) == 0 {
		return r, false, value, nil
	}
	return fit[0], true, value, nil
}
