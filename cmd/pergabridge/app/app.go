package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/engine"
	"github.com/pergabridge/pergabridge/soap"
	"github.com/pergabridge/pergabridge/webhooks"
)

// Options are what an App gets from the program, not from the config. The zero value is usable.
type Options struct {
	Log     *slog.Logger
	Now     func() time.Time
	Version string
	// Drain bounds how long deliveries may take to finish at the end; zero: 20 s.
	Drain time.Duration
}

// An App is one bridge, wired and ready to run.
type App struct {
	config *Config
	o      Options
	parts  *parts
	store  bridge.Store
	engine *engine.Engine

	public, admin *http.Server
	publicAt      net.Listener
	adminAt       net.Listener
	stopWaits     context.CancelFunc
	stopNotify    func()
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
	a := &App{config: c, o: o}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	if a.parts, err = build(c, o.Log, o.Now); err != nil {
		return nil, err
	}
	if a.store, err = c.Store.open(ctx, o.Now, o.Log); err != nil {
		return nil, err
	}
	a.parts.mail.store, a.parts.presence.store = a.store, a.store
	a.parts.presence.about.Version = o.Version
	if err = a.addNotify(); err != nil {
		return nil, err
	}
	observer := newObserver(c, o, a.store)
	observer.watch(a.parts)
	a.engine, err = engine.New(engine.Options{
		Store: a.store, Destinations: a.parts.destinations, Receivers: a.parts.receivers, Sources: a.parts.sources,
		CaseSensitive: a.parts.caseBound, Keep: a.parts.keep, WaitingLimit: c.Waiting.Std(),
		Log: o.Log, Now: o.Now, Observer: observer, ConfigVersion: c.Version, DrainLimit: o.Drain,
	})
	if err != nil {
		return nil, err
	}
	a.parts.presence.session = a.engine.Session
	if a.publicAt, err = net.Listen("tcp", c.Server.Listen); err != nil {
		return nil, fmt.Errorf("server.listen: %w", err)
	}
	if a.adminAt, err = net.Listen("tcp", c.Server.Admin); err != nil {
		return nil, fmt.Errorf("server.admin: %w", err)
	}
	draining, stopWaits := context.WithCancel(context.Background())
	a.stopWaits = stopWaits
	a.public = webhooks.NewServer("", webhooks.New(webhooks.Options{
		Acceptor: a.engine, Providers: a.parts.intakes, Log: o.Log, Now: o.Now, Observer: observer,
		PublicURL: c.Server.PublicURL, Draining: draining,
	}), o.Log)
	console, err := a.adminHandler(observer, draining.Done())
	if err != nil {
		return nil, err
	}
	a.admin = webhooks.NewServer("", console, o.Log)
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
	engineCtx, stopEngine := context.WithCancel(context.WithoutCancel(ctx))
	defer stopEngine()
	failed := make(chan error, 3)
	var wg sync.WaitGroup
	start := func(what string, run func() error) {
		wg.Go(func() {
			if err := run(); err != nil && !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("%s: %w", what, err)
			}
		})
	}
	engineDone := make(chan struct{})
	start("engine", func() error { defer close(engineDone); return a.engine.Run(engineCtx) })
	start("contract check", func() error { a.watchContract(engineCtx); return nil })
	start("presence", func() error { a.parts.presence.run(engineCtx); return nil })
	start("public listener", func() error { return a.public.Serve(a.publicAt) })
	start("admin listener", func() error { return a.admin.Serve(a.adminAt) })
	a.o.Log.Info("serving", "public", a.PublicAddr(), "admin", a.AdminAddr(), "config", a.config.Version, "version", a.o.Version)

	var err error
	select {
	case <-ctx.Done():
		a.o.Log.Info("draining")
	case err = <-failed:
		a.o.Log.Error("stopping", "error", err)
	}
	// Entrances first: what is accepted until here is delivered or kept, nothing new comes in.
	a.stopWaits()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	err = errors.Join(err, a.public.Shutdown(grace))
	stopEngine()
	<-engineDone
	err = errors.Join(err, a.admin.Shutdown(grace))
	wg.Wait()
	close(failed)
	for e := range failed {
		err = errors.Join(err, e)
	}
	a.o.Log.Info("stopped")
	return err
}

// contractLook is how often it is asked whether the contract is due for a look.
const contractLook = 5 * time.Second

// watchContract looks at SSP's contract at the start and whenever it is due, so that people see
// what is wrong with it before the first delivery has to wait for it.
func (a *App) watchContract(ctx context.Context) {
	tick := time.NewTicker(contractLook)
	defer tick.Stop()
	for {
		if s := a.parts.ssp.Contract(); s.Status != soap.ContractAssumed && !s.Next.After(a.o.Now()) {
			if _, err := a.parts.ssp.CheckContract(ctx); err != nil && ctx.Err() == nil {
				a.o.Log.Warn("the contract of SSP could not be looked at", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Close releases everything; Run does it by itself.
func (a *App) Close() {
	a.close.Do(func() {
		if a.stopWaits != nil {
			a.stopWaits()
		}
		for _, l := range []net.Listener{a.publicAt, a.adminAt} {
			if l != nil {
				_ = l.Close() // closed already after Run
			}
		}
		if a.stopNotify != nil {
			a.stopNotify()
		}
		if a.parts != nil {
			a.parts.close()
		}
		if a.store != nil {
			if err := a.store.Close(); err != nil {
				a.o.Log.Error("closing the store", "error", err)
			}
		}
	})
}
