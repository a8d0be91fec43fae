package tehden

import (
	_ "embed" // the profile
	"regexp"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

//go:embed profile.yaml
var profileData []byte

//go:embed contract/openapi.yaml
var contractData []byte

// Systems are the external systems that the vendor has published.
var Systems = map[string]string{"1": "Maestro", "2": "Posti", "3": "Matkahuolto", "4": "Checkout Finland", "5": "MyCashFlow",
	"6": "WooCommerce", "7": "Generic webstore", "22": "Generic reservation system"}

// Config is the section of a provider of kind tehden.
type Config struct {
	Common   provider.Common    `yaml:",inline"`
	Outbound outbound.Config    `yaml:",inline"`
	Override vendorapi.Override `yaml:",inline"`

	Company string `yaml:"company" doc:"subdomain of the company: https://COMPANY.tehden.com"`
	Base    string `yaml:"base" doc:"instead of company: the whole address of the host"`
	APIBase string `yaml:"api_base" default:"/api/v1" doc:"path between host and operation; not published"`

	External   External       `yaml:"external_system" doc:"the external pair that links a customer to us"`
	Identifier mapping.Text   `yaml:"identifier" doc:"identifier that the customer sees; second way to find one"`
	Search     mapping.Tree   `yaml:"search" doc:"criteria of findCustomer; third way to find one"`
	Match      mapping.Expr   `yaml:"match" doc:"condition on answer, a customer that findCustomer brought; needed with search, because a search may be fuzzy"`
	Create     string         `yaml:"create" required:"true" enum:"when_missing|never" doc:"a customer who is excluded from the interface is not found either; never refuses the task then"`
	Update     string         `yaml:"update" enum:"always|never" default:"always" doc:"whether a customer who is there is changed"`
	Customer   mapping.Tree   `yaml:"customer" required:"true" doc:"fields of the customer; codes by tables, for instance ${table('vat', event.fields.vat)}: a value without an entry stops the task"`
	Contacts   []mapping.Tree `yaml:"contact_info" doc:"contact infos that a submit adds"`
	Resolve    mapping.Text   `yaml:"resolve" doc:"solution with which SSP's task is resolved at once; answer.customer_id, answer.created"`
	Tables     mapping.Tables `yaml:"tables" doc:"code tables: customer type, VAT, marketing permissions, …"`
	Send       Send           `yaml:"send" required:"true" doc:"which operation later events take"`
	NotFound   []int          `yaml:"not_found" doc:"statuses of a look-up that mean: there is none; default 404"`
	Rate       float64        `yaml:"rate" default:"10" doc:"calls per second over all replicas; the vendor takes 15 per address"`
}

// External is the external pair.
type External struct {
	ID         string       `yaml:"id" default:"7" doc:"externalsystem_id; 7 is the generic web store, and nothing means any other system"`
	Identifier mapping.Text `yaml:"identifier" doc:"externalsystemidentifier: a stable key of the customer, never of the task"`
	Type       string       `yaml:"type" enum:"string|integer" default:"string" doc:"type of externalsystem_id; the page quotes it"`
	// Newer is for ids that came after the published table.
	Newer bool `yaml:"newer" doc:"true: the id is not in the table that was published"`
}

// Send holds the steps of later events.
type Send struct {
	Update         vendorapi.Steps `yaml:"update" required:"true" doc:"updateTehdenCustomer, createTehdenCustomerContactInfo, or skip"`
	RejectSolution vendorapi.Steps `yaml:"reject_solution" required:"true" doc:"the same"`
	Close          vendorapi.Steps `yaml:"close" required:"true" doc:"the same"`
}

// CommonConfig returns the keys that every kind has.
func (c *Config) CommonConfig() *provider.Common { return &c.Common }

// Address returns where the vendor is, for people.
func (c *Config) Address() string { return c.host() }

func (c *Config) host() string {
	if c.Base != "" {
		return strings.TrimRight(c.Base, "/")
	}
	return "https://" + c.Company + ".tehden.com"
}

var companyName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// ValidateConfig checks how the sections go together.
func (c *Config) ValidateConfig(n *config.Node) {
	p, err := c.profile()
	if err != nil {
		panic(err) // the profile is part of the program
	}
	c.Override.Check(n, p)
	c.Override.Apply(p)
	switch {
	case (c.Company == "") == (c.Base == ""):
		n.Problemf("company: somecompany", "either company or base is needed")
	case c.Company != "" && !companyName.MatchString(c.Company):
		n.Key("company").Problemf("the part before .tehden.com", "%q cannot be a subdomain", c.Company)
	}
	provider.CheckBase(n.Key("base"), c.Base, "https://somecompany.tehden.com")
	if c.APIBase != "" && !strings.HasPrefix(c.APIBase, "/") {
		n.Key("api_base").Problemf("", "must begin with /")
	}
	switch at := n.Key("limits").Key("in_flight"); {
	case !at.Exists():
		c.Common.Limits.InFlight = 1
	case c.Common.Limits.InFlight != 1:
		at.Problemf("in_flight: 1", "must be 1: two replicas would create one new customer twice, and the rate is kept by it")
	}
	ext := n.Key("external_system")
	if _, ok := Systems[c.External.ID]; !ok && !c.External.Newer {
		ext.Key("id").Problemf("write newer: true if the vendor gave you this id", "%q is none of the published external systems", c.External.ID)
	}
	for _, name := range []string{"event.task", "event.id", "event.ticket", "bond.task"} {
		if c.External.Identifier.Mentions(name) {
			ext.Key("identifier").Problemf("use a customer number", "is made of %s: another task of the same customer would make a second customer", name)
		}
	}
	if c.External.Identifier.IsZero() && c.Identifier.IsZero() && c.Search.IsZero() {
		n.Problemf("external_system: {identifier: \"${event.fields.customer_no}\"}", "nothing says how a customer is found")
	}
	if c.External.Identifier.IsZero() && c.Create == "when_missing" {
		ext.Key("identifier").Problemf("", "is needed to create: after a lost answer the customer is looked up by it")
	}
	if c.Search.IsZero() != c.Match.IsZero() {
		n.Problemf("match: answer.email == event.requester.email", "search and match go together")
	}
	for _, t := range []mapping.Text{c.External.Identifier, c.Identifier} {
		t.Within(mapping.Outgoing)
		c.Tables.Check(n, t.Tables())
	}
	for _, t := range append([]mapping.Tree{c.Search, c.Customer}, c.Contacts...) {
		t.Within(mapping.Outgoing)
		c.Tables.Check(n, t.Tables())
		if !t.IsZero() && !t.IsObject() {
			n.Problemf("", "search, customer and each contact_info must be sections")
		}
	}
	c.Match.Within([]string{"event", "bond", "attempt", "answer"})
	c.Resolve.Within([]string{"event", "bond", "attempt", "answer"})
	c.Tables.Check(n, append(c.Match.Tables(), c.Resolve.Tables()...))
	for _, key := range []string{"externalsystem_id", "externalsystemidentifier", "customer_id"} {
		if at := n.Key("customer").Key(key); at.Exists() {
			at.ProblemAtKey("", "is set by external_system")
		}
	}
	for _, s := range []struct {
		key   string
		steps vendorapi.Steps
	}{{"update", c.Send.Update}, {"reject_solution", c.Send.RejectSolution}, {"close", c.Send.Close}} {
		s.steps.Check(n.Key("send").Key(s.key), p, c.Tables, "updateTehdenCustomer", "createTehdenCustomerContactInfo")
	}
	if c.Rate <= 0 || c.Rate > 15 {
		n.Key("rate").Problemf("rate: 10", "must be above 0 and at most 15")
	}
	a := c.Outbound.Auth
	if a.OAuth2Password == nil && a.OAuth2Code == nil && a.Bearer.Empty() {
		n.Key("auth").Problemf("auth: {oauth2_password: {…}}", "Tehden wants oauth2_password or oauth2_code (or a fixed bearer token)")
	}
}

func (c *Config) profile() (*vendorapi.Profile, error) {
	p, err := vendorapi.Parse(profileData)
	if err != nil {
		return nil, err
	}
	for _, op := range p.Operations {
		f := op.Fields["externalsystem_id"]
		if f == nil {
			continue
		}
		if c.External.Type == "integer" {
			f.Type = "integer"
		}
		if c.External.Newer {
			f.Enum = append(slices.Clone(f.Enum), c.External.ID)
		}
	}
	return p, nil
}

// auth fills in the endpoints, which are the company's own.
func (c *Config) auth() outbound.Auth {
	a := c.Outbound.Auth
	token, authorize := c.host()+"/oauth/oaclient/token", c.host()+"/oauth/oauser/authorize"
	if g := a.OAuth2Password; g != nil {
		own := *g
		if own.TokenURL == "" {
			own.TokenURL = token
		}
		a.OAuth2Password = &own
	}
	if g := a.OAuth2Code; g != nil {
		own := *g
		if own.TokenURL == "" {
			own.TokenURL = token
		}
		if own.AuthorizeURL == "" {
			own.AuthorizeURL = authorize
		}
		a.OAuth2Code = &own
	}
	return a
}
