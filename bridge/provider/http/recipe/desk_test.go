package recipe_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

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
	do           func(d *desk, args []string, body map[string]any, r *http.Request) (int, any)
}

// desk is a strict fake of one product.
type desk struct {
	*fake.Server
	credential string // the Authorization header
	routes     []route

	mu         sync.Mutex
	tickets    []*ticket
	effects    []providertest.Effect
	violations []string
	notes      int
}

type ticket struct{ id, number, key, state string }

func newDesk(credential string, routes []route) (*desk, error) {
	d := &desk{credential: credential, routes: routes}
	var err error
	d.Server, err = fake.Start(d.serve)
	return d, err
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func (d *desk) serve(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
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

func (d *desk) violate(w http.ResponseWriter, r *http.Request, what string) {
	d.violations = append(d.violations, r.Method+" "+r.URL.Path+": "+what)
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
func (d *desk) open(key string) *ticket {
	n := len(d.tickets) + 1
	t := &ticket{id: fmt.Sprint(9000 + n), number: fmt.Sprintf("N%05d", n), key: key, state: "open"}
	d.tickets = append(d.tickets, t)
	return t
}

func (d *desk) find(fits func(*ticket) bool) *ticket {
	for _, t := range d.tickets {
		if fits(t) {
			return t
		}
	}
	return nil
}

func (d *desk) did(kind bridge.Kind, reference, text string) string {
	d.effects = append(d.effects, providertest.Effect{Kind: kind, Reference: reference, Text: text})
	d.notes++
	return fmt.Sprint(d.notes)
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
