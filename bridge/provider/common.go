package provider

import (
	"net/url"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
)

// Common holds the config keys of every provider; kinds inline it.
type Common struct {
	Kind string `yaml:"kind" required:"true" doc:"the kind of provider, for instance http or mail"`

	Delivery `yaml:",inline"`

	Reference Reference `yaml:"reference" doc:"how the provider's ticket numbers are compared"`
	Keep      Keep      `yaml:"keep" doc:"how much of settled events is kept, and how long"`
	Merge     Merge     `yaml:"merge" doc:"how repeats without an id of their own are recognised"`
	// Webhook is how the provider's calls are authenticated. The app decodes it: signature schemes
	// belong to the entrance.
	Webhook *config.Node `yaml:"webhook" doc:"how calls of the provider to /webhooks/{provider} are authenticated"`
	// Intake changes, for this provider, how SSP's process calls are read. The app decodes it.
	Intake *config.Node `yaml:"intake" doc:"what differs from ssp.intake in SSP's calls to /ssp/{provider}"`
}

// CommonConfig returns c, so that a kind's config can be asked for it.
func (c *Common) CommonConfig() *Common { return c }

// ValidateConfig checks what the types cannot say.
func (c *Common) ValidateConfig(n *config.Node) {
	c.Check(n, bridge.Out)
	if c.Keep.Days < 0 {
		n.Key("keep").Key("days").Problemf("", "must not be negative")
	}
	if c.Merge.Window < 0 {
		n.Key("merge").Key("window").Problemf("", "must not be negative")
	}
}

// CheckBase reports what is wrong with an address that paths are appended to. Empty is for required to judge.
func CheckBase(n *config.Node, base, example string) {
	u, err := url.Parse(base)
	switch {
	case base == "":
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		n.Problemf("base: "+example, "must be an http or https address")
	case u.User != nil:
		n.Problemf("use auth", "must not hold a user name or password")
	case u.RawQuery != "" || u.Fragment != "":
		n.Problemf("", "must not hold a query or a fragment")
	}
}

// Reference says how ticket numbers are compared.
type Reference struct {
	CaseSensitive bool `yaml:"case_sensitive" doc:"ABC-1 and abc-1 are different tickets"`
}

// Key returns a reference in the form in which it is compared.
func (r Reference) Key(reference string) string {
	return bridge.ReferenceKey(reference, r.CaseSensitive)
}

// Keep is the retention of settled events.
type Keep struct {
	What string `yaml:"what" enum:"full|text|digest" default:"text" doc:"full, text (mapped texts without the raw input) or digest (hashes only)"`
	Days int    `yaml:"days" default:"90" doc:"days after which settled events shrink to their record"`
}

// Bridge returns the retention in the store's terms.
func (k Keep) Bridge() bridge.Keep {
	out := bridge.Keep{What: bridge.KeepWhat(k.What), For: time.Duration(k.Days) * 24 * time.Hour}
	if out.What == "" {
		out.What = bridge.KeepFull
	}
	return out
}

// Merge says how repeats are recognised.
type Merge struct {
	Window config.Duration `yaml:"window" default:"10m" doc:"how long an equal call without an id counts as a repeat, from the first on"`
}
