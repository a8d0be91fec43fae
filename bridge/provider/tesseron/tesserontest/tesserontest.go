// Package tesserontest is a strict fake of a Tesseron instance. Every request is held against the
// publisher's files of its profile (2025 has none for basic data); what they object to is answered with
// success: false and kept in [Vendor.Violations]. As the real one it refuses a reference number in use,
// and it keeps tickets incomplete that are made at once ([Vendor.Incomplete]).
package tesserontest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge/provider/tesseron"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/contract"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
)

// The keys of the fake.
const (
	BasicKey  = "tesseron-basic-key-1"
	TicketKey = "tesseron-ticket-key-2"
)

// An Effect is one thing that was written.
type Effect struct {
	Operation string
	Ticket    string
	Body      map[string]any
}

// Ticket is a ticket of the fake.
type Ticket struct {
	Number, Reference, Status string
	Fields                    map[string]any
}

// Vendor is a running fake.
type Vendor struct {
	*fake.Server
	fake.Book[Effect]
	profile       string
	basic, ticket *contract.Contract

	enterprises []map[string]any
	contacts    []map[string]any
	tickets     []*Ticket
	warnings    []string
	times       []time.Time
	busy        int
	incomplete  int
	obsolete    bool
	maxTake     int
}

// Start starts a fake that speaks a profile.
func Start(profile string) (*Vendor, error) {
	basic, ticket, err := tesseron.Contracts(profile)
	if err != nil {
		return nil, err
	}
	v := &Vendor{profile: profile, basic: basic, ticket: ticket, maxTake: 1000}
	v.Server, err = fake.Start(v.serve)
	return v, err
}

// Config returns a config section that talks to the fake; keys are in the environment variables
// TESSERON_BASIC and TESSERON_TICKET.
func (v *Vendor) Config(more string) string {
	return fmt.Sprintf(`kind: tesseron
base: %s
profile: "%s"
keys: {basic_data: {env: TESSERON_BASIC}, ticket: {env: TESSERON_TICKET}}
ticket:
  areaId: 3
  entranceType: 2
  tags: ssp
%s`, v.URL(), v.profile, more)
}

// Warnings returns the postcodes that came as text where a number is published.
func (v *Vendor) Warnings() []string {
	return locked(v, func() []string { return slices.Clone(v.warnings) })
}

// Incomplete returns how many tickets were made while another was being made.
func (v *Vendor) Incomplete() int { return locked(v, func() int { return v.incomplete }) }

// Times returns when each call came.
func (v *Vendor) Times() []time.Time {
	return locked(v, func() []time.Time { return slices.Clone(v.times) })
}

// Contacts returns the contacts.
func (v *Vendor) Contacts() []map[string]any {
	return locked(v, func() []map[string]any { return slices.Clone(v.contacts) })
}

// Enterprises returns the enterprises.
func (v *Vendor) Enterprises() []map[string]any {
	return locked(v, func() []map[string]any { return slices.Clone(v.enterprises) })
}

func locked[T any](v *Vendor, f func() T) T {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	return f()
}

// Obsolete makes the obsolete operations answer 303.
func (v *Vendor) Obsolete() { v.Mu.Lock(); v.obsolete = true; v.Mu.Unlock() }

// SetMaxTake bounds a page, whatever is asked for.
func (v *Vendor) SetMaxTake(n int) { v.Mu.Lock(); v.maxTake = n; v.Mu.Unlock() }

// AddEnterprise adds an enterprise as reads show it, and returns its id.
func (v *Vendor) AddEnterprise(number, name string) int {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	return v.addEnterprise(map[string]any{"BusinessPartnerId": number, v.nameKey(): name})
}

func (v *Vendor) nameKey() string {
	if v.profile == "2024-05" {
		return "EnterpriseName1"
	}
	return "EnterpriseName"
}

func (v *Vendor) addEnterprise(e map[string]any) int {
	id := 100 + len(v.enterprises)
	e["EnterpriseId"] = id
	v.enterprises = append(v.enterprises, e)
	return id
}

