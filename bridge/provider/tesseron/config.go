package tesseron

import (
	_ "embed" // the profiles
	"strconv"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

var (
	//go:embed profile.yaml
	profile2405 []byte
	//go:embed profile-2024-03.yaml
	profile2403 []byte
	//go:embed profile-2025.yaml
	profile2025 []byte

	//go:embed contract/basic-data.2024-03-07.58c49676.swagger.json
	contract2403 []byte
	//go:embed contract/basic-data.2024-05-28.eac498a7.swagger.json
	contract2405 []byte
	//go:embed contract/ticket.2023-11-29.2bb05f10.swagger.json
	contractTicket []byte
)

// Config is the section of a provider of kind tesseron.
type Config struct {
	Common   provider.Common    `yaml:",inline"`
	Outbound outbound.Config    `yaml:",inline"`
	Override vendorapi.Override `yaml:",inline"`

	Base      string                  `yaml:"base" required:"true" doc:"address of the instance, https://… without www."`
	Profile   string                  `yaml:"profile" enum:"2024-03|2024-05|2025" default:"2024-05" doc:"which generation of field names the instance speaks"`
	Keys      Keys                    `yaml:"keys" required:"true" doc:"API keys; each is for one service"`
	Key       KeyPlace                `yaml:"key" doc:"where the key travels"`
	Reference vendorapi.TaskReference `yaml:"reference_number" doc:"how our reference number is made of the task; default prefix SSP-"`
	Tables    mapping.Tables          `yaml:"tables" doc:"value tables, used as table('name', value)"`

	Enterprise Party        `yaml:"enterprise" required:"true" doc:"whose ticket it is"`
	Contact    Party        `yaml:"contact" doc:"the person"`
	Ticket     mapping.Tree `yaml:"ticket" required:"true" doc:"fields of CreateTicket by our names; areaId and entranceType have no default"`
	Positions  Positions    `yaml:"positions" doc:"type and words of ticket positions"`
	Postcode   string       `yaml:"postcode" enum:"auto|text" default:"auto" doc:"auto: as the number that is published, unless a digit would be lost; text: always as text"`
	PageSize   int          `yaml:"page_size" default:"100" doc:"hits asked for at once"`
	MaxPages   int          `yaml:"max_pages" default:"50" doc:"pages read for one search"`
	Rate       Rate         `yaml:"rate" doc:"calls per minute over all replicas"`
	// AbsentOnFailure: the vendor has not published what a search without hits answers.
	AbsentOnFailure bool `yaml:"absent_on_failure" default:"true" doc:"a search that answers success: false and no ticket means: there is none; the vendor refuses a second ticket with the same reference number"`
	Poll            Poll `yaml:"poll" doc:"follows the state of tickets; needs statuses"`
}

// CommonConfig returns the keys that every kind has.
func (c *Config) CommonConfig() *provider.Common { return &c.Common }

// Address returns where the vendor is, for people.
func (c *Config) Address() string { return c.Base }

// Keys are the API keys.
type Keys struct {
	BasicData config.Secret `yaml:"basic_data" doc:"key of the service basic data; needed where enterprises or contacts are searched"`
	Ticket    config.Secret `yaml:"ticket" required:"true" doc:"key of the service ticket"`
}

// KeyPlace says where the key travels.
type KeyPlace struct {
	In        string `yaml:"in" enum:"query|header" default:"query" doc:"the publisher knows the query only"`
	BasicData string `yaml:"basic_data" default:"apiKey" doc:"name for basic data"`
	Ticket    string `yaml:"ticket" default:"apikey" doc:"name for tickets"`
}

// Party is an enterprise or a contact.
type Party struct {
	ID      int64        `yaml:"id" doc:"fixed id; used when nothing is searched, or nothing found and missing is default"`
	By      string       `yaml:"by" doc:"value that is compared exactly: businessPartnerId, externalId, name or mailDomain; email, externalNumber or name"`
	Value   mapping.Text `yaml:"value" doc:"what it has to be"`
	Search  mapping.Text `yaml:"search" doc:"what the vendor is asked for; default: value"`
	Filter  string       `yaml:"filter" doc:"filter of the vendor; its grammar is not published"`
	Missing string       `yaml:"missing" enum:"default|refuse|omit" default:"default" doc:"nothing found: take id, refuse the task, or leave the contact out"`
	Create  string       `yaml:"create" enum:"never|when_missing" default:"never" doc:"whether one is made"`
	Update  string       `yaml:"update" enum:"never|merge" default:"never" doc:"merge: what fields says is laid over what is there, and the whole is written"`
	Fields  mapping.Tree `yaml:"fields" doc:"fields by our names, for create and update"`
}

// Positions says how later events are written.
type Positions struct {
	Update    int          `yaml:"update" default:"0" doc:"type of an update; 0 is taken to be information"`
	Close     int          `yaml:"close" default:"1" doc:"type of a close; 1 is taken to be the end report; -1 writes nothing"`
	Reject    int          `yaml:"reject_solution" default:"2" doc:"type of a declined solution; 2 is taken to be reopen"`
	Internal  *bool        `yaml:"internal" doc:"visibility that is sent; left out unless it is set"`
	CloseText mapping.Text `yaml:"close_text" doc:"words of a close without a text; default: Closed."`
}

// Rate bounds the calls.
type Rate struct {
	PerMinute int     `yaml:"per_minute" default:"100" doc:"the publisher's connector allows 100 calls in 60 seconds"`
	PollShare float64 `yaml:"poll_share" default:"0.2" doc:"part of it that is kept for polls"`
}

// Poll says how states are followed.
type Poll struct {
	Every       config.Duration               `yaml:"every" default:"5m" doc:"time between two rounds"`
	SearchParam string                        `yaml:"search" doc:"searchParam that finds the tickets, best also those solved lately; without it nothing is polled"`
	Filter      string                        `yaml:"filter" doc:"Filter; its grammar is not published"`
	Statuses    map[string]*vendorapi.Telling `yaml:"statuses" doc:"what each state means to SSP, by TicketStatus; nothing is built in"`
	Forget      config.Duration               `yaml:"forget_after" default:"30d" doc:"how long a ticket is remembered that is resolved, or that neither the search nor a task names any more"`
}

var parties = map[string][]string{
	"enterprise": {"businessPartnerId", "externalId", "name", "mailDomain"},
	"contact":    {"email", "externalNumber", "name"},
}

// newProfile returns the profile of the config.
func (c *Config) newProfile() (*vendorapi.Profile, error) {
	p, err := c.generation()
	if err == nil && c.Postcode == "text" {
		p.Shapes["address"]["postcode"].Type = "string"
	}
	return p, err
}

func (c *Config) generation() (*vendorapi.Profile, error) {
	switch c.Profile {
	case "2024-03":
		return vendorapi.Parse(profile2405, profile2403)
	case "2025":
		return vendorapi.Parse(profile2405, profile2025)
	}
	return vendorapi.Parse(profile2405)
}

// ValidateConfig checks how the sections go together.
func (c *Config) ValidateConfig(n *config.Node) {
	p, err := c.newProfile()
	if err != nil {
		panic(err) // the profiles are part of the program
	}
	c.Override.Check(n, p)
	c.Override.Apply(p)
	provider.CheckBase(n.Key("base"), c.Base, "https://asm.example.com")
	c.Reference.Complete(n.Key("reference_number"), c.Poll.SearchParam != "")
	at := n.Key("limits").Key("in_flight")
	switch {
	case !at.Exists():
		c.Common.Limits.InFlight = 1
	case c.Common.Limits.InFlight != 1:
		at.Problemf("in_flight: 1", "must be 1: the vendor may leave tickets incomplete that are made at once, and the rate is kept by it")
	}
	c.party(n.Key("enterprise"), "enterprise", &c.Enterprise, p)
	c.party(n.Key("contact"), "contact", &c.Contact, p)
	c.Ticket.Within(mapping.Outgoing)
	c.Tables.Check(n.Key("ticket"), c.Ticket.Tables())
	if !c.Ticket.IsZero() && !c.Ticket.IsObject() {
		n.Key("ticket").Problemf("ticket: {areaId: 1, entranceType: 1, …}", "must be a section")
	}
	for _, name := range []string{"areaId", "entranceType"} {
		if c.Ticket.IsObject() && !n.Key("ticket").Key(name).Exists() {
			n.Key("ticket").Key(name).Problemf("see the vendor's administration", "is required; its numbers are those of the instance")
		}
	}
	for _, pair := range n.Key("ticket").Pairs() {
		if f := p.Operations["CreateTicket"].Fields; f[pair.Name] == nil {
			pair.Node.ProblemAtKey("", "CreateTicket has no such field")
		}
	}
	c.Positions.CloseText.Within(mapping.Outgoing)
	for key, v := range map[string]int{"update": c.Positions.Update, "close": c.Positions.Close, "reject_solution": c.Positions.Reject} {
		if v < 0 && !(key == "close" && v == -1) || v > 2 {
			n.Key("positions").Key(key).Problemf("", "must be 0, 1 or 2")
		}
	}
	if c.PageSize < 1 || c.MaxPages < 1 {
		n.Key("page_size").Problemf("", "page_size and max_pages must be at least 1")
	}
	if c.Rate.PerMinute < 1 || c.Rate.PollShare <= 0 || c.Rate.PollShare >= 1 {
		n.Key("rate").Problemf("rate: {per_minute: 100, poll_share: 0.2}", "per_minute must be at least 1, poll_share between 0 and 1")
	}
	c.poll(n.Key("poll"))
}

func (c *Config) party(n *config.Node, what string, x *Party, p *vendorapi.Profile) {
	op := map[string]string{"enterprise": "Enterprise", "contact": "Contact"}[what]
	for _, t := range []mapping.Text{x.Value, x.Search} {
		t.Within(mapping.Outgoing)
		c.Tables.Check(n, t.Tables())
	}
	x.Fields.Within(mapping.Outgoing)
	c.Tables.Check(n, x.Fields.Tables())
	known := false
	for _, b := range parties[what] {
		known = known || b == x.By
	}
	switch {
	case x.By != "" && !known:
		n.Key("by").Problemf("", "must be one of %v", parties[what])
	case (x.By == "") != x.Value.IsZero():
		n.Problemf("by: "+parties[what][0], "by and value go together")
	case x.By == "" && (x.Create != "never" && x.Create != "" || x.Update == "merge"):
		n.Problemf("by: "+parties[what][0], "nothing is searched, so nothing can be created or updated")
	}
	if x.By != "" && c.Keys.BasicData.Empty() && n.Exists() {
		n.Problemf("keys: {basic_data: {env: …}}", "needs the key of the service basic data")
	}
	if what == "enterprise" && x.By == "" && x.ID == 0 {
		n.Problemf("id: 17, or by and value", "nothing says whose ticket it is")
	}
	if x.Missing == "omit" && what == "enterprise" {
		n.Key("missing").Problemf("", "a ticket needs an enterprise")
	}
	for _, w := range []struct {
		key, op string
		on      bool
	}{{"create", "Create" + op, x.Create == "when_missing"}, {"update", "Update" + op, x.Update == "merge"}} {
		if !w.on {
			continue
		}
		if p.Operations[w.op].Disabled {
			n.Key(w.key).Problemf("fix the enterprise with id, or use another profile", "%s is not known in profile %s", w.op, c.Profile)
		}
		if x.Fields.IsZero() {
			n.Problemf("fields: {…}", "%s needs fields", w.key)
		}
		for _, pair := range n.Key("fields").Pairs() {
			if p.Operations[w.op].Fields[pair.Name] == nil {
				pair.Node.ProblemAtKey("", "%s has no such field", w.op)
			}
		}
	}
}

func (c *Config) poll(n *config.Node) {
	if c.Poll.Every <= 0 {
		n.Key("every").Problemf("every: 5m", "must be longer than nothing")
	}
	if (c.Poll.SearchParam == "") != (len(c.Poll.Statuses) == 0) {
		n.Problemf("poll: {search: …, statuses: {…}}", "search and statuses go together")
	}
	for name, t := range c.Poll.Statuses {
		t.Check(n.Key("statuses").Key(name), c.Tables)
	}
}

func idText(n int64) string { return strconv.FormatInt(n, 10) }
