package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

func want(dest string, n int) bridge.Want { return bridge.Want{Dest: dest, N: n} }

// step is one call of Settle by session s.
func (h *harness) step(s bridge.Session, results []bridge.Result, wants ...bridge.Want) bridge.Settled {
	h.t.Helper()
	got, err := h.store().Settle(h.ctx, s, results, wants)
	require.NoError(h.t, err)
	require.Len(h.t, got.Verdicts, len(results), "one verdict for each result")
	return got
}

// leases leases for the wants, in the session of the harness.
func (h *harness) leases(wants ...bridge.Want) []bridge.Lease {
	h.t.Helper()
	return h.step(h.me, nil, wants...).Leases
}

// lease leases the one event that is due at dest.
func (h *harness) lease(dest string) bridge.Lease {
	h.t.Helper()
	ls := h.leases(want(dest, 1))
	require.Len(h.t, ls, 1, "one event is due at %s", dest)
	return ls[0]
}

// leaseOf leases at dest and requires that it is this event.
func (h *harness) leaseOf(dest, id string) bridge.Lease {
	h.t.Helper()
	l := h.lease(dest)
	require.Equal(h.t, id, l.Event.ID, "the event leased at %s is a %s %q", dest, l.Event.Kind, l.Event.Text)
	return l
}

// idle requires that nothing can be leased at dest.
func (h *harness) idle(dest string) {
	h.t.Helper()
	ls := h.leases(want(dest, 10))
	require.Empty(h.t, ls, "nothing is due at %s", dest)
}

// result builds the result of a try that ends now.
func (h *harness) result(l bridge.Lease, o bridge.Outcome, then bridge.Then, due time.Time) bridge.Result {
	return bridge.Result{Lease: l, Outcome: o, Started: h.now(), Ended: h.now(), Then: then, Due: due, Config: "v1"}
}

// Outcomes of a try.
var (
	yes     = bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered, Status: 200}
	notSent = bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.NotSent}
	down    = bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Unavailable, Down: true, Status: 503}
	busy    = bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.ServerError, Status: 500}
	refused = bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.RefusedAnswer, Status: 400}
	silence = bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: bridge.NoAnswer}
)

// settle settles one lease that must still be ours.
func (h *harness) settle(l bridge.Lease, o bridge.Outcome, then bridge.Then, after time.Duration) bridge.Verdict {
	h.t.Helper()
	v := h.step(h.me, []bridge.Result{h.result(l, o, then, h.now().Add(after))}).Verdicts[0]
	require.False(h.t, v.Fenced, "the lease is ours")
	return v
}

// done settles one lease as delivered.
func (h *harness) done(l bridge.Lease) bridge.Verdict {
	h.t.Helper()
	return h.settle(l, yes, bridge.ThenDone, 0)
}

// doneWith settles one lease as delivered, with what the answer said.
func (h *harness) doneWith(l bridge.Lease, change func(*bridge.Outcome)) bridge.Verdict {
	h.t.Helper()
	o := yes
	change(&o)
	return h.settle(l, o, bridge.ThenDone, 0)
}

// bonded settles one lease as delivered; the answer carries the reference.
func (h *harness) bonded(l bridge.Lease, reference string) bridge.Verdict {
	h.t.Helper()
	return h.doneWith(l, func(o *bridge.Outcome) { o.Reference = reference })
}

// retry settles one lease as surely not applied, due again after d.
func (h *harness) retry(l bridge.Lease, d time.Duration) bridge.Verdict {
	h.t.Helper()
	return h.settle(l, notSent, bridge.ThenRetry, d)
}

// unknown settles one lease as unknown, due again after d.
func (h *harness) unknown(l bridge.Lease, d time.Duration) bridge.Verdict {
	h.t.Helper()
	return h.settle(l, silence, bridge.ThenWait, d)
}

// park settles one lease as refused and stops its lane.
func (h *harness) park(l bridge.Lease) bridge.Verdict {
	h.t.Helper()
	return h.settle(l, refused, bridge.ThenPark, 0)
}

// skip settles one lease as refused and lets its lane go on.
func (h *harness) skip(l bridge.Lease) bridge.Verdict {
	h.t.Helper()
	return h.settle(l, refused, bridge.ThenSkip, 0)
}

// deliver leases at dest, requires that it is this event, and settles it as delivered.
func (h *harness) deliver(dest, id string) {
	h.t.Helper()
	h.done(h.leaseOf(dest, id))
}

// drain delivers everything that is due at dest and returns it in the order of delivery.
func (h *harness) drain(dest string) []bridge.Event {
	h.t.Helper()
	var es []bridge.Event
	for range 1000 {
		ls := h.leases(want(dest, 1))
		if len(ls) == 0 {
			return es
		}
		h.done(ls[0])
		es = append(es, ls[0].Event)
	}
	require.FailNow(h.t, "the lanes of "+dest+" never become empty")
	return nil
}

// drainIDs is drain for tests that compare ids.
func (h *harness) drainIDs(dest string) []string {
	h.t.Helper()
	ids := []string{}
	for _, e := range h.drain(dest) {
		ids = append(ids, e.ID)
	}
	return ids
}

// acknowledge delivers the acknowledge that is due and returns its id.
func (h *harness) acknowledge(reference string) string {
	h.t.Helper()
	l := h.lease(bridge.SSP)
	require.Equal(h.t, bridge.Acknowledge, l.Event.Kind)
	require.Equal(h.t, reference, l.Event.Reference)
	h.done(l)
	return l.Event.ID
}

// pending submits a task to acme; the provider takes it without telling its reference.
func (h *harness) pending(task string) string {
	h.t.Helper()
	id := h.queue(h.out(bridge.Submit, task))
	h.deliver(acme, id)
	return id
}

// open submits a task to acme and makes its bond; both lanes are empty afterwards.
func (h *harness) open(task, reference string) string {
	h.t.Helper()
	return h.openAt(acme, task, reference)
}

func (h *harness) openAt(provider, task, reference string) string {
	h.t.Helper()
	id := h.queue(h.out(bridge.Submit, task, at(provider)))
	h.bonded(h.leaseOf(provider, id), reference)
	h.acknowledge(reference)
	return id
}

// resolved opens a bond and delivers a solution.
func (h *harness) resolved(task, reference string) {
	h.t.Helper()
	h.open(task, reference)
	h.deliver(bridge.SSP, h.queue(h.in(bridge.Resolve, task)))
}

// closed opens a bond and closes the task.
func (h *harness) closed(task, reference string) {
	h.t.Helper()
	h.open(task, reference)
	h.deliver(acme, h.queue(h.out(bridge.Close, task)))
}

// superseded opens a bond and submits its task to beta.
func (h *harness) superseded(task, reference string) {
	h.t.Helper()
	h.open(task, reference)
	id := h.queue(h.out(bridge.Submit, task, at(beta)))
	h.bonded(h.leaseOf(beta, id), "B-"+reference)
	h.acknowledge("B-" + reference)
}
