package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Bounds of what is recorded of one try, in bytes.
const (
	maxDetail  = 4 << 10
	maxExcerpt = 8 << 10
)

// holdSlack is by how much a wait for evidence may be shorter: a result is recorded a little later
// than the time from which its next try was computed.
const holdSlack = 2 * time.Second

// attempt makes one try at delivering l and says what follows from it.
func (e *Engine) attempt(ctx context.Context, d *dest, l bridge.Lease) bridge.Result {
	ctx, cancel := context.WithTimeout(ctx, e.o.DeliverLimit)
	defer cancel()
	r := bridge.Result{Lease: l, Started: e.o.Now(), Config: e.o.ConfigVersion}
	start := time.Now()
	next := e.try(ctx, d, &l, &r.Outcome)
	r.Ended, r.Then, r.Due = e.o.Now(), next.then, next.due
	e.tidy(&r)
	e.o.Observer.Attempt(Attempt{
		Dest: d.Name, Provider: l.Event.Provider, Kind: l.Event.Kind, Outcome: r.Outcome.Kind, Reason: r.Outcome.Reason,
		Then: r.Then, N: l.Attempt, Took: time.Since(start), Age: r.Ended.Sub(l.Event.Received),
	})
	return r
}

// try goes through the steps of the package documentation, "One try".
func (e *Engine) try(ctx context.Context, d *dest, l *bridge.Lease, o *bridge.Outcome) decision {
	if d.Observe {
		*o = observe(d, l)
		return decision{then: bridge.ThenDone}
	}
	cleared := false
	canFind := d.canFind(l.Event.Kind)
	if l.Unknown {
		u := d.Policy.Unknown[l.Event.Kind]
		evidence := u.evidenceTime(canFind)
		evidence -= min(holdSlack, evidence/4)
		if until := l.UnknownSince.Add(evidence); e.o.Now().Before(until) {
			*o = bridge.Outcome{
				Kind: bridge.OutcomeUnknown, Reason: e.earlier(ctx, l), Untried: true,
				Detail: "an earlier try may have had its effect; waiting for evidence before it is repeated",
			}
			return decision{bridge.ThenWait, until}
		}
		found, settled := e.find(ctx, d, l, o, canFind)
		if settled != nil {
			return *settled
		}
		if cleared = found == bridge.NotThere; !cleared && u.Then == bridge.ThenPark {
			return decision{then: bridge.ThenPark}
		}
	}
	if !deliver(ctx, d.Dest, *l, o) {
		return decision{then: bridge.ThenPark}
	}
	complete(o)
	return d.Policy.decide(l, o, e.o.Now(), e.o.Rand(), canFind, cleared)
}

// deliver calls the destination; it returns false when that panicked.
func deliver(ctx context.Context, d bridge.Destination, l bridge.Lease, o *bridge.Outcome) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			*o = bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: bridge.InternalError, Detail: panicText(p)}
		}
	}()
	*o = d.Deliver(ctx, l)
	return true
}

// complete makes an outcome that a destination left half empty usable.
func complete(o *bridge.Outcome) {
	standard := map[bridge.OutcomeKind]bridge.Reason{
		bridge.OutcomeDone: bridge.Delivered, bridge.OutcomeRetry: bridge.NotSent,
		bridge.OutcomeRefused: bridge.RefusedAnswer, bridge.OutcomeUnknown: bridge.NoAnswer,
	}
	if _, ok := standard[o.Kind]; !ok {
		o.Detail = strings.TrimSpace(fmt.Sprintf("the destination gave no outcome (%q) %s", o.Kind, o.Detail))
		o.Kind, o.Reason = bridge.OutcomeUnknown, bridge.InternalError
	}
	if o.Reason == "" {
		o.Reason = standard[o.Kind]
	}
}

// find looks l up where that is possible. A decision settles the lease without another delivery;
// without one, o says why nothing could tell.
func (e *Engine) find(ctx context.Context, d *dest, l *bridge.Lease, o *bridge.Outcome, canFind bool) (bridge.FoundAnswer, *decision) {
	if !canFind {
		*o = bridge.Outcome{
			Kind: bridge.OutcomeUnknown, Reason: e.earlier(ctx, l), Untried: true,
			Detail: "an earlier try may have had its effect, and nothing can tell whether it had",
		}
		return bridge.CannotTell, nil
	}
	found, err := lookUp(ctx, d.finder, *l)
	switch {
	case err != nil:
		*o = bridge.Outcome{
			Kind: bridge.OutcomeUnknown, Reason: bridge.LookupFailed, Down: isDown(err),
			Detail: "an earlier try may have had its effect; the look-up failed: " + err.Error(),
		}
		if ctx.Err() != nil {
			return bridge.CannotTell, &decision{bridge.ThenWait, e.o.Now()}
		}
		if d.Policy.exhausted(l, o) {
			return bridge.CannotTell, &decision{then: bridge.ThenPark}
		}
		return bridge.CannotTell, &decision{bridge.ThenWait, e.o.Now().Add(max(LookupDelay, d.Policy.pause(l, o, e.o.Rand())))}
	case found.Answer == bridge.IsThere:
		*o = bridge.Outcome{
			Kind: bridge.OutcomeDone, Reason: bridge.ByEvidence, Reference: found.Reference,
			Detail: "an earlier try had its effect: the look-up found it",
		}
		return found.Answer, &decision{then: bridge.ThenDone}
	}
	*o = bridge.Outcome{
		Kind: bridge.OutcomeUnknown, Reason: bridge.LookupFailed,
		Detail: "an earlier try may have had its effect, and the look-up cannot tell",
	}
	return found.Answer, nil
}

