package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/engine"
	"github.com/pergabridge/pergabridge/bridge/listener"
	"github.com/pergabridge/pergabridge/bridge/notify"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/soap"
	"github.com/pergabridge/pergabridge/webhooks"
)

// A generation is everything that one config becomes: destinations, receivers, sources, an engine and
// the answers of the public listener. It never changes. A new config makes a new generation beside the
// old one, on the same store and behind the same listeners; for the store they are two replicas, so
// that whatever holds between replicas holds between them.
type generation struct {
	config     *Config
	parts      *parts
	engine     *engine.Engine
	public     http.Handler
	sender     notify.Sender // nil: nobody is told
	admin      http.Handler
	stopNotify func()

	// What the listeners show while this generation is in force; nil without TLS.
	publicCertificate, adminCertificate *listener.Certificate

	life    context.CancelFunc // ends what runs beside the engine
	retired bool               // guarded by [reloading]
	once    sync.Once
}

// generation wires the parts of a config; nothing runs yet.
func (a *App) generation(c *Config, p *parts) (_ *generation, err error) {
	g := &generation{config: c, parts: p}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	p.mail.store, p.vault.store = a.store, a.store
	p.presence.store, p.presence.about.Version, p.presence.about.Started = a.store, a.o.Version, a.started
	p.files.use(a.store)
	p.mailWatch.meters = a.observer.mail
	p.bonds.Use(a.store)
	if err = a.addNotify(g); err != nil {
		return nil, err
	}
	g.engine, err = engine.New(engine.Options{
		Store: a.store, Destinations: p.destinations, Receivers: p.receivers, Sources: p.sources,
		CaseSensitive: p.caseBound, Keep: p.keep, WaitingLimit: c.Waiting.Std(),
		Log: a.o.Log, Now: a.o.Now, Observer: a.observer, ConfigVersion: c.Version, Replica: a.replica, DrainLimit: a.o.Drain,
	})
	if err != nil {
		return nil, err
	}
	p.presence.rates = a.observer.rates.notices
	p.presence.session = g.engine.Session
	if g.publicCertificate, err = a.certificate(c.Server.TLS); err != nil {
		return nil, fmt.Errorf("server.tls: %w", err)
	}
	if g.adminCertificate, err = a.certificate(c.Server.AdminTLS); err != nil {
		return nil, fmt.Errorf("server.admin_tls: %w", err)
	}
	public := listener.Front{Trusted: c.Server.TrustedProxies, Prefix: string(c.Server.PathPrefix)}
	admin := listener.Front{Trusted: c.Server.TrustedProxies, Prefix: string(c.Server.AdminPathPrefix)}
	console := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.console.ServeHTTP(w, r) })
	g.admin = admin.Wrap(c.Server.AdminAllow.Only(console, "/healthz", "/readyz"))
	g.public = public.Wrap(webhooks.New(webhooks.Options{
		Acceptor: inForce{a}, Providers: p.intakes, Log: a.o.Log, Now: a.o.Now, Observer: a.observer,
		PublicURL: c.Server.PublicURL, Prefix: public.Prefix, Draining: a.draining, Files: p.files.public(),
	}))
	return g, nil
}

// start runs a generation until it retires or ctx ends; ended is called with the engine's last word.
func (g *generation) start(ctx context.Context, a *App, work *sync.WaitGroup, ended func(error)) {
	life, end := context.WithCancel(ctx)
	g.life = end
	work.Go(func() { a.watchContract(life, g.parts.ssp) })
	work.Go(func() { g.parts.presence.run(life) })
	work.Go(func() {
		err := g.engine.Run(ctx)
		end()
		ended(err)
	})
}

// retire lets the next generation take over.
func (g *generation) retire() {
	g.engine.Retire()
	g.life()
}

// close releases connections. Nothing of the generation may run any more.
func (g *generation) close() {
	g.once.Do(func() {
		if g.stopNotify != nil {
			g.stopNotify()
		}
		g.parts.close()
	})
}

// inForce hands to the engine in force what comes in, and what people decide: a request that began
// under a config that has been replaced meanwhile must not wake an engine that delivers no more.
type inForce struct{ a *App }

func (f inForce) Accept(ctx context.Context, events []bridge.Event) ([]bridge.Receipt, error) {
	return f.a.current.Load().engine.Accept(ctx, events)
}

func (f inForce) AwaitReference(ctx context.Context, provider, task string) (string, error) {
	return f.a.current.Load().engine.AwaitReference(ctx, provider, task)
}

func (f inForce) Operate(ctx context.Context, c bridge.Command) (bridge.CommandResult, error) {
	return f.a.current.Load().engine.Operate(ctx, c)
}

func (f inForce) Reread(ctx context.Context, person, eventID string) (bridge.CommandResult, error) {
	return f.a.current.Load().engine.Reread(ctx, person, eventID)
}

// Map tries a mapping of the config in force.
func (f inForce) Map(ctx context.Context, request json.RawMessage) (any, error) {
	return f.a.current.Load().parts.dryRun(ctx, request)
}

// addNotify makes the watcher one of the sources, so that one replica does it.
func (a *App) addNotify(g *generation) error {
	c := g.config.Notify
	if c == nil {
		return nil
	}
	send, stop, err := notify.NewSender(c, outbound.Options{Log: a.o.Log, Now: a.o.Now, UserAgent: "pergabridge"})
	if err != nil {
		return err
	}
	g.sender, g.stopNotify = send, stop
	ssp := g.parts.ssp
	checks := g.parts.mailboxChecks(toldMailbox)
	checks[checkConfig] = a.configCheck
	g.parts.sources[notify.Duty] = notify.New(notify.Options{
		Sender: send, Counts: a.store.Counts, Repeat: c.Repeat.Std, Console: c.Console, Log: a.o.Log, Now: a.o.Now,
		Checks: g.parts.mailChecks(g.config, checks),
		Contract: func() (bool, string) {
			s := ssp.Contract()
			return !s.Open() && s.Status != soap.ContractUnchecked, s.String()
		},
	})
	return nil
}

// contractLook is how often it is asked whether the contract is due for a look.
const contractLook = 5 * time.Second

// watchContract looks at SSP's contract at the start and whenever it is due, so that people see
// what is wrong with it before the first delivery has to wait for it.
func (a *App) watchContract(ctx context.Context, ssp *soap.Destination) {
	tick := time.NewTicker(contractLook)
	defer tick.Stop()
	for {
		if s := ssp.Contract(); s.Status != soap.ContractAssumed && !s.Next.After(a.o.Now()) {
			if _, err := ssp.CheckContract(ctx); err != nil && ctx.Err() == nil {
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
