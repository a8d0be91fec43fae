// Package tesatest is a strict fake of Tesamanager: a token endpoint for service accounts and the sixteen
// operations. Every request is held against the vendor's file; what it objects to is answered with 400
// and kept in [Vendor.Violations]. It is not kind: the same external reference written twice makes two
// requests, so that a double effect shows in [Vendor.Ledger].
package tesatest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pergabridge/pergabridge/bridge/provider/tesamanager"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/contract"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
)

// Org is the tenant of the fake.
const Org = "telco"

// An Effect is one thing that was written.
type Effect struct {
	Operation string
	Reference string // the vendor's id
	External  string
	Body      map[string]any
}

// Request is one request of the fake.
type Request struct {
	ID, External, Status, Kind string
	Updated                    time.Time
	Events                     []map[string]any
	Issues                     []map[string]any
}

// Vendor is a running fake.
type Vendor struct {
	*fake.Server
	fake.Book[Effect]
	contract *contract.Contract
	key      *rsa.PrivateKey
	now      func() time.Time

	requests  []*Request
	token     string
	tokens    int
	expiresIn int
	expires   time.Time
	shape     string
}

// accountKey is the same for all fakes of a process: making one takes long.
var accountKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// Start starts a fake.
func Start(now func() time.Time) (*Vendor, error) {
	if now == nil {
		now = time.Now
	}
	key, err := accountKey()
	if err != nil {
		return nil, err
	}
	c, err := tesamanager.Contract()
	if err != nil {
		return nil, err
	}
	v := &Vendor{contract: c, key: key, now: now, expiresIn: 3600}
	v.Server, err = fake.Start(v.serve)
	return v, err
}

