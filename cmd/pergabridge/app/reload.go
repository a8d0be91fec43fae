package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// A reload makes a new generation of the config file as it is now and lets it take over. Everything is
// built and checked before anything changes; what is wrong leaves the old generation as it is. The
// old one finishes what it has begun, however long that takes, beside the new one.

const (
	// checkConfig is the name under which readiness and notifications say that the file on disk is
	// broken.
	checkConfig = "config"
	// retiredMost bounds the generations that finish deliveries at the same time.
	retiredMost = 4
	// reloadPatience is how long a reload waits for one of them to end.
	reloadPatience = 15 * time.Second
	// contractPatience bounds the look at SSP's contract; an SSP that is down does not keep a config out.
	contractPatience = 5 * time.Second
	// watchEvery is how often the file is looked at with server.reload_on_change.
	watchEvery = 2 * time.Second
	// auditTime bounds how long the record of a reload may take.
	auditTime = 5 * time.Second
)

// reloading is what an App knows about its generations and the config file.
type reloading struct {
	one    chan struct{} // holds a value while a reload is under way
	broken atomic.Pointer[brokenConfig]
	tried  atomic.Pointer[string] // version that was tried last

	mu      sync.Mutex
	ctx     context.Context // engines live in it; nil before Run
	ended   bool
	last    error // of the engines that ran to the end
	work    sync.WaitGroup
	retired chan struct{} // one value for each generation that finishes
}

// A brokenConfig is a config file that could not be put in force.
type brokenConfig struct {
	version string
	text    string
	at      time.Time
}

func (r *reloading) init() {
	r.one, r.retired = make(chan struct{}, 1), make(chan struct{}, retiredMost)
}

// open lets the first generation run.
func (r *reloading) open(ctx context.Context, first *generation, a *App) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ctx = ctx
	first.start(ctx, a, &r.work, func(err error) { r.over(first, err, a) })
	r.tried.Store(&first.config.Version)
}

// over takes the last word of an engine.
func (r *reloading) over(g *generation, err error, a *App) { // after the last settle of g
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		err = fmt.Errorf("engine: %w", err)
		// What went wrong at the end of an earlier config, hours ago perhaps, is not how the program ends.
		if !g.retired || r.ctx.Err() != nil {
			r.last = errors.Join(r.last, err)
		}
		if r.ctx.Err() == nil {
			a.o.Log.Error("an engine ended with an error", "config", g.config.Version, "error", err)
		}
	}
	if g.retired {
		g.close()
		<-r.retired
		a.o.Log.Info("the previous config has finished what it had begun", "config", g.config.Version)
	}
}

// end waits until every generation has drained; nothing may begin any more.
func (r *reloading) end() error {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.work.Wait()
	return r.last
}

// A BrokenConfigError says why a config was not put in force. The old one is still there.
type BrokenConfigError struct{ Err error }

// Error says everything that is wrong, a line each.
func (e *BrokenConfigError) Error() string {
	return e.Err.Error() + "\nnothing was changed: the config that was in force still is"
}

// Unwrap returns what is wrong.
func (e *BrokenConfigError) Unwrap() error { return e.Err }

// Reload reads the config file anew for a person or reason, checks it as a whole and puts it in
// force. A config that is broken is reported once: in the log, the metrics, the activity; whoever asks
// again gets the same answer. The error is a [*BrokenConfigError], or says why a reload is not
// possible now.
func (a *App) Reload(ctx context.Context, by string) (api.Reloaded, error) {
	r := &a.reload
	select {
	case r.one <- struct{}{}:
		defer func() { <-r.one }()
	case <-ctx.Done():
		return api.Reloaded{}, fmt.Errorf("reload: another one is under way: %w", ctx.Err())
	}
	old := a.current.Load()
	if old.config.File == "" {
		return api.Reloaded{}, errors.New("reload: this bridge was not started from a config file")
	}
	version, next, err := a.prepare(ctx, old)
	r.tried.Store(&version)
	if err != nil {
		a.reportBroken(version, by, err)
		return api.Reloaded{}, &BrokenConfigError{err}
	}
	if err := a.succeed(ctx, old, next); err != nil {
		next.close()
		return api.Reloaded{}, err
	}
	r.broken.Store(nil)
	a.observer.reloaded(true)
	a.o.Log.Info("the config was read anew and is in force", "config", version, "previous", old.config.Version, "by", by)
	for _, w := range next.config.Warnings() {
		a.o.Log.Warn(w)
	}
	a.audit(by, "config "+version+" is in force; it was "+old.config.Version)
	return api.Reloaded{Config: version, Previous: old.config.Version, Warnings: next.config.Warnings()}, nil
}

// prepare makes the next generation without touching the one in force.
func (a *App) prepare(ctx context.Context, old *generation) (version string, _ *generation, err error) {
	data, err := os.ReadFile(old.config.File)
	if err != nil {
		return "", nil, err
	}
	version = versionOf(data)
	c, err := Parse(old.config.File, data)
	if err != nil {
		return version, nil, err
	}
	c.File = old.config.File
	if err := old.config.fixed(c); err != nil {
		return version, nil, err
	}
	if err := a.rights(c); err != nil {
		return version, nil, err
	}
	if err := a.fits(ctx, old, c); err != nil {
		return version, nil, err
	}
	p, err := build(c, a.o.Log, a.o.Now)
	if err != nil {
		return version, nil, err
	}
	g, err := a.generation(c, p)
	return version, g, err
}