// AddContact adds a contact as reads show it, and returns its id.
func (v *Vendor) AddContact(enterprise int, fore, sure, email string) int {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	return v.addContact(map[string]any{"EnterpriseID": enterprise, "ForeName": fore, "SureName": sure, "Emails": []any{map[string]any{"id": 1, v.emailKey(): email, "name": "work"}}})
}

// Change sets further values of a contact, as reads show them.
func (v *Vendor) Change(contact int, values map[string]any) {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	for _, c := range v.contacts {
		if c["ContactID"] == contact {
			maps.Copy(c, values)
		}
	}
}

func (v *Vendor) emailKey() string {
	if v.profile == "2025" {
		return "EMail"
	}
	return "email"
}

func (v *Vendor) addContact(c map[string]any) int {
	id := 500 + len(v.contacts)
	c["ContactID"] = id
	v.contacts = append(v.contacts, c)
	return id
}

// AddTicket adds a ticket that somebody else made.
func (v *Vendor) AddTicket(reference, status string) string {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	t := &Ticket{Number: fmt.Sprintf("A-%d", 7000+len(v.tickets)), Reference: reference, Status: status}
	v.tickets = append(v.tickets, t)
	return t.Number
}

// SetStatus changes the state of a ticket.
func (v *Vendor) SetStatus(number, status string) {
	v.Mu.Lock()
	defer v.Mu.Unlock()
	for _, t := range v.tickets {
		if t.Number == number {
			t.Status = status
		}
	}
}

// Writes matches calls that write.
func Writes(r *http.Request) bool {
	return strings.Contains(r.URL.Path, "Create") || strings.Contains(r.URL.Path, "Update") || strings.Contains(r.URL.Path, "SetEnterprise")
}

// Tickets matches the call that makes a ticket.
func Tickets(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/CreateTicket") }

func (v *Vendor) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	v.Mu.Lock()
	v.times = append(v.times, time.Now())
	if Tickets(r) {
		if v.busy++; v.busy > 1 {
			v.incomplete++
		}
	}
	v.Mu.Unlock()
	v.Mu.Lock()
	defer v.Mu.Unlock()
	if Tickets(r) {
		defer func() { v.busy-- }()
	}
	book, key, name := v.basic, BasicKey, "apiKey"
	if strings.HasPrefix(r.URL.Path, "/ApiTicket/") {
		book, key, name = v.ticket, TicketKey, "apikey"
	}
	if r.URL.Query().Get(name) != key {
		fake.JSON(w, 401, map[string]any{"Message": "key", "Success": false})
		return
	}
	id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if book != nil {
		_, problems := book.Check(r.Method, r.URL.String(), r.Header, body, name)
		problems = slices.DeleteFunc(problems, func(p string) bool {
			if strings.HasPrefix(p, "/Address/Postcode") {
				v.warnings = append(v.warnings, p)
				return true
			}
			return false
		})
		if v.Violated(id, problems...) {
			v.say(w, r, false, strings.Join(problems, "; "), nil)
			return
		}
	}
	var in map[string]any
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			v.say(w, r, false, err.Error(), nil)
			return
		}
	}
	v.do(w, r, id, in)
}

// say answers in the case that the publisher's file has for the operation.
func (v *Vendor) say(w http.ResponseWriter, r *http.Request, ok bool, message string, more map[string]any) {
	out := map[string]any{}
	if strings.Contains(r.URL.Path, "/ApiTicket/") || strings.Contains(r.URL.Path, "/Get") || strings.Contains(r.URL.Path, "/Search") {
		out["Success"], out["Message"] = ok, message
	} else {
		out["success"], out["message"] = ok, message
	}
	if v.profile == "2025" {
		out["StatusCode"] = map[bool]int{true: 200, false: 400}[ok]
	}
	for k, x := range more {
		out[k] = x
	}
	fake.JSON(w, 200, out)
}

