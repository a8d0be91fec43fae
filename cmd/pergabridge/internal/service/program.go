package service

import (
	"context"
	"errors"
	"sync"
	"time"

	kardianos "github.com/kardianos/service"
)

// startPatience bounds how long the Service Control Manager is kept waiting for the first start; it
// loses patience itself after 30 s. A migration of a large ledger goes on after that.
const startPatience = 20 * time.Second

// A Body is what a service does: it runs until ctx ends, and calls ready once it serves.
type Body func(ctx context.Context, ready func()) error

// A Program runs a [Body] under the Windows service manager.
type Program struct {
	Body Body
	// Lasting reports whether an error will be the same at the next start: a wrong config, not a
	// store that does not answer yet.
	Lasting func(error) bool
	// Report writes an error where administrators look: the event log.
	Report func(error)
	// Die ends the process so that the recovery actions start it again.
	Die func()

	patience time.Duration
	cancel   context.CancelFunc
	done     chan struct{}
	err      error // valid after done
	mu       sync.Mutex
	stopping bool
}

var errEnded = errors.New("service: the bridge ended without being asked to")

// Start implements [kardianos.Interface]: it returns once the bridge serves, or takes long and has not
// failed. An error from here ends the service for good; failures that may pass end the process.
func (p *Program) Start(kardianos.Service) error {
	if p.patience == 0 {
		p.patience = startPatience
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel, p.done = cancel, make(chan struct{})
	ready := make(chan struct{})
	go func() {
		defer close(p.done)
		p.err = p.Body(ctx, sync.OnceFunc(func() { close(ready) }))
		if p.err == nil {
			p.err = errEnded
		}
	}()
	t := time.NewTimer(p.patience)
	defer t.Stop()
	select {
	case <-ready:
	case <-t.C:
	case <-p.done:
		if p.Lasting(p.err) {
			p.Report(p.err)
			return p.err
		}
	}
	go p.watch()
	return nil
}

// watch deals with a body that ends by itself.
func (p *Program) watch() {
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		return
	}
	p.Report(p.err)
	p.Die()
}

// Stop implements [kardianos.Interface]: it returns when everything is delivered or kept.
func (p *Program) Stop(kardianos.Service) error {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	p.cancel()
	<-p.done
	if errors.Is(p.err, errEnded) {
		return nil
	}
	return p.err
}
