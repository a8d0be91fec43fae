package provider

import (
	"context"
	"fmt"
	"log/slog"
	"sort"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/outbound"
)

// A Kind is one way to talk to providers.
type Kind struct {
	Name string
	// Doc says in one sentence what the kind is for.
	Doc string
	// Config returns a pointer to a fresh config struct, to be decoded by package config. It
	// inlines [Common].
	Config func() any
	// New builds a provider from its decoded config. It does no I/O beyond reading the files the
	// config names.
	New func(name string, cfg any, d Deps) (*Provider, error)
}

// Of returns the kind whose config struct is C; it is given to build as it was decoded.
func Of[C any](name, doc string, build func(name string, c *C, d Deps) (*Provider, error)) Kind {
	return Kind{Name: name, Doc: doc, Config: func() any { return new(C) }, New: func(provider string, cfg any, d Deps) (*Provider, error) {
		c, ok := cfg.(*C)
		if !ok {
			return nil, fmt.Errorf("%s: the config is a %T, wanted %T", provider, cfg, c)
		}
		return build(provider, c, d)
	}}
}

// Deps is what the app gives to every provider.
type Deps struct {
	Log *slog.Logger     // nil: discarded
	Now func() time.Time // nil: time.Now
	// Outbound is passed on to the provider's HTTP client; its log and clock are those above where it has none.
	Outbound outbound.Options
	// Files opens what came with an event; nil: nothing is passed on.
	Files *files.Opener
	// Marks are what our mail is recognised by; nil without a section mail.
	Marks *mailmark.Marks
	// Bonded returns the provider's bonds that have a reference and are not over, for polls: a ticket may be
	// ours without having been opened by us. Nil: nobody knows; see [Deps.Bonds].
	Bonded func(ctx context.Context) ([]bridge.Bond, error)
}

// Bonds calls Bonded, and returns nothing where that is nil.
func (d Deps) Bonds(ctx context.Context) ([]bridge.Bond, error) {
	if d.Bonded == nil {
		return nil, nil
	}
	return d.Bonded(ctx)
}

// WithDefaults fills what is nil.
func (d Deps) WithDefaults() Deps {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Outbound.Log == nil {
		d.Outbound.Log = d.Log
	}
	if d.Outbound.Now == nil {
		d.Outbound.Now = d.Now
	}
	return d
}

// A Provider is one configured provider, ready to be wired to the engine.
type Provider struct {
	Name string
	// Destination applies events. It may also be a [bridge.Finder] and a [bridge.Renderer].
	Destination bridge.Destination
	// Receiver turns what the provider sends into events; nil when nothing comes in.
	Receiver bridge.Receiver
	// Sources fetch by themselves, by the name of their duty.
	Sources map[string]bridge.Source
	// WithoutReference says that events other than submit can be delivered before the bond has a
	// reference.
	WithoutReference bool
	// Operations is nil for kinds without a typed client; Checker for kinds that cannot be tried out.
	Operations Operations
	Checker    Checker
	// Close releases connections; never nil after New.
	Close func()
}

var (
	mu    sync.Mutex
	kinds = map[string]Kind{}
)

// Register makes a kind known. Registering a name twice is a mistake of the program and panics.
func Register(k Kind) {
	mu.Lock()
	defer mu.Unlock()
	if k.Name == "" || k.Config == nil || k.New == nil {
		panic(fmt.Sprintf("provider: kind %q is incomplete", k.Name))
	}
	if _, twice := kinds[k.Name]; twice {
		panic(fmt.Sprintf("provider: kind %q is registered twice", k.Name))
	}
	kinds[k.Name] = k
}

// Lookup returns the kind of that name.
func Lookup(kind string) (Kind, bool) {
	mu.Lock()
	defer mu.Unlock()
	k, ok := kinds[kind]
	return k, ok
}

// Kinds returns the names of all kinds, sorted.
func Kinds() []string {
	mu.Lock()
	defer mu.Unlock()
	out := make([]string, 0, len(kinds))
	for n := range kinds {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// A Configured is the config struct of any kind: it inlines [Common], which has this method.
type Configured interface{ CommonConfig() *Common }