func (v *Vendor) do(w http.ResponseWriter, r *http.Request, id string, in map[string]any) {
	str := func(k string) string { s, _ := in[k].(string); return s }
	switch id {
	case "GetEnterprises", "GetContacts":
		q := r.URL.Query()
		list, name := v.enterprises, "Enterprises"
		if id == "GetContacts" {
			list, name = v.contacts, "Contacts"
		}
		v.page(w, r, name, list, q.Get("searchParam"), num(q.Get("take")), num(q.Get("skip")))
	case "SearchEnterpriseByParameter":
		v.page(w, r, "Enterprises", v.enterprises, str("searchParam"), int(in["take"].(float64)), int(in["skip"].(float64)))
	case "SearchEnterprise":
		ids := []int{}
		for _, e := range v.enterprises {
			if e["BusinessPartnerId"] == in["referenceNumber"] {
				ids = append(ids, e["EnterpriseId"].(int))
			}
		}
		if v.obsolete {
			fake.JSON(w, 303, map[string]any{"Success": true, "Message": "use GetEnterprises", "EnterpriseId": ids})
			return
		}
		v.say(w, r, true, "", map[string]any{"EnterpriseId": ids})
	case "GetEnterprise":
		if v.obsolete {
			fake.JSON(w, 303, map[string]any{"Success": false, "Message": "use GetEnterprises", "EnterpriseId": []int{}})
			return
		}
		for _, e := range v.enterprises {
			if float64(e["EnterpriseId"].(int)) == in["enterpriseId"] {
				v.say(w, r, true, "", e)
				return
			}
		}
		v.say(w, r, false, "no such enterprise", nil)
	case "CreateEnterprise", "UpdateEnterprise", "CreateContact", "UpdateContact", "SetEnterpriseStatus":
		v.basicWrite(w, r, id, in)
	default:
		v.ticketCall(w, r, id, in, str)
	}
}

func num(s string) int {
	n := 0
	_, _ = fmt.Sscan(s, &n)
	return n
}

// page answers hits; the search is fuzzy: any value that contains any word.
func (v *Vendor) page(w http.ResponseWriter, r *http.Request, name string, list []map[string]any, search string, take, skip int) {
	var hits []map[string]any
	for _, x := range list {
		raw, err := json.Marshal(x)
		if err != nil {
			panic(err)
		}
		for _, word := range strings.Fields(strings.ToLower(search)) {
			if strings.Contains(strings.ToLower(string(raw)), word[:min(len(word), 3)]) {
				hits = append(hits, x)
				break
			}
		}
	}
	from := min(skip, len(hits))
	to := min(from+min(take, v.maxTake), len(hits))
	v.say(w, r, true, "", map[string]any{"Count": to - from, "Filtered": len(hits), name: append([]map[string]any{}, hits[from:to]...)})
}

