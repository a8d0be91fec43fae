package soap

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/soap/binding"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// How often the contract is looked at.
const (
	checkOpen   = 15 * time.Minute
	checkClosed = 20 * time.Second
)

// A gate lets calls through while the contract holds. Checks are made by the deliveries that come
// by, one at a time; there is nothing to start or stop.
type gate struct {
	source wsdl.Source // nil: assumed
	// bind compares the description with what is to be called. The contract is nil for the default
	// one, which the generated client speaks.
	bind    func(*wsdl.Document) (c *binding.Contract, fingerprint string, problems []string)
	assumed *binding.Contract // what the config alone gives; nil for the default contract
	now     func() time.Time
	log     *slog.Logger

	mu       sync.Mutex
	state    ContractState
	contract *binding.Contract // while the state is bound
	busy     chan struct{}     // closed when the check under way has ended; nil if there is none
}

func newGate(c Config, client doer, d Deps) (*gate, error) {
	g := &gate{now: d.Now, log: d.Log, assumed: assume(c)}
	var err error
	if g.bind, err = newBinder(c); err != nil {
		return nil, err
	}
	if g.source, err = newSource(c, client); err != nil {
		return nil, err
	}
	if g.source == nil {
		g.state = ContractState{Status: ContractAssumed}
		return g, nil
	}
	g.state = ContractState{Status: ContractUnchecked, Source: fmt.Sprint(g.source)}
	return g, nil
}

// newSource returns where the description comes from; nil if nobody is to look.
func newSource(c Config, client doer) (wsdl.Source, error) {
	switch {
	case c.Contract == Assumed:
		return nil, nil
	case c.WSDL != "":
		return fromFile(c.WSDL), nil
	}
	s, err := newFromURL(client, c.URL, newExplainer(c.Outbound))
	if err != nil {
		return nil, err
	}
	return s, nil
}

// pass reports whether a call may be made, and otherwise what the delivery ends as.
func (g *gate) pass(ctx context.Context) (*binding.Contract, bridge.Outcome, bool) {
	c, s, err := g.current(ctx)
	if err != nil {
		return nil, bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Canceled, Detail: "stopped while the contract was checked"}, false
	}
	if s.Open() {
		return c, bridge.Outcome{}, true
	}
	return nil, bridge.Outcome{
		Kind:   bridge.OutcomeRetry,
		Reason: s.Reason(),
		Detail: s.String(),
		After:  max(s.Next.Sub(g.now()), time.Second),
		Down:   true,
	}, false
}

// current returns contract and state, checking first when that is due. While a bound contract is checked
// again, others go on under it; while there is none, they wait.
func (g *gate) current(ctx context.Context) (*binding.Contract, ContractState, error) {
	for {
		g.mu.Lock()
		if g.source == nil || g.now().Before(g.state.Next) || g.busy != nil && g.state.Open() {
			defer g.mu.Unlock()
			if g.source == nil {
				return g.assumed, g.snapshot(), nil
			}
			return g.contract, g.snapshot(), nil
		}
		busy := g.busy
		if busy == nil {
			g.busy = make(chan struct{})
			g.mu.Unlock()
			return g.check(ctx)
		}
		g.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ContractState{}, ctx.Err()
		}
	}
}

// check looks at the contract now. The caller has set busy, which is released however the look ends:
// the engine survives a panic of a destination, and those that wait here must survive it too.
func (g *gate) check(ctx context.Context) (*binding.Contract, ContractState, error) {
	defer g.release()
	status, contract, fingerprint, problems := g.look(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, ContractState{}, err // it says nothing about the contract
	}
	now := g.now()
	old := g.state.Status
	wait := checkOpen
	switch {
	case status == ContractUnreachable && old == ContractBound:
		status, wait = ContractBound, checkClosed
		contract, fingerprint = g.contract, g.state.Fingerprint
	case status != ContractBound:
		wait = checkClosed
	}
	g.contract, g.state.Fingerprint = contract, fingerprint
	if status != old {
		g.state.Since = now
		level := slog.LevelInfo
		if status != ContractBound {
			level = slog.LevelError
		}
		g.log.Log(ctx, level, "ssp: contract "+string(status), "source", g.state.Source, "problems", problems)
	}
	g.state.Status, g.state.Problems, g.state.Checked, g.state.Next = status, problems, now, now.Add(wait)
	return g.contract, g.snapshot(), nil
}

func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.busy)
	g.busy = nil
}

func (g *gate) look(ctx context.Context) (ContractStatus, *binding.Contract, string, []string) {
	d, err := wsdl.Load(ctx, g.source)
	if err != nil {
		return ContractUnreachable, nil, "", []string{err.Error()}
	}
	c, fingerprint, problems := g.bind(d)
	if len(problems) > 0 {
		return ContractChanged, nil, fingerprint, problems
	}
	return ContractBound, c, fingerprint, nil
}

// contractOrAssumed returns the contract for a preview, and whether it is the one that calls would be
// made by.
func (g *gate) contractOrAssumed() (*binding.Contract, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.contract != nil {
		return g.contract, true
	}
	return g.assumed, g.assumed == nil || g.source == nil
}

// doubt makes the next delivery look at the contract again.
func (g *gate) doubt() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.source != nil && g.state.Status == ContractBound {
		g.state.Next = time.Time{}
	}
}

// expire makes the next look due now.
func (g *gate) expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state.Next = time.Time{}
}

func (g *gate) get() ContractState {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.snapshot()
}

func (g *gate) snapshot() ContractState {
	s := g.state
	s.Problems = slices.Clone(s.Problems)
	return s
}
