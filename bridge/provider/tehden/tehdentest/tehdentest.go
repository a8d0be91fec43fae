// Package tehdentest is a strict fake of a company's Tehden: the token endpoint (password, authorization
// code, refresh) and the six customer operations, 15 requests a second with a burst of 30. Requests are held
// against the reconstructed file wherever it is not assumed; what it objects to is answered with an error
// and kept in [Vendor.Violations]. It is not kind: the same pair created twice makes two customers.
package tehdentest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/time/rate"

	"github.com/pergabridge/pergabridge/bridge/provider/tehden"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/contract"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
)

// The secrets of the fake.
const (
	ClientSecret = "tehden-client-secret-1"
	Password     = "tehden-api-password-2"
)

// An Effect is one thing that was written.
type Effect struct {
	Operation string
	Customer  string
	Body      map[string]any
}

// Vendor is a running fake.
type Vendor struct {
	*fake.Server
	fake.Book[Effect]
	contract *contract.Contract
	limit    *rate.Limiter

	customers []map[string]any
	excluded  map[string]bool
	tokens    map[string]bool
	issued    int
	mute      bool
	throttled int
}

// Start starts a fake.
func Start() (*Vendor, error) {
	c, err := tehden.Contract()
	if err != nil {
		return nil, err
	}
	v := &Vendor{contract: c, limit: rate.NewLimiter(15, 30), tokens: map[string]bool{}, excluded: map[string]bool{}}
	v.Server, err = fake.Start(v.serve)
	return v, err
}

// Config returns a config section that talks to the fake; secrets are in the environment variables
// TEHDEN_SECRET and TEHDEN_PASSWORD.
func (v *Vendor) Config(more string) string {
	return fmt.Sprintf(`kind: tehden
base: %s
auth: {oauth2_password: {client_id: bridge, client_secret: {env: TEHDEN_SECRET}, username: api, password: {env: TEHDEN_PASSWORD}}}
external_system: {identifier: "${event.requester.email}"}
create: when_missing
tables:
  vat: {values: {domestic: 1, eu: 2}}
  type: {values: {person: 10, company: 20}}
  marketing: {values: {"yes": 1, "no": 0}}
customer:
  name: "${event.requester.name}"
  email: "${event.requester.email}"
  vat_status: "${table('vat', event.fields?.vat ?? 'domestic')}"
  customer_type: "${table('type', event.fields?.type ?? 'person')}"
  marketing_email: "${table('marketing', event.fields?.marketing ?? 'no')}"
  note_task: "${event.task}"
send:
  update: {operation: updateTehdenCustomer, body: {note: "${event.text}", ref: "${bond.reference}", event: update}}
  reject_solution: {operation: updateTehdenCustomer, body: {note: "${event.text}", ref: "${bond.reference}", event: reject_solution}}
  close: {operation: createTehdenCustomerContactInfo, body: {note: closed, ref: "${bond.reference}"}}
%s`, v.URL(), more)
}

// Customers returns how many customers there are.
func (v *Vendor) Customers() int {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	return len(v.customers)
}

// Throttled returns how many calls were answered with 429.
func (v *Vendor) Throttled() int {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	return v.throttled
}

// Add adds a customer that somebody else made; excluded ones are not found through the interface.
func (v *Vendor) Add(fields map[string]any, excluded bool) string {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	id := v.add(fields)
	v.excluded[id] = excluded
	return id
}

// Mute makes create answer without an id.
func (v *Vendor) Mute() { v.Mu.Lock(); v.mute = true; v.Mu.Unlock() }

// RevokeTokens makes every token invalid.
func (v *Vendor) RevokeTokens() { v.Mu.Lock(); clear(v.tokens); v.Mu.Unlock() }

func (v *Vendor) add(fields map[string]any) string {
	id := fmt.Sprint(1001 + len(v.customers))
	c := map[string]any{"customer_id": json.Number(id)}
	for k, x := range fields {
		c[k] = x
	}
	v.customers = append(v.customers, c)
	return id
}

// Writes matches calls that write.
func Writes(r *http.Request) bool {
	return strings.Contains(r.URL.Path, "/createTehden") || strings.Contains(r.URL.Path, "/updateTehden")
}

