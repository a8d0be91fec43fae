package engine

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// A Policy says what follows from outcomes at one destination. Zero fields mean the defaults of
// [DefaultPolicy]; kinds that a map does not name have theirs.
type Policy struct {
	// First and Max bound the back-off: the n-th retry waits a random part of First·2ⁿ⁻¹, at
	// most Max.
	First, Max time.Duration
	// Period is the retry period: the time, measured by [bridge.Lease].Spent, after which an event
	// parks.
	Period time.Duration
	// AfterMax caps the time the other side may ask us to wait.
	AfterMax time.Duration
	// Refused says per kind what follows from a refusal: [bridge.ThenPark] or [bridge.ThenSkip].
	Refused map[bridge.Kind]bridge.Then
	// Unknown says per kind what precedes a repeat after an unknown outcome.
	Unknown map[bridge.Kind]Unknown
}

// Unknown says what precedes a repeat after an unknown outcome.
type Unknown struct {
	// Wait is how long evidence is waited for.
	Wait time.Duration
	// Lookup asks the destination, if it is a [bridge.Finder].
	Lookup bool
	// Then follows when nothing could tell: [bridge.ThenRetry] or [bridge.ThenPark].
	Then bridge.Then
}

// LookupDelay is the shortest time between a try of unknown outcome and its look-up: the other
// side may still be working on it.
const LookupDelay = 5 * time.Second

// throttleFloor is the least wait after a throttled answer that names no time.
const throttleFloor = 2 * time.Second

// DefaultPolicy returns the policy that the package documentation describes.
func DefaultPolicy() Policy {
	return Policy{
		First: time.Second, Max: 5 * time.Minute, Period: 72 * time.Hour, AfterMax: time.Hour,
		Refused: map[bridge.Kind]bridge.Then{
			bridge.Submit: bridge.ThenPark, bridge.Acknowledge: bridge.ThenPark, bridge.Resolve: bridge.ThenPark,
			bridge.RejectSolution: bridge.ThenPark, bridge.Close: bridge.ThenPark, bridge.Update: bridge.ThenSkip,
			bridge.Open: bridge.ThenPark,
		},
		Unknown: map[bridge.Kind]Unknown{
			bridge.Submit:         {Lookup: true, Then: bridge.ThenPark},
			bridge.Acknowledge:    {Then: bridge.ThenRetry},
			bridge.Update:         {Wait: time.Minute, Lookup: true, Then: bridge.ThenRetry},
			bridge.Resolve:        {Wait: time.Minute, Lookup: true, Then: bridge.ThenRetry},
			bridge.RejectSolution: {Wait: time.Minute, Lookup: true, Then: bridge.ThenRetry},
			bridge.Close:          {Lookup: true, Then: bridge.ThenRetry},
			bridge.Open:           {Then: bridge.ThenPark}, // a second ticket is worse than a late one
		},
	}
}

// complete fills in the defaults.
func (p Policy) complete() (Policy, error) {
	d := DefaultPolicy()
	var problems []error
	for _, f := range []struct {
		name     string
		have     *time.Duration
		standard time.Duration
	}{
		{"first", &p.First, d.First}, {"max", &p.Max, d.Max}, {"period", &p.Period, d.Period}, {"after_max", &p.AfterMax, d.AfterMax},
	} {
		if *f.have == 0 {
			*f.have = f.standard
		}
		if *f.have < 0 {
			problems = append(problems, fmt.Errorf("%s is negative", f.name))
		}
	}
	p.Max = max(p.Max, p.First)
	for k, t := range p.Refused {
		if t != bridge.ThenPark && t != bridge.ThenSkip {
			problems = append(problems, fmt.Errorf("refused %s: %q is neither park nor skip", k, t))
		}
	}
	maps.Copy(d.Refused, p.Refused)
	p.Refused = d.Refused
	for k, u := range p.Unknown {
		switch {
		case u.Then == "":
			u.Then = d.Unknown[k].Then
			p.Unknown = maps.Clone(p.Unknown)
			p.Unknown[k] = u
		case u.Then != bridge.ThenRetry && u.Then != bridge.ThenPark:
			problems = append(problems, fmt.Errorf("unknown %s: %q is neither retry nor park", k, u.Then))
		}
		if u.Wait < 0 {
			problems = append(problems, fmt.Errorf("unknown %s: wait is negative", k))
		}
	}
	maps.Copy(d.Unknown, p.Unknown)
	p.Unknown = d.Unknown
	return p, errors.Join(problems...)
}