// Account returns the service account as MasStack hands it out.
func (v *Vendor) Account() string {
	der, err := x509.MarshalPKCS8PrivateKey(v.key)
	if err != nil {
		panic(err)
	}
	b, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "p", "private_key_id": "key-1", "client_email": "bridge@p.example",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "client_id": "1", "token_uri": v.URL() + "/oauth2/token",
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Env is the environment variable that holds the account; each fake has its own.
func (v *Vendor) Env() string {
	return "TESA_ACCOUNT_" + v.URL()[strings.LastIndexByte(v.URL(), ':')+1:]
}

// Config returns a config section that talks to the fake; its account is in the environment variable [Vendor.Env].
func (v *Vendor) Config(more string) string {
	return fmt.Sprintf(`kind: tesamanager
base: %s/v1/tesamanager/orgs
org: %s
auth: {service_account: {account: {env: %s}}}
external_reference: {prefix: "PB-"}
send:
  submit:
    - when: event.fields?.order == 'termination'
      operation: terminate
      body:
        territoryOwner: NEBA
        technicalCoordinators: {name: NOC}
        customer: {name: "${event.requester.name}", title: "${event.title}"}
        servicePoint: {address: "${event.description}"}
    - operation: activate
      body:
        territoryOwner: VULA_COMMERCIAL
        portabilityIndicator: N
        technicalCoordinators: {name: NOC}
        customer: {name: "${event.requester.name}", title: "${event.title}"}
        servicePoint: {address: "${event.description}"}
  update:
    operation: resolveIncident
    body: {observations: "${event.text}"}
  reject_solution:
    operation: installationIncident
    body: {requestType: NEBA, incidence: OTHER, cto: "CTO-1", comments: "${event.text}"}
  close: {operation: cancel}
%s`, v.URL(), Org, v.Env(), more)
}

// Tokens returns how many tokens were issued.
func (v *Vendor) Tokens() int {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	return v.tokens
}

// RevokeToken makes the current token invalid before its time.
func (v *Vendor) RevokeToken() {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	v.token = ""
}

// SetShape chooses what is not published: "list" answers ids as an object with one list and writes
// without a reference id; "" answers a bare list and reference_id.
func (v *Vendor) SetShape(s string) {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	v.shape = s
}

// Add adds a request that somebody else made.
func (v *Vendor) Add(external, status string) string {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	return v.add(external, "ACTIVATION", status).ID
}

func (v *Vendor) add(external, kind, status string) *Request {
	r := &Request{ID: fmt.Sprintf("TESA-%d", 9000+len(v.requests)), External: external, Kind: kind, Status: status, Updated: v.now()}
	v.requests = append(v.requests, r)
	return r
}

// Set changes the state of a request.
func (v *Vendor) Set(id, status string) {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	if r := v.find(id); r != nil {
		r.Status, r.Updated = status, v.now()
	}
}

// bigNumber is above what a float holds exactly.
const bigNumber = 9007199254740993

// AddEvent adds or replaces the event with that sequence number. Its request number is one that a
// float cannot hold.
func (v *Vendor) AddEvent(id string, seq int, message string, inconsistent bool) {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	r := v.find(id)
	e := map[string]any{"id": json.Number("9223372036854775807"), "reference_id": id, "message_type": message, "request_number": bigNumber + int64(seq)*2,
		"subrequest_number": bigNumber + 2, "event_date": v.now().UTC().Format(time.RFC3339), "sequence_number": seq, "inconsistent": inconsistent}
	for i, old := range r.Events {
		if old["sequence_number"] == seq {
			r.Events[i] = e
			return
		}
	}
	r.Events = append([]map[string]any{e}, r.Events...) // the newest first, as nobody promises an order
	r.Updated = v.now()
}

// AddIssue adds or replaces an issue.
func (v *Vendor) AddIssue(id string, seq int, code string, resolved bool) {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	r := v.find(id)
	is := map[string]any{"id": 500 + seq, "reference_id": id, "issue_sequence": seq, "issue_code": code, "resolved": resolved, "last_updated": v.now().UTC().Format(time.RFC3339)}
	for i, old := range r.Issues {
		if old["issue_sequence"] == seq {
			r.Issues[i] = is
			return
		}
	}
	r.Issues = append(r.Issues, is)
}

// Age sets back when a request was changed last, and when its events happened.
func (v *Vendor) Age(id string, by time.Duration) {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	r := v.find(id)
	r.Updated = r.Updated.Add(-by)
	for _, e := range r.Events {
		if at, err := time.Parse(time.RFC3339, e["event_date"].(string)); err == nil {
			e["event_date"] = at.Add(-by).Format(time.RFC3339)
		}
	}
}

func (v *Vendor) find(id string) *Request {
	for _, r := range v.requests {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// Writes matches requests that write; faults usually mean those.
func Writes(r *http.Request) bool {
	return r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/token")
}

// Called matches calls of one operation.
func Called(operation string) func(*http.Request) bool {
	c, err := tesamanager.Contract()
	if err != nil {
		panic(err) // part of the program
	}
	return func(r *http.Request) bool { return c.Operation(r.Method, r.URL.EscapedPath()) == operation }
}

func (v *Vendor) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	if r.URL.Path == "/oauth2/token" {
		v.issue(w, r, body)
		return
	}
	if v.token == "" || r.Header.Get("Authorization") != "Bearer "+v.token || !v.now().Before(v.expires) {
		fake.JSON(w, 401, map[string]string{"code": "UNAUTHORIZED_REQUEST", "title": "who are you?"})
		return
	}
	id, problems := v.contract.Check(r.Method, r.URL.String(), r.Header, body)
	if r.Header.Get("Request-Correlation-Id") == "" {
		problems = append(problems, "no correlation id")
	}
	org, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/tesamanager/orgs/"), "/")
	if org != Org {
		problems = append(problems, "wrong tenant "+org)
	}
	if v.Violated(id, problems...) {
		fake.JSON(w, 400, map[string]any{"code": "BAD_REQUEST", "title": strings.Join(problems, "; ")})
		return
	}
	if r.Method == http.MethodGet {
		v.read(w, r, id, rest)
		return
	}
	v.write(w, id, body)
}

// issue is the token endpoint.
func (v *Vendor) issue(w http.ResponseWriter, r *http.Request, body []byte) {
	deny := func(why string) {
		fake.JSON(w, 400, map[string]string{"error": "invalid_grant", "error_description": why})
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Method != http.MethodPost || form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		deny("grant type")
		return
	}
	claims := jwt.MapClaims{}
	t, err := jwt.ParseWithClaims(form.Get("assertion"), claims, func(*jwt.Token) (any, error) { return &v.key.PublicKey, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience(v.URL()+"/oauth2/token"), jwt.WithIssuer("bridge@p.example"), jwt.WithIssuedAt(), jwt.WithExpirationRequired(), jwt.WithTimeFunc(v.now))
	if err != nil {
		deny(err.Error())
		return
	}
	iat, _ := claims.GetIssuedAt()
	exp, _ := claims.GetExpirationTime()
	if t.Header["kid"] != "key-1" || t.Header["typ"] != "JWT" || exp.Sub(iat.Time) > time.Hour {
		deny("kid, typ or life")
		return
	}
	v.tokens++
	v.token = fmt.Sprintf("tesa-token-%d", v.tokens)
	v.expires = v.now().Add(time.Duration(v.expiresIn) * time.Second)
	fake.JSON(w, 200, map[string]any{"access_token": v.token, "expires_in": v.expiresIn, "token_type": "Bearer"})
}

func (v *Vendor) write(w http.ResponseWriter, id string, body []byte) {
	var in map[string]any
	if err := vendorapi.DecodeJSON(body, &in); err != nil {
		fake.JSON(w, 400, map[string]string{"title": err.Error()})
		return
	}
	external, _ := in["externalReference"].(string)
	e := Effect{Operation: id, External: external, Body: in}
	if id == "activate" || id == "terminate" {
		kind := map[string]string{"activate": "ACTIVATION", "terminate": "TERMINATION"}[id]
		r := v.add(external, kind, "VALIDATING")
		e.Reference = r.ID
		v.Wrote(e)
		if v.shape == "list" {
			fake.JSON(w, 201, map[string]any{"message": "created"})
			return
		}
		fake.JSON(w, 201, map[string]any{"reference_id": r.ID})
		return
	}
	i := slices.IndexFunc(v.requests, func(r *Request) bool { return r.External == external })
	if i < 0 {
		fake.JSON(w, 404, map[string]string{"title": "no such request"})
		return
	}
	r := v.requests[i]
	if r.Status == "CANCELED" {
		fake.JSON(w, 406, map[string]string{"title": "the request is cancelled"})
		return
	}
	e.Reference = r.ID
	v.Wrote(e)
	r.Updated = v.now()
	switch id {
	case "cancel":
		r.Status = "CANCELED"
	case "installationIncident":
		r.Status = "INCIDENCE_INSTALLING"
	case "installationEnd":
		r.Status = "INSTALLED"
	}
	fake.JSON(w, 200, map[string]any{"message": "ok"})
}

func (v *Vendor) read(w http.ResponseWriter, r *http.Request, id, rest string) {
	if id == "listReferenceIds" {
		v.list(w, r)
		return
	}
	parts := strings.Split(rest, "/")
	req := v.find(parts[1])
	if req == nil {
		fake.JSON(w, 404, []any{map[string]string{"code": "NOT_FOUND", "title": "no such request"}})
		return
	}
	switch id {
	case "getRequest":
		fake.JSON(w, 200, map[string]any{"reference_id": req.ID, "external_reference": req.External, "status": req.Status})
	case "getEvents":
		fake.JSON(w, 200, append([]map[string]any{}, req.Events...))
	case "getIssues":
		fake.JSON(w, 200, append([]map[string]any{}, req.Issues...))
	}
}

func (v *Vendor) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ids := []string{}
	for _, x := range v.requests {
		if s := q.Get("statuses"); s != "" && !slices.Contains(strings.Split(s, ","), x.Status) {
			continue
		}
		if s := q.Get("externalReference"); s != "" && s != x.External {
			continue
		}
		if s := q.Get("persistence_type"); s != "" && s != x.Kind {
			continue
		}
		if q.Get("cancelling") == "true" || q.Get("autoInstallation") == "true" {
			continue
		}
		if s := q.Get("notUpdatedSince"); s != "" {
			if at, err := time.Parse(time.RFC3339, s); err != nil || x.Updated.After(at) {
				continue
			}
		}
		ids = append(ids, x.ID)
	}
	if v.shape == "list" {
		fake.JSON(w, 200, map[string]any{"reference_ids": ids})
		return
	}
	fake.JSON(w, 200, ids)
}