func (v *Vendor) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	if !v.limit.Allow() {
		v.throttled++
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	if r.URL.Path == "/oauth/oaclient/token" {
		v.token(w, r, string(body))
		return
	}
	if token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); !v.tokens[token] {
		fake.JSON(w, 401, map[string]string{"error": "invalid_token"})
		return
	}
	id := strings.TrimPrefix(r.URL.Path, "/api/v1/company_customer/")
	_, problems := v.contract.Check(r.Method, r.URL.String(), r.Header, body)
	if v.Violated(id, problems...) {
		fake.JSON(w, 400, map[string]string{"error": strings.Join(problems, "; ")})
		return
	}
	var in map[string]any
	if err := vendorapi.DecodeJSON(body, &in); err != nil {
		fake.JSON(w, 400, map[string]string{"error": err.Error()})
		return
	}
	v.do(w, id, in)
}

func (v *Vendor) token(w http.ResponseWriter, r *http.Request, body string) {
	q, err := url.ParseQuery(body)
	if r.Method == http.MethodGet {
		q = r.URL.Query()
	}
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = q.Get("client_id"), q.Get("client_secret")
	}
	grant := q.Get("grant_type")
	ok := grant == "password" && q.Get("username") == "api" && q.Get("password") == Password ||
		grant == "authorization_code" && q.Get("code") == "code-1" || grant == "refresh_token" && strings.HasPrefix(q.Get("refresh_token"), "tehden-refresh-")
	if err != nil || id != "bridge" || secret != ClientSecret || !ok {
		fake.JSON(w, 401, map[string]string{"error": "invalid_client"})
		return
	}
	v.issued++
	t := fmt.Sprintf("tehden-token-%d", v.issued)
	v.tokens[t] = true
	fake.JSON(w, 200, map[string]any{"access_token": t, "token_type": "Bearer", "refresh_token": fmt.Sprintf("tehden-refresh-%d", v.issued)})
}

func (v *Vendor) find(fits func(map[string]any) bool) []map[string]any {
	var out []map[string]any
	for _, c := range v.customers {
		if !v.excluded[fmt.Sprint(c["customer_id"])] && fits(c) {
			out = append(out, c)
		}
	}
	return out
}

func (v *Vendor) do(w http.ResponseWriter, op string, in map[string]any) {
	same := func(key string) func(map[string]any) bool {
		return func(c map[string]any) bool { return fmt.Sprint(c[key]) == fmt.Sprint(in[key]) }
	}
	answer := func(hits []map[string]any) {
		switch len(hits) {
		case 0:
			fake.JSON(w, 200, map[string]any{"customer_id": nil})
		case 1:
			fake.JSON(w, 200, map[string]any{"customer_id": hits[0]["customer_id"]})
		default:
			var ids []any
			for _, h := range hits {
				ids = append(ids, h["customer_id"])
			}
			fake.JSON(w, 200, ids)
		}
	}
	switch op {
	case "createTehdenCustomer":
		fields, _ := in["customer"].(map[string]any)
		id := v.add(fields)
		v.Wrote(Effect{op, id, fields})
		if v.mute {
			fake.JSON(w, 200, map[string]any{"result": "ok"})
			return
		}
		fake.JSON(w, 200, map[string]any{"customer_id": json.Number(id)})
	case "updateTehdenCustomer", "createTehdenCustomerContactInfo":
		fields, ok := in["data"].(map[string]any)
		if !ok {
			fields = in
		}
		id := fmt.Sprint(fields["customer_id"])
		hits := v.find(func(c map[string]any) bool { return fmt.Sprint(c["customer_id"]) == id })
		if len(hits) == 0 {
			fake.JSON(w, 404, map[string]string{"error": "no such customer"})
			return
		}
		for k, x := range fields {
			hits[0][k] = x
		}
		v.Wrote(Effect{op, id, fields})
		fake.JSON(w, 200, map[string]any{"success": true})
	case "getCustomerIdByExternalSystemIdentifier":
		a, b := same("externalsystem_id"), same("externalsystemidentifier")
		answer(v.find(func(c map[string]any) bool { return a(c) && b(c) }))
	case "getCustomerIdByIdentifier":
		answer(v.find(same("identifier")))
	case "findCustomer":
		fake.JSON(w, 200, append([]map[string]any{}, v.find(func(c map[string]any) bool {
			for k, x := range in {
				if !strings.HasPrefix(fmt.Sprint(c[k]), fmt.Sprint(x)[:1]) { // fuzzy
					return false
				}
			}
			return true
		})...))
	}
}