// fixed says which changes need a restart.
func (c *Config) fixed(next *Config) error {
	n := next.node
	for _, f := range []struct {
		at       *config.Node
		old, new any
	}{
		{n.Key("server").Key("listen"), c.Server.Listen, next.Server.Listen},
		{n.Key("server").Key("replica"), c.Server.Replica, next.Server.Replica},
		{n.Key("server").Key("admin"), c.Server.Admin, next.Server.Admin},
		{n.Key("server").Key("tls"), c.Server.TLS != nil, next.Server.TLS != nil},
		{n.Key("server").Key("admin_tls"), c.Server.AdminTLS != nil, next.Server.AdminTLS != nil},
		{n.Key("store"), c.Store.place(), next.Store.place()},
	} {
		if !reflect.DeepEqual(f.old, f.new) {
			f.at.Problemf("restart the bridge, or take this change back and reload the others", "cannot change while the bridge runs")
		}
	}
	return n.Problems().Err()
}

// fits compares the section of SSP with SSP's contract, as `check` does. An SSP that cannot be asked, or
// whose contract did not fit before either, keeps no config out: its lanes wait, as after a start.
func (a *App) fits(ctx context.Context, old *generation, c *Config) error {
	if !old.parts.ssp.Contract().Open() && c.SSP.WSDL == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, contractPatience)
	defer cancel()
	problems, err := c.SSP.CheckContract(ctx, outbound.Options{Log: a.o.Log, Now: a.o.Now, UserAgent: "pergabridge"})
	if err != nil {
		a.o.Log.Warn("reload: SSP's contract was not compared", "error", err)
		return nil
	}
	return problems.Err()
}

// succeed lets next take over from old.
func (a *App) succeed(ctx context.Context, old, next *generation) error {
	r := &a.reload
	wait := time.NewTimer(reloadPatience)
	defer wait.Stop()
	select {
	case r.retired <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("reload: %w", ctx.Err())
	case <-wait.C:
		return fmt.Errorf("reload: deliveries under %d earlier configs have not ended yet; try again in a minute", retiredMost)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx == nil || r.ended {
		<-r.retired
		return errors.New("reload: the bridge is not serving")
	}
	if err := a.console.Use(a.adminOptions(next)); err != nil {
		<-r.retired
		return err
	}
	a.observer.SetDestinations(append([]string{bridge.SSP}, next.config.names()...))
	next.start(r.ctx, a, &r.work, func(err error) { r.over(next, err, a) })
	a.current.Store(next)
	old.retired = true
	old.retire()
	return nil
}

// versionOf identifies the text of a config.
func versionOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}

// reportBroken says once what is wrong.
func (a *App) reportBroken(version, by string, err error) {
	var path *fs.PathError
	if errors.As(err, &path) {
		version = "unreadable"
	}
	b := &brokenConfig{version: version, text: secret.Mask(err.Error()), at: a.o.Now()}
	last := a.reload.broken.Load()
	if last != nil && last.version == b.version && last.text == b.text {
		a.o.Log.Info("the config is broken as before; see the first report", "config", version, "since", last.at, "by", by)
		return
	}
	a.reload.broken.Store(b)
	a.observer.reloaded(false)
	lines := strings.Split(b.text, "\n")
	a.o.Log.Error("the config was read anew and is broken; the one in force stays", "broken", version, "config", a.current.Load().config.Version, "by", by, "problems", lines)
	a.audit(by, fmt.Sprintf("config %s is broken and was not put in force; %s stays: %s", version, a.current.Load().config.Version, lines[0]))
}

// audit records who made the bridge read its config, and how it ended.
func (a *App) audit(by, note string) {
	ctx, cancel := context.WithTimeout(context.Background(), auditTime)
	defer cancel()
	_, err := inForce{a}.Operate(ctx, bridge.Command{Verb: bridge.VerbConfigReload, Dest: checkConfig, Person: by, Note: note})
	if err != nil {
		a.o.Log.Error("the reload could not be recorded", "error", err, "by", by, "note", note)
	}
}

// configCheck fails while the file on disk is broken.
func (a *App) configCheck(context.Context) error {
	b := a.reload.broken.Load()
	if b == nil {
		return nil
	}
	first, more, _ := strings.Cut(b.text, "\n")
	if more != "" {
		first += " …"
	}
	return fmt.Errorf("the config file was changed and is broken (version %s, since %s); %s is in force: %s",
		b.version, b.at.UTC().Format("2006-01-02 15:04 UTC"), a.current.Load().config.Version, first)
}

// watchFile reloads when the file has changed and stands still, if the config in force asks for it.
func (a *App) watchFile(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	seen := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c := a.current.Load().config
		if !c.Server.ReloadOnChange || c.File == "" {
			continue
		}
		version := "" // unreadable: perhaps it is being replaced
		if data, err := os.ReadFile(c.File); err == nil {
			version = versionOf(data)
		}
		settled := version == seen // the same at two looks: nobody is writing it
		seen = version
		if !settled || version == *a.reload.tried.Load() {
			continue
		}
		if _, err := a.Reload(ctx, "file change"); err != nil && ctx.Err() == nil {
			var broken *BrokenConfigError
			if !errors.As(err, &broken) { // that is reported already
				a.o.Log.Warn("the changed config is not in force yet", "error", err)
				again := ""
				a.reload.tried.Store(&again)
			}
		}
	}
}
