package soap

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
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
	source describer // nil: assumed
	want   []wsdl.Operation
	now    func() time.Time
	log    *slog.Logger

	mu    sync.Mutex
	state ContractState
	busy  chan struct{} // closed when the check under way has ended; nil if there is none
}

// pass reports whether a call may be made, and otherwise what the delivery ends as.
func (g *gate) pass(ctx context.Context) (bridge.Outcome, bool) {
	s, err := g.current(ctx)
	if err != nil {
		return bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Canceled, Detail: "stopped while the contract was checked"}, false
	}
	if s.Open() {
		return bridge.Outcome{}, true
	}
	return bridge.Outcome{
		Kind:   bridge.OutcomeRetry,
		Reason: s.Reason(),
		Detail: s.String(),
		After:  max(s.Next.Sub(g.now()), time.Second),
		Down:   true,
	}, false
}

// current returns the state, checking it first when that is due. While a bound contract is checked
// again, others go on under it; while there is none, they wait.
func (g *gate) current(ctx context.Context) (ContractState, error) {
	for {
		g.mu.Lock()
		if g.source == nil || g.now().Before(g.state.Next) || g.busy != nil && g.state.Open() {
			defer g.mu.Unlock()
			return g.state, nil
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
			return ContractState{}, ctx.Err()
		}
	}
}

// check looks at the contract now. The caller has set busy.
func (g *gate) check(ctx context.Context) (ContractState, error) {
	status, problems := g.look(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.busy)
	g.busy = nil
	if err := ctx.Err(); err != nil {
		return ContractState{}, err // it says nothing about the contract
	}
	now := g.now()
	old := g.state.Status
	wait := checkOpen
	switch {
	case status == ContractUnreachable && old == ContractBound:
		status, wait = ContractBound, checkClosed
	case status != ContractBound:
		wait = checkClosed
	}
	if status != old {
		g.state.Since = now
		level := slog.LevelInfo
		if status != ContractBound {
			level = slog.LevelError
		}
		g.log.Log(ctx, level, "ssp: contract "+string(status), "source", g.state.Source, "problems", problems)
	}
	g.state.Status, g.state.Problems, g.state.Checked, g.state.Next = status, problems, now, now.Add(wait)
	return g.snapshot(), nil
}

func (g *gate) look(ctx context.Context) (ContractStatus, []string) {
	data, contentType, err := g.source.describe(ctx)
	if err != nil {
		return ContractUnreachable, []string{err.Error()}
	}
	d, err := wsdl.Read(data, contentType)
	if err != nil {
		return ContractUnreachable, []string{err.Error()}
	}
	if problems := compare(d, g.want); len(problems) > 0 {
		return ContractChanged, problems
	}
	return ContractBound, nil
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