// backoff returns how long to wait before the try after the n-th: exponential with full jitter.
// r is random in [0,1).
func backoff(first, most time.Duration, n int, r float64) time.Duration {
	ceiling := float64(first) * math.Exp2(float64(min(max(n, 1), 60)-1))
	return time.Duration(r * min(ceiling, float64(most)))
}

// pause returns how long to wait before the next try of l.
func (p *Policy) pause(l *bridge.Lease, o *bridge.Outcome, r float64) time.Duration {
	if o.After > 0 {
		after := min(o.After, p.AfterMax)
		return after + time.Duration(r*float64(after)/10) // not all at the same moment
	}
	d := backoff(p.First, p.Max, l.Attempt, r)
	if o.Reason == bridge.Throttled {
		d += throttleFloor
	}
	return d
}

// A decision is what the policy makes of an outcome.
type decision struct {
	then bridge.Then
	due  time.Time
}

// decide says what follows from o. canFind tells that the destination can be asked, cleared that a
// look-up before this try said that no earlier one had its effect. It completes o where the
// decision needs another reason.
func (p *Policy) decide(l *bridge.Lease, o *bridge.Outcome, now time.Time, r float64, canFind, cleared bool) decision {
	if o.Kind == bridge.OutcomeRetry && o.Reason == bridge.Fault && l.Event.Dir == bridge.In && l.Bond.State.Over() {
		o.Kind = bridge.OutcomeRefused // the task is over: what SSP throws now, it will throw tomorrow
	}
	switch o.Kind {
	case bridge.OutcomeDone:
		return decision{then: bridge.ThenDone}
	case bridge.OutcomeRefused:
		if o.Reason == bridge.MappingFailed { // our own mistake: a person corrects the config
			return decision{then: bridge.ThenPark}
		}
		return decision{then: p.Refused[l.Event.Kind]}
	case bridge.OutcomeRetry:
		then := bridge.ThenRetry
		if l.Unknown && !cleared {
			then = bridge.ThenWait // the earlier try may still show itself
		}
		if o.Reason == bridge.Canceled {
			return decision{then, now}
		}
		if p.exhausted(l, o) {
			return decision{then: bridge.ThenPark}
		}
		return decision{then, now.Add(p.pause(l, o, r))}
	default:
		u := p.Unknown[l.Event.Kind]
		wait := u.evidenceTime(canFind)
		if u.Then == bridge.ThenPark && wait == 0 || p.exhausted(l, o) {
			return decision{then: bridge.ThenPark}
		}
		return decision{bridge.ThenWait, now.Add(max(wait, p.pause(l, o, r)))}
	}
}

// evidenceTime is how long after an unknown outcome nothing is repeated.
func (u Unknown) evidenceTime(canFind bool) time.Duration {
	if u.Lookup && canFind {
		return max(u.Wait, LookupDelay)
	}
	return u.Wait
}

// exhausted reports whether the retry period is over, and says so in o.
func (p *Policy) exhausted(l *bridge.Lease, o *bridge.Outcome) bool {
	if l.Spent < p.Period {
		return false
	}
	o.Detail = fmt.Sprintf("the retry period of %s is over; the last try: %s: %s", p.Period, o.Reason, o.Detail)
	o.Reason = bridge.RetryExhausted
	return true
}
