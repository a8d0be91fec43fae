package provider

import (
	"maps"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
)

// Delivery says how events are delivered to a destination. Providers and SSP have the same keys. What
// on_refused and unknown leave out is decided by the engine's default policy.
type Delivery struct {
	Mode      string             `yaml:"mode" enum:"deliver|observe" default:"deliver" doc:"observe accepts, maps and shows what would be sent, and sends nothing"`
	Limits    Limits             `yaml:"limits" doc:"limits that hold over all replicas"`
	Retry     Retry              `yaml:"retry" doc:"how an event is tried again that was surely not applied"`
	OnRefused map[string]string  `yaml:"on_refused" enum:"park|skip" doc:"per kind of event, what follows when the other side says no: park stops the task's lane for a person, skip records and goes on"`
	Unknown   map[string]Unknown `yaml:"unknown" doc:"per kind of event, what follows when nobody knows whether it was applied"`
}

// Limits bound what is sent to one destination by all replicas together.
type Limits struct {
	InFlight   int             `yaml:"in_flight" default:"8" doc:"deliveries at once"`
	Rate       float64         `yaml:"rate" doc:"deliveries per second; 0 does not limit"`
	Burst      int             `yaml:"burst" default:"1" doc:"deliveries at once after a pause, when rate is set"`
	BreakAfter int             `yaml:"break_after" default:"5" doc:"failures in a row after which the destination is left alone for a while"`
	BreakFor   config.Duration `yaml:"break_for" default:"10s" doc:"how long it is left alone at first; doubles up to 16 times that"`
}

// Retry is the schedule of repeats.
type Retry struct {
	First  config.Duration `yaml:"first" default:"1s" doc:"delay before the first repeat; doubles with each one, with jitter"`
	Max    config.Duration `yaml:"max" default:"5m" doc:"longest delay between repeats"`
	Period config.Duration `yaml:"period" default:"72h" doc:"how long an event is repeated; counts only time in which the destination answered other events"`
}

// Unknown says what follows when nobody knows whether an event was applied.
type Unknown struct {
	Wait   *config.Duration `yaml:"wait" doc:"how long evidence (an echo, an opposite event) is waited for"`
	LookUp *bool            `yaml:"look_up" doc:"ask the destination whether it is there, where the provider has a find call"`
	Then   string           `yaml:"then" enum:"retry|park" doc:"what follows when nothing told"`
}

// Check reports what is wrong; events of direction d travel to this destination.
func (x *Delivery) Check(n *config.Node, d bridge.Dir) {
	var known []string
	for _, k := range bridge.Kinds(d) {
		known = append(known, string(k))
	}
	for _, section := range []string{"on_refused", "unknown"} {
		for _, p := range n.Key(section).Pairs() {
			if !bridge.Kind(p.Name).Valid(d) {
				p.Node.ProblemAtKey("", "there is no such kind of event here; known are %s", strings.Join(known, ", "))
			}
		}
	}
	for _, p := range n.Key("unknown").Pairs() {
		if u := x.Unknown[p.Name]; u.Wait != nil && *u.Wait < 0 {
			p.Node.Key("wait").Problemf("", "must not be negative")
		}
	}
	l := n.Key("limits")
	for _, v := range []struct {
		key string
		bad bool
	}{
		{"in_flight", x.Limits.InFlight < 0}, {"rate", x.Limits.Rate < 0}, {"burst", x.Limits.Burst < 0},
		{"break_after", x.Limits.BreakAfter < 0}, {"break_for", x.Limits.BreakFor < 0},
	} {
		if v.bad {
			l.Key(v.key).Problemf("", "must not be negative")
		}
	}
	r := n.Key("retry")
	switch {
	case x.Retry.First <= 0 && r.Key("first").Exists():
		r.Key("first").Problemf("", "must be longer than nothing")
	case x.Retry.Max < x.Retry.First:
		r.Key("max").Problemf("", "must not be shorter than first")
	}
	if x.Retry.Period < 0 {
		r.Key("period").Problemf("", "must not be negative")
	}
}

// NeverBlindly makes events of these kinds wait for a person when nobody can tell whether they were
// applied, where the config does not say what follows. It is for systems in which a second write does
// harm, and which show no echo to wait for. Kinds call it in ValidateConfig.
func (x *Delivery) NeverBlindly(kinds ...bridge.Kind) {
	all := make(map[string]Unknown, len(x.Unknown)+len(kinds))
	maps.Copy(all, x.Unknown)
	for _, k := range kinds {
		u := all[string(k)]
		if u.Then == "" {
			u.Then = string(bridge.ThenPark)
		}
		if u.Wait == nil {
			u.Wait = new(config.Duration)
		}
		all[string(k)] = u
	}
	x.Unknown = all
}

// Observe reports whether nothing is to be sent.
func (x *Delivery) Observe() bool { return x.Mode == "observe" }

// Limit returns the limits in the store's terms.
func (x *Delivery) Limit() bridge.Limit {
	return bridge.Limit{
		InFlight: x.Limits.InFlight, Rate: x.Limits.Rate, Burst: max(1, x.Limits.Burst),
		Break: x.Limits.BreakAfter, BreakFor: time.Duration(x.Limits.BreakFor),
	}
}
