package files

import (
	"time"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// Config is the section `files`.
type Config struct {
	Max   config.Size `yaml:"max" default:"10MiB" doc:"largest file that is passed on to a provider or linked; a larger one is named only, and stays with the input"`
	Total config.Size `yaml:"total" default:"15MiB" doc:"how much one event passes on; files behind that are named only"`
	Links *LinkConfig `yaml:"links" doc:"switches on links in the texts for SSP: a file can be fetched from the public listener until its link ends"`
}

// LinkConfig is the section `files.links`.
type LinkConfig struct {
	Secret config.Secrets  `yaml:"secret" required:"true" doc:"signs the links; up to four while it is being replaced, the first one signs"`
	For    config.Duration `yaml:"for" default:"14d" doc:"how long a link works, from the moment the file came in"`
	Rate   float64         `yaml:"rate" default:"5" doc:"downloads per second that the public listener gives, over all callers"`
}

// Bounds of the section.
const (
	minSecret = 16
	maxFor    = 400 * 24 * time.Hour
)

// ValidateConfig checks what the tags cannot say.
func (c *Config) ValidateConfig(n *config.Node) {
	if n.Key("max").Exists() && c.Max <= 0 {
		n.Key("max").Problemf("max: 10MiB", "must be more than nothing")
	}
	if n.Key("total").Exists() && c.Total < c.Max {
		n.Key("total").Problemf("", "must not be less than max, or the largest file never fits")
	}
}

// ValidateConfig checks what the tags cannot say.
func (c *LinkConfig) ValidateConfig(n *config.Node) {
	for _, s := range c.Secret.Texts() {
		if len(s.Reveal()) < minSecret {
			n.Key("secret").Problemf("for instance 32 random bytes in base64", "is shorter than %d bytes; links could be forged", minSecret)
		}
	}
	if n.Key("for").Exists() && (c.For.Std() < time.Minute || c.For.Std() > maxFor) {
		n.Key("for").Problemf("for: 14d", "must be between one minute and 400 days")
	}
	if n.Key("rate").Exists() && (c.Rate <= 0 || c.Rate > 1000) {
		n.Key("rate").Problemf("rate: 5", "must be above 0 and at most 1000")
	}
}

// WithDefaults fills in what a Config made in Go, or none, left out.
func (c *Config) WithDefaults() Config {
	var out Config
	if c != nil {
		out = *c
	}
	if out.Max <= 0 {
		out.Max = 10 << 20
	}
	if out.Total <= 0 {
		out.Total = max(15<<20, out.Max)
	}
	if out.Links != nil {
		l := *out.Links
		if l.For <= 0 {
			l.For = config.Duration(14 * 24 * time.Hour)
		}
		if l.Rate <= 0 {
			l.Rate = 5
		}
		out.Links = &l
	}
	return out
}
