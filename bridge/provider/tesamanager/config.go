package tesamanager

import (
	_ "embed" // the profile
	"slices"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

//go:embed profile.yaml
var profileData []byte

//go:embed tell.yaml
var tellData []byte

//go:embed contract/openapi.yaml
var contractData []byte

// Statuses are the states of a request, as the vendor publishes them.
var Statuses = []string{"NOT_SENT", "VALIDATING", "REJECTED", "PROCESSING", "PROCESSED", "INCIDENCE_TESA", "INCIDENCE_OPERATOR",
	"INSTALLING", "INCIDENCE_INSTALLING", "INSTALLED", "CANCELED", "FINISHED"}

// Config is the section of a provider of kind tesamanager.
type Config struct {
	Common   provider.Common    `yaml:",inline"`
	Outbound outbound.Config    `yaml:",inline"`
	Override vendorapi.Override `yaml:",inline"`

	Base string `yaml:"base" required:"true" doc:"address before the path of every operation, for example https://provision.example.com/v1/tesamanager/orgs; the vendor has not published it"`
	Org  string `yaml:"org" required:"true" doc:"tenant"`
	// CorrelationHeader is required by sibling resources of the same API.
	CorrelationHeader string                 `yaml:"correlation_header" default:"Request-Correlation-Id" doc:"header that carries a fresh UUID; none sends none"`
	ExternalReference ExternalReference      `yaml:"external_reference" doc:"how our reference is made of the task; default prefix SSP-"`
	Tables            mapping.Tables         `yaml:"tables" doc:"value tables, used as table('name', value)"`
	Send              Send                   `yaml:"send" required:"true" doc:"which operation each kind of event takes"`
	Schemas           map[string]config.Path `yaml:"validate" doc:"JSON Schema files for the nested objects (technicalCoordinators, customer, servicePoint), checked before anything is sent"`
	Tell              Tell                   `yaml:"tell" doc:"what SSP is told of events, issues and states; what is left out has its default"`
	Poll              Poll                   `yaml:"poll" doc:"how progress is followed"`
}

// CommonConfig returns the keys that every kind has.
func (c *Config) CommonConfig() *provider.Common { return &c.Common }

// Address returns where the vendor is, for people.
func (c *Config) Address() string { return c.Base }

// ExternalReference is prefix, task and suffix; it must tell our requests from those of others.
type ExternalReference = vendorapi.TaskReference

// Send holds the steps, by the kind of event.
type Send struct {
	Submit         vendorapi.Steps `yaml:"submit" required:"true" doc:"activate or terminate"`
	Update         vendorapi.Steps `yaml:"update" required:"true" doc:"any operation that writes, or skip"`
	RejectSolution vendorapi.Steps `yaml:"reject_solution" required:"true" doc:"any operation that writes, or skip"`
	Close          vendorapi.Steps `yaml:"close" required:"true" doc:"any operation that writes, for instance cancel, or skip"`
}

// Tell is what SSP is told.
type Tell struct {
	Statuses map[string]*vendorapi.Telling `yaml:"statuses" doc:"by state"`
	Events   *vendorapi.Telling            `yaml:"events" doc:"of each event; item has the vendor's names"`
	Issues   *vendorapi.Telling            `yaml:"issues" doc:"of each issue and its changes"`
	Stalled  *vendorapi.Telling            `yaml:"stalled" doc:"of a request that stopped moving"`
}

// Poll says how progress is followed.
type Poll struct {
	Every config.Duration `yaml:"every" default:"60s" doc:"time between two rounds"`
	Off   bool            `yaml:"off" doc:"true: progress is not followed"`
	// Inconsistent events are to be reconciled by the vendor first.
	Inconsistent config.Duration `yaml:"inconsistent_for" default:"24h" doc:"how long an event marked inconsistent holds the later ones back; then it goes to quarantine and they go on"`
	Gap          config.Duration `yaml:"gap_for" default:"5m" doc:"how long a missing sequence number holds the later ones back"`
	AfterFinal   config.Duration `yaml:"after_final" default:"24h" doc:"how long the events of a finished request are still read"`
	FinalsEvery  config.Duration `yaml:"finals_every" default:"10m" doc:"how often finished requests are searched that no round has seen open"`
	StalledAfter config.Duration `yaml:"stalled_after" default:"72h" doc:"a request without any change for this long is told of; 0s never"`
	StalledEvery config.Duration `yaml:"stalled_every" default:"1h" doc:"how often stalled requests are asked for"`
	Rate         float64         `yaml:"rate" default:"10" doc:"calls per second of a round; the vendor has published no limit"`
}

var submitOperations = []string{"activate", "terminate"}

// ValidateConfig checks how the sections go together.
func (c *Config) ValidateConfig(n *config.Node) {
	p, err := vendorapi.Parse(profileData)
	if err != nil {
		panic(err) // the profile is part of the program
	}
	c.Override.Check(n, p)
	c.Override.Apply(p)
	provider.CheckBase(n.Key("base"), c.Base, "https://provision.example.com/v1/tesamanager/orgs")
	c.Common.NeverBlindly(bridge.Update, bridge.RejectSolution, bridge.Close)
	send := n.Key("send")
	c.Send.Submit.Check(send.Key("submit"), p, c.Tables, submitOperations...)
	for i := range c.Send.Submit {
		if c.Send.Submit[i].Skip {
			send.Key("submit").Problemf("", "cannot be skipped: without a request there is nothing to keep in step")
		}
	}
	for _, s := range []struct {
		key   string
		steps vendorapi.Steps
	}{{"update", c.Send.Update}, {"reject_solution", c.Send.RejectSolution}, {"close", c.Send.Close}} {
		s.steps.Check(send.Key(s.key), p, c.Tables)
	}
	for name := range c.Schemas {
		if !slices.Contains([]string{"technicalCoordinators", "customer", "servicePoint"}, name) {
			n.Key("validate").Key(name).ProblemAtKey("", "known are technicalCoordinators, customer, servicePoint")
		}
	}
	if _, err := loadSchemas(c.Schemas); err != nil {
		n.Key("validate").Problemf("", "%v", err)
	}
	c.Tell.check(n.Key("tell"), c.Tables)
	c.ExternalReference.Complete(n.Key("external_reference"), !c.Poll.Off)
	poll := n.Key("poll")
	for _, d := range []struct {
		key string
		v   config.Duration
	}{{"every", c.Poll.Every}, {"inconsistent_for", c.Poll.Inconsistent}, {"gap_for", c.Poll.Gap}, {"after_final", c.Poll.AfterFinal}, {"finals_every", c.Poll.FinalsEvery},
		{"stalled_after", c.Poll.StalledAfter}, {"stalled_every", c.Poll.StalledEvery}} {
		if d.v < 0 || d.v == 0 && d.key == "every" {
			poll.Key(d.key).Problemf("", "must be longer than nothing")
		}
	}
	if c.Poll.Rate <= 0 {
		poll.Key("rate").Problemf("", "must be above 0")
	}
}

func (t *Tell) check(n *config.Node, tables mapping.Tables) {
	for name, x := range t.Statuses {
		x.Check(n.Key("statuses").Key(name), tables)
	}
	t.Events.Check(n.Key("events"), tables)
	t.Issues.Check(n.Key("issues"), tables)
	t.Stalled.Check(n.Key("stalled"), tables)
}

// tell returns the config's tellings over the defaults.
func (c *Config) tell() Tell {
	n, err := config.Parse("tell.yaml", tellData)
	if err != nil {
		panic(err) // part of the program
	}
	var t Tell
	config.Decode(n, &t)
	if p := n.Problems(); len(p) > 0 {
		panic(p)
	}
	for name, x := range c.Tell.Statuses {
		t.Statuses[name] = x
	}
	if c.Tell.Events != nil {
		t.Events = c.Tell.Events
	}
	if c.Tell.Issues != nil {
		t.Issues = c.Tell.Issues
	}
	if c.Tell.Stalled != nil {
		t.Stalled = c.Tell.Stalled
	}
	return t
}
