package engine

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// Options configures an [Engine].
type Options struct {
	Store        bridge.Store
	Destinations []Destination
	// Receivers reread quarantined input; keyed by [ReceiverKey].
	Receivers map[string]bridge.Receiver
	// Sources are the duties that bring events, by the name of the duty.
	Sources map[string]bridge.Source
	// CaseSensitive names the providers whose references are compared with case.
	CaseSensitive map[string]bool

	Log      *slog.Logger     // nil: nothing is logged
	Now      func() time.Time // nil: time.Now
	Rand     func() float64   // random in [0,1) for jitter; nil: math/rand/v2
	Observer Observer         // nil: [NoObserver]

	// Replica names this process for people.
	Replica string
	// ConfigVersion is recorded with every attempt.
	ConfigVersion string
	// WaitingLimit is how long an event waits for its bond; zero: the store's default.
	WaitingLimit time.Duration
	// Keep says per provider how long and how much of settled events is kept.
	Keep map[string]bridge.Keep
	// ClaimLife is how long claims live; zero: the store's default.
	ClaimLife time.Duration

	DrainLimit   time.Duration // how long deliveries may take to finish at the end; zero: 20 s
	DeliverLimit time.Duration // the longest time one delivery may take; zero: 5 min
	LagLimit     time.Duration // lag above which accepts wait; zero: 250 ms
	PaceLimit    time.Duration // the longest time an accept waits for that; zero: 1 s
}

// A Destination is where events are delivered to, with its rules.
type Destination struct {
	Name   string // [bridge.SSP] or the provider's name
	Dest   bridge.Destination
	Policy Policy
	Limit  bridge.Limit
	// Observe sends nothing: what would be sent is recorded ([bridge.Renderer]).
	Observe bool
	// WithoutReference lets events other than submit go before the bond has a reference.
	WithoutReference bool
}

// DefaultSlots is how many deliveries run at once at a destination without a limit of its own.
const DefaultSlots = 32

// ReceiverKey is the key of [Options].Receivers.
func ReceiverKey(provider string, entrance bridge.Entrance) string {
	return provider + "/" + string(entrance)
}

// complete checks o and fills in the defaults.
func (o Options) complete() (Options, error) {
	var problems []error
	if o.Store == nil {
		problems = append(problems, errors.New("no store"))
	}
	seen := map[string]bool{}
	for i := range o.Destinations {
		switch d := &o.Destinations[i]; {
		case d.Name == "":
			problems = append(problems, fmt.Errorf("destination %d has no name", i))
		case d.Dest == nil:
			problems = append(problems, fmt.Errorf("destination %q has nothing behind it", d.Name))
		case seen[d.Name]:
			problems = append(problems, fmt.Errorf("destination %q is named twice", d.Name))
		default:
			seen[d.Name] = true
		}
	}
	for name, s := range o.Sources {
		if s == nil || name == "" || name == sweepDuty {
			problems = append(problems, fmt.Errorf("source %q: no source, or a name that is taken", name))
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Observer == nil {
		o.Observer = NoObserver{}
	}
	for _, d := range []struct {
		have     *time.Duration
		standard time.Duration
	}{
		{&o.DrainLimit, 20 * time.Second}, {&o.DeliverLimit, 5 * time.Minute},
		{&o.LagLimit, 250 * time.Millisecond}, {&o.PaceLimit, time.Second},
	} {
		if *d.have <= 0 {
			*d.have = d.standard
		}
	}
	return o, errors.Join(problems...)
}