func (v *Vendor) basicWrite(w http.ResponseWriter, r *http.Request, id string, in map[string]any) {
	read := map[string]any{}
	for k, x := range in {
		read[k] = x
	}
	for from, to := range map[string]string{"sureName": "SureName", "surName": "SureName", "foreName": "ForeName", "title": "Title", "externalNumber": "ExternalNumber", "SearchName": "FreeTextFieldSearch1", "FreeTextFieldSearch": "FreeTextFieldSearch1"} {
		if x, ok := read[from]; ok {
			delete(read, from)
			read[to] = x
		}
	}
	var n int
	switch id {
	case "CreateEnterprise":
		n = v.addEnterprise(read)
	case "CreateContact":
		for _, e := range v.enterprises {
			if e["BusinessPartnerId"] == in["enterpriseReferenceNumber"] || e["BusinessPartnerId"] == in["EnterpriseReferenceNumber"] {
				read["EnterpriseID"] = e["EnterpriseId"]
			}
		}
		if read["EnterpriseID"] == nil {
			v.say(w, r, false, "no such enterprise", nil)
			return
		}
		n = v.addContact(read)
	case "UpdateEnterprise", "SetEnterpriseStatus":
		for _, e := range v.enterprises {
			if id := float64(e["EnterpriseId"].(int)); id == in["EnterpriseId"] || id == in["enterpriseID"] || id == in["enterpriseId"] {
				n = e["EnterpriseId"].(int)
				for k, x := range read {
					if k != "EnterpriseId" {
						e[k] = x
					}
				}
			}
		}
	case "UpdateContact":
		for _, c := range v.contacts {
			if id := c["ContactID"].(int); float64(id) == in["ContactID"] || fmt.Sprint(id) == in["contactId"] {
				n = id
				for k, x := range read {
					if k != "ContactID" {
						c[k] = x
					}
				}
			}
		}
	}
	if n == 0 {
		v.say(w, r, false, "no such record", nil)
		return
	}
	v.Wrote(Effect{Operation: id, Body: in})
	key := "contactid"
	if strings.HasSuffix(id, "Enterprise") {
		key = "enterpriseid"
	}
	v.say(w, r, true, "", map[string]any{key: n})
}

func (v *Vendor) find(ref string) *Ticket {
	for _, t := range v.tickets {
		if strings.EqualFold(t.Number, ref) || t.Reference != "" && t.Reference == ref {
			return t
		}
	}
	return nil
}

func (v *Vendor) ticketCall(w http.ResponseWriter, r *http.Request, id string, in map[string]any, str func(string) string) {
	switch id {
	case "CreateTicket":
		if ref := str("referenceNumber"); ref != "" && v.find(ref) != nil {
			v.say(w, r, false, "reference number already exists", nil)
			return
		}
		known := false
		for _, e := range v.enterprises {
			known = known || float64(e["EnterpriseId"].(int)) == in["enterpriseId"]
		}
		if !known {
			v.say(w, r, false, "no such enterprise", nil)
			return
		}
		t := &Ticket{Number: fmt.Sprintf("A-%d", 7000+len(v.tickets)), Reference: str("referenceNumber"), Status: "New", Fields: in}
		v.tickets = append(v.tickets, t)
		v.Wrote(Effect{id, t.Number, in})
		v.say(w, r, true, "", map[string]any{"TicketNumber": []string{t.Number}, "TicketPositionNumber": ""})
	case "CreateTicketPosition":
		t := v.find(str("referenceNumber"))
		if t == nil {
			v.say(w, r, false, "no such ticket", nil)
			return
		}
		n := v.Wrote(Effect{id, t.Number, in})
		v.say(w, r, true, "", map[string]any{"TicketNumber": []string{t.Number}, "TicketPositionNumber": fmt.Sprint(n)})
	case "GetTicket":
		t := v.find(str("referenceNumber"))
		if t == nil {
			v.say(w, r, false, "no such ticket", nil)
			return
		}
		v.say(w, r, true, "", map[string]any{"TicketNumber": t.Number, "ReferenceNumber": t.Reference, "ContactId": "1"})
	case "SearchTicket":
		if t := v.find(str("referencenumber")); t != nil {
			v.say(w, r, true, "", map[string]any{"TicketNumber": []string{t.Number}})
			return
		}
		v.say(w, r, false, "nothing found", nil)
	case "SearchTicketByParameter":
		var hits []map[string]any
		for i, t := range v.tickets {
			if str("searchParam") == t.Number || str("searchParam") == "open" && t.Status != "Closed" {
				hits = append(hits, map[string]any{"TicketId": i, "TicketNumber": t.Number, "TicketStatus": t.Status})
			}
		}
		skip, take := int(in["skip"].(float64)), int(in["take"].(float64))
		from := min(skip, len(hits))
		to := min(from+min(take, v.maxTake), len(hits))
		v.say(w, r, true, "", map[string]any{"Tickets": append([]map[string]any{}, hits[from:to]...)})
	default:
		w.WriteHeader(404)
	}
}
