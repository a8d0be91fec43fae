// Package flowtest runs a provider under the real engine with the real embedded store, and an SSP that
// only listens, so that tests of kinds can play the life of a task.
package flowtest

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/engine"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

// Wait is how long a test waits for something to come.
const Wait = 30 * time.Second

// Flow is a running bridge with one provider.
type Flow struct {
	T      testing.TB
	Engine *engine.Engine
	Store  bridge.Store
	Name   string
	Told   chan bridge.Lease // what SSP was told
	stop   func()
}

// Options configure a flow. The zero value is usable.
type Options struct {
	Path   string           // of the database; empty: a new one
	Common *provider.Common // whose limits hold; nil: none
	Wrap   func(bridge.Destination) bridge.Destination
	// Book is given the store, for providers that were built with it.
	Book *provider.Book
	// Abandon makes Stop leave deliveries behind, as a kill does.
	Abandon bool
}

// Decode reads a section by its kind; it must have no problems.
func Decode(t testing.TB, kind, src string) any {
	t.Helper()
	n, err := config.Parse("c.yaml", []byte(src))
	require.NoError(t, err)
	k, ok := provider.Lookup(kind)
	require.True(t, ok)
	c := k.Config()
	config.Decode(n, c)
	require.Empty(t, n.Problems())
	return c
}

// Build makes a provider of a section.
func Build(t testing.TB, name, kind, src string, d provider.Deps) *provider.Provider {
	t.Helper()
	return made(t, name, kind, Decode(t, kind, src), d)
}

func made(t testing.TB, name, kind string, c any, d provider.Deps) *provider.Provider {
	t.Helper()
	k, _ := provider.Lookup(kind)
	p, err := k.New(name, c, d)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

// Play makes a provider of a section and runs it within the section's limits.
func Play(t testing.TB, name, kind, src string, d provider.Deps, o Options) *Flow {
	t.Helper()
	c := Decode(t, kind, src)
	o.Common = c.(provider.Configured).CommonConfig()
	return Start(t, made(t, name, kind, c, d), o)
}

type ssp struct{ told chan bridge.Lease }

func (s ssp) Deliver(_ context.Context, l bridge.Lease) bridge.Outcome {
	s.told <- l
	return bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered}
}

// Start runs the provider.
func Start(t testing.TB, p *provider.Provider, o Options) *Flow {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), "bridge.db")
	}
	store, err := sqlite.Open(t.Context(), o.Path, sqlite.Options{})
	require.NoError(t, err)
	if o.Book != nil {
		o.Book.Use(store)
	}
	f := &Flow{T: t, Store: store, Name: p.Name, Told: make(chan bridge.Lease, 1000)}
	dest := p.Destination
	if o.Wrap != nil {
		dest = o.Wrap(dest)
	}
	d := engine.Destination{Name: p.Name, Dest: dest, WithoutReference: p.WithoutReference}
	if c := o.Common; c != nil {
		d.Limit = c.Limit()
	}
	sources := map[string]bridge.Source{}
	for name, s := range p.Sources {
		sources[p.Name+"/"+name] = s
	}
	drain := time.Duration(0)
	if o.Abandon {
		drain = time.Millisecond
	}
	f.Engine, err = engine.New(engine.Options{Store: store, Sources: sources, DrainLimit: drain,
		Destinations: []engine.Destination{{Name: bridge.SSP, Dest: ssp{f.Told}}, d}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- f.Engine.Run(ctx) }()
	stopped := false
	f.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ran; !o.Abandon {
			require.NoError(t, err)
		}
		require.NoError(t, store.Close())
	}
	t.Cleanup(f.stop)
	return f
}

// Stop ends the bridge in an orderly way.
func (f *Flow) Stop() { f.stop() }

// Out accepts an event from SSP.
func (f *Flow) Out(kind bridge.Kind, task, text string) bridge.Receipt {
	f.T.Helper()
	return f.Event(bridge.Event{Kind: kind, Task: task, Text: text})
}

// Event accepts an event from SSP.
func (f *Flow) Event(e bridge.Event) bridge.Receipt {
	f.T.Helper()
	e.Provider, e.Dir, e.Entrance = f.Name, bridge.Out, bridge.ByProcessCall
	if e.Kind == bridge.Submit && e.Title == "" {
		e.Title, e.Description, e.Priority = "Printer burns", "It burns.", "1"
		e.Requester = bridge.Person{Name: "Ann Example", Email: "ann@example.com"}
	}
	r, err := f.Engine.Accept(f.T.Context(), []bridge.Event{e})
	require.NoError(f.T, err)
	return r[0]
}

// Submit opens a ticket and returns its reference, after SSP was told.
func (f *Flow) Submit(task string) string {
	f.T.Helper()
	require.Equal(f.T, bridge.Accepted, f.Out(bridge.Submit, task, "").Status)
	l := f.Next()
	require.Equal(f.T, bridge.Acknowledge, l.Event.Kind)
	require.Equal(f.T, task, l.Event.Task)
	require.NotEmpty(f.T, l.Bond.Reference)
	return l.Bond.Reference
}

// Next waits for what SSP is told next.
func (f *Flow) Next() bridge.Lease {
	f.T.Helper()
	select {
	case l := <-f.Told:
		return l
	case <-time.After(Wait):
		require.FailNow(f.T, "SSP was told nothing")
		return bridge.Lease{}
	}
}

// Settled waits until an event stands as wanted.
func (f *Flow) Settled(id string, want ...bridge.EventState) bridge.Event {
	f.T.Helper()
	var last bridge.Event
	require.Eventually(f.T, func() bool {
		e, _, err := f.Store.Event(f.T.Context(), id)
		if err != nil {
			return false
		}
		last = e
		for _, w := range want {
			if e.State == w {
				return true
			}
		}
		return false
	}, Wait, 20*time.Millisecond, "the event did not come to %v", want)
	return last
}

// Attempts returns the tries of an event.
func (f *Flow) Attempts(id string) []bridge.Attempt {
	f.T.Helper()
	_, a, err := f.Store.Event(f.T.Context(), id)
	require.NoError(f.T, err)
	return a
}