// lookUp is Find without its panics.
func lookUp(ctx context.Context, f bridge.Finder, l bridge.Lease) (found bridge.Found, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New(panicText(p))
		}
	}()
	return f.Find(ctx, l)
}

// isDown reports whether a failed look-up says something about the whole destination.
func isDown(err error) bool {
	if d, ok := errors.AsType[interface {
		error
		Down() bool
	}](err); ok {
		return d.Down()
	}
	_, ok := errors.AsType[net.Error](err)
	return ok
}

// earlier returns why the last try of unknown outcome left l unknown.
func (e *Engine) earlier(ctx context.Context, l *bridge.Lease) bridge.Reason {
	_, attempts, err := e.o.Store.Event(ctx, l.Event.ID)
	if err == nil {
		for i := len(attempts) - 1; i >= 0; i-- {
			if a := &attempts[i]; a.Outcome == bridge.OutcomeUnknown && a.Reason != "" {
				return a.Reason
			}
		}
	}
	return bridge.LeaseExpired // what leaves no record of its own
}

// observe records what would be sent.
func observe(d *dest, l *bridge.Lease) (o bridge.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Observed, Detail: "mode observe: sending would fail: " + panicText(p)}
		}
	}()
	o = bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Observed, Detail: "mode observe: nothing was sent"}
	if d.renderer == nil {
		return o
	}
	request, err := d.renderer.Render(*l)
	if err != nil {
		o.Detail = "mode observe: sending would fail: " + err.Error()
	}
	o.Request = request
	return o
}

// tidy masks and bounds what is recorded of a try, and completes what came with the answer.
func (e *Engine) tidy(r *bridge.Result) {
	o, ev := &r.Outcome, &r.Lease.Event
	if len(o.Reference) > MaxID {
		o.Detail = fmt.Sprintf("the answer's reference has %d bytes and was not taken; %s", len(o.Reference), o.Detail)
		o.Reference = ""
	}
	if len(o.Comment) > MaxID {
		o.Comment = ""
	}
	o.Detail = cut(secret.Mask(o.Detail), maxDetail)
	o.Request = cut(secret.Mask(o.Request), maxExcerpt)
	o.Answer = cut(secret.Mask(o.Answer), maxExcerpt)
	o.Reference = strings.TrimSpace(strings.ToValidUTF8(o.Reference, "\uFFFD"))
	if o.Reference != "" && o.RefKey == "" {
		o.RefKey = bridge.ReferenceKey(o.Reference, e.o.CaseSensitive[ev.Provider])
	}
	follow := make([]bridge.Event, 0, len(o.Follow))
	for _, f := range o.Follow {
		if f.Provider == "" {
			f.Provider = ev.Provider
		}
		if f.Task == "" && f.Reference == "" && f.Provider == ev.Provider {
			f.Task = ev.Task
		}
		if f.Dir == "" {
			f.Dir = ev.Dir.Opposite()
		}
		if f.Entrance == "" {
			f.Entrance = bridge.ByFollowUp
		}
		if f.Trace == "" {
			f.Trace = ev.Trace
		}
		ready, err := e.prepare([]bridge.Event{f})
		if err != nil { // a bug of the destination; what it delivered stays delivered
			o.Detail = cut(fmt.Sprintf("%s; an event that came with the answer was not taken: %v", o.Detail, err), maxDetail)
			continue
		}
		follow = append(follow, ready...)
	}
	o.Follow = follow
	if len(follow) == 0 {
		o.Follow = nil
	}
}

// panicText says what happened and where, short enough for a record.
func panicText(p any) string {
	stack := string(debug.Stack())
	if i := strings.Index(stack, "panic("); i >= 0 {
		stack = stack[i:]
	}
	return fmt.Sprintf("panic: %v\n%s", p, cut(stack, 1500))
}
