package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
)

// Options are what an App gets from the program, not from the config. The zero value is usable.
type Options struct {
	Log     *slog.Logger
	Now     func() time.Time
	Version string
	// Drain bounds how long deliveries may take to finish at the end; zero: 20 s.
	Drain time.Duration
	// Ready is called once when the bridge serves, Draining once when it begins to end; nil: nobody
	// wants to know.
	Ready, Draining func()
}

// An App is one bridge, wired and ready to run.
type App struct {
	o        Options
	replica  string // how this process is called
	store    bridge.Store
	observer *observer
	console  *console.Console

	// current is the generation that takes what comes in; see generation.go.
	current atomic.Pointer[generation]
	reload  reloading

	public, admin *http.Server
	publicAt      net.Listener
	adminAt       net.Listener
	draining      context.Context // ends when the entrances close
	stopWaits     context.CancelFunc
	started       time.Time
	close         sync.Once
}

// New opens the store and the listeners and wires everything. Nothing is called and nothing is
// answered before [App.Run]. Close it, or run it to its end.
func New(ctx context.Context, c *Config, o Options) (_ *App, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Ready == nil {
		o.Ready = func() {}
	}
	if o.Draining == nil {
		o.Draining = func() {}
	}
	a := &App{o: o, replica: c.Server.replica(), started: o.Now()}
	a.draining, a.stopWaits = context.WithCancel(context.Background())
	a.reload.init()
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	if err := a.rights(c); err != nil {
		return nil, err
	}
	p, err := build(c, o.Log, o.Now) // first: what is wrong here needs no database to be found
	if err != nil {
		return nil, err
	}
	if a.store, err = c.Store.open(ctx, o.Now, o.Log); err != nil {
		p.close()
		return nil, err
	}
	a.observer = newObserver(c, o, a.store)
	a.observer.watch(a)
	a.observer.showReset(a.store)
	first, err := a.generation(c, p)
	if err != nil {
		return nil, err
	}
	a.current.Store(first)
	if a.publicAt, err = net.Listen("tcp", c.Server.Listen); err != nil {
		return nil, fmt.Errorf("server.listen: %w", err)
	}
	if a.adminAt, err = net.Listen("tcp", c.Server.Admin); err != nil {
		return nil, fmt.Errorf("server.admin: %w", err)
	}
	if a.console, err = console.New(a.adminOptions(first)); err != nil {
		return nil, err
	}
	a.public, a.admin = a.publicEntrance().server(), a.adminEntrance().server()
	return a, nil
}

// PublicAddr returns the address the public listener is bound to.
func (a *App) PublicAddr() string { return a.publicAt.Addr().String() }

// AdminAddr returns the address the admin listener is bound to.
func (a *App) AdminAddr() string { return a.adminAt.Addr().String() }

// Store returns the open store, for tests and the demo.
func (a *App) Store() bridge.Store { return a.store }

// Run serves until ctx ends, then drains. It returns nil after an orderly end.
func (a *App) Run(ctx context.Context) error {
	defer a.Close()
	engines, stopEngines := context.WithCancel(context.WithoutCancel(ctx))
	defer stopEngines()
	failed := make(chan error, 3)
	var wg sync.WaitGroup
	start := func(what string, run func() error) {
		wg.Go(func() {
			if err := run(); err != nil && !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("%s: %w", what, err)
			}
		})
	}
	watched, stopWatches := context.WithCancel(ctx) // the watches end with ctx, or with what failed
	defer stopWatches()
	a.reload.open(engines, a.current.Load(), a)
	start("store reset", func() error { a.watchReset(watched); return nil })
	start("public listener", func() error { return a.publicEntrance().serve(a.public, a.publicAt) })
	start("admin listener", func() error { return a.adminEntrance().serve(a.admin, a.adminAt) })
	start("config file", func() error { a.watchFile(watched); return nil })
	a.o.Log.Info("serving", "replica", a.replica, "public", a.PublicAddr(), "admin", a.AdminAddr(), "config", a.current.Load().config.Version, "version", a.o.Version)
	a.o.Ready()

	var err error
	select {
	case <-ctx.Done():
		a.o.Log.Info("draining")
	case err = <-failed:
		a.o.Log.Error("stopping", "error", err)
	}
	stopWatches()
	a.o.Draining()
	// Entrances first: what is accepted until here is delivered or kept, nothing new comes in.
	a.stopWaits()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	err = errors.Join(err, a.public.Shutdown(grace))
	stopEngines()
	err = errors.Join(err, a.reload.end())
	err = errors.Join(err, a.admin.Shutdown(grace))
	wg.Wait()
	close(failed)
	for e := range failed {
		err = errors.Join(err, e)
	}
	a.o.Log.Info("stopped")
	return err
}

// Close releases everything; Run does it by itself.
func (a *App) Close() {
	a.close.Do(func() {
		a.stopWaits()
		for _, l := range []net.Listener{a.publicAt, a.adminAt} {
			if l != nil {
				_ = l.Close() // closed already after Run
			}
		}
		if g := a.current.Load(); g != nil {
			g.close()
		}
		if a.store != nil {
			if err := a.store.Close(); err != nil {
				a.o.Log.Error("closing the store", "error", err)
			}
		}
	})
}
