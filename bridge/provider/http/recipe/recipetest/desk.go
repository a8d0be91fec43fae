// Package recipetest holds a strict fake for each recipe: the calls that the product documents, with the
// members that their bodies may and must have, and the webhooks that the recipe asks for, signed as the
// product signs them. What is not documented is answered with 400 and kept in [Desk.Violations].
package recipetest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/providertest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
)

// A route is one documented call: which members its body may and must have, and what it does.
type route struct {
	method, path string // path is a regular expression; its groups are the arguments
	query        []string
	may          []string // members of the body, nested ones with dots
	must         []string
	do           func(d *Desk, args []string, body map[string]any, r *http.Request) (int, any)
}

// Desk is a running fake of one product.
type Desk struct {
	*fake.Server
	fake.Book[providertest.Effect]
	credential string // the Authorization header
	routes     []route

	tickets []*Ticket
}

// Ticket is one ticket of a fake: its internal id and its number, and what we search it by.
type Ticket struct{ ID, Number, Key string }

// Start starts the fake of a recipe.
func Start(recipe string) (*Desk, *Product, error) {
	p, ok := products[recipe]
	if !ok {
		return nil, nil, fmt.Errorf("recipetest: recipe %s has no fake", recipe)
	}
	d := &Desk{credential: p.credential, routes: p.routes}
	var err error
	d.Server, err = fake.Start(d.serve)
	return d, &p, err
}

// Effects returns everything that was written, in order.
func (d *Desk) Effects() []providertest.Effect { return d.Ledger() }

// Last returns the ticket that was made last.
func (d *Desk) Last() Ticket {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	return *d.tickets[len(d.tickets)-1]
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func (d *Desk) serve(w http.ResponseWriter, r *http.Request, raw []byte) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	if r.Header.Get("Authorization") != d.credential {
		fake.JSON(w, 401, map[string]string{"error": "who are you?"})
		return
	}
	for _, rt := range d.routes {
		m := regexp.MustCompile("^" + rt.path + "$").FindStringSubmatch(r.URL.Path)
		if m == nil || rt.method != r.Method {
			continue
		}
		var body map[string]any
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &body); err != nil || r.Header.Get("Content-Type") != "application/json" {
				d.violate(w, r, "the body is not JSON")
				return
			}
		}
		have := flat("", body)
		for _, k := range have {
			if !slices.Contains(rt.may, k) && !slices.Contains(rt.must, k) {
				d.violate(w, r, "member "+k+" is not documented")
				return
			}
		}
		for _, k := range rt.must {
			if !slices.Contains(have, k) {
				d.violate(w, r, "member "+k+" is missing")
				return
			}
		}
		for k := range r.URL.Query() {
			if !slices.Contains(rt.query, k) {
				d.violate(w, r, "query "+k+" is not documented")
				return
			}
		}
		status, out := rt.do(d, m[1:], body, r)
		if out == nil {
			w.WriteHeader(status)
			return
		}
		fake.JSON(w, status, out)
		return
	}
	d.violate(w, r, "there is no such call")
}

func (d *Desk) violate(w http.ResponseWriter, r *http.Request, what string) {
	d.Violated(r.Method+" "+r.URL.Path, what)
	fake.JSON(w, 400, map[string]string{"error": what})
}

func flat(prefix string, m map[string]any) []string {
	var out []string
	for k, v := range m {
		if x, ok := v.(map[string]any); ok {
			out = append(out, flat(prefix+k+".", x)...)
			continue
		}
		out = append(out, prefix+k)
	}
	return out
}

// open makes a ticket. reference is how the recipe refers to it.
func (d *Desk) open(key string) *Ticket {
	n := len(d.tickets) + 1
	t := &Ticket{ID: fmt.Sprint(9000 + n), Number: fmt.Sprintf("N%05d", n), Key: key}
	d.tickets = append(d.tickets, t)
	return t
}

func (d *Desk) find(fits func(*Ticket) bool) *Ticket {
	for _, t := range d.tickets {
		if fits(t) {
			return t
		}
	}
	return nil
}

func (d *Desk) did(kind bridge.Kind, reference, text string) string {
	return fmt.Sprint(d.Wrote(providertest.Effect{Kind: kind, Reference: reference, Text: text}))
}

func str(m map[string]any, path string) string {
	var v any = m
	for _, k := range strings.Split(path, ".") {
		x, _ := v.(map[string]any)
		v = x[k]
	}
	s, _ := v.(string)
	return s
}

var gone = map[string]string{"error": "no such ticket"}
